"""The space of functions that sum: a tile of results is held in registers while everything is added to it.

A convolution, seen from its inner loop, is a matrix product: each step loads some vectors of weights and some values of
the input, and multiplies each with each into accumulators. How many of both (the tile) decides whether the multipliers
or the loads are the limit, and whether the accumulators fit into the registers. The same holds for a matrix product, a
depthwise convolution and pooling, so one space serves all of them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from deploy_magics.lowering.computes import PADDED
from deploy_magics.lowering.schedules._simple import attempt, map_rule
from deploy_magics.lowering.schedules._space import Decisions, ScheduleError
from deploy_magics.lowering.schedules._work import Axis, Work, child_blocks, extent, work_of
from deploy_magics.lowering.target import Target

# A sum is ready four cycles after it began and two begin in each, so eight must be under way; two more hide the loads.
_UNDER_WAY = 10
# Beyond so many registers LLVM begins to spill, since it moves loads ahead. Found on a Zen 5, by trying.
_COMFORTABLE = 0.7
_MOST_UNROLLED = 768
_LEAST_TASKS = 8
_TILES = 16
_WIDEST = 28
_SHORT = 7  # loops over kernels up to this size may be written out


class TiledSpace:
    """Tiles of registers for a function with one summing block; see :class:`Space`.

    Knobs: ``tile_<loop>`` results of a tile along a loop over results; ``vector`` values of a vector, where the last
    loop does not give it; ``unroll_<loop>`` steps of a summing loop that are written out; ``order`` by how many places
    the loop over channels moves inwards; ``input`` where an input that is made in the function (its borders filled up)
    is made: 0 in a pass of its own, 1 where it is needed, 2 a block of channels at a time, 3 written into its reader.
    """

    def __init__(self, function: Any, work: Work, target: Target) -> None:
        self.kind = work.kind
        self._function = function
        self._work = work
        self._target = target
        *self._tiled, self._last = work.spatial
        self.loops: Mapping[str, int] = {axis.name: axis.extent for axis in (*work.spatial, *work.summed)}
        self.knobs: Mapping[str, tuple[int, ...]] = dict(self._make_knobs())

    @classmethod
    def of(cls, function: Any, target: Target) -> TiledSpace | None:
        """Give the space of a function; None where it has none of this kind."""
        from tvm import s_tir

        work = work_of(s_tir.Schedule(function))
        if work is None:
            return None
        return cls(function, work, target)

    def _make_knobs(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        for axis in self._tiled:
            if axis.extent > 1:
                yield f"tile_{axis.name}", _divisors(axis.extent, _WIDEST if axis is self._tiled[-1] else _TILES)
        if self._last.extent != self._target.lanes:
            yield "vector", _divisors(self._last.extent, 4 * self._target.lanes)
        for place, axis in enumerate(reversed(self._work.summed[-2:])):
            if axis.extent > 1 and place == 0:
                yield f"unroll_{axis.name}", _divisors(axis.extent, _TILES)
            elif 1 < axis.extent <= _SHORT:
                yield f"unroll_{axis.name}", (1, axis.extent)
        if len(self._moving) > 1:
            yield "order", tuple(range(len(self._moving)))
        if self._work.before:
            yield "input", (0, 1, 2) if self._work.kind != "sum" else (0, 1, 3)

    @property
    def _moving(self) -> list[Axis]:
        """The loops among which the order may be chosen: the one over channels, and those inside it."""
        return list(self._tiled[1:]) if len(self._tiled) > 2 else list(self._tiled)

    @cached_property
    def default(self) -> Decisions:
        """What the rule chooses: the tile that needs the fewest cycles for a multiplication, by a model of the core."""
        names = [name for name in self.knobs if name.startswith("tile_") or name == "vector"]
        choices = itertools.product(*(self.knobs[name] for name in names))
        tiles = min((dict(zip(names, values, strict=True)) for values in choices), key=self._cycles)
        rest = {name: values[0] for name, values in self.knobs.items() if name not in tiles}
        for name, values in self.knobs.items():
            if name.startswith("unroll_"):
                rest[name] = self._unrolled(name, values)
        if "input" in self.knobs:
            rest["input"] = {"depthwise": 2, "sum": 3}.get(self.kind, 0)
        return {name: {**rest, **tiles}[name] for name in self.knobs}

    def _unrolled(self, name: str, values: tuple[int, ...]) -> int:
        if self.kind == "depthwise":
            return values[-1]
        last = name == f"unroll_{self._work.summed[-1].name}"
        return max(value for value in values if value <= 4) if last else 1

    def _vectors(self, decisions: Decisions) -> tuple[float, int]:
        """Give how much of the vectors is used, and how many lie side by side."""
        width = decisions.get("vector", self._last.extent)
        side_by_side = math.ceil(width / self._target.lanes)
        return width / (side_by_side * self._target.lanes), side_by_side

    def _held(self, decisions: Decisions) -> tuple[int, int, int]:
        """Give accumulators, the cost of one step's loads, and registers held, all counted in vectors."""
        tile = {axis.name: decisions.get(f"tile_{axis.name}", 1) for axis in self._tiled}
        _, side_by_side = self._vectors(decisions)
        accumulators = math.prod(tile.values()) * side_by_side
        narrow = wide = 0
        for read in self._work.reads:
            count = math.prod(tile[name] for name in read if name in tile)
            if self._last.name in read:
                wide += count * side_by_side
            else:
                narrow += count
        # A vector that is used once needs no register: the multiplication reads it from memory.
        held = accumulators + (wide if wide < accumulators else 0) + 1
        # Whole vectors come from further away than the single values, which lie close together.
        return accumulators, narrow + 2 * wide, held

    def _cycles(self, decisions: Decisions) -> tuple[float, int]:
        """Estimate the cycles for one multiplication of full vectors, times two."""
        used, _ = self._vectors(decisions)
        accumulators, loads, held = self._held(decisions)
        per = loads / accumulators
        spilled = max(0.0, held - _COMFORTABLE * self._target.registers)
        cycles = max(1.0, per, _UNDER_WAY / accumulators) + 0.1 * per + 0.04 * spilled
        rows = sum(decisions.get(f"tile_{axis.name}", 1) > 1 for axis in self._tiled[:-1])
        return cycles / used + 0.005 * rows, accumulators

    def valid(self, decisions: Decisions) -> bool:
        """Tell whether the accumulators fit into the registers and the code stays short; see :class:`Space`."""
        if set(decisions) != set(self.knobs) or any(decisions[name] not in self.knobs[name] for name in self.knobs):
            return False
        accumulators, _, _ = self._held(decisions)
        unrolled = math.prod(value for name, value in decisions.items() if name.startswith("unroll_"))
        most = max(4, self._target.registers - 3)
        return accumulators <= most and accumulators * unrolled <= _MOST_UNROLLED

    def apply(self, decisions: Decisions) -> Any:
        """Schedule the function; see :class:`Space`."""
        missing = [name for name in self.knobs if name not in decisions]
        if missing:
            raise ScheduleError(f"no value for the knob {missing[0]!r}")
        from tvm import s_tir

        # Named, so that it can also be built by itself.
        schedule = s_tir.Schedule(self._function.with_attr("global_symbol", "main"))
        try:
            self._schedule(schedule, decisions)
        except (RuntimeError, ValueError) as error:
            gist = str(error).strip().splitlines()[-1][:200]
            raise ScheduleError(f"TVM refuses the decisions {dict(decisions)}: {gist}") from error
        return schedule.mod

    def _schedule(self, schedule: Any, decisions: Decisions) -> None:
        main, last, after = self._hand_over(schedule)
        before = child_blocks(schedule)[: self._work.before]
        outer = self._tile(schedule, last, decisions)
        parallel, innermost = self._spread(schedule, outer, decisions, has_input=bool(before))
        schedule.compute_at(main, innermost, preserve_unit_loops=True)
        self._order_inside(schedule, main, decisions)
        for block in reversed(before):
            self._make_input(schedule, block, parallel, decisions.get("input", 0))
        if after is not None:
            map_rule(schedule, after)

    def _hand_over(self, schedule: Any) -> tuple[Any, Any, Any]:
        """Have the results accumulate in registers; give that block, the one that takes them, and one that follows."""
        blocks = child_blocks(schedule)
        main, behind = blocks[self._work.place], blocks[self._work.place + 1 :]
        for block in behind[:-1]:
            schedule.compute_inline(block)
        if behind and self._work.fits:
            schedule.set_scope(main, 0, "local")
            return main, behind[-1], None
        return main, schedule.cache_write(main, 0, "local"), behind[-1] if behind else None

    def _tile(self, schedule: Any, block: Any, decisions: Decisions) -> dict[str, Any]:
        """Cut the loops of the block that takes the results into tiles; give the loops over tiles, by name."""
        outer: dict[str, Any] = {}
        inner = []
        *loops, last = schedule.get_loops(block)
        for axis, loop in zip(self._tiled, loops, strict=True):
            size = decisions.get(f"tile_{axis.name}", 1)
            outer[axis.name], one = schedule.split(loop, [None, size])
            inner.append(one)
        width = decisions.get("vector", self._last.extent)
        if width < self._last.extent or not loops:
            outer[self._last.name], last = schedule.split(last, [None, width])
        schedule.reorder(*outer.values(), *inner, last)
        if width > 1:
            schedule.vectorize(last)
        for loop in inner:
            schedule.unroll(loop)
        return outer

    def _spread(
        self, schedule: Any, outer: dict[str, Any], decisions: Decisions, *, has_input: bool
    ) -> tuple[Any, Any]:
        """Order the loops over tiles and spread them over threads; give the loop that is spread, and the innermost."""
        names = list(outer)
        steps = decisions.get("order", 0)
        if steps:
            moved = self._moving[0].name
            names.remove(moved)
            names.insert(list(outer).index(moved) + steps, moved)
            schedule.reorder(*(outer[name] for name in names))
        loops = [outer[name] for name in names]
        sizes = [extent(schedule, loop) or 1 for loop in loops]
        # A block of channels at a time: the loops outside that over rows.
        count = (
            min(2, len(loops)) if has_input and decisions.get("input") == 2 and not steps else max(1, len(loops) - 1)
        )
        if math.prod(sizes[:count]) < _LEAST_TASKS and decisions.get("input") != 2:
            count = len(loops)
        parallel = schedule.fuse(*loops[:count]) if count > 1 else loops[0]
        schedule.parallel(parallel)
        return parallel, loops[-1] if count < len(loops) else parallel

    def _order_inside(self, schedule: Any, main: Any, decisions: Decisions) -> None:
        """Inside a tile: sum outside, results inside, so that every step adds to all accumulators."""
        loops = schedule.get_loops(main)
        summed = list(loops[len(loops) - len(self._work.summed) :])
        results = loops[len(loops) - len(self._work.summed) - len(self._work.spatial) : len(loops) - len(summed)]
        schedule.reorder(*summed, *results)
        for place, (axis, loop) in enumerate(zip(self._work.summed, summed, strict=True)):
            steps = decisions.get(f"unroll_{axis.name}", 1)
            if steps == axis.extent and steps > 1:
                schedule.unroll(loop)
            elif steps > 1:
                summed[place], written_out = schedule.split(loop, [None, steps])
                schedule.unroll(written_out)
        # Before the start of the sums is taken out: without it, TVM no longer sees that the block sums.
        self._as_one_step(schedule, schedule.get_loops(main)[-len(results) :])
        start = schedule.decompose_reduction(main, summed[0])
        self._as_one_step(schedule, schedule.get_loops(start)[-len(results) :])

    def _as_one_step(self, schedule: Any, loops: list[Any]) -> None:
        *tile, last = loops
        if (extent(schedule, last) or 1) > 1:
            schedule.vectorize(last)
        for loop in tile:
            schedule.unroll(loop)

    def _make_input(self, schedule: Any, block: Any, parallel: Any, where: int) -> None:
        if where == 3 and attempt(lambda: schedule.compute_inline(block)):
            return
        if where in (1, 2) and str(schedule.get(block).name_hint) == PADDED:
            schedule.compute_at(block, parallel, preserve_unit_loops=True)
            last = schedule.get_loops(block)[-1]
            if 1 < (extent(schedule, last) or 1) <= 64:
                schedule.vectorize(last)
            return
        map_rule(schedule, block)


def _divisors(number: int, most: int) -> tuple[int, ...]:
    """List the divisors of a number up to a bound.

    Examples
    --------
    >>> _divisors(56, 16)
    (1, 2, 4, 7, 8, 14)
    """
    return tuple(each for each in range(1, min(number, most) + 1) if number % each == 0)
