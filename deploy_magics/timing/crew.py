"""The worker processes of one measurement: how many may live at once, starting, loading and ending them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Self

from deploy_magics.errors import DeployError
from deploy_magics.timing import cgroup
from deploy_magics.timing._inside import Loaded
from deploy_magics.timing.candidate import Candidate
from deploy_magics.workers import Worker

Design = Literal["together", "in turn", "alone"]
"""Whether all processes live through the whole run, one of each candidate at a time, or one at all at a time."""

INSIDE = "deploy_magics.timing._inside:"
_HEADROOM = 0.8  # share of the free memory that workers may take together


@dataclass(frozen=True)
class Plan:
    """Which processes live when.

    Attributes
    ----------
    design : {"together", "in turn", "alone"}
        How they share the time.
    groups : tuple of tuples of (int, int)
        Groups that follow one another; each lists the (candidate, process) that live at once.
    """

    design: Design
    groups: tuple[tuple[tuple[int, int], ...], ...]


def plan(needs: Sequence[tuple[int, int]], processes: int, capacity: int | None, rng: random.Random) -> Plan:
    """Fit the processes into memory.

    Parameters
    ----------
    needs : sequence of (int, int)
        Index of each candidate, and the bytes that one process of it takes.
    processes : int
        Processes of each candidate.
    capacity : int or None
        Bytes that all living processes may take; None for no limit.

    Examples
    --------
    >>> plan([(0, 10), (1, 10)], 2, 25, random.Random(0)).groups
    (((0, 0), (1, 0)), ((0, 1), (1, 1)))
    """
    once = sum(need for _, need in needs)
    if capacity is None or once * processes <= capacity:
        return Plan("together", (tuple((c, p) for p in range(processes) for c, _ in needs),))
    if once <= capacity:
        return Plan("in turn", tuple(tuple((c, p) for c, _ in needs) for p in range(processes)))
    groups: list[tuple[tuple[int, int], ...]] = []
    for p in range(processes):
        order = [c for c, _ in needs]
        rng.shuffle(order)
        groups += [((c, p),) for c in order]
    return Plan("alone", tuple(groups))


def free_memory() -> int:
    """Bytes that workers may take together: most of what the machine and the container have left."""
    import psutil

    left = int(psutil.virtual_memory().available)
    bound = cgroup.memory_left()
    return int(_HEADROOM * (left if bound is None else min(left, bound)))


@dataclass
class Member:
    """A living worker that holds one candidate."""

    candidate: int
    process: int
    worker: Worker
    loaded: Loaded | None = None

    def call(self, function: str, *args: Any, timeout: float, **kwargs: Any) -> Any:
        """Call a function of the worker's side."""
        return self.worker.call(INSIDE + function, *args, timeout=timeout, **kwargs)

    def resident(self) -> int:
        """Bytes of memory that the process takes now; 0 when it is gone."""
        import psutil

        with suppress(psutil.Error):
            return int(psutil.Process(self.worker.pid).memory_info().rss)
        return 0


class Crew:
    """The living workers; leaving the ``with`` block ends them all, whatever they are doing.

    Parameters
    ----------
    candidates : sequence of Candidate
        What they load.
    instances : int
        Instances of the candidate in each process.
    memory : int
        Bound on one process in bytes.
    timeout : float
        Bound on any one call in seconds.
    """

    def __init__(self, candidates: Sequence[Candidate], *, instances: int, memory: int | None, timeout: float) -> None:
        self._candidates = candidates
        self._instances = instances
        self._memory = memory
        self._timeout = timeout
        self.members: dict[tuple[int, int], Member] = {}
        self.pids: set[int] = set()
        self.cpu_s = 0.0

    def start(self, wanted: Sequence[tuple[int, int]]) -> list[tuple[int, DeployError]]:
        """Start processes and load their candidates; give the candidates that failed, and how.

        Processes start and import side by side. Candidates load one after the other, so that load times and first
        runs are not disturbed by one another, and memory is not taken by several at once unseen.
        """
        failed: dict[int, DeployError] = {}
        new: list[Member] = []
        for candidate, process in wanted:
            if (candidate, process) not in self.members:
                try:
                    new.append(self._spawn(candidate, process))
                except DeployError as error:
                    failed.setdefault(candidate, error)
        for member in new:
            try:
                member.worker.receive()
                if member.candidate in failed:
                    continue
                chosen = self._candidates[member.candidate]
                if chosen.inputs is not None:
                    member.call("receive", chosen.inputs, timeout=self._timeout)
                arguments = (chosen.factory, chosen.args, dict(chosen.kwargs), self._instances)
                member.loaded = member.call("load", *arguments, timeout=self._timeout)
            except DeployError as error:
                failed.setdefault(member.candidate, error)
        for candidate in failed:
            self.dismiss(candidate)
        return list(failed.items())

    def dismiss(self, candidate: int) -> None:
        """End all processes of a candidate."""
        self.end([key for key in self.members if key[0] == candidate])

    def end(self, keys: Sequence[tuple[int, int]]) -> None:
        """End some processes, and remember the processor time they took."""
        for key in keys:
            member = self.members.get(key)
            if member is None:
                continue
            member.worker.close()
            del self.members[key]
            self.cpu_s += member.worker.cpu_s

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end(list(self.members))

    def _spawn(self, candidate: int, process: int) -> Member:
        chosen = self._candidates[candidate]
        member = Member(candidate, process, Worker(chosen.label, memory=self._memory))
        self.members[candidate, process] = member
        self.pids.add(member.worker.pid)
        member.worker.send(INSIDE + "prepare", ("psutil", *chosen.imports), timeout=self._timeout)
        return member
