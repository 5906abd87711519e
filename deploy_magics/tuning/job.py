"""What is tuned, as plain data that the kernel can hold without TVM."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from deploy_magics.lowering.records import Decisions

Arrays: TypeAlias = tuple[tuple[tuple[int, ...], str], ...]
"""Shape and type of each argument of a function, the output last."""


@dataclass(frozen=True)
class Job:
    """One task of a model.

    Attributes
    ----------
    key, label : str
        What identifies it, and what people read.
    weight : int
        How often the model calls it.
    flops : float
        Floating-point operations of one call.
    knobs : Mapping[str, tuple[int, ...]]
        Every value that each knob of its space may take.
    default : Decisions
        What is used without a search.
    space : bytes
        The space itself, pickled; only a builder unpacks it.
    """

    key: str
    label: str
    weight: int
    flops: float
    knobs: Mapping[str, tuple[int, ...]]
    default: Decisions
    space: bytes


@dataclass(frozen=True)
class Plan:
    """What there is to tune in a model.

    Attributes
    ----------
    model, digest : str
        Its name for people, and what identifies its content.
    layout : str
        Of its tensors.
    target : Mapping[str, Any]
        The machine, as :meth:`deploy_magics.lowering.target.Target.to_plain` gives it.
    jobs : tuple of Job
        Its tasks, equal ones once. One without knobs is only timed, for the model's estimated latency.
    versions : Mapping[str, Any]
        What records have to say.
    """

    model: str
    digest: str
    layout: str
    target: Mapping[str, Any]
    jobs: tuple[Job, ...]
    versions: Mapping[str, Any]


@dataclass(frozen=True)
class Candidate:
    """A point of a task's space that is to be tried.

    Attributes
    ----------
    number : int
        Given once in a run.
    task : str
        Key of the task.
    decisions : Decisions
        The point.
    best : float or None
        Seconds of the task's best trial until then; one that is hopeless beside it is not timed at length.
    """

    number: int
    task: str
    decisions: Decisions
    best: float | None = None


@dataclass(frozen=True)
class Built:
    """A candidate that can be loaded.

    Attributes
    ----------
    path : str
        The library.
    arrays : Arrays
        What its function takes.
    seconds : float
        Time that scheduling, building and linking took.
    """

    path: str
    arrays: Arrays
    seconds: float


@dataclass(frozen=True)
class Ran:
    """What a runner found.

    Attributes
    ----------
    times : tuple of float
        Seconds of a call, for each repeat.
    seconds : float
        Time that it all took, loading and warming up included.
    """

    times: tuple[float, ...]
    seconds: float


@dataclass(frozen=True)
class Failed:
    """Why a candidate has no times, in one line."""

    reason: str


@dataclass(frozen=True)
class Ended(Failed):
    """The process ended with it."""


@dataclass(frozen=True)
class Lost:
    """Why a device gave no answer; its candidate goes to another.

    Attributes
    ----------
    reason : str
        In one line.
    begun : bool
        Whether the candidate was there already, so that it may be the cause.
    """

    reason: str
    begun: bool = True


@dataclass(frozen=True)
class Finished:
    """A candidate and what came of it."""

    candidate: Candidate
    result: Ran | Failed
    build_s: float = 0.0
