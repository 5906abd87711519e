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
import time
from functools import lru_cache
from pathlib import Path
from typing import Any

from deploy_magics.errors import DeployError
from deploy_magics.lowering._link import linker_for
from deploy_magics.lowering._tvm import tvm
from deploy_magics.lowering._words import gist
from deploy_magics.lowering.records import Decisions
from deploy_magics.lowering.target import Target
from deploy_magics.tuning.job import Arrays, Built, Failed

MOST_POINTS = 4096
"""A larger space is searched in a random part of so many points."""
_MOST_LOOKED_AT = 1 << 16
_LINK_S = 30.0

_spaces: dict[str, Any] = {}


def prepare() -> None:
    """Import TVM, so that the first candidate does not wait for it."""
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


def build(key: str, decisions: Decisions, path: str, target: Target) -> Built | Failed:
    """Schedule a candidate, build it and link it to a library at ``path``."""
    began = time.perf_counter()
    try:
        function = _spaces[key].apply(dict(decisions))["main"]
        # Only a function with a name of its own becomes one that can be called from outside.
        module = tvm().IRModule({"main": function.with_attr("global_symbol", "main")})
        code = tvm().tirx.build(module, target=_target(target))
    except Exception as error:  # noqa: BLE001 - whatever TVM finds wrong with it is a failed trial
        return Failed(f"cannot be built: {gist(error)}")
    arrays = _arrays(function)
    if arrays is None:
        return Failed("cannot be run: its shapes are not fixed")
    failed = _link(code, Path(path), target)
    return failed or Built(path, arrays, time.perf_counter() - began)


def _arrays(function: Any) -> Arrays | None:
    """Give shape and type of each argument; None where one is not fixed."""
    found = []
    for parameter in function.params:
        try:
            found.append((tuple(int(extent) for extent in parameter.shape), str(parameter.dtype)))
        except (TypeError, ValueError, AttributeError):
            return None
    return tuple(found)


def _link(code: Any, path: Path, target: Target) -> Failed | None:
    """Write the object file of a candidate, and make a library of it."""
    parts = [code, *code.imports]
    made = path.with_suffix(".o")
    try:
        next(part for part in parts if part.kind == "llvm").write_to_file(str(made), "o")
        linker = _bare_linker(target)
        if linker is None:
            linker_for(target).library(path, [made])
            return None
        done = subprocess.run(
            [linker, "-shared", "-o", str(path), str(made)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_LINK_S,
            check=False,
        )
        said = done.stdout.decode("utf-8", "replace").strip().splitlines() or ["it printed nothing"]
        return Failed(f"cannot be linked: {said[-1][:200]}") if done.returncode else None
    except (DeployError, OSError, RuntimeError, StopIteration, subprocess.TimeoutExpired) as error:
        return Failed(f"cannot be linked: {gist(error)}")
    finally:
        made.unlink(missing_ok=True)


@lru_cache(maxsize=4)
def _bare_linker(target: Target) -> str | None:
    """Find this machine's own linker, where it makes libraries for the target."""
    if not target.is_host or target.system != "linux" or "musl" in target.triple:
        return None
    return shutil.which("ld")


@lru_cache(maxsize=4)
def _target(target: Target) -> Any:
    return target.to_tvm()
