"""The values a table's cell may hold, and their JSON form."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True)
class Missing:
    """A value that is not there, and why; drawn as a dash with the reason on hover.

    Examples
    --------
    >>> Missing("p99 needs 662 samples, there are 120").why
    'p99 needs 662 samples, there are 120'
    """

    why: str


@dataclass(frozen=True)
class Ratio:
    """A ratio with the interval in which it lies.

    Attributes
    ----------
    value : float
        The ratio; above 1 is more than the baseline.
    low, high : float
        Ends of the 95 % interval; equal to ``value`` where it is exact.
    verdict : str
        ``"faster"``, ``"slower"``, ``"no difference shown"`` or another word of the step's; "" for none.
    """

    value: float
    low: float
    high: float
    verdict: str = ""

    @classmethod
    def exact(cls, value: float) -> Ratio:
        """Make a ratio of two counts, which has no interval."""
        return cls(value, value, value)

    @property
    def is_exact(self) -> bool:
        """Whether there is no interval to draw."""
        return self.low == self.value == self.high


Cell: TypeAlias = str | int | float | bool | Missing | Ratio | None


def to_plain(cell: Cell) -> Any:
    """Turn a cell into what JSON can hold; NaN and infinities become ``{"float": ...}``."""
    if isinstance(cell, Missing):
        return {"missing": cell.why}
    if isinstance(cell, Ratio):
        plain: dict[str, Any] = {
            "ratio": to_plain(cell.value),
            "low": to_plain(cell.low),
            "high": to_plain(cell.high),
        }
        return {**plain, "verdict": cell.verdict} if cell.verdict else plain
    if isinstance(cell, bool) or cell is None or isinstance(cell, str | int):
        return cell
    number = float(cell)
    return number if math.isfinite(number) else {"float": str(number)}


def from_plain(value: Any) -> Cell:
    """Turn a cell's JSON form back into the cell.

    Examples
    --------
    >>> from_plain(to_plain(Ratio(1.1, 1.0, 1.2, "faster")))
    Ratio(value=1.1, low=1.0, high=1.2, verdict='faster')
    """
    if not isinstance(value, dict):
        return value  # type: ignore[no-any-return]  # JSON scalars are cells
    if "missing" in value:
        return Missing(str(value["missing"]))
    if "ratio" in value:
        ratio, low, high = (_number(value[key]) for key in ("ratio", "low", "high"))
        return Ratio(ratio, low, high, verdict=str(value.get("verdict", "")))
    if "float" in value:
        return float(value["float"])
    raise ValueError(f"not a cell: {value!r}")


def _number(value: Any) -> float:
    cell = from_plain(value)
    if isinstance(cell, int | float):
        return float(cell)
    raise ValueError(f"not a number: {value!r}")
