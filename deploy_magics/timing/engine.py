"""How time is measured: fresh processes, bursts in turn in random order, and an end when the answer is sure enough."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence

from deploy_magics.errors import ArgumentError, DeployError
from deploy_magics.result import Ratio
from deploy_magics.timing._inside import Burst
from deploy_magics.timing.candidate import Candidate
from deploy_magics.timing.crew import Crew, Design, Member, free_memory, plan
from deploy_magics.timing.finishing import Finishing
from deploy_magics.timing.machine import Watch
from deploy_magics.timing.measurement import Ending, Measurement, Track

BURST_S = 0.05
"""Length of a burst: long beside the run or two that refill the caches, short beside what drifts in a machine."""
LEAD_IN_BELOW_S = 0.025
"""Runs shorter than this are preceded in each burst by one that is not timed: after another process has run, the first
run of a 4 ms model takes 12 to 17 % longer and the second 2 %, while that of a 40 ms model differs by 0.2 %."""
WINDOW_S = 0.025
WARM_UP_SHARE = 0.2
WARM_UP_LIMIT_S = 0.5
MIN_ROUNDS = 8
"""Rounds before the interval is asked whether it is narrow enough. An end as soon as it happens to be narrow makes
"different" be said more often of the same thing, and the ratio be further off. Simulated, the same thing was called
different in 4.4 % and in 6.4 % of 250 repeats of 80 rounds at most, asked from the eighth round on: about the 5 % that
an interval of 95 % allows."""

Report = Callable[[float, str], None]


class MeasurementInterrupted(KeyboardInterrupt):
    """The user stopped a measurement; all workers have ended.

    Attributes
    ----------
    measurement : Measurement
        What was measured until then.
    """

    def __init__(self, measurement: Measurement) -> None:
        self.measurement = measurement
        super().__init__("interrupted")


def measure(
    candidates: Sequence[Candidate],
    *,
    processes: int = 5,
    precision: float = 0.02,
    budget: float = 10.0,
    frames: int | None = None,
    instances: int = 1,
    memory: int | None = None,
    timeout: float = 300.0,
    seed: int | None = None,
    report: Report | None = None,
) -> Measurement:
    """Time candidates against one another.

    Each candidate runs in several fresh processes. A round gives each living process one burst of about 50 ms, in an
    order drawn anew, so that a machine that drifts harms all alike. Processes warm up until their runs are steady.

    Parameters
    ----------
    candidates : sequence of Candidate
        What to time, labels distinct.
    processes : int
        Processes of each candidate, at least 2; fewer are used where runs are too slow for the budget.
    precision : float
        The run ends when the 95 % interval of each ratio to the first candidate is narrower than this, as a share of
        the ratio: 0.02 is about 1 % to either side.
    budget : float
        Seconds of warm-ups and bursts after which it ends in any case; starting and loading are not counted.
    frames : int, optional
        Time exactly this many runs of each candidate instead, whatever precision and time that takes.
    instances : int
        Instances of the candidate that run at once in each process; its speed is then its throughput.
    memory : int, optional
        Bytes that all living workers may take together; by default 80 % of what the machine and the container have
        left. Where they do not fit, they live in turn.
    timeout : float
        Bound in seconds on loading, and on any one burst.
    seed : int, optional
        Seed of the random order.
    report : callable, optional
        Called as ``report(share_done, detail)`` after each round.

    Returns
    -------
    Measurement
        All timed runs. A candidate that failed has its ``error`` set; the others go on without it.

    Raises
    ------
    MeasurementInterrupted
        On an interrupt, with what was measured, after all workers have ended.
    ArgumentError
        Where an argument is out of range.
    """
    _check(candidates, processes, precision, budget, frames, instances)
    run = _Run(candidates, processes, precision, budget, frames, instances, timeout, random.Random(seed), report)
    capacity = free_memory() if memory is None else memory
    watch = Watch()
    crew = Crew(candidates, instances=instances, memory=capacity, timeout=timeout)
    found = run.measurement
    interrupted = False
    try:
        with crew:
            run.go(crew, capacity)
    except KeyboardInterrupt:
        interrupted = True
    with Finishing() as finishing:
        # The interrupt may have come while the last ones were being ended.
        crew.end(list(crew.members))
        found.machine = watch.stop(crew.pids, crew.cpu_s)
    if interrupted or finishing.interrupted:
        found.ending = "interrupt"
        raise MeasurementInterrupted(found) from None
    return found


class _Run:
    """One measurement under way."""

    def __init__(
        self,
        candidates: Sequence[Candidate],
        processes: int,
        precision: float,
        budget: float,
        frames: int | None,
        instances: int,
        timeout: float,
        rng: random.Random,
        report: Report | None,
    ) -> None:
        self._processes = processes
        self._precision = precision
        self._budget = budget
        self._frames = frames
        self._timeout = timeout
        self._rng = rng
        self._report = report
        self._spent = 0.0
        self._typical_s: dict[int, float] = {}
        self.measurement = Measurement(
            [Track(candidate, error=candidate.error) for candidate in candidates],
            processes=processes,
            instances=instances,
            origin_ns=time.perf_counter_ns(),
        )

    def go(self, crew: Crew, capacity: int) -> None:
        """Measure everything."""
        found = self.measurement
        needs = self._probe(crew, capacity)
        if not needs:
            found.ending = "failure"
            return
        found.processes = self._affordable()
        chosen = plan(needs, found.processes, capacity, self._rng)
        found.design = chosen.design
        kept = set(chosen.groups[0])
        crew.end([key for key in crew.members if key not in kept])
        for index, group in enumerate(chosen.groups):
            self._start(crew, group)
            before = self._spent
            share = (self._budget - before) / (len(chosen.groups) - index)
            self._warm_up(crew, share)
            found.ending = self._rounds(crew, share - (self._spent - before), chosen.design)
            if index + 1 < len(chosen.groups):
                crew.end(list(crew.members))
        if not self._alive():
            found.ending = "failure"

    def _alive(self) -> list[int]:
        return [index for index, track in enumerate(self.measurement.tracks) if track.error is None]

    def _fail(self, crew: Crew, candidate: int, error: DeployError) -> None:
        self.measurement.tracks[candidate].error = error
        crew.dismiss(candidate)

    def _start(self, crew: Crew, group: Sequence[tuple[int, int]]) -> None:
        alive = set(self._alive())
        for candidate, error in crew.start([key for key in group if key[0] in alive]):
            self._fail(crew, candidate, error)
        for (candidate, process), member in crew.members.items():
            if member.loaded is not None:
                self.measurement.tracks[candidate].loaded.setdefault(process, member.loaded)

    def _probe(self, crew: Crew, capacity: int) -> list[tuple[int, int]]:
        """Start one process of each candidate; give the bytes that each takes."""
        needs: dict[int, int] = {}
        for candidate in self._alive():
            self._tell(0.0, f"loading {self.measurement.tracks[candidate].candidate.label}")
            living = sum(need for c, need in needs.items() if (c, 0) in crew.members)
            if living + max(needs.values(), default=0) > capacity:
                crew.end(list(crew.members))
            self._start(crew, [(candidate, 0)])
            member = crew.members.get((candidate, 0))
            if member is None:
                continue
            try:
                # The second run: the first also allocates.
                [_, took] = self._time_two(member)
                self._typical_s[candidate] = took
                needs[candidate] = member.resident()
            except DeployError as error:
                self._fail(crew, candidate, error)
                needs.pop(candidate, None)
        return [(c, need) for c, need in needs.items() if self.measurement.tracks[c].error is None]

    def _time_two(self, member: Member) -> list[float]:
        burst: Burst = member.call("burst_of", 0.0, 2, 2 * self.measurement.instances, timeout=self._timeout)
        return [(end - start) / 1e9 for start, end in zip(burst.starts[:2], burst.ends[:2], strict=True)]

    def _affordable(self) -> int:
        """Give the processes of each candidate, each of which must at least warm up once and time two runs."""
        if self._frames is not None:
            return max(2, min(self._processes, self._frames))
        least = 3 * sum(self._typical_s[c] for c in self._alive())
        return max(2, min(self._processes, int(self._budget / least)))

    def _warm_up(self, crew: Crew, share: float) -> None:
        members = list(crew.members.values())
        self._rng.shuffle(members)
        limit = WARM_UP_LIMIT_S
        if self._frames is None:  # with frames there is no budget to keep to
            limit = min(limit, WARM_UP_SHARE * max(0.0, share) / max(1, len(members)))
        for number, member in enumerate(members):
            if (member.candidate, member.process) not in crew.members:
                continue
            began = time.monotonic()
            self._tell(self._done(), f"warming up, {number + 1} of {len(members)}")
            try:
                warmed = member.call("warm_up", WINDOW_S, limit, timeout=self._timeout)
            except DeployError as error:
                self._fail(crew, member.candidate, error)
                continue
            self.measurement.tracks[member.candidate].warmed[member.process] = warmed
            self._typical_s[member.candidate] = warmed.typical_ns / 1e9
            self._spent += time.monotonic() - began
        self.measurement.seconds = self._spent

    def _rounds(self, crew: Crew, share: float, design: Design) -> Ending:
        """Run rounds until this group of processes has had its share."""
        found = self.measurement
        began, rounds, last = time.monotonic(), 0, 0.0
        spent_before = self._spent
        while crew.members:
            started = time.monotonic()
            ran = self._round(crew)
            if not ran:
                return "frames"
            rounds += 1
            found.rounds += 1
            now = time.monotonic()
            last = now - started
            self._spent = spent_before + now - began
            found.seconds = self._spent
            width = self._width() if design == "together" else None
            self._tell(self._done(width), self._detail(width))
            if self._frames is not None:
                continue
            if width is not None and width < self._precision and rounds >= MIN_ROUNDS:
                return "precision"
            if rounds >= 2 and now - began + last > share:
                return "budget"
        return "failure"

    def _round(self, crew: Crew) -> int:
        """Give each living process one burst, in random order; give how many had runs left to time."""
        found = self.measurement
        members = list(crew.members.values())
        self._rng.shuffle(members)
        ran = 0
        for member in members:
            track = found.tracks[member.candidate]
            most = self._quota(track, member.process)
            if (member.candidate, member.process) not in crew.members or most == 0:
                continue
            lead_in = int(self._typical_s[member.candidate] < LEAD_IN_BELOW_S)
            try:
                burst = member.call("burst_of", BURST_S, 1, most, lead_in, timeout=self._timeout)
            except DeployError as error:
                self._fail(crew, member.candidate, error)
                continue
            track.add(member.process, found.rounds, burst, found.instances)
            ran += 1
        return ran

    def _quota(self, track: Track, process: int) -> int:
        """Give the runs that this process may still time."""
        if self._frames is None:
            return 1 << 62
        count, rest = divmod(self._frames, self.measurement.processes)
        return max(0, count + (process < rest) - track.runs_of(process))

    def _width(self) -> float | None:
        """Width of the widest interval of a ratio to the first candidate, as a share of it."""
        alive = self._alive()
        ratios = [self.measurement.ratio(index, alive[0]) for index in alive[1:]]
        widths = [(r.high - r.low) / r.value for r in ratios if isinstance(r, Ratio)]
        return max(widths) if widths and len(widths) == len(ratios) else None

    def _done(self, width: float | None = None) -> float:
        if self._frames is not None:
            runs = [self.measurement.tracks[index].runs for index in self._alive()]
            return min(1.0, sum(runs) / max(1, self._frames * len(runs)))
        done = self._spent / self._budget
        # Half-widths shrink with the square root of time at best.
        narrow = (self._precision / width) ** 2 if width else 0.0
        return min(1.0, max(done, min(narrow, 0.99)))

    def _detail(self, width: float | None) -> str:
        runs = sum(track.runs for track in self.measurement.tracks)
        return f"{runs} runs" if width is None else f"{runs} runs, ratio ±{width / 2:.1%}"

    def _tell(self, done: float, detail: str) -> None:
        if self._report is not None:
            self._report(done, detail)


def _check(
    candidates: Sequence[Candidate],
    processes: int,
    precision: float,
    budget: float,
    frames: int | None,
    instances: int,
) -> None:
    labels = [candidate.label for candidate in candidates]
    if not labels:
        raise ArgumentError("there is nothing to time", hint="give at least one model")
    for label in labels:
        if labels.count(label) > 1:
            raise ArgumentError(f"two candidates are called {label!r}", hint="label them: before=... after=...")
    if processes < 2:
        raise ArgumentError(
            f"processes must be at least 2, not {processes}",
            hint="one process cannot show how much processes differ from one another",
        )
    for name, value in (("precision", precision), ("budget", budget)):
        if not value > 0:
            raise ArgumentError(f"{name} must be above 0, not {value:g}")
    if frames is not None and frames < 2:
        raise ArgumentError(f"frames must be at least 2, not {frames}")
    if instances < 1:
        raise ArgumentError(f"instances must be at least 1, not {instances}")
