"""The kernel's side of a worker: start it, call it, bound it, end it."""

from __future__ import annotations

import contextlib
import os
import pickle
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import deploy_magics
from deploy_magics.errors import WorkerError
from deploy_magics.temporary import Folder
from deploy_magics.workers.environment import PARENT
from deploy_magics.workers.memory import memory_bound

_POLL_S = 0.05
# Windows has neither these, nor their signals, nor a way to wait for a pipe with a time limit.
_HAS_PROCESS_GROUPS = hasattr(os, "killpg")
# To find a process's children, all processes are looked through; that is too much work for every turn.
_FAMILY_S = 1.0
_ANSWER_BYTES = 2**30
# What is smaller is not worth a look at what is free.
_SMALL_BYTES = 2**20
# What closed the pipe is ending, or has lost its mind.
_ENDING_S = 1.0
_LEAST_DISK = 2**20
_LOG_TAIL = 2000
# ONNX Runtime from 1.29 reports to its maker over the network, and leaves an identifier on the disk, unless told not to
# before it is loaded; a user's own setting stands.
# Threads of libgomp (ncnn's, PyTorch's) spin for 10 ms after a run, into what is measured next; so many turns take
# 0.2 ms, and ncnn then runs SqueezeNet on two threads in 3.80 ms, in 3.76 without.
_DEFAULTS = {"ORT_DISABLE_TELEMETRY": "1", "GOMP_SPINCOUNT": "10000"}


class WorkerCrashed(WorkerError):
    """The process ended in the middle of a call: a signal, an abort, an exit."""


class WorkerTimeout(WorkerError):
    """A call outlasted its bound; the process was ended."""


class WorkerOutOfMemory(WorkerError):
    """A call took more memory than its bound; the process was ended."""


