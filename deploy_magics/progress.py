"""How a step says how far it is, without knowing who listens.

A step wraps its work in :func:`progress`; a notebook, a shell or a test installs a :class:`Reporter` with
:func:`reporting`. With none installed, nothing is shown and nothing is paid.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal, Protocol


@dataclass(frozen=True)
class Progress:
    """One report of progress.

    Attributes
    ----------
    title : str
        What is being done, for example ``"bench: before, after"``.
    fraction : float or None
        Share done, 0 to 1; None where it cannot be known.
    detail : str
        The figure of the moment, for example ``"ratio 1.12 ±0.03"``.
    """

    title: str
    fraction: float | None = None
    detail: str = ""


TaskState = Literal["waiting", "active", "done"]


@dataclass(frozen=True)
class TaskRow:
    """How far the search for one task's code is.

    Attributes
    ----------
    name : str
        The task, for people: ``"conv2d 3x3 64->64 56x56 +relu"``.
    current, best : float or None
        GFLOPS of the trial measured last, and of the best one; None before the first that worked.
    trials, planned : int
        Trials done, and how many are meant to be done.
    seconds : float
        Time spent on it so far.
    share : float
        Its part of the model's time, 0 to 1.
    state : {"waiting", "active", "done"}
        Whether its turn has come.
    """

    name: str
    current: float | None = None
    best: float | None = None
    trials: int = 0
    planned: int = 0
    seconds: float = 0.0
    share: float = 0.0
    state: TaskState = "waiting"


@dataclass(frozen=True)
class Tuning(Progress):
    """A report of a search for faster code: each of its tasks, and what it has brought the model so far.

    Attributes
    ----------
    tasks : tuple[TaskRow, ...]
        In an order that stays from one report to the next.
    curve : tuple[tuple[float, float], ...]
        ``(seconds, estimated latency of the whole model in ms)``, a point at the start and at every change; later
        reports repeat the points of earlier ones and add to them.
    """

    tasks: tuple[TaskRow, ...] = ()
    curve: tuple[tuple[float, float], ...] = ()


class Reporter(Protocol):
    """What shows progress: called at every report, and once at the end."""

    def update(self, progress: Progress) -> None:
        """Show this state; called often, so it must be cheap."""

    def close(self) -> None:
        """Take the display away; the work has ended, well or not."""


class Tracker:
    """Handed to the work by :func:`progress`; its :meth:`update` sends a report."""

    def __init__(self, title: str, reporter: Reporter | None) -> None:
        self._title = title
        self._reporter = reporter

    def update(self, fraction: float | None = None, detail: str = "") -> None:
        """Report the share done (0 to 1, or None if unknown) and the figure of the moment."""
        self.report(Progress(self._title, fraction, detail))

    def report(self, progress: Progress) -> None:
        """Send a richer report, such as :class:`Tuning`; who knows nothing more of it shows its one line."""
        if self._reporter is not None:
            self._reporter.update(progress)


_factory: ContextVar[object] = ContextVar("deploy_magics_reporter", default=None)


@contextmanager
def reporting(factory: object) -> Iterator[None]:
    """Install a factory of reporters, ``factory() -> Reporter``, for the steps called inside."""
    token = _factory.set(factory)
    try:
        yield
    finally:
        _factory.reset(token)


@contextmanager
def progress(title: str) -> Iterator[Tracker]:
    """Wrap work that may last.

    Examples
    --------
    >>> with progress("counting") as tracker:
    ...     tracker.update(0.5, "half way")
    """
    factory = _factory.get()
    reporter: Reporter | None = factory() if callable(factory) else None
    tracker = Tracker(title, reporter)
    try:
        tracker.update(None)
        yield tracker
    finally:
        if reporter is not None:
            reporter.close()
