"""What finds the tasks of a model; it runs in a builder, since it needs TVM."""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from deploy_magics.lowering import frontend
from deploy_magics.lowering._tvm import tvm_version
from deploy_magics.lowering.schedules import SPACE_VERSION, Decisions, simple
from deploy_magics.lowering.target import Target
from deploy_magics.lowering.tasks import lower
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
    from deploy_magics import __version__

    lowered = lower(frontend.import_onnx(path, shapes), Target.from_plain(target), layout=layout)
    jobs = []
    for task in lowered.tasks:
        space = task.space or Fixed(task.function)
        knobs = {name: tuple(map(int, values)) for name, values in space.knobs.items()}
        default = {name: int(value) for name, value in space.default.items()}
        jobs.append(Job(task.key, task.label, task.weight, task.flops, knobs, default, pickle.dumps(space)))
    versions = {"tvm": tvm_version(), "deploy_magics": __version__, "space": SPACE_VERSION}
    return Plan(name, digest, lowered.layout, dict(target), tuple(jobs), versions)
