"""A figure that changed while a step worked: what a search brought, and when."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any


@dataclass(frozen=True)
class Curve:
    """A value that changes at moments and stays between them.

    Attributes
    ----------
    label : str
        What is drawn: ``"estimated latency"``.
    unit_x, unit_y : str
        Units of the moments and of the values: ``"s"``, ``"ms"``.
    points : tuple[tuple[float, float], ...]
        ``(moment, value)`` of the start and of every change, in order. A last point that repeats the value before says
        until when it stayed.
    """

    label: str
    unit_x: str
    unit_y: str
    points: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        points = tuple((float(x), float(y)) for x, y in self.points)
        if not points:
            raise ValueError(f"the curve {self.label!r} has no point")
        if not all(math.isfinite(value) for point in points for value in point):
            raise ValueError(f"the curve {self.label!r} has a value that is not finite")
        if any(after[0] < before[0] for before, after in pairwise(points)):
            raise ValueError(f"the points of the curve {self.label!r} are not in order")
        object.__setattr__(self, "points", points)

    @property
    def start(self) -> float:
        """The value at the start."""
        return self.points[0][1]

    @property
    def end(self) -> float:
        """The value at the end."""
        return self.points[-1][1]

    def to_plain(self) -> dict[str, Any]:
        """Give the curve as JSON's own types."""
        return {
            "label": self.label,
            "unit_x": self.unit_x,
            "unit_y": self.unit_y,
            "points": [list(point) for point in self.points],
        }

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Curve:
        """Rebuild a curve from :meth:`to_plain`."""
        return cls(plain["label"], plain["unit_x"], plain["unit_y"], tuple((x, y) for x, y in plain["points"]))
