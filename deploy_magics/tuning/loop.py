"""The whole search: tasks take turns, every trial is recorded, and the best are held against each other in the end."""

from __future__ import annotations

import itertools
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence

from deploy_magics.lowering.records import Decisions, Fitting, Records, Session, Trial, Wanted
from deploy_magics.progress import Tuning
from deploy_magics.tuning._state import State, TaskOutcome, Tuned
from deploy_magics.tuning.allocate import GAIN, Budget, Clock, choose
from deploy_magics.tuning.crew import Crew, NoDevice
from deploy_magics.tuning.job import Candidate, Finished, Plan, Ran
from deploy_magics.tuning.search import Search

BATCH = 8
"""Trials of one turn."""
HINTS = 12
"""Points taken over from other tasks, of which those that this one has are tried in its first turn."""
FINALISTS = 3
ROUNDS = 9
_FINAL_S = 0.35
"""Time that the comparison of one task takes, which is kept back of the minutes."""
_BETTER = 0.005
"""What is not better than the rule's choice by this share is not worth to differ from it."""


def tune(
    plan: Plan,
    crew: Crew,
    records: Records,
    budget: Budget,
    *,
    seed: int = 0,
    tell: Callable[[Tuning], None] = lambda tuning: None,
    title: str = "tune",
    began: float | None = None,
) -> Tuned:
    """Search for the best decisions of a model's tasks.

    An interrupt ends the search at once; what was found until then is given, marked as interrupted. Every trial is in
    the records when the next one is told of.

    Parameters
    ----------
    plan : Plan
        From :meth:`Crew.plan`.
    crew : Crew
        What builds and runs.
    records : Records
        Opened to add to; what they hold of these tasks is not tried again.
    budget : Budget
        When it ends.
    seed : int
        Of what is drawn at random.
    tell : Callable[[Tuning], None]
        Told after every trial how far it is.
    title : str
        What the reports are called.
    began : float, optional
        When it began by ``time.monotonic``, where there was work before.

    Raises
    ------
    RecordsError
        Where the records are of something else, or cannot be written.
    NoDevice
        Where no device was left before anything was found.
    """
    return _Loop(plan, crew, records, budget, seed, tell, title, began).run()


