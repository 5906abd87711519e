"""What a function does, as far as a schedule has to know: its one summing block, the loops and what they index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from deploy_magics.lowering.computes import KIND

_SPATIAL, _SUM = 0, 2  # tirx.IterVar's kDataPar and kCommReduce


@dataclass(frozen=True)
class Axis:
    """A loop: its name in the tensor expression, and how often it runs."""

    name: str
    extent: int


@dataclass(frozen=True)
class Work:
    """The block that does a function's work, and what stands around it.

    Attributes
    ----------
    kind : str
        ``"conv2d"``, ``"depthwise"``, ``"matmul"``; ``"sum"`` for any other block that sums (or takes a maximum).
    spatial, summed : tuple of Axis
        Its loops over results, and those over what is summed, outermost first.
    reads : tuple of frozenset of str
        For each tensor that it reads, the spatial loops that index it.
    place : int
        Its place among the function's blocks.
    before : int
        How many blocks make its inputs.
    fits : bool
        Whether the last block runs over the same loops, so that results can be handed on while they are in registers.
    """

    kind: str
    spatial: tuple[Axis, ...]
    summed: tuple[Axis, ...]
    reads: tuple[frozenset[str], ...]
    place: int
    before: int
    fits: bool


def work_of(schedule: Any) -> Work | None:
    """Look at a function; None where not exactly one of its blocks sums, or its loops have no fixed bounds."""
    blocks = child_blocks(schedule)
    summing = [place for place, block in enumerate(blocks) if sums(schedule, block)]
    if len(summing) != 1:
        return None
    place = summing[0]
    block = schedule.get(blocks[place])
    loops = [extent(schedule, loop) for loop in schedule.get_loops(blocks[place])]
    kinds = [int(each.iter_type) for each in block.iter_vars]
    if len(loops) != len(kinds) or any(each is None for each in loops) or kinds != sorted(kinds):
        return None
    # The loops' names are the axes' without TVM's prefix.
    axes = [
        Axis(_name(each.var), int(loop)) for each, loop in zip(block.iter_vars, loops, strict=True) if loop is not None
    ]
    spatial = tuple(axis for axis, kind in zip(axes, kinds, strict=True) if kind == _SPATIAL)
    summed = tuple(axis for axis, kind in zip(axes, kinds, strict=True) if kind == _SUM)
    if not spatial or not summed:
        return None
    last = [extent(schedule, loop) for loop in schedule.get_loops(blocks[-1])]
    return Work(
        kind=str(block.annotations[KIND]) if KIND in block.annotations else "sum",
        spatial=spatial,
        summed=summed,
        reads=_reads(block, {axis.name for axis in spatial}),
        place=place,
        before=place,
        fits=place == len(blocks) - 1 or last == [axis.extent for axis in spatial],
    )


def child_blocks(schedule: Any) -> list[Any]:
    """Give the blocks of a function, in the order in which they run; none where it may not be rearranged.

    TVM writes some functions (sorting, scattering) as one piece, or with calls of which it does not say what they read.
    """
    try:
        blocks = list(schedule.get_child_blocks(schedule.get_sblock("root")))
    except RuntimeError:
        return []
    known = all(each.reads or each.writes for each in map(schedule.get, blocks))
    return blocks if known else []


def sums(schedule: Any, block: Any) -> bool:
    """Tell whether a block sums, or takes a maximum, over some loop."""
    return _SUM in kinds_of(schedule, block)


def kinds_of(schedule: Any, block: Any) -> list[int]:
    """Give the kind of each of a block's loops."""
    return [int(each.iter_type) for each in schedule.get(block).iter_vars]


def extent(schedule: Any, loop: Any) -> int | None:
    """Give how often a loop runs; None where that is not fixed."""
    found = schedule.get(loop).extent
    try:
        return int(found)
    except TypeError:
        return None


def _name(variable: Any) -> str:
    return str(variable.name).removeprefix("v_")


def _reads(block: Any, spatial: set[str]) -> tuple[frozenset[str], ...]:
    """Give the spatial loops that index each tensor which a block reads; its own result is not among them."""
    from tvm.tirx.analysis import undefined_vars

    found = []
    for region in block.reads:
        used = {_name(variable) for bounds in region.region for variable in undefined_vars(bounds.min)}
        found.append(frozenset(used & spatial))
    return tuple(found)
