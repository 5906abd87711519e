"""Targets that a model has to meet, as plain data, and how they are written: ``latency_p99 < 20 ms``."""

from __future__ import annotations

import math
import os
import re
from dataclasses import asdict, dataclass
from typing import Any, Literal

from deploy_magics.errors import ArgumentError, did_you_mean

VARIABLE = "DEPLOY_MAGICS_GOALS"
"""Environment variable that sets goals for a process, separated by commas."""

Sign = Literal["<", "<=", ">", ">="]

# Units by what they measure, each as a multiple of the first.
_UNITS: dict[str, dict[str, float]] = {
    "time": {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ns": 1e-9, "min": 60.0},
    "inferences": {"inferences/s": 1.0, "inference/s": 1.0, "inf/s": 1.0, "/s": 1.0},
    "frames": {"frames/s": 1.0, "frame/s": 1.0, "fps": 1.0, "FPS": 1.0, "/s": 1.0},
    "size": {"B": 1.0, "KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9},
    "count": {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9},
    "share": {"%": 1e-2, "ppm": 1e-6},
}
# What need not be written, where nothing else can be meant.
_IMPLIED = {"inferences": "inferences/s", "frames": "frames/s", "count": ""}


@dataclass(frozen=True)
class Quantity:
    """What a goal can be set for.

    Attributes
    ----------
    name : str
        As it is written; columns that hold it say so by :attr:`Column.goal`.
    measures : str
        Kind of its units.
    better : {"lower", "higher"}
        Direction in which it is good.
    others : tuple[str, ...]
        Other names of it.
    help : str
        What it is.
    """

    name: str
    measures: str
    better: Literal["lower", "higher"]
    others: tuple[str, ...]
    help: str

    @property
    def units(self) -> list[str]:
        """Its units, as they may be written."""
        return [unit for unit in _UNITS[self.measures] if unit]


QUANTITIES = (
    Quantity("latency", "time", "lower", ("latency_p50", "p50", "median_latency"), "median latency"),
    Quantity("latency_mean", "time", "lower", ("mean", "mean_latency"), "mean latency"),
    Quantity("latency_p90", "time", "lower", ("p90",), "latency that nine of ten runs keep"),
    Quantity("latency_p95", "time", "lower", ("p95",), "latency that 19 of 20 runs keep"),
    Quantity("latency_p99", "time", "lower", ("p99",), "latency that 99 of 100 runs keep"),
    Quantity("latency_max", "time", "lower", ("max_latency",), "greatest latency"),
    Quantity("throughput", "inferences", "higher", ("inferences/s", "inference/s", "inf/s"), "inferences a second"),
    Quantity("frames/s", "frames", "higher", ("fps", "frame/s", "frame_rate"), "frames a second of the whole pipeline"),
    Quantity("load", "time", "lower", ("load_time",), "time to load the model"),
    Quantity("first_call", "time", "lower", ("first", "first_run", "first_frame"), "time of the first run"),
    Quantity("memory", "size", "lower", ("peak_memory", "ram"), "peak memory"),
    Quantity("size", "size", "lower", ("model_size", "file_size"), "size of the file"),
    Quantity("params", "count", "lower", ("parameters",), "parameters"),
    Quantity("macs", "count", "lower", (), "multiply-accumulates of one inference"),
    Quantity("flops", "count", "lower", (), "floating-point operations of one inference"),
    Quantity("error", "share", "lower", ("max_error",), "largest difference of outputs, of their range"),
    Quantity("accuracy", "share", "higher", (), "accuracy"),
    Quantity("accuracy_drop", "share", "lower", ("drop",), "accuracy lost, in points"),
)
_BY_NAME = {word: quantity for quantity in QUANTITIES for word in (quantity.name, *quantity.others)}
_FORM = re.compile(
    r"\s*(?P<name>[^<>=≤≥]*?)\s*(?P<sign>[<>=≤≥]+)\s*(?P<value>[-+]?[\d.,_]+(?:[eE][-+]?\d+)?|\S*?)\s*(?P<unit>[^\s\d.,+-]\S*)?\s*"
)
_SIGNS: dict[str, Sign] = {"<": "<", "<=": "<=", "≤": "<=", "=<": "<=", ">": ">", ">=": ">=", "≥": ">=", "=>": ">="}
_GROUPED = re.compile(r"[-+]?\d{1,3}(,\d{3})+(\.\d*)?(e[-+]?\d+)?", re.IGNORECASE)
_EXAMPLE = "for example latency_p99 < 20 ms"


@dataclass(frozen=True)
class Goal:
    """One target.

    Attributes
    ----------
    quantity : str
        Name of one of :data:`QUANTITIES`.
    sign : {"<", "<=", ">", ">="}
        How a value compares that meets it.
    value : float
        The limit, in ``unit``.
    unit : str
        Its unit.

    Examples
    --------
    >>> str(Goal("latency_p99", "<", 20.0, "ms"))
    'latency_p99 < 20 ms'
    """

    quantity: str
    sign: Sign
    value: float
    unit: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", float(self.value))

    def __str__(self) -> str:
        # "frames/s >= 30" says its unit already.
        limit = self._number if self.unit == self.quantity else self.limit_text
        return f"{self.quantity} {self.sign} {limit}"

    @property
    def limit_text(self) -> str:
        """The limit with its unit."""
        return f"{self._number} {self.unit}".rstrip()

    @property
    def _number(self) -> str:
        whole = self.value.is_integer() and abs(self.value) < 1e15
        return f"{self.value:,.0f}" if whole else repr(self.value)

    def met(self, value: float) -> bool:
        """Tell whether a value in the goal's own unit meets it."""
        return {
            "<": value < self.value,
            "<=": value <= self.value,
            ">": value > self.value,
            ">=": value >= self.value,
        }[self.sign]

    def of(self, value: float, unit: str) -> float | None:
        """Give a value of another unit in the goal's own; None where that unit measures something else."""
        units = _UNITS[quantity(self.quantity).measures]
        if unit not in units:
            return None
        if unit == self.unit:
            # To seconds and back, 7.85 ms would be a little less.
            return value
        return value * units[unit] / units[self.unit]

    def limit(self, unit: str) -> float | None:
        """Give the limit in another unit; None where that measures something else."""
        units = _UNITS[quantity(self.quantity).measures]
        return self.value * units[self.unit] / units[unit] if unit in units else None

    def to_plain(self) -> dict[str, Any]:
        """Give it as JSON's own types."""
        return asdict(self)


def quantity(name: str) -> Quantity:
    """Find what a goal can be set for, by any of its names.

    Raises
    ------
    ArgumentError
        Where there is none; the line suggests one.
    """
    word = re.sub(r"[\s-]+", "_", name.strip()).lower()
    if word not in _BY_NAME:
        known = ", ".join(each.name for each in QUANTITIES)
        hint = did_you_mean(word, _BY_NAME) or f"there are: {known}"
        raise ArgumentError(f"there is no goal for {name.strip()!r}", hint=hint)
    return _BY_NAME[word]


def parse_goal(text: str) -> Goal:
    """Read one goal.

    Raises
    ------
    ArgumentError
        Where it is not written as one, its name, unit or direction is not known; one line.

    Examples
    --------
    >>> parse_goal("accuracy drop < 1 %")
    Goal(quantity='accuracy_drop', sign='<', value=1.0, unit='%')
    >>> parse_goal("fps>=30")
    Goal(quantity='frames/s', sign='>=', value=30.0, unit='frames/s')
    """
    match = _FORM.fullmatch(text)
    if match is None or not match["name"]:
        raise ArgumentError(f"{_short(text)} is not a goal: it has no name, sign and value", hint=_EXAMPLE)
    found = quantity(match["name"])
    sign = _SIGNS.get(match["sign"])
    if sign is None:
        raise ArgumentError(f"a goal has one of <, <=, > and >=, not {match['sign']!r}", hint=_EXAMPLE)
    if (sign[0] == "<") != (found.better == "lower"):
        turned = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}[sign]
        raise ArgumentError(
            f"of {found.name} a {found.better} value is better, so {match['sign']} is no goal",
            hint=f"did you mean {found.name} {turned} {match['value']} {match['unit'] or ''}".rstrip() + "?",
        )
    value = _number(match["value"], text)
    return Goal(found.name, sign, value, _unit(found, match["unit"] or ""))


def parse_goals(text: str) -> tuple[Goal, ...]:
    """Read goals that are separated by commas, semicolons or lines; see :func:`parse_goal`.

    Examples
    --------
    >>> [str(goal) for goal in parse_goals("size < 5 MiB, fps >= 30")]
    ['size < 5 MiB', 'frames/s >= 30']
    """
    # A comma between digits is one of a number: "params < 5,000,000".
    parts = re.split(r"[;\n]|,(?!\d)|(?<!\d),", text)
    return tuple(parse_goal(part) for part in parts if part.strip())


def _number(text: str, whole: str) -> float:
    if "," in text and not _GROUPED.fullmatch(text):
        hint = f"did you mean {text.replace(',', '.')}?" if text.count(",") == 1 else _EXAMPLE
        raise ArgumentError(f"{_short(whole)} is not a goal: commas part groups of three digits", hint=hint)
    try:
        value = float(text.replace(",", "").replace("_", ""))
    except ValueError:
        raise ArgumentError(f"{_short(whole)} is not a goal: {text!r} is no number", hint=_EXAMPLE) from None
    if not math.isfinite(value) or value < 0:
        raise ArgumentError(f"a goal's value is finite and not negative, not {text}")
    return value


def _unit(found: Quantity, unit: str) -> str:
    units = _UNITS[found.measures]
    if not unit:
        if found.measures in _IMPLIED:
            return _IMPLIED[found.measures]
        raise ArgumentError(f"{found.name} needs a unit", hint=f"one of {', '.join(found.units)}")
    if unit in units:
        return _IMPLIED.get(found.measures, unit) if found.measures in ("frames", "inferences") else unit
    near = did_you_mean(unit, found.units)
    same = [known for known in found.units if known.lower() == unit.lower()]
    hint = f"did you mean {same[0]!r}?" if same else near or f"one of {', '.join(found.units) or 'k, M and G'}"
    raise ArgumentError(f"{found.name} is not measured in {unit!r}", hint=hint)


def _short(text: str) -> str:
    text = " ".join(text.split())
    return repr(text if len(text) <= 60 else f"{text[:57]}...")


_goals: list[Goal] = []
_read_environment = [False]


def current() -> tuple[Goal, ...]:
    """Give the goals that are set in this process; the environment's are read once.

    Raises
    ------
    ArgumentError
        Where the environment variable holds what is not a goal.
    """
    if not _read_environment[0]:
        text = os.environ.get(VARIABLE, "")
        try:
            found = parse_goals(text)
        except ArgumentError as error:
            raise ArgumentError(f"the environment variable {VARIABLE}: {error.message}", hint=error.hint) from None
        _read_environment[0] = True
        set_goals(found)
    return tuple(_goals)


def set_goals(goals: tuple[Goal, ...]) -> None:
    """Set goals; one for the same quantity takes the place of the one before, also of one of the environment.

    Raises
    ------
    ArgumentError
        As :func:`current` does.
    """
    current()
    for goal in goals:
        _goals[:] = [other for other in _goals if other.quantity != goal.quantity]
        _goals.append(goal)


def clear_goals(names: tuple[str, ...] = ()) -> tuple[Goal, ...]:
    """Clear the goals for some quantities, or all; give those that were cleared.

    Raises
    ------
    ArgumentError
        Where a name is not known.
    """
    wanted = {quantity(name).name for name in names}
    if names:
        current()
    # All are cleared even where the environment's cannot be read.
    _read_environment[0] = True
    gone = tuple(goal for goal in _goals if not names or goal.quantity in wanted)
    _goals[:] = [goal for goal in _goals if goal not in gone]
    return gone
