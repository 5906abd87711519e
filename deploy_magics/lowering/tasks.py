"""A stand-in: fused functions, none of them scheduled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deploy_magics.lowering import _tvm
from deploy_magics.lowering.target import Target

Decisions = dict[str, int]


@dataclass
class Task:
    """One function that is made several times."""

    key: str
    label: str
    names: tuple[str, ...]
    weight: int
    flops: float
    func: Any
    space: Any


@dataclass
class Lowered:
    """A module cut into tasks."""

    mod: Any
    tasks: tuple[Task, ...]
    layout: str
    target: Target


def lower(mod: Any, target: Target, *, layout: str = "auto") -> Lowered:
    """Fuse."""
    tvm = _tvm.tvm()
    passes = tvm.relax.transform
    sequence = tvm.ir.transform.Sequential(
        [
            passes.LegalizeOps(),
            passes.AnnotateTIROpPattern(),
            passes.FoldConstant(),
            passes.FuseOps(),
            passes.FuseTIR(),
        ]
    )
    with target.to_tvm():
        return Lowered(sequence(mod), (), "plain", target)


def schedule(lowered: Lowered, decisions: Mapping[str, Decisions]) -> Any:
    """Leave it as it is."""
    return lowered.mod
