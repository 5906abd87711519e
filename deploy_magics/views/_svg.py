"""A histogram as a picture that any saved notebook shows: an SVG inside an image, as inline SVG is often dropped."""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass

from deploy_magics.views._axis import fit, linear_ticks, log_ticks
from deploy_magics.views._bins import Distribution
from deploy_magics.views._names import clean, escape, shorten, width
from deploy_magics.views._numbers import decimals, write
from deploy_magics.views._palette import GREY

WIDTH, PLOT, LANE, LEFT, RIGHT, FOOT = 760, 150, 15, 8, 52, 34
# An image does not know the page's theme; this grey can be read on white and on black (contrast 4.5:1 and 4.2:1).
INK = "#767676"


def image(dist: Distribution, colours: dict[str, str]) -> str:
    """Draw a distribution as an ``<img>`` element with its description as alternative text."""
    data = base64.b64encode(draw(dist, colours).encode("utf-8")).decode("ascii")
    return (
        f'<img class="dm-hist-image" width="{WIDTH}" style="max-width:100%" alt="{escape(describe(dist))}" '
        f'src="data:image/svg+xml;base64,{data}">'
    )


def describe(dist: Distribution) -> str:
    """Say in words what the histogram shows."""
    parts = []
    for name, total, told in zip(dist.names, dist.totals, dist.percentiles, strict=True):
        values = [value for _, value in told]
        places = decimals(4, values)
        figures = ", ".join(f"{label} {write(value, places)}" for label, value in told)
        parts.append(f"{clean(name)}: {total:,} samples, {figures} {dist.unit}")
    return "Histogram. " + "; ".join(parts)


def draw(dist: Distribution, colours: dict[str, str]) -> str:
    """Draw a distribution as SVG: filled outlines, percentile lines with labels, an axis in its unit."""
    binned = dist.logarithmic if dist.prefer_log and dist.logarithmic else dist.linear
    low, high = binned.low, binned.high
    plot_width = WIDTH - LEFT - RIGHT

    def x(value: float) -> float:
        share = math.log(value / low) / math.log(high / low) if binned.logarithmic else (value - low) / (high - low)
        return LEFT + plot_width * max(0.0, min(1.0, share))

    marks = marks_of(dist, colours, low, high)
    placed = fit([mark.label for mark in marks], [(x(mark.value), 6.6 * width(mark.text)) for mark in marks])
    top = LANE * (1 + max((lane for lane in placed if lane is not None), default=-1)) + 6
    base = top + PLOT
    shares = [[count / total for count in counts] for counts, total in zip(binned.counts, dist.totals, strict=True)]
    tallest = max(max(share) for share in shares) or 1.0
    edges = [x(edge) for edge in binned.edges()]
    parts = []
    for name, share in zip(dist.names, shares, strict=True):
        colour = colours.get(name, GREY)
        points = [f"M{edges[0]:.1f} {base}"]
        for i, value in enumerate(share):
            points.append(f"V{base - PLOT * value / tallest:.1f}H{edges[i + 1]:.1f}")
        path = "".join(points) + f"V{base}"
        parts.append(f'<path d="{path}" fill="{colour}" fill-opacity=".22" stroke="{colour}" stroke-width="1.2"/>')
    for mark, lane in zip(marks, placed, strict=True):
        at = x(mark.value)
        start = top if lane is None else top - LANE * (lane + 1)
        dashes = f' stroke-dasharray="{mark.dashes}"' if mark.dashes else ""
        parts.append(f'<path d="M{at:.1f} {start}V{base}" stroke="{mark.colour}" stroke-width="1.5"{dashes}/>')
        if lane is not None:
            parts.append(f'<text x="{at + 4:.1f}" y="{start + 10}">{escape(mark.text)}</text>')
    parts.append(f'<path d="M{LEFT} {base}H{LEFT + plot_width}" stroke="{INK}"/>')
    for tick in (log_ticks if binned.logarithmic else linear_ticks)(low, high):
        at = x(tick.value)
        parts.append(f'<path d="M{at:.1f} {base}v4" stroke="{INK}"/>')
        parts.append(f'<text x="{at:.1f}" y="{base + 17}" text-anchor="middle">{tick.text}</text>')
    parts.append(f'<text x="{WIDTH - RIGHT + 8}" y="{base + 17}">{escape(dist.unit)}</text>')
    above, below = sum(binned.above), sum(binned.below)
    if above:
        far = write(max(dist.greatest), decimals(4, [max(dist.greatest)]))
        text = f"{above:,} beyond, up to {far} →"
        parts.append(f'<text x="{LEFT + plot_width}" y="{base + 31}" text-anchor="end">{text}</text>')
    if below:
        parts.append(f'<text x="{LEFT}" y="{base + 31}">← {below:,} below</text>')
    height = base + (FOOT if above or below else FOOT - 12)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'font-family="system-ui,sans-serif" font-size="12" fill="none"><g>{"".join(parts)}</g>'
        f"<style>text{{fill:{INK};font-variant-numeric:tabular-nums}}</style></svg>"
    )


@dataclass(frozen=True)
class Mark:
    """A percentile's line: which, where, what its label says, how it is drawn."""

    label: str
    value: float
    text: str
    colour: str
    dashes: str


DASHES = {"p50": "", "p95": "5 3", "p99": "1.5 3"}


def marks_of(dist: Distribution, colours: dict[str, str], low: float, high: float) -> list[Mark]:
    """List the percentile lines that lie on the axis; fewer of each the more candidates there are."""
    marks = []
    for name, told in zip(dist.names, dist.percentiles, strict=True):
        places = decimals(4, [value for _, value in told])
        kept = told if len(dist.names) <= 2 else [told[0], told[-1]] if len(dist.names) <= 4 else told[:1]
        for label, value in dict.fromkeys(kept):
            if low <= value <= high:
                named = label == "p50" and len(dist.names) > 1
                text = f"{shorten(clean(name), 16)} {label} {write(value, places)}" if named else ""
                colour = colours.get(name, GREY)
                marks.append(Mark(label, value, text or f"{label} {write(value, places)}", colour, DASHES[label]))
    return marks
