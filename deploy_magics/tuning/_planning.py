"""What finds the tasks of a model; it runs in a builder, since it needs TVM."""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from deploy_magics.errors import ArgumentError, ModelError
from deploy_magics.lowering import frontend
from deploy_magics.lowering._words import gist
from deploy_magics.lowering.pipeline import versions
from deploy_magics.lowering.schedules import Decisions, simple
from deploy_magics.lowering.target import Target
from deploy_magics.lowering.tasks import Lowered, lower
from deploy_magics.tuning.job import Job, Plan


@dataclass
class Fixed:
    """The space of a function that has nothing to choose; see :class:`deploy_magics.lowering.schedules.Space`."""

    function: Any
    kind: ClassVar[str] = "other"
    knobs: ClassVar[Mapping[str, tuple[int, ...]]] = {}
    default: ClassVar[Decisions] = {}

    def valid(self, decisions: Decisions) -> bool:
        """Tell whether there are no decisions."""
        return not decisions

    def apply(self, decisions: Decisions) -> Any:
        """Schedule it by rule."""
        del decisions
        return simple(self.function).mod


def plan(
    path: str, shapes: Mapping[str, Sequence[int]], target: Mapping[str, Any], layout: str, name: str, digest: str
) -> Plan:
    """Import a model and cut it into tasks.

    Raises
    ------
    ModelError
        In one line, where TVM cannot read it.
    ArgumentError
        For another layout.
    """
    lowered = _lowered(frontend.import_onnx(path, shapes), Target.from_plain(target), layout)
    jobs = []
    for task, label in zip(lowered.tasks, _labels([task.label for task in lowered.tasks]), strict=True):
        space = task.space or Fixed(task.function)
        knobs = {name: tuple(map(int, values)) for name, values in space.knobs.items()}
        default = {name: int(value) for name, value in space.default.items()}
        jobs.append(Job(task.key, label, task.weight, task.flops, knobs, default, pickle.dumps(space)))
    return Plan(name, digest, lowered.layout, dict(target), tuple(jobs), versions())


def _lowered(module: Any, target: Target, layout: str) -> Lowered:
    """Lower a model as :func:`deploy_magics.lowering.pipeline.make` does."""
    try:
        return lower(module, target, layout=layout)
    except ArgumentError:
        raise
    except Exception as error:  # noqa: BLE001 - TVM's errors have no base of their own
        if layout != "auto":
            raise ModelError(f"TVM could not lower the model: {gist(error)}") from None
    return _lowered(module, target, "plain")


def _labels(labels: Sequence[str]) -> list[str]:
    """Give labels of which those that stand for several tasks have a number.

    Examples
    --------
    >>> _labels(["conv", "pool", "conv"])
    ['conv', 'pool', 'conv (2)']
    """
    seen: Counter[str] = Counter()
    found = []
    for label in labels:
        seen[label] += 1
        found.append(f"{label} ({seen[label]})" if seen[label] > 1 else label)
    return found
