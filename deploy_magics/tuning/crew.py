"""Builders and runners: candidates go in, trials come out."""

from __future__ import annotations

import contextlib
import itertools
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy_magics import workers
from deploy_magics.errors import DeployError
from deploy_magics.lowering.records import Decisions
from deploy_magics.lowering.target import Target, usable_cores
from deploy_magics.temporary import Folder
from deploy_magics.tuning.job import Built, Candidate, Failed, Finished, Job, Lost, Plan
from deploy_magics.tuning.station import Station

BUILDING = "deploy_magics.tuning._building"
RUNNING = "deploy_magics.tuning._running"
PLANNING = "deploy_magics.tuning._planning:plan"
_PLAN_S = 300.0
_GIB = 2**30
_WAIT_S = 1.0


@dataclass(frozen=True)
class Bounds:
    """What one candidate may take.

    Attributes
    ----------
    build_s, run_s : float
        Seconds to build and to time it.
    memory : int or None
        Bytes of a builder and of the runner; by default 2 GiB, or less where less is free.
    """

    build_s: float = 20.0
    run_s: float = 10.0
    memory: int | None = None


class NoDevice(DeployError):
    """No device is left on which candidates could run."""


@dataclass
class Runner:
    """What runs code, and how often in a row it gave no answer."""

    station: Station
    target: str
    timeout: float
    lost: int = 0
    retired: bool = False


@dataclass
class Work:
    """A candidate on its way."""

    candidate: Candidate
    built: Built | None = None
    lost: int = 0


