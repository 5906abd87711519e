"""Things to time, called in workers."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable


class Subject:
    def __init__(self, run: Callable[[], object], **extra: object) -> None:
        self.run = run
        self.extra = extra


def spin(seconds: float) -> Subject:
    """Keep a core busy: unlike sleeping, that is as long whatever the timer's slack."""

    def run() -> None:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            pass

    return Subject(run, pid=os.getpid())


def hold(size: int) -> Subject:
    """Hold memory, every page of it touched."""
    held = bytearray(size)
    for page in range(0, size, 4096):
        held[page] = 1
    return Subject(lambda: held[0])


def crash_after(runs: int) -> Subject:
    left = [runs]

    def run() -> None:
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGSEGV)
        time.sleep(0.001)

    return Subject(run)


def refuse() -> Subject:
    raise ValueError("this one does not load")


def fail_later(runs: int) -> Subject:
    left = [runs]

    def run() -> None:
        left[0] -= 1
        if left[0] < 0:
            raise RuntimeError("it broke")
        time.sleep(0.001)

    return Subject(run)


def nap(seconds: float) -> Subject:
    return Subject(lambda: time.sleep(seconds))


def hold_slowly(size: int) -> Subject:
    """Take memory in steps, so that the watch from outside sees it rise."""
    held = []
    for _ in range(20):
        held.append(bytearray(b"x" * (size // 20)))
        time.sleep(0.06)
    return Subject(lambda: held[0])


class Taker(Subject):
    """Take inputs slowly, and keep a copy of them or nothing."""

    def __init__(self, keep: bool) -> None:
        super().__init__(lambda: None)
        self._keep = keep
        self.held = bytearray()

    def set_inputs(self, inputs: bytes) -> None:
        time.sleep(0.2)
        if self._keep:
            self.held = bytearray(inputs)


def take(keep: bool) -> Taker:
    return Taker(keep)


def spin_then_crash() -> Subject:
    """Keep a core busy for a while, and crash."""

    def run() -> None:
        end = time.process_time() + 0.5
        while time.process_time() < end:
            pass
        os.kill(os.getpid(), signal.SIGSEGV)

    return Subject(run)
