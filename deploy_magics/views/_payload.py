"""What the widgets get: a column at a time, each figure once, names cleaned, and no larger than it may be."""

from __future__ import annotations

import math
from typing import Any

from deploy_magics.result import Cell, Chart, Column, Curve, Depth, Missing, Note, Ratio, Result, Table
from deploy_magics.views import _chart, _depth
from deploy_magics.views._bins import STRIP_STEPS, Binned, Distribution
from deploy_magics.views._curve import compared, title
from deploy_magics.views._names import clean, shorten
from deploy_magics.views._numbers import decimals, own_decimals
from deploy_magics.views._palette import COLOURS, GREY
from deploy_magics.views._plan import as_number, base_decimals

MAX_ROWS = 20_000
MAX_CELLS = 400_000
MAX_TEXT = 400
DIGITS = 10


def text(value: object) -> str:
    """Clean a text and bound its length."""
    return shorten(clean(value), MAX_TEXT)


def head(result: Result) -> dict[str, Any]:
    """Give what stands above the tables."""
    return {
        "headline": text(result.headline),
        "interrupted": result.status == "interrupted",
        "facts": [[text(name), text(value)] for name, value in result.facts],
    }


def notes(found: tuple[Note, ...]) -> list[list[str]]:
    """Give what stands below the tables, as pairs of level and text."""
    return [[note.level, text(note.text)] for note in found]


def table(source: Table, hues: dict[str, str]) -> dict[str, Any]:
    """Give a table's columns, rows and pairs."""
    columns, rows = _bounds(source)
    kept = source.columns[:columns]
    first = source.columns[0].key
    plain: dict[str, Any] = {
        "title": text(source.title),
        "notes": [text(note) for note in source.notes],
        "rows": rows,
        "rowsLeft": len(source.rows) - rows,
        "columnsLeft": len(source.columns) - columns,
        "baseline": source.baseline if source.baseline is not None and source.baseline < rows else -1,
        "columns": [_column(source, column, rows) for column in kept],
        "status": {i: [r.status, text(r.note)] for i, r in enumerate(source.rows[:rows]) if r.status != "ok" or r.note},
        "hues": {
            i: hues[name]
            for i, row in enumerate(source.rows[:rows])
            if isinstance(name := row.cells.get(first), str) and name in hues
        },
        "pairs": {
            key: [[_cell(cell) for cell in line[:rows]] for line in grid[:rows]]
            for key, grid in source.pairs.items()
            if any(column.key == key for column in kept)
        },
    }
    if source.footer:
        plain["footer"] = [_cell(source.footer.cells.get(column.key)) for column in kept]
    return plain


