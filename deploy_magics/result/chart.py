"""What a whole consists of, and what happened when: drawings as plain data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

from deploy_magics.result.depth import Depth


@dataclass(frozen=True)
class Stack:
    """A bar that consists of parts.

    Attributes
    ----------
    label : str
        What is drawn: ``"one frame"``.
    unit : str
        Unit of the parts.
    parts : tuple[tuple[str, float], ...]
        Name and size of each, from the left.
    mark : tuple[str, float] or None
        A size to compare the whole with, and what it is: ``("30 frames/s", 33.3)``.
    """

    label: str
    unit: str
    parts: tuple[tuple[str, float], ...]
    mark: tuple[str, float] | None = None

    def __post_init__(self) -> None:
        parts = tuple((str(name), float(size)) for name, size in self.parts)
        if not parts or not all(size >= 0 and math.isfinite(size) for _, size in parts):
            raise ValueError(f"the bar {self.label!r} needs parts of sizes that are finite and not negative")
        object.__setattr__(self, "parts", parts)

    @property
    def total(self) -> float:
        """The size of the whole."""
        return math.fsum(size for _, size in self.parts)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parts, each once."""
        return tuple(dict.fromkeys(name for name, _ in self.parts))

    def to_plain(self) -> dict[str, Any]:
        """Give it as JSON's own types."""
        mark = list(self.mark) if self.mark else None
        return {"stack": self.label, "unit": self.unit, "parts": [list(part) for part in self.parts], "mark": mark}


@dataclass(frozen=True)
class Span:
    """Something that lasted.

    Attributes
    ----------
    lane : int
        The lane it lies on.
    part : str
        What it was; spans of one part have one colour.
    start, end : float
        When, in the timeline's unit.
    text : str
        Written inside, where there is room: the number of a frame.
    """

    lane: int
    part: str
    start: float
    end: float
    text: str = ""


@dataclass(frozen=True)
class Timeline:
    """What happened when, on lanes that lie under one another.

    Attributes
    ----------
    label : str
        What is drawn.
    unit : str
        Unit of the times.
    lanes : tuple[str, ...]
        Names, from the top.
    spans : tuple[Span, ...]
        In any order of their times; a legend names the parts as they come first here.
    """

    label: str
    unit: str
    lanes: tuple[str, ...]
    spans: tuple[Span, ...]

    def __post_init__(self) -> None:
        if not self.spans:
            raise ValueError(f"the timeline {self.label!r} has no span")
        for span in self.spans:
            if not 0 <= span.lane < len(self.lanes):
                raise ValueError(f"the timeline {self.label!r} has no lane {span.lane}")
            if not (math.isfinite(span.start) and math.isfinite(span.end) and span.start <= span.end):
                raise ValueError(f"the timeline {self.label!r} has a span that ends before it begins")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parts, each once, in the order of the spans."""
        return tuple(dict.fromkeys(span.part for span in self.spans))

    @property
    def ends(self) -> tuple[float, float]:
        """When the first span begins and the last one ends."""
        return min(span.start for span in self.spans), max(span.end for span in self.spans)

    def to_plain(self) -> dict[str, Any]:
        """Give it as JSON's own types."""
        spans = [[span.lane, span.part, span.start, span.end, span.text] for span in self.spans]
        return {"timeline": self.label, "unit": self.unit, "lanes": list(self.lanes), "spans": spans}


Chart: TypeAlias = Stack | Timeline | Depth


def chart_from_plain(plain: dict[str, Any]) -> Chart:
    """Rebuild a drawing from its ``to_plain``.

    Examples
    --------
    >>> stack = Stack("one frame", "ms", (("read", 3.0), ("inference", 12.5)), ("30 frames/s", 33.3))
    >>> chart_from_plain(stack.to_plain()) == stack
    True
    """
    if "depth" in plain:
        return Depth.from_plain(plain)
    if "stack" in plain:
        mark = (str(plain["mark"][0]), float(plain["mark"][1])) if plain["mark"] else None
        return Stack(plain["stack"], plain["unit"], tuple((name, size) for name, size in plain["parts"]), mark)
    spans = tuple(Span(int(lane), part, start, end, text) for lane, part, start, end, text in plain["spans"])
    return Timeline(plain["timeline"], plain["unit"], tuple(plain["lanes"]), spans)
