"""A result as a matplotlib figure: bars of the figure that is compared, distributions of what was measured, curves.

The figure is made without pyplot, so that it changes no state of the reader's own plots.
"""

from __future__ import annotations

import io
import math
import textwrap
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from deploy_magics.result import Chart, Column, Curve, Depth, Goal, Ratio, Result, Stack, Table
from deploy_magics.views import _chart, _depth
from deploy_magics.views._bins import Distribution, distributions
from deploy_magics.views._curve import ROOM, compared, value_text
from deploy_magics.views._names import clean, shorten
from deploy_magics.views._numbers import decimals, own_decimals, write
from deploy_magics.views._palette import COLOURS, GREY, colours
from deploy_magics.views._plan import as_number, base_decimals

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_BARS = 24
WIDTH_IN = 8.0
LINE = 80
"""Characters of the title's size that fit the width."""
_BEYOND = 4.0
"""Factor beyond the ends of a logarithmic scale at which zero and what is not finite are drawn."""
DASHES = {"p50": "-", "p95": "--", "p99": ":"}


def plot(result: Result) -> Figure:
    """Draw a result.

    Parameters
    ----------
    result : Result
        What to draw: the first table that has a column of numbers, a histogram for each unit of its samples, its
        curves, its stacked bars and its timelines. A drawing along the depth has all rows of the table, in their
        order, and stands in place of bars.

    Returns
    -------
    matplotlib.figure.Figure
        Not known to pyplot; ``figure.savefig("a.png")`` writes it, and a notebook shows it.
    """
    hues = colours(result)
    chosen = None if any(isinstance(chart, Depth) for chart in result.charts) else _main(result)
    dists = distributions(result)
    heights = [0.9 + 0.3 * _bars(chosen[0])] if chosen else []
    heights += [2.6] * len(dists) + [2.2] * len(result.curves) + [_height(chart) for chart in result.charts]
    figure = _figure_class()(figsize=(WIDTH_IN, max(1.2, sum(heights) + 0.6)), layout="constrained")
    title = shorten(clean(result.headline), 2 * LINE - 20) + (
        " (interrupted)" if result.status == "interrupted" else ""
    )
    figure.suptitle(_literal(textwrap.fill(title, LINE)), x=0.01, ha="left", fontsize=11, fontweight="bold")
    if not heights:
        return figure
    axes = list(figure.subplots(len(heights), 1, squeeze=False, gridspec_kw={"height_ratios": heights})[:, 0])
    if chosen:
        _draw_bars(axes.pop(0), *chosen, hues, _goal(result, chosen[1]))
    for axis, dist in zip(axes, dists, strict=False):
        _draw_distribution(axis, dist, hues)
    for axis, curve in zip(axes[len(dists) :], result.curves, strict=False):
        _draw_curve(axis, curve)
    for axis, chart in zip(axes[len(dists) + len(result.curves) :], result.charts, strict=True):
        _draw_chart(axis, chart, _chart.hues(result))
    return figure


@lru_cache(maxsize=1)
def _figure_class() -> type[Figure]:
    """Give a Figure that shows itself: IPython learns to draw matplotlib's own only when pyplot is imported."""
    from matplotlib.figure import Figure

    class SelfShowingFigure(Figure):
        def _repr_png_(self) -> bytes:
            picture = io.BytesIO()
            self.savefig(picture, format="png", dpi=110)
            return picture.getvalue()

    return SelfShowingFigure


def _main(result: Result) -> tuple[Table, Column] | None:
    """Choose what the bars show: the figure that ratios are of, else the first that has a better end, else any.

    A column of numbers without a unit may hold a different quantity in each row; its bars would say nothing.
    """
    for table in result.tables:
        able = [c for c in table.columns[1:] if c.kind == "integer" or (c.kind == "number" and c.unit)]
        numbers = [column for column in able if any(_known(table, column))]
        if not numbers:
            continue
        of = next((c.ratio_of for c in table.columns if c.kind == "ratio" and c.ratio_of), None)
        ranked = sorted(numbers, key=lambda c: (c.key != of, c.better is None, not c.shown))
        return table, ranked[0]
    return None


def _known(table: Table, column: Column) -> list[bool]:
    return [(n := as_number(value)) is not None and math.isfinite(n) for value in table.values(column.key)]


def _bars(table: Table) -> int:
    return min(MAX_BARS, len(table.rows))


def _goal(result: Result, column: Column) -> Goal | None:
    return next((goal for goal in result.goals or () if goal.quantity == column.goal), None)


