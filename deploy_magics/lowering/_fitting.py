"""Which records fit a model and a target, and why none does."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy_magics.errors import ArgumentError, DeployError
from deploy_magics.lowering._trials import Decisions, Session, Trial
from deploy_magics.lowering.target import Target

LUCK = 0.02
"""A trial that was timed once may have been lucky by this share."""


class RecordsError(DeployError):
    """Records that cannot be read or written, or that do not fit."""


@dataclass(frozen=True)
class Wanted:
    """What records have to fit.

    Attributes
    ----------
    model : str
        Name of the model, for people.
    tasks : Mapping[str, str]
        Key and label of each of its tasks.
    target : Mapping[str, Any]
        As :meth:`deploy_magics.lowering.target.Target.to_plain` gives it.
    space : int
        Version of the space.
    kin : bool
        Where there is nothing of this processor, take what was found on another one of the same architecture with as
        many registers, as wide: its decisions are possible here, though others may be faster. Its times say nothing.
    """

    model: str
    tasks: Mapping[str, str]
    target: Mapping[str, Any]
    space: int
    kin: bool = False


@dataclass(frozen=True)
class Fitting:
    """The records that fit.

    Attributes
    ----------
    sessions : tuple of Session
        The oldest first.
    trials : tuple of Trial
        Of tasks that are wanted.
    kin : str or None
        The other processor on which all of them ran; None for those of the wanted one.
    """

    sessions: tuple[Session, ...]
    trials: tuple[Trial, ...]
    kin: str | None = None

    @property
    def tasks(self) -> frozenset[str]:
        """Keys of the tasks of which at least one trial ran."""
        return frozenset(trial.task for trial in self.trials if trial.seconds)

    def of(self, task: str, threads: int | None = None) -> tuple[Trial, ...]:
        """Give the trials of one task.

        Parameters
        ----------
        task : str
            Its key.
        threads : int, optional
            Only those that ran with so many threads.
        """
        with_threads = {session.id: session.threads for session in self.sessions}
        return tuple(
            trial
            for trial in self.trials
            if trial.task == task and (threads is None or with_threads[trial.session] == threads)
        )

    def best(self, task: str, threads: int | None = None) -> Trial | None:
        """Give the best trial of one task; None where none ran.

        One that was timed again beside others is what that found it to be; the others have to be better by more than
        luck may bring.

        Parameters
        ----------
        task : str
            Its key.
        threads : int, optional
            Times with several threads and with one cannot be compared. Those with so many are taken; by default, and
            where there are none, those of which there are most, the fewer threads of two that are level.
        """
        ran = [trial for trial in self.of(task) if trial.seconds]
        if not ran:
            return None
        with_threads = {session.id: session.threads for session in self.sessions}
        counts = Counter(with_threads[trial.session] for trial in ran)
        if threads not in counts:
            threads = min(counts, key=lambda number: (-counts[number], number))
        ran = [trial for trial in ran if with_threads[trial.session] == threads]
        # Among equal times the choice must not depend on the order of lines, so that merging either way is the same.
        finals: dict[frozenset[tuple[str, int]], list[float]] = {}
        for trial in ran:
            if trial.final:
                finals.setdefault(trial.point, []).append(trial.best)
        luck = LUCK if finals else 0.0

        def judged(trial: Trial) -> float:
            again = finals.get(trial.point)
            return trial.best * (1 + luck) if again is None else statistics.median(again)

        return min(ran, key=lambda trial: (judged(trial), sorted(trial.decisions.items()), trial.best))

    def decisions(self, threads: int | None = None) -> dict[str, Decisions]:
        """Give the best decisions of every task that has any, by its key; see :meth:`best`."""
        found = {task: self.best(task, threads) for task in sorted(self.tasks)}
        return {task: dict(trial.decisions) for task, trial in found.items() if trial is not None}


def choose(folder: Path, sessions: Mapping[str, Session], trials: Iterable[Trial], wanted: Wanted) -> Fitting:
    """Give the records that fit; raises RecordsError with the reason where none does."""
    shown = repr(f"{folder.name}/")
    if not sessions:
        raise RecordsError(f"{shown} holds no records yet", hint=f"make some: %tvm_tune --records {folder}")
    left = list(sessions.values())
    for fits, say in (
        (lambda one: one.target.get("triple") == wanted.target.get("triple"), _other_triple),
        (
            lambda one: _same_processor(one.target, wanted.target) or (wanted.kin and _is_kin(one, wanted)),
            _other_processor,
        ),
        (lambda one: one.space == wanted.space, _other_space),
        (lambda one: not wanted.tasks.keys().isdisjoint(one.tasks), _other_model),
    ):
        kept = [session for session in left if fits(session)]
        if not kept:
            message, hint = say(left, wanted)
            raise RecordsError(f"{shown} {message}", hint=hint)
        left = kept
    held = [trial for trial in trials if trial.task in wanted.tasks]
    kept, kin = [one for one in left if _same_processor(one.target, wanted.target)], None
    if not kept:
        kept, kin = _of_one_processor(left, held)
    ids = {session.id for session in kept}
    chosen = tuple(trial for trial in held if trial.session in ids)
    return Fitting(tuple(sorted(kept, key=lambda one: (one.when, one.id))), chosen, kin)


def _same_processor(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return one.get("cpu") == other.get("cpu") and _features(one) == _features(other)


def _is_kin(session: Session, wanted: Wanted) -> bool:
    return _registers(session.target) == _registers(wanted.target)


def _registers(target: Mapping[str, Any]) -> tuple[int, int]:
    try:
        read = Target.from_plain(target)
    except ArgumentError:  # a target of a kind that this version does not know
        return 0, 0
    return read.lanes, read.registers


def _of_one_processor(sessions: list[Session], trials: list[Trial]) -> tuple[list[Session], str]:
    """Of several processors take the one with most trials: their times cannot be compared."""
    by: dict[tuple[str, frozenset[str]], list[Session]] = {}
    for session in sessions:
        by.setdefault((str(session.target.get("cpu")), _features(session.target)), []).append(session)
    counts = Counter(trial.session for trial in trials)
    (cpu, _), kept = max(by.items(), key=lambda item: (sum(counts[each.id] for each in item[1]), item[0][0]))
    return kept, cpu


def _other_triple(sessions: list[Session], wanted: Wanted) -> tuple[str, str]:
    there = _listed(str(session.target.get("triple")) for session in sessions)
    return f"was made on {there}, and the target is {wanted.target.get('triple')}", _TUNE


def _other_processor(sessions: list[Session], wanted: Wanted) -> tuple[str, str]:
    cpu = wanted.target.get("cpu")
    there, here = _features(sessions[-1].target), _features(wanted.target)
    if sessions[-1].target.get("cpu") == cpu:
        differ = [f"{name} there" for name in sorted(there - here)] + [f"{name} here" for name in sorted(here - there)]
        return f"was made on a {cpu} with other features: {_listed(differ)}", _TUNE
    names = _listed(str(session.target.get("cpu")) for session in sessions)
    what = f"was made on the processor {names}, and the target's is {cpu}"
    return (f"{what}, with other registers" if wanted.kin else what), _TUNE


def _other_space(sessions: list[Session], wanted: Wanted) -> tuple[str, str]:
    there = _listed(str(session.space) for session in sessions)
    return f"was made in version {there} of the search space, and this is version {wanted.space}", _TUNE


def _other_model(sessions: list[Session], wanted: Wanted) -> tuple[str, str]:
    there = _listed(session.model for session in sessions)
    count = len({task for session in sessions for task in session.tasks})
    tasks = f"none of its {count} tasks is" if count != 1 else "its one task is not"
    layouts = {session.layout for session in sessions}
    more = f" (layout {_listed(sorted(layouts))})" if wanted.model in {session.model for session in sessions} else ""
    return f"was made for {there}{more}: {tasks} in {wanted.model}", _TUNE


_TUNE = "tune into a new folder: %tvm_tune MODEL --records FOLDER"


def _features(target: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(str(name) for name in target.get("features", ()))


def _listed(words: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(words))
