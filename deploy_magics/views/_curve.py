"""A curve in words, and as a picture that any saved notebook shows."""

from __future__ import annotations

import base64

from deploy_magics.result import Curve
from deploy_magics.views._axis import linear_ticks
from deploy_magics.views._names import clean, escape, width
from deploy_magics.views._numbers import decimals, write
from deploy_magics.views._palette import COLOURS
from deploy_magics.views._svg import INK

WIDTH, PLOT, TOP, LEFT, RIGHT, FOOT = 620, 150, 8, 46, 78, 24
ROOM = 1.08  # the highest value stands a little below the top
DURATIONS = {"s", "ms", "us", "µs", "μs", "ns"}


def compared(start: float, end: float, unit: str) -> str:
    """Say how the end compares with the start, a duration as faster or slower; "" where that cannot be said.

    Examples
    --------
    >>> compared(6.72, 2.1, "ms"), compared(2.0, 2.001, "ms"), compared(10, 30, "GFLOPS")
    ('3.2× faster than at the start', 'as at the start', '3.0× higher than at the start')
    """
    if start <= 0 or end <= 0:
        return ""
    ratio = max(start, end) / min(start, end)
    text = write(ratio, 2 if ratio < 1.95 else 1 if ratio < 99.5 else 0)
    if text == "1.00":
        return "as at the start"
    words = ("faster", "slower") if unit in DURATIONS else ("lower", "higher")
    return f"{text}× {words[end > start]} than at the start"


def value_text(value: float) -> str:
    """Write a value of a curve."""
    return write(value, decimals(3, [value]))


def sentence(curve: Curve) -> str:
    """Say in one line where a curve began and where it ended.

    Examples
    --------
    >>> sentence(Curve("estimated latency", "s", "ms", ((0, 6.72), (40, 2.1), (64.3, 2.1))))
    'estimated latency: 6.72 → 2.10 ms after 64 s, 3.2× faster than at the start'
    """
    passed = curve.points[-1][0] - curve.points[0][0]
    said = compared(curve.start, curve.end, curve.unit_y)
    return (
        f"{clean(curve.label)}: {value_text(curve.start)} → {value_text(curve.end)} {clean(curve.unit_y)}"
        f" after {write(passed, decimals(2, [passed]))} {clean(curve.unit_x)}{f', {said}' if said else ''}"
    )


def title(curve: Curve) -> str:
    """Name a curve with the unit of its values."""
    label = curve.label[:1].upper() + curve.label[1:]
    return f"{label} ({curve.unit_y})" if curve.unit_y else label


def image(curve: Curve) -> str:
    """Draw a curve as an ``<img>`` element with its description as alternative text."""
    data = base64.b64encode(draw(curve).encode("utf-8")).decode("ascii")
    return (
        f'<img class="dm-hist-image" width="{WIDTH}" style="max-width:100%" alt="{escape(sentence(curve))}" '
        f'src="data:image/svg+xml;base64,{data}">'
    )


def draw(curve: Curve) -> str:
    """Draw a curve as SVG: steps from zero up, the start as a line to compare with, the last value labelled."""
    values = [value for _, value in curve.points]
    low, high = min(0.0, *values), max(0.0, *values) * ROOM
    high = high if high > low else low + 1.0
    first, last = curve.points[0][0], curve.points[-1][0]
    span = last - first or 1.0
    across, base, right = WIDTH - LEFT - RIGHT, TOP + PLOT, WIDTH - RIGHT

    def x(moment: float) -> float:
        return LEFT + across * (moment - first) / span

    def y(value: float) -> float:
        return base - PLOT * (value - low) / (high - low)

    parts = []
    for tick in linear_ticks(low, high, 5):
        at = y(tick.value)
        if low < tick.value < high:
            parts.append(f'<path d="M{LEFT} {at:.1f}H{right}" stroke="{INK}" stroke-opacity=".18"/>')
        parts.append(f'<text x="{LEFT - 7}" y="{at + 4:.1f}" text-anchor="end">{tick.text}</text>')
    parts.append(f'<path d="M{LEFT} {base}H{right}" stroke="{INK}"/>')
    for tick in linear_ticks(first, first + span, 6):
        at = x(tick.value)
        parts.append(f'<path d="M{at:.1f} {base}v4" stroke="{INK}"/>')
        parts.append(f'<text x="{at:.1f}" y="{base + 17}" text-anchor="middle">{tick.text}</text>')
    parts.append(f'<text x="{right + 18}" y="{base + 17}">{escape(curve.unit_x)}</text>')
    start, end = y(curve.start), y(curve.end)
    parts.append(f'<path d="M{LEFT} {start:.1f}H{right}" stroke="{INK}" stroke-dasharray="2 4"/>')
    if abs(end - start) >= 14:
        parts.append(f'<text x="{right + 8}" y="{start + 4:.1f}">{value_text(curve.start)}</text>')
    parts.append(f'<path d="{steps([(x(m), y(v)) for m, v in curve.points])}" stroke="{COLOURS[0]}" stroke-width="2"/>')
    parts.append(f'<circle cx="{x(last):.1f}" cy="{end:.1f}" r="3.5" fill="{COLOURS[0]}"/>')
    label = f"{value_text(curve.end)} {clean(curve.unit_y)}"
    parts.append(f'<text x="{right + 8}" y="{end + 4:.1f}" font-weight="600">{escape(label)}</text>')
    total, height = max(WIDTH, right + 8 + round(7.4 * width(label))), base + FOOT
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total} {height}" width="{total}" height="{height}" '
        f'font-family="system-ui,sans-serif" font-size="12" fill="none"><g>{"".join(parts)}</g>'
        f"<style>text{{fill:{INK};font-variant-numeric:tabular-nums}}</style></svg>"
    )


def steps(places: list[tuple[float, float]]) -> str:
    """Write a path that stays on each place's height until the next; what no eye could tell apart is left out.

    Examples
    --------
    >>> steps([(0, 10), (5, 4), (5.1, 3), (9, 3)])
    'M0.0 10.0H5.0V3.0H9.0'
    """
    left, level = places[0]
    parts = [f"M{left:.1f} {level:.1f}"]
    for index, (at, height) in enumerate(places[1:], 1):
        final = index == len(places) - 1
        if at - left >= 0.5 or final:
            if height != level or final:
                parts.append(f"H{at:.1f}")
            left = at
        if height != level:
            if parts[-1][0] == "V":
                parts.pop()
            parts.append(f"V{height:.1f}")
            level = height
    return "".join(parts)