class Worker:
    """A process of its own that runs importable functions, one at a time.

    Parameters
    ----------
    name : str
        What it is for, as the subject of error lines: ``"onnxsim"``.
    memory : int, optional
        Bound on the resident memory of it and its children in bytes; None for no bound.
    env : Mapping[str, str], optional
        Environment variables to set or change. ``TMPDIR`` is a folder of its own, removed when it is closed: what is
        killed cannot clean up, and libraries leave caches and profiles behind.
    answer : int, optional
        Bound on one answer in bytes. By default half of what :func:`memory_bound` gives, since an answer is here twice
        while it is unpacked, and at most 1 GiB.

    Raises
    ------
    WorkerError
        Where no process can be started, as on Windows.

    Notes
    -----
    Resident memory is read every 50 ms from outside, since an address-space limit (``RLIMIT_AS``) also counts what
    runtimes reserve and never touch.

    Examples
    --------
    >>> with Worker("adder") as worker:
    ...     worker.call("operator:add", 1, 2)
    3
    """

    def __init__(
        self,
        name: str,
        *,
        memory: int | None = None,
        env: Mapping[str, str] | None = None,
        answer: int | None = None,
    ) -> None:
        if not _HAS_PROCESS_GROUPS:
            raise WorkerError("deploy_magics runs on Linux and macOS", hint="on Windows use WSL")
        self.name = name
        self.memory = memory
        self._answer = answer
        try:
            self._folder = Folder()
            self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the worker
        except OSError as error:
            raise WorkerError(f"{name}: no temporary file could be made: {error.strerror or error}") from None
        # The worker must find this package and whatever the caller can import, from wherever it was started.
        root = str(Path(deploy_magics.__file__).parent.parent)
        path = os.pathsep.join([root, *(p for p in sys.path if p)])
        parent = {PARENT: str(os.getpid())} if threading.current_thread() is threading.main_thread() else {}
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "deploy_magics.workers.child"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                env={
                    **_DEFAULTS,
                    **os.environ,
                    "PYTHONPATH": path,
                    "TMPDIR": str(self._folder.path),
                    **parent,
                    **(env or {}),
                },
                start_new_session=True,
            )
        except OSError as error:
            self._log.close()
            self._folder.close()
            raise WorkerError(f"{name}: no process could be started: {error.strerror or error}") from None
        self._checked = 0.0
        self._family: list[Any] = []
        self._family_at = 0.0
        self._pending = bytearray()
        self._cpu_s = 0.0
        self._deadline: float | None = None
        self._bound: float | None = None

    def call(self, target: str, *args: Any, timeout: float | None = None, **kwargs: Any) -> Any:
        """Run ``"package.module:function"`` there and give what it returns.

        Parameters
        ----------
        target : str
            An importable function.
        *args, **kwargs
            Its arguments; they and the value travel as pickles.
        timeout : float, optional
            Seconds after which the worker is ended.

        Raises
        ------
        DeployError
            Raised there, raised here.
        WorkerCrashed, WorkerTimeout, WorkerOutOfMemory
            The process is gone.
        WorkerError
            The function raised anything else.
        """
        self.send(target, *args, timeout=timeout, **kwargs)
        return self.receive()

    def send(self, target: str, *args: Any, timeout: float | None = None, **kwargs: Any) -> None:
        """Start a call without waiting for its value; see :meth:`receive`."""
        body = pickle.dumps((target, args, kwargs), protocol=pickle.HIGHEST_PROTOCOL)
        self._bound = timeout
        self._deadline = None if timeout is None else time.monotonic() + timeout
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(len(body).to_bytes(8, "little") + body)
            self._process.stdin.flush()
        except (BrokenPipeError, ValueError):
            raise self._crashed() from None

    def receive(self) -> Any:
        """Wait for the value of the call sent last; raises as :meth:`call` does."""
        try:
            kind, payload = pickle.loads(self._frame())
        except MemoryError:
            self.close()
            raise WorkerOutOfMemory(f"{self.name} gave an answer that does not fit into memory here") from None
        if kind == "value":
            return payload
        if kind == "error":
            raise payload
        if kind == "memory":
            raise WorkerOutOfMemory(f"{self.name} ran out of memory")
        name, text, trace = payload
        error = WorkerError(f"{self.name} failed: {name}: {text}"[:500])
        error.add_note(trace)
        raise error

    def past_bounds(self) -> bool:
        """Tell whether the call sent last has outlasted its time or passed the memory bound; :meth:`receive` raises."""
        if self._deadline is not None and time.monotonic() > self._deadline:
            return True
        if self.memory is None or time.monotonic() - self._checked < _POLL_S:
            return False
        self._checked = time.monotonic()
        return self._resident() > self.memory

    def fileno(self) -> int:
        """Give the descriptor at which its answer arrives; -1 when it is closed."""
        stream = self._process.stdout
        return -1 if stream is None or stream.closed else stream.fileno()

    @property
    def pid(self) -> int:
        """Process number."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        self._read_cpu()
        return self._process.poll() is None

    @property
    def cpu_s(self) -> float:
        """Processor time in seconds that it took, until now or until it ended, however that was."""
        self._read_cpu()
        return self._cpu_s

    def log(self) -> str:
        """Give the end of what it and its libraries printed."""
        if self._log.closed:
            return ""
        end = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, end - _LOG_TAIL))
        return self._log.read().decode("utf-8", "replace")

    def close(self) -> None:
        """End the process and its children, whatever they are doing; harmless when repeated."""
        self._read_cpu()
        if self._process.poll() is None:
            # It leads a session of its own, so this reaches compilers it may have started.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        self._log.close()
        self._folder.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _frame(self) -> bytearray:
        """Read one answer, watching the clock and the memory meanwhile."""
        assert self._process.stdout is not None
        handle = self._process.stdout.fileno()
        judged = False
        with selectors.DefaultSelector() as selector:
            selector.register(handle, selectors.EVENT_READ)
            try:
                while True:
                    if len(self._pending) >= 8:
                        size = int.from_bytes(self._pending[:8], "little")
                        if not judged:
                            self._check_answer(size)
                            judged = True
                        if len(self._pending) >= 8 + size:
                            body = self._pending[8 : 8 + size]
                            del self._pending[: 8 + size]
                            return body
                    if selector.select(_POLL_S):
                        chunk = os.read(handle, 1 << 20)
                        if not chunk:
                            raise self._crashed()
                        self._pending += chunk
                    # Also while an answer trickles in.
                    if time.monotonic() - self._checked >= _POLL_S:
                        self._check_bounds()
                        self._checked = time.monotonic()
            except KeyboardInterrupt:
                self.close()
                raise

    def _check_answer(self, size: int) -> None:
        """Refuse an answer by its length, before any of it takes memory here."""
        if self._answer is not None:
            most = self._answer
        else:
            most = _SMALL_BYTES if size <= _SMALL_BYTES else min(_ANSWER_BYTES, memory_bound() // 2)
        if size > most:
            self.close()
            raise WorkerOutOfMemory(
                f"{self.name} gave an answer of {size / 2**20:.0f} MiB where {most / 2**20:.0f} MiB fit, and was ended"
            )

    def _resident(self) -> int:
        """Give the resident memory of the process and its children in bytes; what they share counts for each."""
        import psutil

        now = time.monotonic()
        if not self._family or now - self._family_at >= _FAMILY_S:
            with contextlib.suppress(psutil.Error):
                leader = psutil.Process(self._process.pid)
                self._family, self._family_at = [leader, *leader.children(recursive=True)], now
        used = 0
        for member in self._family:
            with contextlib.suppress(psutil.Error):
                used += int(member.memory_info().rss)
        return used

    def _check_bounds(self) -> None:
        if self._deadline is not None and time.monotonic() > self._deadline:
            self.close()
            raise WorkerTimeout(f"{self.name} took longer than {self._bound:g} s and was ended")
        if self.memory is not None:
            used = self._resident()
            if used > self.memory:
                self.close()
                raise WorkerOutOfMemory(
                    f"{self.name} took more than {self.memory / 2**20:.0f} MiB of memory and was ended"
                )

    def _read_cpu(self) -> None:
        """Read the processor time, which the system keeps until the process has been waited for."""
        if self._process.returncode is not None:
            return
        import psutil

        with contextlib.suppress(psutil.Error):
            times = psutil.Process(self._process.pid).cpu_times()
            self._cpu_s = max(self._cpu_s, times.user + times.system)

    def _crashed(self) -> WorkerCrashed:
        self._read_cpu()
        try:
            code: int | None = self._process.wait(_ENDING_S)
        except subprocess.TimeoutExpired:
            code = None
        last = self.log().strip().splitlines()[-1:] or [_silence()]
        self.close()
        if code is None:
            how = "closed its pipes without ending, and was ended"
        elif code < 0:
            try:
                how = f"was ended by {signal.Signals(-code).name}"
            except ValueError:
                how = f"was ended by signal {-code}"
        else:
            how = f"ended with status {code}"
        return WorkerCrashed(f"{self.name} crashed: its process {how} ({last[0][:200]})")


def _silence() -> str:
    """Say what may be behind a process that ended without a word: its words go to a file."""
    place = tempfile.gettempdir()
    full = shutil.disk_usage(place).free < _LEAST_DISK
    return f"the disk that holds {place!r} is full" if full else "it printed nothing"


def ready(workers: Sequence[Worker], timeout: float) -> list[Worker]:
    """Wait until an answer arrives from one of several workers.

    Parameters
    ----------
    workers : sequence of Worker
        Each with a call sent and not received.
    timeout : float
        Seconds to wait at most.

    Returns
    -------
    list of Worker
        Those for which :meth:`Worker.receive` does not wait: an answer has begun to arrive, the process has ended, or
        it is past its bounds. Empty where the time is over.
    """
    end = time.monotonic() + timeout
    with selectors.DefaultSelector() as selector:
        found = [worker for worker in workers if worker.fileno() < 0]
        for worker in workers:
            if worker not in found:
                selector.register(worker.fileno(), selectors.EVENT_READ, worker)
        while not found:
            left = end - time.monotonic()
            found = [key.data for key, _ in selector.select(max(0.0, min(_POLL_S, left)))]
            found += [worker for worker in workers if worker not in found and worker.past_bounds()]
            if left <= 0:
                break
    return found
