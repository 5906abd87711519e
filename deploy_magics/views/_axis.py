"""Ticks of an axis and the places of labels: the arithmetic of a drawing, without a drawing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from deploy_magics.views._numbers import decimals, write


@dataclass(frozen=True)
class Tick:
    """A mark on an axis: its value, and how that is written."""

    value: float
    text: str


def linear_ticks(low: float, high: float, wanted: int = 7) -> list[Tick]:
    """Give round values between two ends.

    Examples
    --------
    >>> [tick.text for tick in linear_ticks(10.9, 16.8)]
    ['11', '12', '13', '14', '15', '16']
    """
    span = high - low
    if not span > 0:
        return [Tick(low, write(low, decimals(4, [low])))]
    rough = span / wanted
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough)
    places = max(0, -math.floor(math.log10(step) + 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [Tick(i * step, write(i * step, places)) for i in range(first, last + 1)]


def log_ticks(low: float, high: float, wanted: int = 9) -> list[Tick]:
    """Give values of a logarithmic axis: 1, 2 and 5 of each decade, fewer where there are many decades.

    Examples
    --------
    >>> [tick.text for tick in log_ticks(0.8, 60)]
    ['1', '2', '5', '10', '20', '50']
    """
    decades = math.log10(high / low)
    if decades < 0.7:
        return linear_ticks(low, high)
    factors = (1, 1.5, 2, 3, 5, 7) if decades < 1.3 else (1, 2, 5) if decades * 3 <= wanted + 2 else (1,)
    every = max(1, math.ceil(decades / wanted))
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [(f * 10.0**p, max(0, (f == 1.5) - p)) for p in powers if p % every == 0 for f in factors]
    return [Tick(value, write(value, places)) for value, places in ticks if low <= value <= high]


def fit(labels: Sequence[str], places: Sequence[tuple[float, float]]) -> list[int | None]:
    """Put percentiles' labels on lanes; where not all find room, those of p95 go, then those of p99.

    Examples
    --------
    >>> fit(["p50", "p95"], [(0, 50), (10, 50)])
    [1, 0]
    """
    kept = list(range(len(labels)))
    for least in ("p95", "p99", None):
        found = lanes([places[index] for index in kept])
        if None not in found or least is None:
            break
        kept = [index for index in kept if labels[index] != least]
    result: list[int | None] = [None] * len(labels)
    for index, lane in zip(kept, found, strict=True):
        result[index] = lane
    return result


def lanes(places: Sequence[tuple[float, float]], gap: float = 6.0, most: int = 4) -> list[int | None]:
    """Put labels on lanes so that none covers another, nor the line under another.

    Parameters
    ----------
    places : sequence of (left, width)
        Where each label begins, and how wide it is.
    gap : float
        Least distance between two on the same lane.
    most : int
        Lanes there are.

    Returns
    -------
    list of int or None
        Lane of each, 0 the lowest; None for one that has no room.

    Examples
    --------
    >>> lanes([(0, 50), (10, 50), (100, 50)])
    [1, 0, 0]
    """
    # From the right, so that the line of a label, at its left end, passes the right of those on lower lanes.
    found: list[int | None] = [None] * len(places)
    left_end = [math.inf] * most
    for index in sorted(range(len(places)), key=lambda i: -places[i][0]):
        left, wide = places[index]
        for lane in range(most):
            # The lines of labels on higher lanes pass through this one.
            if left + wide + gap <= min(left_end[lane:]):
                found[index] = lane
                left_end[lane] = left
                break
    return found
