"""A worker that is kept: what it has to know is sent once, and again to the one that replaces it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deploy_magics import workers
from deploy_magics.errors import DeployError
from deploy_magics.tuning.job import Ended, Failed

START_S = 60.0
"""Bound on the start of a worker, TVM's import included."""


class Station:
    """A worker, and the calls that a new one begins with.

    Parameters
    ----------
    name : str
        What it is for, for people.
    memory : int, optional
        Bound on its resident memory in bytes.
    env : Mapping[str, str], optional
        Environment variables to set.
    begin : tuple
        A function and its arguments, called first.
    """

    def __init__(self, name: str, *begin: Any, memory: int | None = None, env: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.held: set[str] = set()
        self._begin = begin
        self._memory = memory
        self._env = env
        self._worker: workers.Worker | None = None
        self._waiting = False
        self._closed = False

    @property
    def worker(self) -> workers.Worker | None:
        """The process, to wait for; None where there is none."""
        return self._worker

    def start(self) -> None:
        """Start the process; the first call is answered when it is ready, which :meth:`settle` waits for."""
        self.held.clear()
        self._worker = workers.Worker(self.name, memory=self._memory, env=self._env)
        self._worker.send(*self._begin, timeout=START_S)
        self._waiting = True

    def settle(self) -> workers.Worker:
        """Give the process once it is ready, a new one where it has ended.

        Raises
        ------
        DeployError
            Where it cannot start: TVM is missing, or memory is.
        """
        if self._closed:
            raise DeployError(f"{self.name} was closed")
        if self._worker is None:
            self.start()
        assert self._worker is not None
        if self._waiting:
            try:
                self._worker.receive()
            except BaseException:
                self.drop()
                raise
            self._waiting = False
        return self._worker

    def send(self, target: str, *args: Any, timeout: float) -> None:
        """Begin a call; see :meth:`receive`."""
        try:
            self.settle().send(target, *args, timeout=timeout)
        except workers.WorkerCrashed:  # it ended while it waited for work
            self.drop()
            self.settle().send(target, *args, timeout=timeout)

    def receive(self) -> Any:
        """Give the value of the call, or :class:`Failed` where it cost the process or raised."""
        assert self._worker is not None
        try:
            return self._worker.receive()
        except DeployError as error:
            if self._worker.alive:
                return Failed(_cause(error, self.name))
            self.drop()
            return Ended(_cause(error, self.name))

    def call(self, target: str, *args: Any, timeout: float) -> Any:
        """Run a function and give its value; raises as :meth:`deploy_magics.workers.Worker.call` does."""
        try:
            return self.settle().call(target, *args, timeout=timeout)
        except workers.WorkerCrashed:
            self.drop()
            raise

    def drop(self) -> None:
        """End the process; the next call starts another."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None
        self._waiting = False

    def close(self) -> None:
        """End the process for good."""
        self._closed = True
        self.drop()


def _cause(error: DeployError, name: str) -> str:
    """Say what a candidate did, without the name of the process."""
    message = error.message.removeprefix(name).strip()
    if isinstance(error, workers.WorkerTimeout):
        return f"hung: it {message}"
    if isinstance(error, workers.WorkerOutOfMemory):
        return f"ran out of memory: it {message}"
    return message[:200]