def _bounds(source: Table) -> tuple[int, int]:
    """Count the columns and rows that are sent: columns give way first, down to those drawn at once, then rows."""
    columns, rows = len(source.columns), min(len(source.rows), MAX_ROWS)
    if columns * rows > MAX_CELLS:
        columns = max(min(columns, 24), MAX_CELLS // rows)
        rows = min(rows, MAX_CELLS // columns)
    return columns, rows


def _column(source: Table, column: Column, rows: int) -> dict[str, Any]:
    values = source.values(column.key)
    numbers = [n for value in values if (n := as_number(value)) is not None]
    base = base_decimals(column, numbers)
    foot = as_number(source.footer.cells.get(column.key)) if source.footer else None
    every = numbers if foot is None else [*numbers, foot]
    plain: dict[str, Any] = {
        "key": column.key,
        "title": text(column.title),
        "unit": text(column.unit),
        "kind": column.kind,
        "better": column.better,
        "shown": column.shown,
        "help": text(column.help),
        "digits": column.digits,
        "of": column.ratio_of,
        "base": base,
        "longest": max((own_decimals(n, base) for n in every), default=base),
    }
    values = values[:rows]
    plain["v"] = [_value(value) for value in values]
    if any(isinstance(value, Ratio) and not value.is_exact for value in values):
        plain["lo"] = [_value(v.low) if isinstance(v, Ratio) else None for v in values]
        plain["hi"] = [_value(v.high) if isinstance(v, Ratio) else None for v in values]
    words = list(dict.fromkeys(v.verdict for v in values if isinstance(v, Ratio)))
    if any(words):
        plain["words"] = [text(word) for word in words]
        plain["w"] = [words.index(v.verdict) if isinstance(v, Ratio) else None for v in values]
    whys: dict[str, list[int]] = {}
    for index, value in enumerate(values):
        if isinstance(value, Missing):
            whys.setdefault(value.why, []).append(index)
    if whys:
        plain["missing"] = [[text(why), at] for why, at in whys.items()]
    return plain


def _value(cell: Cell) -> Any:
    """Give a cell's own value: a number, a text in a list of its own (what is not a number is told from one), None."""
    if isinstance(cell, Ratio):
        return _value(cell.value)
    if cell is None or isinstance(cell, Missing):
        return None
    if isinstance(cell, bool):
        return ["yes" if cell else "no"]
    if isinstance(cell, str):
        return [text(cell)]
    if isinstance(cell, int):
        return cell
    number = float(cell)
    if not math.isfinite(number):
        return str(number)
    return int(number) if number.is_integer() and abs(number) < 1e15 else float(f"{number:.{DIGITS}g}")


def _cell(cell: Cell) -> Any:
    if isinstance(cell, Ratio):
        return {"v": _value(cell.value), "lo": _value(cell.low), "hi": _value(cell.high), "w": text(cell.verdict)}
    if isinstance(cell, Missing):
        return {"why": text(cell.why)}
    return _value(cell)


def curve(source: Curve) -> dict[str, Any]:
    """Give a curve's points and what is said of them."""
    return {
        "title": text(title(source)),
        "unitX": text(source.unit_x),
        "unitY": text(source.unit_y),
        "hue": COLOURS[0],
        "said": compared(source.start, source.end, source.unit_y),
        "points": [[_value(moment), _value(value)] for moment, value in source.points],
    }


def chart(source: Chart, hues: dict[str, str]) -> dict[str, Any]:
    """Give a drawing as a picture, with its legend."""
    names, entries = _chart.parts(source)
    return {
        "title": text(_chart.title(source)),
        "width": _chart.WIDTH,
        "alt": text(_chart.sentence(source)),
        "src": _chart.address(source, hues),
        "legend": [[text(name), hues[key], text(said)] for key, (name, said) in zip(names, entries, strict=True)],
    }


def depth(source: Depth, hues: dict[str, str]) -> dict[str, Any]:
    """Give figures along a depth as a picture, with each layer's place on it and what its values look like."""
    place = _depth.frame(source)
    spots = [
        {
            "name": text(spot.name),
            "part": text(spot.part),
            "hue": hues[spot.part],
            "x": round(place.x(index), 1),
            "said": [text(_depth.figure_text(value, source.unit)) for value in spot.values],
            "low": _value(spot.low),
            "high": _value(spot.high),
            "counts": spot.counts,
        }
        for index, spot in enumerate(source.spots)
    ]
    firsts = [source.first(series) for series in reversed(range(len(source.series)))]
    return {
        **chart(source, hues),
        "height": _depth.TOP + _depth.PLOT + _depth.FOOT,
        "top": _depth.TOP,
        "plot": _depth.PLOT,
        "step": place.across,
        "series": [text(name) for name in source.series],
        "sides": [text(name) for name in source.sides],
        "first": next((first for first in firsts if first is not None), None),
        "spots": spots,
    }


def distribution(source: Distribution, hues: dict[str, str]) -> dict[str, Any]:
    """Give a histogram's bins, percentiles and strip."""
    values = [value for told in source.percentiles for _, value in told]
    return {
        "unit": text(source.unit),
        "places": decimals(4, values or list(source.greatest)),
        "names": [text(name) for name in source.names],
        "hues": [hues.get(name, GREY) for name in source.names],
        "totals": source.totals,
        "notFinite": source.not_finite,
        "least": [_value(value) for value in source.least],
        "greatest": [_value(value) for value in source.greatest],
        "percentiles": [[[label, _value(value)] for label, value in told] for told in source.percentiles],
        "linear": _binned(source.linear),
        "log": _binned(source.logarithmic) if source.logarithmic else None,
        "preferLog": source.prefer_log,
        "strip": {
            "low": _value(source.strip_low),
            "high": _value(source.strip_high),
            "start": _value(source.start),
            "end": _value(source.end),
            "steps": STRIP_STEPS,
            "tracks": [[_deltas(t.times), t.low, t.middle, t.high] for t in source.tracks],
        },
    }


def _binned(binned: Binned) -> dict[str, Any]:
    return {
        "low": _value(binned.low),
        "high": _value(binned.high),
        "counts": binned.counts,
        "below": binned.below,
        "above": binned.above,
    }


def _deltas(times: tuple[int, ...]) -> list[int]:
    """Give each time as its distance from the one before, which is a shorter figure."""
    return [time - before for time, before in zip(times, (0, *times), strict=False)]
