"""Figures along the depth of a network, as plain data: one place a layer, and what its values look like."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Spot:
    """One layer.

    Attributes
    ----------
    name : str
        The layer.
    part : str
        What it is; spots of one part have one colour: its operator type.
    values : tuple of float or None
        One figure a series; infinite for what cannot be put as a number, None for what is not known.
    low, high : float
        Ends of the bins of :attr:`counts`.
    counts : tuple of tuple of int
        Values in each of equal bins, one list for each of the drawing's ``sides``; empty where there are none.
    """

    name: str
    part: str
    values: tuple[float | None, ...]
    low: float = 0.0
    high: float = 0.0
    counts: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True)
class Depth:
    """Figures of layers, in the order in which they compute, on a logarithmic scale.

    Attributes
    ----------
    label : str
        What is drawn: ``"error along the depth"``.
    unit : str
        Unit of the values.
    series : tuple of str
        What the values of each spot are: ``("errors add up", "own error")``.
    spots : tuple of Spot
        From the input to the output.
    limit : float
        Values above are past what is allowed.
    sides : tuple of str
        Whose distributions the counts are.
    """

    label: str
    unit: str
    series: tuple[str, ...]
    spots: tuple[Spot, ...]
    limit: float
    sides: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.spots or not self.series:
            raise ValueError(f"the drawing {self.label!r} needs spots and series")
        for spot in self.spots:
            if len(spot.values) != len(self.series):
                raise ValueError(f"the spot {spot.name!r} needs {len(self.series)} values")
            if any(value is not None and not value >= 0 for value in spot.values):
                raise ValueError(f"the spot {spot.name!r} has a value that is negative or NaN")
            if spot.counts and len(spot.counts) != len(self.sides):
                raise ValueError(f"the spot {spot.name!r} needs {len(self.sides)} lists of counts")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parts, those with the most spots first."""
        counted: dict[str, int] = {}
        for spot in self.spots:
            counted[spot.part] = counted.get(spot.part, 0) + 1
        return tuple(sorted(counted, key=lambda part: -counted[part]))

    def first(self, series: int) -> int | None:
        """Find the first spot past the limit in a series."""
        for index, spot in enumerate(self.spots):
            value = spot.values[series]
            if value is not None and value > self.limit:
                return index
        return None

    def to_plain(self) -> dict[str, Any]:
        """Give it as JSON's own types."""
        spots = [
            [spot.name, spot.part, [_plain(value) for value in spot.values], spot.low, spot.high, list(spot.counts)]
            for spot in self.spots
        ]
        return {
            "depth": self.label,
            "unit": self.unit,
            "series": list(self.series),
            "spots": spots,
            "limit": self.limit,
            "sides": list(self.sides),
        }

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Depth:
        """Rebuild it from :meth:`to_plain`.

        Examples
        --------
        >>> made = Depth("error", "ppm", ("own",), (Spot("a", "Conv", (math.inf,), 0, 1, ((1, 2),)),), 100.0, ("x",))
        >>> Depth.from_plain(made.to_plain()) == made, made.first(0)
        (True, 0)
        """
        spots = tuple(
            Spot(
                str(name),
                str(part),
                tuple(None if value is None else float(value) for value in values),
                float(low),
                float(high),
                tuple(tuple(int(count) for count in side) for side in counts),
            )
            for name, part, values, low, high, counts in plain["spots"]
        )
        series, sides = (tuple(map(str, plain[key])) for key in ("series", "sides"))
        return cls(str(plain["depth"]), str(plain["unit"]), series, spots, float(plain["limit"]), sides)


def _plain(value: float | None) -> float | str | None:
    """JSON has no infinity; as a text it comes back with ``float``."""
    return value if value is None or math.isfinite(value) else str(value)
