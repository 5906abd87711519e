"""What a search may choose of a function's schedule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeAlias

from deploy_magics.errors import DeployError

Decisions: TypeAlias = "Mapping[str, int]"
"""A value for each knob."""


class ScheduleError(DeployError):
    """Decisions that a function cannot be scheduled with."""


class Space(Protocol):
    """Every way in which one function may be scheduled.

    Attributes
    ----------
    kind : str
        What the function does: ``"conv2d"``, ``"depthwise"``, ``"matmul"``, ``"sum"``.
    knobs : Mapping[str, tuple of int]
        The values that each knob may take.
    loops : Mapping[str, int]
        How often each loop of the block that does the work runs, by its name.
    """

    kind: str
    knobs: Mapping[str, tuple[int, ...]]
    loops: Mapping[str, int]

    @property
    def default(self) -> Decisions:
        """What the rule chooses, without a search."""

    def valid(self, decisions: Decisions) -> bool:
        """Tell whether a machine can be expected to hold what these decisions ask for."""

    def apply(self, decisions: Decisions) -> Any:
        """Schedule the function.

        Returns
        -------
        tvm.IRModule
            One function, ``main``.

        Raises
        ------
        ScheduleError
            Where TVM refuses, or a knob is missing or has a value that it cannot take.
        """