def _draw_bars(axis: Axes, table: Table, column: Column, hues: dict[str, str], goal: Goal | None) -> None:
    values = [as_number(value) for value in table.values(column.key)]
    base = base_decimals(column, [value for value in values if value is not None])
    chosen = _largest(values) if len(values) > MAX_BARS else range(len(values))
    first = table.columns[0].key
    for place, index in enumerate(chosen):
        row, value = table.rows[index], values[index]
        if row.status == "failed" or value is None or not math.isfinite(value):
            said = "failed" if row.status == "failed" else "–"
            axis.annotate(said, (0, place), xytext=(4, 0), textcoords="offset points", va="center", color="#767676")
            continue
        axis.barh(place, value, height=0.6, color=hues.get(str(row.cells.get(first, "")), GREY), alpha=0.75)
        low, high = _interval(table, index, column) or (value, value)
        if high > low:
            axis.errorbar(value, place, xerr=[[value - low], [high - value]], color="#404040", capsize=3, lw=1)
        text = write(value, own_decimals(value, base))
        verdict = row.cells.get("goals")
        text += f"  {_literal(shorten(clean(verdict), 60))}" if isinstance(verdict, str) and verdict else ""
        axis.annotate(text, (max(high, 0), place), xytext=(4, 0), textcoords="offset points", va="center")
    if goal is not None and (limit := goal.limit(column.unit)) is not None:
        axis.axvline(limit, color="#404040", lw=1.2, ls="--")
        axis.annotate(
            _literal(f"goal: {goal}"),
            (limit, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            fontsize=9,
        )
    names = [_literal(shorten(clean(table.rows[index].cells.get(first, "")), 36)) for index in chosen]
    axis.set_yticks(range(len(names)), names)
    axis.set_ylim(len(names) - 0.4, -0.6)
    left = f", largest {len(names)} of {len(values):,} rows" if len(values) > len(names) else ""
    axis.set_xlabel(_literal(clean(column.label) + left))
    axis.margins(x=0.12)
    _plain(axis)
    axis.tick_params(axis="y", length=0)


def _largest(values: list[float | None]) -> list[int]:
    known = [index for index, value in enumerate(values) if value is not None and math.isfinite(value)]
    return sorted(known, key=lambda index: -(values[index] or 0.0))[:MAX_BARS]


def _interval(table: Table, index: int, column: Column) -> tuple[float, float] | None:
    """Carry the interval of a ratio to the figure it is of: the baseline's value times its ends."""
    value = as_number(table.rows[index].cells.get(column.key))
    if value is None or table.baseline is None or index == table.baseline:
        return None
    unit = as_number(table.rows[table.baseline].cells.get(column.key))
    for other in table.columns:
        ratio = table.rows[index].cells.get(other.key)
        if other.ratio_of == column.key and isinstance(ratio, Ratio) and not ratio.is_exact and unit is not None:
            ends = (ratio.low * unit, ratio.high * unit)
            return (min(ends[0], value), max(ends[1], value)) if all(map(math.isfinite, ends)) else None
    return None


def _draw_distribution(axis: Axes, dist: Distribution, hues: dict[str, str]) -> None:
    binned = dist.logarithmic if dist.prefer_log and dist.logarithmic else dist.linear
    edges = binned.edges()
    for index, name in enumerate(dist.names):
        hue = hues.get(name, GREY)
        shares = [100 * count / dist.totals[index] for count in binned.counts[index]]
        axis.stairs(shares, edges, fill=True, color=hue, alpha=0.2)
        places = decimals(4, [value for _, value in dist.percentiles[index]])
        told = ", ".join(f"{label} {write(value, places)}" for label, value in dist.percentiles[index])
        label = _literal(f"{shorten(clean(name), 36)}: {told}")
        axis.stairs(shares, edges, color=hue, lw=1.2, label=label)
        for kind, value in dist.percentiles[index][: None if len(dist.names) <= 2 else 1]:
            if binned.low <= value <= binned.high:
                axis.axvline(value, color=hue, lw=1.2, ls=DASHES[kind])
    if binned.logarithmic:
        axis.set_xscale("log")
    axis.set_xlim(binned.low, binned.high)
    beyond = sum(binned.above) + sum(binned.below)
    far = write(max(dist.greatest), decimals(4, [max(dist.greatest)]))
    said = f" ({beyond:,} samples beyond, up to {far})" if beyond else ""
    axis.set_xlabel(_literal(f"{clean(dist.unit)}{said}"))
    axis.set_ylabel("share of samples (%)")
    axis.set_ylim(bottom=0)
    axis.legend(frameon=False, fontsize=9, loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.2)
    _plain(axis)


def _draw_curve(axis: Axes, curve: Curve) -> None:
    moments, values = zip(*curve.points, strict=True)
    axis.axhline(curve.start, color=GREY, lw=1, ls=":")
    axis.plot(moments, values, drawstyle="steps-post", color=COLOURS[0], lw=1.8)
    axis.plot(moments[-1], curve.end, "o", color=COLOURS[0], ms=5)
    text = f"{value_text(curve.end)} {clean(curve.unit_y)}"
    axis.annotate(_literal(text), (moments[-1], curve.end), xytext=(6, 0), textcoords="offset points", va="center")
    said = compared(curve.start, curve.end, curve.unit_y)
    axis.set_title(_literal(f"{clean(curve.label)}{f': {said}' if said else ''}"), loc="left", fontsize=9)
    axis.set_xlabel(_literal(clean(curve.unit_x)))
    axis.set_ylabel(_literal(clean(curve.unit_y)))
    low, high = min(0.0, *values), max(0.0, *values) * ROOM
    axis.set_ylim(low, high if high > low else low + 1.0)
    _plain(axis)


def _height(chart: Chart) -> float:
    if isinstance(chart, Depth):
        return 2.6
    return 1.9 if isinstance(chart, Stack) else 1.1 + 0.3 * len(chart.lanes)


def _draw_depth(axis: Axes, chart: Depth, hues: dict[str, str]) -> None:
    place = _depth.frame(chart)
    least, most = 10.0**place.low, 10.0**place.high
    for series in range(len(chart.series)):
        ring = series < len(chart.series) - 1
        for part in chart.names:
            there = [(i, spot.values[series]) for i, spot in enumerate(chart.spots, 1) if spot.part == part]
            known = [(i, _on_scale(value, least, most)) for i, value in there if value is not None]
            if known:
                places, heights = zip(*known, strict=True)
                face = "none" if ring else hues[part]
                label = None if ring else _literal(shorten(clean(part), 24))
                axis.scatter(places, heights, s=14 + 10 * ring, facecolors=face, edgecolors=hues[part], label=label)
    if chart.limit > 0:
        axis.axhline(chart.limit, color="#404040", lw=1.2, ls="--", label="tolerance")
    firsts = [first for series in range(len(chart.series)) if (first := chart.first(series)) is not None]
    if firsts:
        axis.axvline(firsts[-1] + 1, color="#404040", lw=0.8, alpha=0.6, zorder=0)
        right = 2 * firsts[-1] > len(chart.spots)
        axis.annotate(
            _literal(shorten(clean(chart.spots[firsts[-1]].name), 60)),
            (firsts[-1] + 1, most * _BEYOND**2),
            (-4 if right else 4, -4),
            textcoords="offset points",
            ha="right" if right else "left",
            va="top",
            fontsize=9,
            fontweight="bold",
        )
    axis.set_yscale("log")
    axis.set_ylim(least / _BEYOND**2, most * _BEYOND**2)
    powers = range(place.low, place.high + 1, max(1, math.ceil((place.high - place.low) / 6)))
    axis.set_yticks([least / _BEYOND, *(10.0**power for power in powers)])
    axis.set_yticklabels(["0", *(f"$10^{{{power}}}$" for power in powers)])
    axis.minorticks_off()
    axis.set_title(_literal(_chart.title(chart)), loc="left", fontsize=9)
    axis.set_xlabel(f"layer, in the order computed{'; rings: ' + chart.series[0] if len(chart.series) > 1 else ''}")
    axis.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    _plain(axis)


def _on_scale(value: float, least: float, most: float) -> float:
    """Give zero, and what is not finite, a place beyond the ends of a logarithmic scale."""
    if not math.isfinite(value):
        return most * _BEYOND
    return min(max(value, least), most) if value > 0 else least / _BEYOND


def _draw_chart(axis: Axes, chart: Chart, hues: dict[str, str]) -> None:
    if isinstance(chart, Depth):
        _draw_depth(axis, chart, hues)
        return
    named = dict(zip(*_chart.parts(chart), strict=True))
    blocks = _chart.blocks(chart)
    for name, (label, said) in named.items():
        there = [(lane, start, end) for lane, part, start, end in blocks if part == name]
        lanes, starts, ends = zip(*there, strict=True)
        widths = [end - start for start, end in zip(starts, ends, strict=True)]
        text = _literal(f"{shorten(label, 36)} {said}".strip())
        axis.barh(lanes, widths, left=starts, height=0.7, color=hues[name], label=text, edgecolor="white", lw=0.5)
    ticks = [] if isinstance(chart, Stack) else [_literal(shorten(clean(lane), 36)) for lane in chart.lanes]
    axis.set_yticks(range(len(ticks)), ticks)
    axis.set_ylim(max(0, len(ticks) - 1) + 0.6, -0.6)
    if isinstance(chart, Stack) and chart.mark:
        axis.axvline(chart.mark[1], color="#404040", lw=1.4, ls="--", label=_literal(clean(chart.mark[0])))
    axis.set_xlabel(_literal(_chart.title(chart)))
    wide = 2 if isinstance(chart, Stack) else 4
    axis.legend(frameon=False, fontsize=9, loc="lower left", bbox_to_anchor=(0, 1), ncols=wide, borderaxespad=0.2)
    _plain(axis)
    axis.tick_params(axis="y", length=0)


def _plain(axis: Any) -> None:
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)


def _literal(text: str) -> str:
    """Keep matplotlib from reading a name's dollar signs as mathematics."""
    return text.replace("$", r"\$")