class _Loop:
    def __init__(
        self,
        plan: Plan,
        crew: Crew,
        records: Records,
        budget: Budget,
        seed: int,
        tell: Callable[[Tuning], None],
        title: str,
        began: float | None,
    ) -> None:
        self._plan = plan
        self._crew = crew
        self._records = records
        self._seed = seed
        self._tell = tell
        self._title = title
        self._clock = Clock(budget, began)
        self._numbers = itertools.count(1)
        self._states = {job.key: State(job) for job in plan.jobs}
        self._tunable = [state for state in self._states.values() if state.job.knobs]
        self._fitting = self._known()
        self._session: Session | None = None
        self._failures: Counter[str] = Counter()
        self._curve: list[tuple[float, float]] = []
        self._first: float | None = None
        self._before: float | None = None
        self._searching = 0.0
        self._why = ""

    def run(self) -> Tuned:
        began = time.monotonic()
        interrupted = False
        try:
            self._resume()
            self._look()
            self._search()
            self._searching = time.monotonic() - began
            self._finals()
        except KeyboardInterrupt:
            interrupted, self._why = True, "it was stopped"
        except NoDevice as error:
            if not any(state.trials for state in self._tunable):
                raise
            self._why = error.message
        self._searching = self._searching or time.monotonic() - began
        self._report(over=True)
        return self._tuned(interrupted=interrupted)

    def _known(self) -> Fitting | None:
        """Give what the records have of these tasks; refuses records of something else."""
        if not self._records.sessions:
            return None
        tasks = {job.key: job.label for job in self._plan.jobs}
        wanted = Wanted(self._plan.model, tasks, self._plan.target, int(self._plan.versions["space"]))
        return self._records.fitting(wanted)

    def _resume(self) -> None:
        for place, state in enumerate(self._tunable):
            names, points = self._crew.points(state.job.key, self._seed)
            state.search = Search(names, points, state.job.default, self._seed + place)
            for trial in self._trials_of(state):
                if set(trial.decisions) == set(state.job.knobs):
                    state.take(trial.decisions, trial.best if trial.seconds else None)

    def _trials_of(self, state: State) -> tuple[Trial, ...]:
        return () if self._fitting is None else self._fitting.of(state.job.key, self._crew.threads)

    def _look(self) -> None:
        """Time what the rule chooses of every task, those first that the model spends most in."""
        fixed = [state for state in self._states.values() if not state.job.knobs]
        left = self._clock.budget.trials
        fresh = [state for state in self._tunable if state.before is None][:left]
        for finished in self._crew.run([self._candidate(state) for state in (*fresh, *fixed)]):
            self._take(finished)
        self._before = self._latency(before=True)
        self._note()

    def _candidate(self, state: State) -> Candidate:
        return Candidate(next(self._numbers), state.job.key, dict(state.job.default))

    def _search(self) -> None:
        while True:
            changed = sum(state.decisions != state.job.default for state in self._tunable)
            why = self._clock.over(_FINAL_S * changed)
            place = None if why else choose(self._tunable)
            if place is None:
                self._why = why or "nothing was left to try"
                return
            state = self._tunable[place]
            assert state.search is not None
            state.active = True
            state.rounds += 1
            count = min(BATCH, self._clock.budget.trials - self._clock.trials)
            asked = [
                Candidate(next(self._numbers), state.job.key, dict(decisions), state.best)
                for decisions in state.search.ask(count, self._hints(state))
            ]
            best, began = state.best, time.monotonic()
            for finished in self._crew.run(asked):
                state.seconds += time.monotonic() - began
                began = time.monotonic()
                self._take(finished)
            gained = state.best is not None and (best is None or state.best < best * (1 - GAIN))
            state.dry = 0 if gained else state.dry + 1
            state.active = False

    def _hints(self, state: State) -> list[Decisions]:
        """Give what was best for other tasks with these knobs, as it is and with the tiles of this one's rule."""
        if state.rounds > 1:
            return []
        found: list[Decisions] = []
        for other in sorted(self._tunable, key=lambda other: -other.cost):
            if other is state or other.decisions is None or other.decisions == other.job.default:
                continue
            if set(other.job.knobs) != set(state.job.knobs):
                continue
            tiles = {name: state.job.default[name] for name in state.job.knobs if name.startswith("tile_")}
            found += [{**other.decisions, **tiles}, dict(other.decisions)]
        return found[:HINTS]

    def _take(self, finished: Finished) -> None:
        """Record a trial, and tell of it."""
        state = self._states[finished.candidate.task]
        result, decisions = finished.result, finished.candidate.decisions
        times = result.times if isinstance(result, Ran) else None
        error = None if isinstance(result, Ran) else result.reason
        if state.job.knobs:
            self._write(Trial(self._id(), state.job.key, dict(decisions), times, error))
            state.trials += 1
        state.current = min(times) if times else None
        state.take(decisions, state.current)
        if error is not None:
            state.failed += 1
            self._failures[error] += 1
        if not state.job.knobs:
            return
        self._clock.count(self._latency() if self._before is not None else None)
        if self._before is not None:
            self._note()
        self._report()

    def _id(self) -> str:
        """Give the session's name, which is written before its first trial."""
        if self._session is None:
            self._session = Session(
                model=self._plan.model,
                digest=self._plan.digest,
                target=self._plan.target,
                versions=self._plan.versions,
                layout=self._plan.layout,
                threads=self._crew.threads,
                tasks={job.key: job.label for job in self._plan.jobs},
            )
            self._records.begin(self._session)
        return self._session.id

    def _write(self, trial: Trial) -> None:
        self._records.add(trial)

    def _finals(self) -> None:
        """Time the best of each task beside the rule's choice, so that it is not luck that wins."""
        for state in self._tunable:
            default = state.point(state.job.default)
            if state.decisions is None or not state.trials or state.point(state.decisions) == default:
                continue
            if default not in state.times:
                continue
            best = sorted(state.times, key=lambda point, state=state: (state.times[point], point))  # type: ignore[misc]
            points = [default, *[point for point in best if point != default][:FINALISTS]]
            decisions = [dict(zip(state.job.knobs, point, strict=True)) for point in points]
            found = self._crew.compare(state.job.key, decisions, ROUNDS)
            if found is None:
                continue
            for each, times in zip(decisions, found, strict=True):
                self._write(Trial(self._id(), state.job.key, each, times, final=True))
            self._settle(state, decisions, found)
            self._note()
            self._report()

    def _settle(self, state: State, decisions: Sequence[dict[str, int]], found: Sequence[tuple[float, ...]]) -> None:
        medians = [statistics.median(times) for times in found]
        winner = min(range(len(medians)), key=lambda place: (medians[place], place))
        if medians[winner] > medians[0] * (1 - _BETTER):
            winner = 0
        # Only the ratio is taken from here, so that what stands before is of one kind with what stands after.
        assert state.before is not None
        state.settle(decisions[winner], state.before * medians[winner] / medians[0])

    def _latency(self, *, before: bool = False) -> float | None:
        """Estimate the model's latency in ms: the times of those of its tasks that ran, summed."""
        times = [
            state.job.weight * ((state.before if before else None) or state.best or 0.0)
            for state in self._states.values()
        ]
        return 1e3 * sum(times) or None

    def _note(self) -> None:
        """Add a point to the curve, where the latency has changed."""
        now = self._latency()
        if now is None:
            return
        if not self._curve:
            # What records knew before counts from the begin.
            self._curve.append((self._clock.seconds, now))
        elif now != self._curve[-1][1]:
            self._curve.append((self._clock.seconds, now))
            if self._first is None and now < self._curve[0][1]:
                self._first = self._clock.seconds

    def _report(self, *, over: bool = False) -> None:
        total = (self._latency() or 0.0) / 1e3
        left = self._clock.budget.trials - self._clock.trials
        share = [state.cost / total if total else 0.0 for state in self._tunable]
        rows = tuple(
            state.row(total, state.trials + round(left * part), over=over)
            for state, part in zip(self._tunable, share, strict=True)
        )
        self._tell(Tuning(self._title, self._clock.fraction, self._detail(), rows, tuple(self._curve)))

    def _detail(self) -> str:
        now = self._latency()
        if now is None or self._before is None:
            return f"{self._clock.trials} trials"
        return f"{self._before:.2f} → {now:.2f} ms estimated, {self._clock.trials} trials"

    def _tuned(self, *, interrupted: bool) -> Tuned:
        known = {state.job.key: len(self._trials_of(state)) for state in self._tunable}
        now, before = self._latency(), self._latency(before=True)
        if self._curve and now is not None:
            self._curve.append((self._clock.seconds, now))
        return Tuned(
            plan=self._plan,
            tasks=tuple(
                TaskOutcome(
                    state.job,
                    state.trials,
                    state.failed,
                    known[state.job.key],
                    state.before,
                    state.best,
                    state.decisions,
                    state.seconds,
                )
                for state in self._tunable
            ),
            curve=tuple(self._curve),
            before_ms=before,
            after_ms=now,
            untimed=sum(state.best is None for state in self._states.values()),
            trials=self._clock.trials,
            failed=sum(state.failed for state in self._tunable),
            known=sum(known.values()),
            seconds=self._clock.seconds,
            searching_s=self._searching,
            # A lucky trial that the last comparison took back is no improvement.
            first_s=self._first if now is not None and before is not None and now < before else None,
            why=self._why,
            failures=dict(self._failures),
            interrupted=interrupted,
        )
