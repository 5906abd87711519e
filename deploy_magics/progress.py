"""How a step says how far it is, without knowing who listens.

A step wraps its work in :func:`progress`; a notebook, a shell or a test installs a :class:`Reporter` with
:func:`reporting`. With none installed, nothing is shown and nothing is paid.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol


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
        if self._reporter is not None:
            self._reporter.update(Progress(self._title, fraction, detail))


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
