"""A space whose points are well-behaved or not, for the crew; it is unpacked in builders."""

from __future__ import annotations

import os
import pickle
import time
from typing import Any, ClassVar

from deploy_magics.tuning.job import Job

GOOD, ABORTS, HANGS, EATS, RAISES, CRASHES_RUN, HANGS_RUN, LARGE_RUN = range(8)


class Unruly:
    """Does at building, or has its code do, what ``what`` says."""

    kind: ClassVar[str] = "other"
    knobs: ClassVar[dict[str, tuple[int, ...]]] = {"what": tuple(range(8)), "tile": (1, 2, 4)}
    default: ClassVar[dict[str, int]] = {"what": GOOD, "tile": 1}

    def valid(self, decisions: dict[str, int]) -> bool:
        """Take all of them."""
        return set(decisions) == set(self.knobs)

    def apply(self, decisions: dict[str, int]) -> Any:
        """Give a function, or do not."""
        what = decisions["what"]
        if what == ABORTS:
            os.abort()
        if what == HANGS:
            time.sleep(600)
        if what == EATS:
            held = [bytearray(b"x" * 2**26) for _ in range(200)]
            time.sleep(len(held))
        if what == RAISES:
            raise RuntimeError("first line\nno such schedule")
        return function(what, decisions["tile"])


def function(what: int, tile: int) -> Any:
    """Make a function of 64 numbers, or of very many; it may call what ends it."""
    import tvm
    from tvm import s_tir, te

    count = 2**28 if what == LARGE_RUN else 64
    x = te.placeholder((count,), name="x")
    called = {CRASHES_RUN: "abort", HANGS_RUN: "pause"}.get(what)

    def value(i: Any) -> Any:
        made = x[i] + 1.0
        return made + tvm.tirx.call_extern("int32", called).astype("float32") if called else made

    schedule = s_tir.Schedule(te.create_prim_func([x, te.compute((count,), value, name="y")]))
    if tile > 1:
        block = schedule.get_sblock("y")
        schedule.split(schedule.get_loops(block)[0], [None, tile])
    return schedule.mod


def job(key: str = "unruly") -> Job:
    """Give the space as a job."""
    return Job(key, key, 1, 64.0, Unruly.knobs, Unruly.default, pickle.dumps(Unruly()))
