"""What is known of one task while it is tuned, and what came of it in the end."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deploy_magics.progress import TaskRow, TaskState

if TYPE_CHECKING:
    from deploy_magics.lowering.records import Decisions
    from deploy_magics.tuning.job import Job, Plan
    from deploy_magics.tuning.search import Search

HOPELESS_AFTER = 16
"""So many trials of which none ran: there is no use in more."""
DRY = 0.6
"""A turn that brought nothing makes the next one this much less worth than the model expects: it hopes too much."""


@dataclass
class State:
    """One task while it is tuned.

    Attributes
    ----------
    job : Job
        The task.
    search : Search or None
        None until its first turn, and where there is nothing to choose.
    times : dict
        Least seconds of each point that ran, by its values in the order of the job's knobs.
    before, best : float or None
        Seconds of the rule's choice, and of the best.
    trials, failed : int
        In this run.
    rounds, dry : int
        Turns that it had, and the last of them that brought nothing.
    """

    job: Job
    search: Search | None = None
    times: dict[tuple[int, ...], float] = field(default_factory=dict)
    before: float | None = None
    best: float | None = None
    current: float | None = None
    decisions: Decisions | None = None
    trials: int = 0
    failed: int = 0
    rounds: int = 0
    dry: int = 0
    seconds: float = 0.0
    active: bool = False

    @property
    def cost(self) -> float:
        """Seconds that one run of the model spends in it."""
        return self.job.weight * (self.best or 0.0)

    @property
    def hope(self) -> float:
        """Share of that which the next trial may save."""
        if self.search is None or (self.best is None and self.trials >= HOPELESS_AFTER):
            return 0.0
        return self.search.expected() * DRY**self.dry

    def point(self, decisions: Decisions) -> tuple[int, ...]:
        """Give decisions in a form that can be looked up."""
        return tuple(decisions[name] for name in self.job.knobs)

    def take(self, decisions: Decisions, seconds: float | None) -> None:
        """Take what came of a point; None where it failed."""
        if self.search is not None:
            self.search.known(decisions, seconds)
        if seconds is None:
            return
        if self.point(decisions) == self.point(self.job.default):
            self.before = min(seconds, self.before or math.inf)
        self.times[self.point(decisions)] = min(seconds, self.times.get(self.point(decisions), math.inf))
        if self.best is None or seconds < self.best:
            self.best, self.decisions = seconds, dict(decisions)

    def settle(self, decisions: Decisions, seconds: float) -> None:
        """Take what a comparison found."""
        self.best, self.decisions = seconds, dict(decisions)

    def gflops(self, seconds: float | None) -> float | None:
        """Give the speed that a time means."""
        return self.job.flops / seconds / 1e9 if seconds else None

    def row(self, total: float, planned: int, *, over: bool) -> TaskRow:
        """Say how far it is; ``total`` seconds are the model's."""
        state: TaskState = "active" if self.active else "waiting"
        if over or (self.search is not None and not self.active and self.search.left == 0):
            state = "done"
        return TaskRow(
            self.job.label,
            self.gflops(self.current),
            self.gflops(self.best),
            self.trials,
            max(self.trials, planned),
            self.seconds,
            self.cost / total if total else 0.0,
            state,
        )


@dataclass(frozen=True)
class TaskOutcome:
    """What came of one task.

    Attributes
    ----------
    job : Job
        The task.
    trials, failed : int
        In this run, and how many of them failed.
    known : int
        Trials that records had of it before.
    before, best : float or None
        Seconds of the rule's choice and of the best; None where it did not run.
    decisions : Decisions or None
        The best.
    seconds : float
        Time spent on it.
    """

    job: Job
    trials: int
    failed: int
    known: int
    before: float | None
    best: float | None
    decisions: Decisions | None
    seconds: float


@dataclass(frozen=True)
class Tuned:
    """What a search found.

    Attributes
    ----------
    plan : Plan
        What was tuned.
    tasks : tuple of TaskOutcome
        In the order of the plan.
    curve : tuple
        ``(seconds, estimated latency in ms)`` at the start and at every change.
    before_ms, after_ms : float or None
        The model's estimated latency: the times of its tasks, summed; None where none ran. A task whose rule's choice
        did not run counts with its best on both sides.
    untimed : int
        Tasks of which nothing ran; the estimates leave them out.
    trials, failed, known : int
        Trials of this run, those of them that failed, and those that records had before.
    seconds : float
        From the begin until the end.
    searching_s : float
        Of these, in which candidates were built and timed.
    first_s : float or None
        Until the first improvement.
    why : str
        Why it ended.
    failures : Mapping[str, int]
        Reasons of failed trials, and how many had each.
    interrupted : bool
        Whether it was stopped.
    """

    plan: Plan
    tasks: tuple[TaskOutcome, ...]
    curve: tuple[tuple[float, float], ...]
    before_ms: float | None
    after_ms: float | None
    untimed: int
    trials: int
    failed: int
    known: int
    seconds: float
    searching_s: float
    first_s: float | None
    why: str
    failures: dict[str, int]
    interrupted: bool = False

    @property
    def rate(self) -> float:
        """Trials per second of searching."""
        return self.trials / self.searching_s if self.searching_s else 0.0
