"""A result as HTML that stands by itself: no JavaScript, and still readable where a front end drops its styles.

Front ends differ in what they let through. A notebook that is not trusted loses ``<style>`` and inline SVG, some
viewers lose ``style`` attributes too. So the words and figures carry the meaning, alignment is set by attributes that
all let through, bars are spans with inline styles, and a style sheet adds the finish where it is kept.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

from deploy_magics.result import Chart, Curve, Result
from deploy_magics.views import _chart, _curve, _svg
from deploy_magics.views._bins import Distribution, distributions
from deploy_magics.views._names import clean, escape, shorten
from deploy_magics.views._numbers import write
from deploy_magics.views._palette import GREY, colours
from deploy_magics.views._plan import CellView, ColumnView, Plan, bar, plan, state

MAX_ROWS = 100
MAX_MORE_CELLS = 1_200
NAME = 90
BAR = 76
FEW_ROWS = 6
# Figures are set to the right for a whole table at once, which keeps it small. Texts are set to the left twice: viewers
# that drop styles keep the attribute, and JupyterLab's own style sheet gives way to the style only.
LEFT = 'align="left" style="text-align:left"'


def render(result: Result, uid: str = "", dists: list[Distribution] | None = None) -> str:
    """Write a result as static HTML.

    Parameters
    ----------
    result : Result
        What to write.
    uid : str
        Letters and digits that name this output, so that its widget can hide it while it lives; "" if there is none.
    dists : list[Distribution], optional
        The result's distributions, if they have been made already.

    Raises
    ------
    ValueError
        Where ``uid`` has other characters.
    """
    if not re.fullmatch(r"[A-Za-z0-9]*", uid):
        raise ValueError(f"a uid is letters and digits, got {uid!r}")
    hues = colours(result)
    parts = [f"<style>{style()}{_quiet_widget(uid)}</style>", head(result)]
    parts += [_table(plan(t, max_rows=MAX_ROWS, max_more=_most_columns(len(t.rows))), hues) for t in result.tables]
    parts += [_histogram(dist, hues) for dist in (distributions(result) if dists is None else dists)]
    parts += [_curve_part(curve) for curve in result.curves]
    parts += [_chart_part(chart, _chart.hues(result)) for chart in result.charts]
    parts.append(notes(result))
    names = f"dm dm-static dm-static-{uid}" if uid else "dm dm-static"
    return f'<div class="{names}" data-testid="dm-static">{"".join(parts)}</div>'


@cache
def style() -> str:
    """Read the style sheet that static HTML and widgets share, without its comments and line breaks."""
    text = files("deploy_magics.views").joinpath("static", "look.css").read_text(encoding="utf-8")
    return re.sub(r"\s*\n\s*", "", re.sub(r"/\*.*?\*/", "", text, flags=re.S))


def _quiet_widget(uid: str) -> str:
    """Hide the next output while it is a widget that does not live.

    A notebook opened again with a new kernel has no widget to show, and JupyterLab would say "model not found" there.
    The rule holds only for the output right behind this one, if it is a panel, as widgets are there and nothing else
    is, and only while no widget of ours is in it.
    """
    if not uid:
        return ""
    child = ".jp-OutputArea-child"
    return (
        f"{child}:has(> .jp-OutputArea-output > .dm-static-{uid}) + {child}:has(.jupyter-widgets)"
        ":not(:has(.dm-widget)){display:none}"
    )


def head(result: Result) -> str:
    """Write headline, banner and facts."""
    parts = []
    if result.headline:
        parts.append(f'<div class="dm-headline"><b>{escape(result.headline)}</b></div>')
    if result.status == "interrupted":
        parts.append('<div class="dm-banner"><b>Interrupted.</b> What was measured until then is kept.</div>')
    if result.facts:
        facts = "<i> · </i>".join(f"{escape(name)} <b>{escape(value)}</b>" for name, value in result.facts)
        parts.append(f'<div class="dm-facts">{facts}</div>')
    return "".join(parts)


def notes(result: Result) -> str:
    """Write the lines below the tables."""
    return "".join(
        f'<div class="dm-note dm-warning"><b>Note:</b> {escape(note.text)}</div>'
        if note.level == "warning"
        else f'<div class="dm-note">{escape(note.text)}</div>'
        for note in result.notes
    )


def _most_columns(rows: int) -> int:
    return MAX_MORE_CELLS // max(1, min(rows, MAX_ROWS))


def _table(plan: Plan, hues: dict[str, str]) -> str:
    parts = []
    if plan.table.title:
        parts.append(f'<div class="dm-title"><b>{escape(plan.table.title)}</b></div>')
    if plan.rows:
        parts.append(_grid(plan, plan.shown, hues))
        if plan.rows_left:
            total = len(plan.table.rows)
            parts.append(
                f'<div class="dm-note">and {plan.rows_left:,} more rows; <code>to_dataframe()</code> has all '
                f"{total:,}</div>"
            )
        parts.append(_more(plan, hues))
    else:
        parts.append('<div class="dm-note">No rows.</div>')
    parts += [f'<div class="dm-note">{escape(note)}</div>' for note in plan.table.notes]
    return "".join(parts)


def _grid(plan: Plan, views: tuple[ColumnView, ...], hues: dict[str, str], name: str = "dm-table") -> str:
    heads = "".join(_header(view, first=index == 0) for index, view in enumerate(views))
    rows = []
    for index, row in enumerate(plan.rows):
        cells = [_name(plan, index, hues)]
        if row.status == "failed":
            span = sum(_width(view) for view in views[1:])
            said = f" {escape(row.note)}" if row.note else ""
            cells.append(f'<td class="dm-failed" {LEFT} colspan="{span}"><b>failed</b>{said}</td>')
        else:
            hue = hues.get(_key(plan, index), GREY)
            cells += [_cell(view, view.cells[index], hue) for view in views[1:]]
        mark = state(plan.table, index)
        kind = f' class="dm-{mark}"' if mark else ""
        rows.append(f"<tr{kind}>{''.join(cells)}</tr>")
    foot = ""
    if plan.table.footer and name == "dm-table":
        first = views[0].footer
        label = escape(first.text) if first and first.text else "total"
        cells = [_cell(view, view.footer or CellView(""), GREY) for view in views[1:]]
        name_cell = f'<td class="dm-name" {LEFT}><b>{label}</b></td>'
        foot = f'<tfoot align="right"><tr>{name_cell}{"".join(cells)}</tr></tfoot>'
    return (
        f'<div class="dm-scroll"><table class="{name}"><thead align="right"><tr>{heads}</tr></thead>'
        f'<tbody align="right">{"".join(rows)}</tbody>{foot}</table></div>'
    )


def _key(plan: Plan, index: int) -> str:
    return str(plan.rows[index].cells.get(plan.table.columns[0].key, ""))


def _width(view: ColumnView) -> int:
    """Count the table columns that a column takes: a ratio has its bar, interval and verdict beside it."""
    if view.column.kind != "ratio":
        return 1
    return 2 + view.has_intervals + view.has_verdicts


def _header(view: ColumnView, *, first: bool = False) -> str:
    column = view.column
    unit = f'<br><span class="dm-unit" style="font-weight:400">{escape(column.unit)}</span>' if column.unit else ""
    hint = f' title="{escape(column.help)}"' if column.help else ""
    span = f' colspan="{_width(view)}"' if _width(view) > 1 else ""
    left = first or not view.numeric or _width(view) > 1
    side = f' class="dm-text" {LEFT}' if left else ""
    return f"<th{side}{span}{hint}>{escape(column.title)}{unit}</th>"


def _name(plan: Plan, index: int, hues: dict[str, str]) -> str:
    text = plan.names[index]
    hue = hues.get(_key(plan, index))
    swatch = (
        f'<span style="display:inline-block;width:9px;height:9px;margin-right:8px;background-color:{hue}"></span>'
        if hue
        else ""
    )
    row = plan.rows[index]
    mark = ' <small class="dm-mark">baseline</small>' if index == plan.table.baseline else ""
    note = row.note if row.status != "failed" else ""
    if row.status == "partial":
        note = f"cut short: {note}" if note else "cut short"
    below = f'<br><small class="dm-quiet">{escape(note)}</small>' if note else ""
    hint = f' title="{escape(shorten(text, 600))}"' if len(text) > NAME else ""
    fold = ' class="dm-nowrap"' if len(text) <= 32 else ""
    label = f"<span{fold}>{swatch}<bdi>{escape(shorten(text, NAME))}</bdi></span>"
    return f'<td class="dm-name" {LEFT}{hint}>{label}{mark}{below}</td>'


def _cell(view: ColumnView, cell: CellView, hue: str) -> str:
    if view.column.kind == "ratio":
        return _ratio(view, cell, hue)
    if cell.why:
        side = "" if view.numeric else f" {LEFT}"
        return f'<td class="dm-quiet"{side} title="{escape(cell.why)}">–</td>'
    text = escape(shorten(cell.text, NAME)) + cell.pad
    if not view.numeric:
        inner = f'<span class="dm-nowrap">{text}</span>' if view.column.kind == "verdict" else text
        return f'<td class="dm-text" {LEFT}>{inner}</td>'
    return f'<td class="dm-best"><b>{text}</b></td>' if cell.best else f"<td>{text}</td>"


def _ratio(view: ColumnView, cell: CellView, hue: str) -> str:
    if cell.why:
        value = f'<td class="dm-sub dm-quiet" title="{escape(cell.why)}">–</td>'
    elif cell.best:
        value = f'<td class="dm-sub dm-best"><b>{cell.text}</b></td>'
    else:
        value = f'<td class="dm-sub">{cell.text}</td>'
    parts = [f"<td>{_bar(cell, view.span, hue)}</td>", value]
    if view.has_intervals:
        parts.append(f'<td class="dm-sub dm-quiet"><small>{cell.interval}</small></td>')
    if view.has_verdicts:
        parts.append(f'<td class="dm-sub dm-text" {LEFT}>{escape(cell.verdict)}</td>')
    return "".join(parts)


def _bar(cell: CellView, span: float, hue: str) -> str:
    """Draw a ratio from the line at 1x, its interval as a whisker, in spans that a sanitiser lets through."""
    places = bar(cell.ratio, span) if cell.ratio else None
    if places is None:
        return ""
    value, low, high = (round((place + 1) / 2 * BAR, 1) for place in places)
    middle = BAR / 2

    def box(left: float, width: float, top: float, height: float, colour: str) -> str:
        return (
            f'<span style="position:absolute;left:{left:g}px;width:{width:g}px;top:{top:g}px;height:{height:g}px;'
            f'background-color:{colour}"></span>'
        )

    parts = [box(middle, 1, 0, 16, "#a0a0a0")]
    if abs(value - middle) >= 0.5:
        parts.append(box(min(middle, value), abs(value - middle), 4, 8, hue))
    if high > low:
        parts.append(box(low, max(1.0, high - low), 7.5, 1, "#5f5f5f"))
        parts += [box(end, 1, 5, 6, "#5f5f5f") for end in (low, high)]
    return (
        f'<span style="position:relative;display:inline-block;width:{BAR}px;height:16px;vertical-align:middle">'
        f"{''.join(parts)}</span>"
    )


def _more(plan: Plan, hues: dict[str, str]) -> str:
    """Put the remaining columns behind a fold: one line each where rows are few, else blocks of columns."""
    if not plan.more:
        return ""
    total = len(plan.more) + plan.columns_left
    named = [escape(view.column.title) for view in plan.more[:6]]
    rest = f", and {total - len(named):,} other{'s' if total - len(named) > 1 else ''}" if total > len(named) else ""
    summary = f"{total:,} more column{'s' if total > 1 else ''}: {', '.join(named)}{rest}"
    if len(plan.rows) <= FEW_ROWS:
        body = _turned(plan, hues)
    else:
        blocks = [plan.more[i : i + 7] for i in range(0, len(plan.more), 7)]
        body = "".join(_grid(plan, (plan.shown[0], *block), hues, "dm-table dm-more") for block in blocks)
    left = (
        f'<div class="dm-note">and {plan.columns_left:,} more columns; <code>to_dataframe()</code> has all</div>'
        if plan.columns_left
        else ""
    )
    return f"<details><summary>{summary}</summary>{body}{left}</details>"


def _turned(plan: Plan, hues: dict[str, str]) -> str:
    """Write columns as lines and rows as columns: a few candidates' many figures are read downwards."""
    heads = "".join(
        f"<th>{escape(shorten(name, 28))}</th>" if row.status != "failed" else ""
        for name, row in zip(plan.names, plan.rows, strict=True)
    )
    lines = []
    for view in plan.more:
        unit = f' <span class="dm-unit">{escape(view.column.unit)}</span>' if view.column.unit else ""
        hint = f' title="{escape(view.column.help)}"' if view.column.help else ""
        cells = "".join(_plain(cell) for cell, row in zip(view.cells, plan.rows, strict=True) if row.status != "failed")
        lines.append(f'<tr><td class="dm-name" {LEFT}{hint}>'
                     f"{escape(view.column.title)}{unit}</td>{cells}</tr>")  # fmt: skip
    return (
        f'<div class="dm-scroll"><table class="dm-table dm-more"><thead align="right"><tr><th></th>{heads}</tr></thead>'
        f'<tbody align="right">{"".join(lines)}</tbody></table></div>'
    )


