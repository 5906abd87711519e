"""The rule for functions that have nothing to tune: vectors along the last loop, threads along the others."""

from __future__ import annotations

from typing import Any

from deploy_magics.lowering.schedules._work import child_blocks, extent, kinds_of, sums

# Wide enough for a vector register of any machine here, and for the copies that a compiler likes to interleave.
_WIDTHS = (64, 32, 16, 8, 4)


def simple(function: Any) -> Any:
    """Schedule a function block by block, those that only pass values on written into the next.

    Parameters
    ----------
    function : tvm.tirx.PrimFunc
        Unscheduled.

    Returns
    -------
    tvm.s_tir.Schedule
        What comes after a step that TVM refuses is left out, and what may not be rearranged stays as it is; the
        schedule is valid all the same.
    """
    from tvm import s_tir

    schedule = s_tir.Schedule(function)
    for block in child_blocks(schedule)[:-1]:
        if not sums(schedule, block):
            attempt(lambda block=block: schedule.compute_inline(block))
    for block in child_blocks(schedule):
        attempt(lambda block=block: (sum_rule if sums(schedule, block) else map_rule)(schedule, block))
    return schedule


def attempt(step: Any) -> bool:
    """Take a step of scheduling that TVM may refuse; the schedule is as before where it does."""
    try:
        step()
    except (RuntimeError, ValueError):  # all of its errors are one of these
        return False
    return True


def map_rule(schedule: Any, block: Any) -> None:
    """Schedule a block that makes each of its values from others: the last loop in vectors, the rest in threads."""
    loops = schedule.get_loops(block)
    if not loops:
        return
    *outer, inner = loops
    size = extent(schedule, inner)
    if size is None:
        return
    width = size if size <= _WIDTHS[0] else next((width for width in _WIDTHS if size % width == 0), None)
    if width is not None and width < size:
        rest, inner = schedule.split(inner, [None, width])
        outer.append(rest)
    if width is not None and width > 1:
        schedule.vectorize(inner)
    if outer:
        schedule.parallel(schedule.fuse(*outer) if len(outer) > 1 else outer[0])


def sum_rule(schedule: Any, block: Any) -> None:
    """Schedule a block that sums: sums inside, vectors innermost, threads outside."""
    loops = schedule.get_loops(block)
    kinds = kinds_of(schedule, block)
    if len(loops) != len(kinds):
        return
    spatial = [loop for loop, kind in zip(loops, kinds, strict=True) if kind == 0]
    summed = [loop for loop, kind in zip(loops, kinds, strict=True) if kind != 0]
    if not spatial:
        return
    *outer, inner = spatial
    size = extent(schedule, inner)
    width = size if size is not None and size <= _WIDTHS[0] else None
    if size is not None and width is None:
        width = next((width for width in _WIDTHS if size % width == 0), None)
        if width is not None:
            rest, inner = schedule.split(inner, [None, width])
            outer.append(rest)
    if width is None or width == 1:
        outer, inner = spatial, None
    schedule.reorder(*outer, *summed, *([] if inner is None else [inner]))
    if outer:
        schedule.parallel(schedule.fuse(*outer) if len(outer) > 1 else outer[0])
    if inner is not None:
        schedule.decompose_reduction(block, summed[0])
        schedule.vectorize(schedule.get_loops(block)[-1])
