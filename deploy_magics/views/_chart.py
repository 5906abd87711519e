"""Stacked bars, timelines and figures along a depth: in words, and as pictures that any saved notebook shows."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from itertools import accumulate

from deploy_magics.result import Chart, Depth, Result, Span, Stack, Timeline
from deploy_magics.views import _depth
from deploy_magics.views._axis import linear_ticks
from deploy_magics.views._names import clean, escape, shorten, width
from deploy_magics.views._numbers import decimals, own_decimals, write
from deploy_magics.views._palette import COLOURS, EVEN, luminance
from deploy_magics.views._svg import INK

WIDTH, RIGHT, FOOT = 760, 52, 24
BAR, MARK = 34, 20
LANE, GAP, NAME = 24, 6, 28
CHAR = 6.6


def hues(result: Result) -> dict[str, str]:
    """Give each part its colour, the same one in all drawings of a result."""
    names = dict.fromkeys(name for chart in result.charts for name in chart.names)
    found = {name: COLOURS[index % len(COLOURS)] for index, name in enumerate(names)}
    for chart in result.charts:
        if isinstance(chart, Depth):
            # Of many operator types the frequent ones are told apart.
            found.update({name: _depth.hue(chart.names, name) for name in chart.names})
    return found


def title(chart: Chart) -> str:
    """Name a drawing, with its unit."""
    label = chart.label[:1].upper() + chart.label[1:]
    return clean(f"{label} ({chart.unit})" if chart.unit else label)


def legend(chart: Chart) -> list[tuple[str, str]]:
    """Give the name of each part and what is said of it: its size and its share of the whole."""
    if isinstance(chart, Depth):
        return _depth.legend(chart)
    if isinstance(chart, Timeline):
        return [(clean(name), "") for name in chart.names]
    places = decimals(3, [size for _, size in chart.parts])
    unit = clean(chart.unit)
    return [
        (clean(name), f"{write(size, own_decimals(size, places))} {unit} ({share(size, chart.total)})")
        for name, size in chart.parts
    ]


def parts(chart: Chart) -> tuple[list[str], list[tuple[str, str]]]:
    """Give the parts' names, by which they have their colours, and the legend's entries."""
    names = [name for name, _ in chart.parts] if isinstance(chart, Stack) else list(chart.names)
    return names, legend(chart)


def share(size: float, total: float) -> str:
    """Write a share in percent.

    Examples
    --------
    >>> share(1, 3), share(0.001, 3), share(0, 0)
    ('33 %', '<1 %', '–')
    """
    if total <= 0:
        return "–"
    percent = 100 * size / total
    return "<1 %" if 0 < percent < 0.5 else f"{percent:.0f} %"


def sentence(chart: Chart) -> str:
    """Say in one line what a drawing shows.

    Examples
    --------
    >>> sentence(Stack("one frame", "ms", (("read", 4.0), ("inference", 12.0)), ("100 frames/s", 10.0)))
    'one frame: read 4.0 ms (25 %), inference 12.0 ms (75 %); 16.0 ms in all, 100 frames/s leaves 10.0 ms'
    """
    if isinstance(chart, Depth):
        return _depth.sentence(chart)
    unit = clean(chart.unit)
    if isinstance(chart, Stack):
        said = ", ".join(f"{name} {text}" for name, text in legend(chart))
        places = decimals(3, [chart.total])
        mark = f", {clean(chart.mark[0])} leaves {write(chart.mark[1], places)} {unit}" if chart.mark else ""
        return f"{clean(chart.label)}: {said}; {write(chart.total, places)} {unit} in all{mark}"
    start, end = chart.ends
    lanes = ", ".join(clean(lane) for lane in chart.lanes)
    return f"{clean(chart.label)}: {write(end - start, decimals(3, [end - start]))} {unit} of {lanes}"


def image(chart: Chart, colours: dict[str, str]) -> str:
    """Draw one as an ``<img>`` element with its description as alternative text."""
    return (
        f'<img class="dm-hist-image" width="{WIDTH}" style="max-width:100%" alt="{escape(sentence(chart))}" '
        f'src="{address(chart, colours)}">'
    )


def address(chart: Chart, colours: dict[str, str]) -> str:
    """Draw one as an address that holds the picture."""
    if isinstance(chart, Depth):
        drawn = _depth.draw(chart, colours)
    else:
        drawn = draw_stack(chart, colours) if isinstance(chart, Stack) else draw_timeline(chart, colours)
    return f"data:image/svg+xml;base64,{base64.b64encode(drawn.encode('utf-8')).decode('ascii')}"


def blocks(chart: Stack | Timeline) -> list[tuple[int, str, float, float]]:
    """Give lane, part, begin and end of each block, times from zero."""
    if isinstance(chart, Timeline):
        start = chart.ends[0]
        return [(each.lane, each.part, each.start - start, each.end - start) for each in chart.spans]
    ends = list(accumulate((size for _, size in chart.parts), initial=0.0))
    return [(0, name, begin, end) for (name, _), begin, end in zip(chart.parts, ends, ends[1:], strict=False)]


def draw_stack(chart: Stack, colours: dict[str, str]) -> str:
    """Draw a stacked bar as SVG, over an axis from zero, with the mark as a line across it."""
    top = MARK if chart.mark else 4
    base = top + BAR + 6
    far = max(chart.total, chart.mark[1] * 1.02 if chart.mark else 0.0) or 1.0
    across = WIDTH - RIGHT - 8

    def x(value: float) -> float:
        return 8 + across * value / far

    drawn: list[str] = []
    left = 0.0
    for name, size in chart.parts:
        begin, end = x(left), x(left + size)
        drawn.append(_block(begin, top + 3, end - begin, BAR, colours[name]))
        for text in (f"{clean(name)} {share(size, chart.total)}", share(size, chart.total)):
            if CHAR * width(text) + 8 <= end - begin:
                drawn.append(_inside((begin + end) / 2, top + 3 + BAR / 2, text, colours[name]))
                break
        left += size
    if chart.mark:
        at = x(chart.mark[1])
        # An outline in the text's grey: it is seen on every part, and on the page.
        drawn.append(f'<path d="M{at:.1f} {top - 2}V{base}" stroke="#fff" stroke-width="4" stroke-opacity=".7"/>')
        drawn.append(f'<path d="M{at:.1f} {top - 2}V{base}" stroke="{INK}" stroke-width="2" stroke-dasharray="5 3"/>')
        told = f"{clean(chart.mark[0])}: {write(chart.mark[1], decimals(3, [chart.mark[1]]))} {clean(chart.unit)}"
        wide = CHAR * width(told)
        anchor, place = ("end", at - 4) if at + wide > WIDTH else ("start", at + 4)
        drawn.append(f'<text x="{place:.1f}" y="{top - 6}" text-anchor="{anchor}">{escape(told)}</text>')
    drawn += _axis(0.0, far, 8, across, base, chart.unit)
    return _svg(drawn, base + FOOT)


def draw_timeline(chart: Timeline, colours: dict[str, str]) -> str:
    """Draw a timeline as SVG: blocks on lanes with their names before them, over an axis of time."""
    start, end = chart.ends
    names = [shorten(clean(lane), NAME) for lane in chart.lanes]
    left = 12 + CHAR * max(map(width, names))
    across = WIDTH - RIGHT - left
    span = end - start or 1.0

    def x(moment: float) -> float:
        return left + across * (moment - start) / span

    drawn = []
    for lane, name in enumerate(names):
        middle = lane * (LANE + GAP) + LANE / 2 + 2
        drawn.append(f'<text x="{left - 8:.1f}" y="{middle + 4:.1f}" text-anchor="end">{escape(name)}</text>')
        drawn.append(f'<path d="M{left:.1f} {middle:.1f}h{across:.1f}" stroke="{INK}" stroke-opacity=".25"/>')
    for each in chart.spans:
        top, begin = each.lane * (LANE + GAP) + 2, x(each.start)
        wide = x(each.end) - begin
        drawn.append(_block(begin, top, wide, LANE, colours[each.part]))
        for text in _texts(each):
            if text and CHAR * width(text) + 4 <= wide:
                drawn.append(_inside(begin + wide / 2, top + LANE / 2, text, colours[each.part]))
                break
    base = len(names) * (LANE + GAP) + 2
    drawn += _axis(0.0, span, left, across, base, chart.unit)
    return _svg(drawn, base + FOOT)


def _texts(span: Span) -> Sequence[str]:
    text = clean(span.text)
    return (f"{clean(span.part)} {text}", text)


def _block(left: float, top: float, wide: float, high: float, colour: str) -> str:
    # Neighbours are parted by a gap, as their colours alone may not part them for every eye.
    kept = max(0.6, wide - (1.0 if wide > 3 else 0.0))
    return f'<rect x="{left:.1f}" y="{top:.1f}" width="{kept:.1f}" height="{high}" fill="{colour}"/>'


def _inside(x: float, y: float, text: str, colour: str) -> str:
    # White or black, whichever is read more easily.
    kind = "in" if luminance(colour) < EVEN else "in on"
    return f'<text x="{x:.1f}" y="{y + 4:.1f}" text-anchor="middle" class="{kind}">{escape(text)}</text>'


def _axis(low: float, high: float, left: float, across: float, base: float, unit: str) -> list[str]:
    parts = [f'<path d="M{left:.1f} {base}h{across:.1f}" stroke="{INK}"/>']
    for tick in linear_ticks(low, high):
        at = left + across * (tick.value - low) / (high - low)
        parts.append(f'<path d="M{at:.1f} {base}v4" stroke="{INK}"/>')
        parts.append(f'<text x="{at:.1f}" y="{base + 17}" text-anchor="middle">{tick.text}</text>')
    parts.append(f'<text x="{left + across + 14:.1f}" y="{base + 17}">{escape(unit)}</text>')
    return parts


def _svg(parts: Sequence[str], height: float) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" '
        f'height="{height:.0f}" font-family="system-ui,sans-serif" font-size="12" fill="none"><g>{"".join(parts)}</g>'
        f"<style>text{{fill:{INK};font-variant-numeric:tabular-nums}}.in{{fill:#fff;font-weight:600}}"
        f".on{{fill:#000}}</style></svg>"
    )
