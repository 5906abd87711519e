"""A crew without processes, whose times follow a rule."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from deploy_magics.lowering.records import Decisions
from deploy_magics.tuning.job import Candidate, Failed, Finished, Job, Plan, Ran

KNOBS = {"tile": (1, 2, 4, 8, 16), "unroll": (1, 2, 4, 8), "order": (0, 1, 2)}
TARGET = {"triple": "x86_64-unknown-linux-gnu", "cpu": "znver5", "cores": 2, "features": ["+avx512f"]}
BEST = {"tile": 8, "unroll": 2, "order": 1}


def bowl(decisions: Decisions) -> float:
    """Milliseconds that have one least value, at BEST."""
    steps = [math.log2(decisions[name]) - math.log2(BEST[name]) for name in ("tile", "unroll")]
    return 1e-3 * (1 + 0.2 * steps[0] ** 2 + 0.1 * steps[1] ** 2 + 0.3 * (decisions["order"] - 1) ** 2)


def plan(*jobs: Job, model: str = "net") -> Plan:
    """Give a plan of jobs."""
    versions = {"tvm": "0.27.0", "deploy_magics": "0", "space": 1}
    return Plan(model, "d" * 8, "blocked", TARGET, jobs or (job("a"), job("b", weight=3)), versions)


def job(key: str, weight: int = 1) -> Job:
    """Give a task."""
    return Job(key, f"conv {key}", weight, 1e6, KNOBS, {"tile": 1, "unroll": 1, "order": 0}, b"")


class FakeCrew:
    """Answers at once, with the times of a rule."""

    threads = 1

    def __init__(
        self, rule: Callable[[Decisions], float | str] = bowl, *, luck: float = 0.0, fair: bool = True
    ) -> None:
        self.rule = rule
        self.luck = luck
        self.fair = fair
        self.rng = random.Random(0)
        self.tried: list[tuple[str, tuple[tuple[str, int], ...]]] = []
        self.stop_at: int | None = None

    def points(self, key: str, seed: int) -> tuple[tuple[str, ...], list[tuple[int, ...]]]:
        """Give all points."""
        return tuple(KNOBS), list(itertools.product(*KNOBS.values()))

    def run(self, candidates: Sequence[Candidate]) -> Iterator[Finished]:
        """Answer each by the rule."""
        for candidate in candidates:
            if self.stop_at is not None and len(self.tried) >= self.stop_at:
                raise KeyboardInterrupt
            self.tried.append((candidate.task, tuple(sorted(candidate.decisions.items()))))
            found = self.rule(candidate.decisions)
            if isinstance(found, str):
                yield Finished(candidate, Failed(found))
            else:
                yield Finished(candidate, Ran((found * (1 - self.rng.random() * self.luck), found * 1.1), 0.0))

    def compare(self, key: str, points: Sequence[Decisions], rounds: int) -> Any:
        """Answer without luck."""
        return [tuple([self.rule(point)] * rounds) for point in points] if self.fair else None
