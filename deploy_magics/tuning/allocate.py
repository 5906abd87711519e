"""Which task the next trials go to, and when more is not worth it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Budget:
    """When a search ends.

    Attributes
    ----------
    trials : int
        Most trials, those that fail included.
    minutes : float or None
        Most time.
    patience : int
        Trials without an improvement of the model's latency by half a percent after which it is enough.
    """

    trials: int = 800
    minutes: float | None = None
    patience: int = 300


GAIN = 0.005
"""What counts as an improvement."""


class Candidate(Protocol):
    """What is known of a task when trials are shared out."""

    @property
    def cost(self) -> float:
        """Seconds that one run of the model spends in it; 0 where it has not run yet."""

    @property
    def hope(self) -> float:
        """Share of that which the next trial may save; 0 where nothing is left to try."""

    @property
    def rounds(self) -> int:
        """How often it had its turn."""


def choose(tasks: Sequence[Candidate]) -> int | None:
    """Give the task with most to gain: weight x time x what may be left.

    Each has its first turn before one has its second, those that cost most first; None where nothing is left to try.
    """
    open_ = [place for place, task in enumerate(tasks) if task.hope > 0]
    if not open_:
        return None
    fresh = [place for place in open_ if tasks[place].rounds == 0]
    if fresh:
        return max(fresh, key=lambda place: (tasks[place].cost, -place))
    return max(open_, key=lambda place: (tasks[place].cost * tasks[place].hope, -place))


class Clock:
    """Tells when the budget is used up."""

    def __init__(self, budget: Budget, began: float | None = None) -> None:
        self.budget = budget
        self.trials = 0
        self._began = time.monotonic() if began is None else began
        self._least: float | None = None
        self._since = 0

    @property
    def seconds(self) -> float:
        """Time since the begin."""
        return time.monotonic() - self._began

    @property
    def fraction(self) -> float:
        """Share of the budget that is used, 0 to 1."""
        shares = [self.trials / max(1, self.budget.trials)]
        if self.budget.minutes is not None:
            shares.append(self.seconds / (60 * self.budget.minutes))
        return min(1.0, max(shares))

    def count(self, latency: float | None) -> None:
        """Count a trial, after which the model's latency is this; None while the rule's choices are still timed."""
        self.trials += 1
        if latency is None:
            return
        self._since += 1
        if self._least is None or latency < self._least * (1 - GAIN):
            self._least, self._since = latency, 0

    def over(self, reserve: float = 0.0) -> str | None:
        """Say why it is enough, with so many seconds of work still to come; None while it is not."""
        if self.trials >= self.budget.trials:
            return f"{self.trials} {'trial was' if self.trials == 1 else 'trials were'} done"
        if self.budget.minutes is not None and self.seconds + reserve >= 60 * self.budget.minutes:
            return f"{self.budget.minutes:g} min were over"
        if self._since >= self.budget.patience:
            return f"the last {self._since} trials brought no more than {GAIN:.1%}"
        return None
