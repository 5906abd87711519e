"""What a goal in frames a second leaves to each stage, and what would have to shrink."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deploy_magics.errors import ArgumentError
from deploy_magics.result import Goal
from deploy_magics.result.goals import parse_goal

_TIME = re.compile(r"\s*(?P<value>[\d.]+)\s*(?P<unit>ms|s)\s*")


@dataclass(frozen=True)
class Shrink:
    """What would have to become of one stage, or of those that share a thread.

    Attributes
    ----------
    stage : str
        Its name.
    now_s, needed_s : float
        Seconds of a frame that it takes, and that it may take.
    """

    stage: str
    now_s: float
    needed_s: float

    @property
    def possible(self) -> bool:
        """Whether that leaves it any time at all."""
        return self.needed_s > 0

    def __str__(self) -> str:
        if not self.possible:
            return f"{self.stage} alone cannot: it takes {_ms(self.now_s)}"
        return f"{self.stage} {_ms(self.now_s)} → {_ms(self.needed_s)} ({self.now_s / self.needed_s:.2g}x faster)"


def parse_rate(text: str | float) -> Goal:
    """Read a goal for a pipeline: ``30fps``, ``30 frames/s``, ``30``, or ``33 ms`` for a frame.

    Raises
    ------
    ArgumentError
        Where it is none of these.

    Examples
    --------
    >>> str(parse_rate("30fps")), str(parse_rate("40 ms"))
    ('frames/s >= 30', 'frames/s >= 25')
    """
    written = str(text).strip()
    time = _TIME.fullmatch(written)
    hint = "such as --goal 30fps, or --goal 33ms for a frame"
    try:
        if time is not None:
            lasts = float(time["value"]) * (1e-3 if time["unit"] == "ms" else 1.0)
            goal = Goal("frames/s", ">=", 1 / lasts, "frames/s")
        else:
            goal = parse_goal(f"frames/s >= {written}")
    except (ArgumentError, ValueError, ZeroDivisionError):
        raise ArgumentError(f"{written!r} is no goal for a pipeline", hint=hint) from None
    if not goal.value > 0:
        raise ArgumentError(f"a goal of {written} is none", hint=hint)
    return goal


def alone(stages: Mapping[str, float], rate: float) -> list[Shrink]:
    """Say for each stage what it would have to become by itself, where stages run one after another.

    Parameters
    ----------
    stages : mapping
        Seconds of each stage in a frame.
    rate : float
        Frames a second that are to be met.

    Examples
    --------
    >>> [str(one) for one in alone({"preprocess": 0.030, "inference": 0.010}, 50)]
    ['preprocess 30.0 ms → 10.0 ms (3x faster)', 'inference alone cannot: it takes 10.0 ms']
    """
    excess = sum(stages.values()) - 1 / rate
    return [Shrink(name, lasts, lasts - excess) for name, lasts in stages.items()] if excess > 0 else []


def together(threads: Mapping[str, float], rate: float) -> list[Shrink]:
    """Say which threads would have to become faster where stages overlap: all that take longer than a frame may.

    Examples
    --------
    >>> [str(one) for one in together({"preprocess": 0.030, "model": 0.010}, 50)]
    ['preprocess 30.0 ms → 20.0 ms (1.5x faster)']
    """
    return [Shrink(name, lasts, 1 / rate) for name, lasts in threads.items() if lasts > 1 / rate]


def worth(found: Sequence[Shrink]) -> list[Shrink]:
    """Give those that can bring it, the least demanding first."""
    return sorted((one for one in found if one.possible), key=lambda one: one.now_s / one.needed_s)


def _ms(seconds: float) -> str:
    value = 1e3 * seconds
    # From what is written as 10.0 on: 9.999 is no 10.00.
    return f"{value:.1f} ms" if value >= 9.995 else f"{value:.2f} ms" if value >= 0.1 else f"{value:.2g} ms"
