"""The kernel's side of a worker: start it, call it, bound it, end it."""

from __future__ import annotations

import contextlib
import os
import pickle
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import deploy_magics
from deploy_magics.errors import WorkerError
from deploy_magics.workers.environment import PARENT

_POLL_S = 0.05
_LOG_TAIL = 2000
# ONNX Runtime from 1.29 reports to its maker over the network, and leaves an identifier on the disk, unless told not to
# before it is loaded; a user's own setting stands.
_DEFAULTS = {"ORT_DISABLE_TELEMETRY": "1"}


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
        Bound on its resident memory in bytes; None for no bound.
    env : Mapping[str, str], optional
        Environment variables to set or change.

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

    def __init__(self, name: str, *, memory: int | None = None, env: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.memory = memory
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the worker
        # The worker must find this package and whatever the caller can import, from wherever it was started.
        root = str(Path(deploy_magics.__file__).parent.parent)
        path = os.pathsep.join([root, *(p for p in sys.path if p)])
        parent = {PARENT: str(os.getpid())} if threading.current_thread() is threading.main_thread() else {}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "deploy_magics.workers.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env={**_DEFAULTS, **os.environ, "PYTHONPATH": path, **parent, **(env or {})},
            start_new_session=True,
        )
        self._pending = bytearray()
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
        kind, payload = pickle.loads(self._frame())
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

    @property
    def pid(self) -> int:
        """Process number."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def log(self) -> str:
        """Give the end of what it and its libraries printed."""
        if self._log.closed:
            return ""
        end = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, end - _LOG_TAIL))
        return self._log.read().decode("utf-8", "replace")

    def close(self) -> None:
        """End the process and its children, whatever they are doing; harmless when repeated."""
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

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _frame(self) -> bytes:
        """Read one answer, watching the clock and the memory meanwhile."""
        assert self._process.stdout is not None
        handle = self._process.stdout.fileno()
        with selectors.DefaultSelector() as selector:
            selector.register(handle, selectors.EVENT_READ)
            try:
                while True:
                    if len(self._pending) >= 8:
                        size = int.from_bytes(self._pending[:8], "little")
                        if len(self._pending) >= 8 + size:
                            body = bytes(self._pending[8 : 8 + size])
                            del self._pending[: 8 + size]
                            return body
                    if selector.select(_POLL_S):
                        chunk = os.read(handle, 1 << 20)
                        if not chunk:
                            raise self._crashed()
                        self._pending += chunk
                    else:
                        self._check_bounds()
            except KeyboardInterrupt:
                self.close()
                raise

    def _check_bounds(self) -> None:
        if self._deadline is not None and time.monotonic() > self._deadline:
            self.close()
            raise WorkerTimeout(f"{self.name} took longer than {self._bound:g} s and was ended")
        if self.memory is not None:
            import psutil

            try:
                used = psutil.Process(self._process.pid).memory_info().rss
            except psutil.NoSuchProcess:
                return
            if used > self.memory:
                self.close()
                raise WorkerOutOfMemory(
                    f"{self.name} took more than {self.memory / 2**20:.0f} MiB of memory and was ended"
                )

    def _crashed(self) -> WorkerCrashed:
        code = self._process.wait()
        last = self.log().strip().splitlines()[-1:] or ["it printed nothing"]
        self.close()
        if code < 0:
            try:
                how = f"was ended by {signal.Signals(-code).name}"
            except ValueError:
                how = f"was ended by signal {-code}"
        else:
            how = f"ended with status {code}"
        return WorkerCrashed(f"{self.name} crashed: its process {how} ({last[0][:200]})")
