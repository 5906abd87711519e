"""What a builder does: it holds the spaces of tasks, and makes a library of each candidate.

Building takes its time from TVM's passes and LLVM; the linker is called directly, since a compiler's driver and the
object that TVM adds for devices take five times as long as the linker itself, for code that one function does not need.
"""

from __future__ import annotations

import itertools
import math
import pickle
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from deploy_magics.lowering._tvm import tvm
from deploy_magics.lowering.records import Decisions
from deploy_magics.lowering.target import Target
from deploy_magics.tuning.job import Arrays, Built, Failed

MOST_POINTS = 4096
"""A larger space is searched in a random part of so many points."""
_MOST_LOOKED_AT = 1 << 16
_LINK_S = 30.0

_spaces: dict[str, Any] = {}


def prepare() -> None:
    """Import TVM, and build once, so that the first candidate does not wait for what LLVM loads late."""
    tvm()


def hold(key: str, space: bytes) -> None:
    """Take the space of a task."""
    _spaces[key] = pickle.loads(space)


def points(key: str, seed: int) -> tuple[tuple[str, ...], list[tuple[int, ...]]]:
    """Give the knobs of a task's space, and its valid points: all, or a random part of a large one."""
    space = _spaces[key]
    names = tuple(space.knobs)
    values = [tuple(space.knobs[name]) for name in names]
    found: dict[tuple[int, ...], None] = {}
    if math.prod(map(len, values)) <= _MOST_LOOKED_AT:
        tried = itertools.product(*values)
        found = {point: None for point in tried if space.valid(dict(zip(names, point, strict=True)))}
        kept = list(found)
        if len(kept) > MOST_POINTS:
            kept = random.Random(seed).sample(kept, MOST_POINTS)
        return names, kept
    rng = random.Random(seed)
    for _ in range(_MOST_LOOKED_AT):
        point = tuple(rng.choice(each) for each in values)
        if point not in found and space.valid(dict(zip(names, point, strict=True))):
            found[point] = None
            if len(found) == MOST_POINTS:
                break
    return names, list(found)


def build(key: str, decisions: Decisions, path: str, target: Mapping[str, Any]) -> Built | Failed:
    """Schedule a candidate, build it and link it to a library at ``path``."""
    began = time.perf_counter()
    try:
        module = _spaces[key].apply(dict(decisions))
        code = tvm().tirx.build(module, target=_target(tuple(sorted(target.items(), key=repr))))
    except Exception as error:  # noqa: BLE001 - whatever TVM finds wrong with it is a failed trial
        return Failed(f"cannot be built: {_line(error)}")
    arrays = _arrays(module["main"])
    if arrays is None:
        return Failed("cannot be run: its shapes are not fixed")
    failed = _link(code, Path(path), Target.from_plain(target))
    return failed or Built(path, arrays, time.perf_counter() - began)


@lru_cache(maxsize=4)
def _target(items: tuple[tuple[str, Any], ...]) -> Any:
    return Target.from_plain(dict(items)).to_tvm()
