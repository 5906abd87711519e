"""How functions are scheduled for a CPU: what may be chosen of each, and what a rule chooses without a search.

``relax.build`` applies no schedule on a CPU; every loop would run as written, one after the other. Here a function that
sums (a convolution, a matrix product, pooling) has a :class:`Space` of tiles, and the rest a fixed rule.
"""

from __future__ import annotations

from typing import Any

from deploy_magics.lowering.schedules._simple import simple
from deploy_magics.lowering.schedules._space import Decisions, ScheduleError, Space
from deploy_magics.lowering.schedules._tiled import TiledSpace
from deploy_magics.lowering.target import Target

SPACE_VERSION = 1
"""Raised whenever knobs mean something else, since records hold their values."""


def space_of(function: Any, target: Target) -> Space | None:
    """Give what may be chosen of a function's schedule.

    Parameters
    ----------
    function : tvm.tirx.PrimFunc
        Unscheduled.
    target : Target
        The machine: width and number of its vector registers bound the tiles.

    Returns
    -------
    Space or None
        None where there is nothing to choose.
    """
    return TiledSpace.of(function, target)


__all__ = ["SPACE_VERSION", "Decisions", "ScheduleError", "Space", "simple", "space_of"]
