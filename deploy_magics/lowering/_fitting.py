"""Which records fit a model and a target, and why none does."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy_magics.errors import DeployError
from deploy_magics.lowering._trials import Decisions, Session, Trial

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
    """

    model: str
    tasks: Mapping[str, str]
    target: Mapping[str, Any]
    space: int


@dataclass(frozen=True)
class Fitting:
    """The records that fit.

    Attributes
    ----------
    sessions : tuple of Session
        The oldest first.
    trials : tuple of Trial
        Of tasks that are wanted.
    """

    sessions: tuple[Session, ...]
    trials: tuple[Trial, ...]

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
        (lambda one: one.target.get("cpu") == wanted.target.get("cpu"), _other_cpu),
        (lambda one: _features(one.target) == _features(wanted.target), _other_features),
        (lambda one: one.space == wanted.space, _other_space),
        (lambda one: not wanted.tasks.keys().isdisjoint(one.tasks), _other_model),
    ):
        kept = [session for session in left if fits(session)]
        if not kept:
            message, hint = say(left, wanted)
            raise RecordsError(f"{shown} {message}", hint=hint)
        left = kept
    ids = {session.id for session in left}
    chosen = tuple(trial for trial in trials if trial.session in ids and trial.task in wanted.tasks)
    return Fitting(tuple(sorted(left, key=lambda one: (one.when, one.id))), chosen)


def _other_triple(sessions: list[Session], wanted: Wanted) -> tuple[str, str]:
    there = _listed(str(session.target.get("triple")) for session in sessions)
    return f"was made on {there}, and the target is {wanted.target.get('triple')}", _TUNE


def _other_cpu(sessions: list[Session], wanted: Wanted) -> tuple[str, str]:
    there = _listed(str(session.target.get("cpu")) for session in sessions)
    return f"was made on the processor {there}, and the target's is {wanted.target.get('cpu')}", _TUNE


def _other_features(sessions: list[Session], wanted: Wanted) -> tuple[str, str]:
    there, here = _features(sessions[-1].target), _features(wanted.target)
    differ = [f"{name} there" for name in sorted(there - here)] + [f"{name} here" for name in sorted(here - there)]
    return f"was made on a {wanted.target.get('cpu')} with other features: {_listed(differ)}", _TUNE


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