def _plain(cell: CellView) -> str:
    if cell.why:
        return f'<td class="dm-quiet" title="{escape(cell.why)}">–</td>'
    text = escape(shorten(cell.text, NAME)) + cell.pad + (f" ({cell.interval})" if cell.interval else "")
    if cell.best:
        return f'<td class="dm-best"><b>{text}</b></td>'
    return f"<td>{text}</td>"


def _histogram(dist: Distribution, hues: dict[str, str]) -> str:
    legend = "".join(
        _entry(clean(name), hues.get(name, GREY), f"{write(total, 0)} samples")
        for name, total in zip(dist.names, dist.totals, strict=True)
    )
    title = f"Distribution ({dist.unit})" if dist.unit else "Distribution"
    odd = sum(dist.not_finite)
    said = f'<div class="dm-note">{odd:,} samples are not finite numbers and are not drawn.</div>' if odd else ""
    return (
        f'<div class="dm-title"><b>{escape(title)}</b></div>'
        f'<div class="dm-legend">{legend}</div>{_svg.image(dist, hues)}{said}'
    )


def _entry(name: str, hue: str, said: str) -> str:
    """Write one entry of a legend."""
    return (
        f'<span><span style="display:inline-block;width:9px;height:9px;margin-right:6px;'
        f'background-color:{hue}"></span><bdi>{escape(shorten(name, 40))}</bdi> '
        f'<small class="dm-quiet">{escape(said)}</small> &nbsp; </span>'
    )


def _chart_part(chart: Chart, hues: dict[str, str]) -> str:
    legend = "".join(_entry(name, hues[key], said) for key, (name, said) in zip(*_chart.parts(chart), strict=True))
    return (
        f'<div class="dm-title"><b>{escape(_chart.title(chart))}</b></div>'
        f'<div class="dm-legend">{legend}</div>{_chart.image(chart, hues)}'
    )


def _curve_part(curve: Curve) -> str:
    return (
        f'<div class="dm-title"><b>{escape(_curve.title(curve))}</b></div>{_curve.image(curve)}'
        f'<div class="dm-note">{escape(_curve.sentence(curve))}</div>'
    )
