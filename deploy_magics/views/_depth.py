"""Figures along the depth of a network: in words, and as a picture that any saved notebook shows."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

from deploy_magics.result import Depth
from deploy_magics.views._axis import linear_ticks
from deploy_magics.views._names import clean, escape, shorten, width
from deploy_magics.views._numbers import own_decimals, write
from deploy_magics.views._palette import COLOURS, GREY
from deploy_magics.views._svg import INK

WIDTH, TOP, PLOT, LEFT, RIGHT, FOOT = 760, 22, 190, 62, 16, 40
ZERO, ABOVE = 16, 14
"""Room for what has no place on a logarithmic scale: a lane below for zero, and one above for what is not finite."""
_MOST_DECADES = 12
_CHAR = 6.6


@dataclass(frozen=True)
class Frame:
    """Where figures stand on the picture.

    Attributes
    ----------
    low, high : int
        Ends of the scale, as powers of ten.
    across : float
        Distance of one layer from the next, in pixels.
    """

    low: int
    high: int
    across: float

    def x(self, index: int) -> float:
        """Give the place of a layer."""
        return LEFT + self.across * (index + 0.5)

    def y(self, value: float) -> float:
        """Give the height of a figure: zero in the lane below, what is not finite in the lane above."""
        if not math.isfinite(value):
            return TOP + ABOVE / 2
        base = TOP + PLOT - ZERO
        if value <= 0:
            return base + ZERO / 2
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return base - (PLOT - ZERO - ABOVE) * max(0.0, min(1.0, share))


def frame(depth: Depth) -> Frame:
    """Choose the scale: whole decades around all figures and the limit, twelve at most.

    Examples
    --------
    >>> from deploy_magics.result import Spot
    >>> found = frame(Depth("error", "ppm", ("own",), (Spot("a", "Conv", (0.02,)), Spot("b", "Add", (0.0,))), 100.0))
    >>> found.low, found.high, found.y(0.0) > found.y(0.02) > found.y(100.0)
    (-2, 3, True)
    """
    values = [value for spot in depth.spots for value in spot.values if value and math.isfinite(value)]
    values += [depth.limit] if depth.limit > 0 else []
    top = math.floor(math.log10(max(values))) + 1 if values else 1
    low = math.ceil(math.log10(min(values))) - 1 if values else 0
    return Frame(max(low, top - _MOST_DECADES), top, (WIDTH - LEFT - RIGHT) / len(depth.spots))


def hue(names: tuple[str, ...], part: str) -> str:
    """Give a part its colour; what is rarer than eight others is grey."""
    place = names.index(part)
    return COLOURS[place] if place < len(COLOURS) else GREY


def legend(depth: Depth) -> list[tuple[str, str]]:
    """Give each part and how many spots it has."""
    counted = Counter(spot.part for spot in depth.spots)
    return [(clean(name), str(counted[name])) for name in depth.names]


def figure_text(value: float | None, unit: str) -> str:
    """Write a figure with its unit.

    Examples
    --------
    >>> figure_text(0.0012, "ppm"), figure_text(5366.4, "ppm"), figure_text(float("inf"), "ppm")
    ('0.0012 ppm', '5,366 ppm', 'not finite, or cannot be compared')
    """
    if value is None:
        return "not known"
    if not math.isfinite(value):
        return "not finite, or cannot be compared"
    if value and (value < 1e-3 or value >= 1e7):
        return f"{value:.1e} {clean(unit)}"
    places = 0 if not value or value >= 1000 else max(0, 1 - math.floor(math.log10(value)))
    return f"{write(value, own_decimals(value, places))} {clean(unit)}"


def sentence(depth: Depth) -> str:
    """Say in one line where figures pass the limit.

    Examples
    --------
    >>> from deploy_magics.result import Spot
    >>> spots = (Spot("a", "Conv", (0.0,)), Spot("b", "Conv", (5000.0,)))
    >>> sentence(Depth("error along the depth", "ppm", ("on its own",), spots, 100.0))
    'error along the depth of 2 layers; on its own: b is the first past 100 ppm, with 5,000 ppm'
    """
    said = []
    for place, name in enumerate(depth.series):
        first = depth.first(place)
        limit = figure_text(depth.limit, depth.unit)
        if first is None:
            said.append(f"{clean(name)}: none past {limit}")
        else:
            value = figure_text(depth.spots[first].values[place], depth.unit)
            said.append(f"{clean(name)}: {clean(depth.spots[first].name)} is the first past {limit}, with {value}")
    layers = "1 layer" if len(depth.spots) == 1 else f"{len(depth.spots)} layers"
    return f"{clean(depth.label)} of {layers}; {'; '.join(said)}"


def draw(depth: Depth, colours: dict[str, str]) -> str:
    """Draw it as SVG: the first of two series as rings on a line, the last as dots, the limit as a dashed line."""
    place = frame(depth)
    right, bottom = WIDTH - RIGHT, TOP + PLOT
    parts = _scale(place, right)
    if depth.limit > 0:
        at = place.y(depth.limit)
        parts.append(f'<path d="M{LEFT} {at:.1f}H{right}" stroke="{INK}" stroke-width="1.4" stroke-dasharray="5 3"/>')
        parts.append(f'<text x="{right}" y="{at - 4:.1f}" text-anchor="end">tolerance</text>')
    for series in range(len(depth.series)):
        parts += _series(depth, series, place, colours)
    parts += _first(depth, place)
    parts.append(f'<path d="M{LEFT} {bottom}H{right}" stroke="{INK}"/>')
    for tick in linear_ticks(1, max(2, len(depth.spots)), 8):
        if tick.value == int(tick.value) and tick.value >= 1 and tick.value <= len(depth.spots):
            at = place.x(int(tick.value) - 1)
            parts.append(f'<path d="M{at:.1f} {bottom}v4" stroke="{INK}"/>')
            parts.append(f'<text x="{at:.1f}" y="{bottom + 17}" text-anchor="middle">{tick.text}</text>')
    parts += _key(depth, bottom + 33)
    height = bottom + FOOT
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'font-family="system-ui,sans-serif" font-size="12" fill="none"><g>{"".join(parts)}</g>'
        f"<style>text{{fill:{INK};font-variant-numeric:tabular-nums}}</style></svg>"
    )


def _scale(place: Frame, right: float) -> list[str]:
    parts = []
    every = max(1, math.ceil((place.high - place.low) / 6))
    for power in range(place.low, place.high + 1, every):
        at = place.y(10.0**power)
        parts.append(f'<path d="M{LEFT} {at:.1f}H{right}" stroke="{INK}" stroke-opacity=".18"/>')
        text = write(10.0**power, max(0, -power)) if -3 <= power <= 6 else f"1e{power}"
        parts.append(f'<text x="{LEFT - 7}" y="{at + 4:.1f}" text-anchor="end">{text}</text>')
    parts.append(f'<text x="{LEFT - 7}" y="{place.y(0.0) + 4:.1f}" text-anchor="end">0</text>')
    return parts


def _series(depth: Depth, series: int, place: Frame, colours: dict[str, str]) -> list[str]:
    known = [(index, spot) for index, spot in enumerate(depth.spots) if spot.values[series] is not None]
    ring = series < len(depth.series) - 1
    parts = []
    if ring:
        path = "L".join(f"{place.x(index):.1f} {place.y(spot.values[series] or 0.0):.1f}" for index, spot in known)
        parts.append(f'<path d="M{path}" stroke="{INK}" stroke-opacity=".5"/>' if path else "")
    size = max(1.8, min(4.0, place.across * 0.42))
    for index, spot in known:
        colour = colours[spot.part]
        look = f'stroke="{colour}" stroke-width="1.5"' if ring else f'fill="{colour}"'
        at = f'cx="{place.x(index):.1f}" cy="{place.y(spot.values[series] or 0.0):.1f}"'
        parts.append(f'<circle {at} r="{size + ring * 0.6:.1f}" {look}/>')
    return parts


def _first(depth: Depth, place: Frame) -> list[str]:
    """Name the first layer past the limit, by the last series that has one."""
    firsts = [first for series in range(len(depth.series)) if (first := depth.first(series)) is not None]
    if not firsts:
        return []
    found = firsts[-1]
    at = place.x(found)
    text = shorten(clean(depth.spots[found].name), 60)
    wide = _CHAR * width(text)
    anchor, left = ("end", max(at - 4, wide)) if at + wide + 8 > WIDTH else ("start", at + 4)
    return [
        f'<path d="M{at:.1f} 4V{TOP + PLOT}" stroke="{INK}" stroke-opacity=".6"/>',
        f'<text x="{left:.1f}" y="13" text-anchor="{anchor}" font-weight="600">{escape(text)}</text>',
    ]


def _key(depth: Depth, base: float) -> list[str]:
    """Say which marks are which series, and what the axis counts."""
    parts = []
    left = float(LEFT)
    for series, name in enumerate(depth.series):
        ring = series < len(depth.series) - 1
        look = f'stroke="{INK}" stroke-width="1.5"' if ring else f'fill="{INK}"'
        parts.append(f'<circle cx="{left + 4:.1f}" cy="{base - 4}" r="3.5" {look}/>')
        parts.append(f'<text x="{left + 13:.1f}" y="{base}">{escape(clean(name))}</text>')
        left += 30 + _CHAR * width(name)
    parts.append(f'<text x="{WIDTH - RIGHT}" y="{base}" text-anchor="end">layer, in the order computed</text>')
    return parts