class Crew:
    """Builders for a target, and what runs their code: this machine, or devices at a tracker.

    Parameters
    ----------
    target : Target
        The machine.
    threads : int
        With which code runs.
    bounds : Bounds
        On one candidate.
    builders : int, optional
        Processes that build; by default one a core, at most four.

    Notes
    -----
    On this machine nothing is built while something is timed: builders take the caches and the memory of the core
    beside them, and the time of a candidate would depend on what happens to be built meanwhile.
    """

    apart = True
    most_lost = 2

    def __init__(
        self, target: Target, *, threads: int = 1, bounds: Bounds | None = None, builders: int | None = None
    ) -> None:
        self.target = target
        self.threads = threads
        self.bounds = bounds or Bounds()
        self._memory = self.bounds.memory or workers.memory_bound(2 * _GIB)
        self._jobs: dict[str, Job] = {}
        self._folder = Folder()
        self._files = itertools.count()
        # One thread in each: they share the cores.
        single = {"OMP_NUM_THREADS": "1", "TVM_NUM_THREADS": "1"}
        self._builders = [
            Station(f"builder {number + 1}", f"{BUILDING}:prepare", memory=self._memory, env=single)
            for number in range(builders or min(4, usable_cores()))
        ]
        self._runners: list[Runner] = []

    def start(self) -> None:
        """Start all processes at once, and return while they import TVM."""
        self._runners = self.make_runners()
        for station in (*self._builders, *(runner.station for runner in self._runners)):
            station.start()

    def make_runners(self) -> list[Runner]:
        """Make what runs code, not started yet."""
        station = Station("the runner", f"{RUNNING}:prepare", self.threads, memory=self._memory)
        return [Runner(station, f"{RUNNING}:run", self.bounds.run_s)]

    def judged(self, result: Any) -> Any:
        """Take a runner's answer for what it means; a device's is not always the candidate's doing."""
        return result

    def plan(self, path: Path, shapes: Mapping[str, Sequence[int]], layout: str, name: str, digest: str) -> Plan:
        """Find the tasks of a model; raises ModelError where TVM cannot read it."""
        plain = {key: list(shape) for key, shape in shapes.items()}
        found: Plan = self._builders[0].call(
            PLANNING, str(path), plain, self.target.to_plain(), layout, name, digest, timeout=_PLAN_S
        )
        self.take(found.jobs)
        return found

    def take(self, jobs: Sequence[Job]) -> None:
        """Take the jobs whose candidates will come."""
        self._jobs.update({job.key: job for job in jobs})

    def points(self, key: str, seed: int) -> tuple[tuple[str, ...], list[tuple[int, ...]]]:
        """Give the knobs of a job and the points of its space; see :func:`_building.points`."""
        station = self._builders[0]
        self._hold(station, key)
        found: tuple[tuple[str, ...], list[tuple[int, ...]]] = station.call(
            f"{BUILDING}:points", key, seed, timeout=self.bounds.build_s
        )
        return found

    def run(self, candidates: Sequence[Candidate]) -> Iterator[Finished]:
        """Build and time candidates; each comes out once, as soon as it is done."""
        waiting = deque(Work(candidate) for candidate in candidates)
        built: deque[Work] = deque()
        building: dict[Station, Work] = {}
        running: dict[Station, tuple[Runner, Work]] = {}
        while waiting or built or building or running:
            for station in self._builders:
                if waiting and station not in building and not (self.apart and running):
                    work = waiting.popleft()
                    self._build(station, work.candidate)
                    building[station] = work
            if built and not (self.apart and (building or waiting)):
                for runner in self._idle(running):
                    if built:
                        work = built.popleft()
                        self._send(runner, work)
                        running[runner.station] = (runner, work)
            if built and not (building or waiting or running):
                raise NoDevice(self._why_none())
            for station in self._ready([*building, *running]):
                if station in building:
                    work = building.pop(station)
                    result = station.receive()
                    if isinstance(result, Built):
                        work.built = result
                        built.append(work)
                    else:
                        yield Finished(work.candidate, result)
                    continue
                runner, work = running.pop(station)
                result = self.judged(station.receive())
                if isinstance(result, Lost):
                    if self._lose(runner, work, result):
                        built.append(work)
                        continue
                    result = Failed(f"no device could run it: {result.reason}")
                else:
                    runner.lost = 0
                self._forget(work)
                assert work.built is not None
                yield Finished(work.candidate, result, work.built.seconds)

    def compare(self, key: str, points: Sequence[Decisions], rounds: int) -> list[tuple[float, ...]] | None:
        """Time points of one task in turn, on one machine; None where that fails."""
        paths, arrays = [], None
        for begin in range(0, len(points), len(self._builders)):
            pairs = list(zip(self._builders, points[begin : begin + len(self._builders)], strict=False))
            for station, decisions in pairs:
                self._build(station, Candidate(0, key, decisions))
            for result in [station.receive() for station, _ in pairs]:
                if not isinstance(result, Built):
                    return None
                paths.append(result.path)
                arrays = result.arrays
        for runner in self._idle({}):
            target = f"{runner.target.partition(':')[0]}:compare"
            runner.station.send(target, paths, arrays, rounds, timeout=runner.timeout * len(paths))
            found = self.judged(runner.station.receive())
            if not isinstance(found, Failed | Lost):
                return list(found)
        return None

    def close(self) -> None:
        """End all processes and remove what they built; harmless when repeated."""
        for station in (*self._builders, *(runner.station for runner in self._runners)):
            station.close()
        self._folder.close()

    def __enter__(self) -> Crew:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _hold(self, station: Station, key: str) -> None:
        station.settle()
        if key not in station.held:
            station.call(f"{BUILDING}:hold", key, self._jobs[key].space, timeout=self.bounds.build_s)
            station.held.add(key)

    def _build(self, station: Station, candidate: Candidate) -> None:
        self._hold(station, candidate.task)
        path = self._folder.path / f"{next(self._files)}.so"
        station.send(
            f"{BUILDING}:build",
            candidate.task,
            candidate.decisions,
            str(path),
            self.target,
            timeout=self.bounds.build_s,
        )

    def _send(self, runner: Runner, work: Work) -> None:
        assert work.built is not None
        runner.station.send(
            runner.target, work.built.path, work.built.arrays, work.candidate.best, timeout=runner.timeout
        )

    def _idle(self, running: Mapping[Station, Any]) -> list[Runner]:
        return [runner for runner in self._runners if not runner.retired and runner.station not in running]

    def _ready(self, stations: Sequence[Station]) -> list[Station]:
        """Wait for the stations that have an answer."""
        by_worker = {station.worker: station for station in stations if station.worker is not None}
        found = workers.ready([worker for worker in by_worker if worker is not None], _WAIT_S)
        return [by_worker[worker] for worker in found]

    def _lose(self, runner: Runner, work: Work, lost: Lost) -> bool:
        """Note that a device gave no answer; tell whether the candidate goes to another."""
        runner.lost += 1
        work.lost += lost.begun
        if runner.lost >= self.most_lost:
            runner.retired = True
            runner.station.drop()
        return work.lost < self.most_lost

    def _forget(self, work: Work) -> None:
        if work.built is not None:
            with contextlib.suppress(OSError):
                Path(work.built.path).unlink(missing_ok=True)

    def _why_none(self) -> str:
        return "no device is left to run code on"
