"""What is drawn of a table, decided once for text, HTML and figure: columns, wording of cells, best, baseline."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from deploy_magics.result import Cell, Column, Missing, Ratio, Row, Table
from deploy_magics.views._names import clean
from deploy_magics.views._numbers import decimals, missing_places, own_decimals, write

MAX_COLUMNS = 8
MAX_BEST = 3  # a best value that more rows share distinguishes none of them
NUMERIC = ("integer", "number", "ratio")


@dataclass(frozen=True)
class CellView:
    """One cell as it will be read.

    Attributes
    ----------
    text : str
        What is written; "–" for a value that is not there.
    pad : str
        Blanks behind a number that put its decimal point in line with the column's others.
    why : str
        Why a value is missing; "" for one that is there.
    interval, verdict : str
        Of a ratio; "" where it has none.
    best : bool
        Whether it is the best of its column.
    ratio : Ratio or None
        What a bar is drawn of.
    """

    text: str
    pad: str = ""
    why: str = ""
    interval: str = ""
    verdict: str = ""
    best: bool = False
    ratio: Ratio | None = None


@dataclass(frozen=True)
class ColumnView:
    """A column and its cells as they will be read; ``span`` is the largest ratio its bars must reach."""

    column: Column
    cells: tuple[CellView, ...]
    footer: CellView | None = None
    span: float = 1.0

    @property
    def numeric(self) -> bool:
        """Whether it is set to the right."""
        return self.column.kind in NUMERIC

    @property
    def has_intervals(self) -> bool:
        """Whether any of its ratios has an interval."""
        return any(cell.interval for cell in self.cells)

    @property
    def has_verdicts(self) -> bool:
        """Whether any of its ratios has a verdict."""
        return any(cell.verdict for cell in self.cells)


@dataclass(frozen=True)
class Plan:
    """A table ready to be drawn: the columns drawn at once, those on demand, the rows' names."""

    table: Table
    shown: tuple[ColumnView, ...]
    more: tuple[ColumnView, ...]
    rows: tuple[Row, ...]
    rows_left: int = 0
    columns_left: int = 0

    @property
    def names(self) -> list[str]:
        """Rows' names: the text of the first column."""
        return [cell.text for cell in self.shown[0].cells]


def plan(table: Table, *, max_rows: int | None = None, max_more: int | None = None) -> Plan:
    """Decide what of a table is drawn.

    Parameters
    ----------
    table : Table
        The table.
    max_rows : int, optional
        Rows beyond this are counted, not drawn; decimals and the best value are still of all rows.
    max_more : int, optional
        Columns on demand beyond this are counted, not prepared.
    """
    first, *others = table.columns
    wanted = [column for column in others if column.shown]
    rest = [column for column in others if not column.shown]
    # A verdict, such as who meets the goals, comes on top of the figures and costs none of them its place.
    most = MAX_COLUMNS - 1 + sum(column.kind == "verdict" for column in wanted)
    shown = [first, *wanted[:most]]
    more = [*wanted[most:], *rest]
    kept = more if max_more is None else more[:max_more]
    limit = len(table.rows) if max_rows is None else min(max_rows, len(table.rows))
    return Plan(
        table=table,
        shown=tuple(column_view(table, column, limit) for column in shown),
        more=tuple(column_view(table, column, limit) for column in kept),
        rows=table.rows[:limit],
        rows_left=len(table.rows) - limit,
        columns_left=len(more) - len(kept),
    )


def column_view(table: Table, column: Column, limit: int | None = None) -> ColumnView:
    """Word one column's cells, down to ``limit`` rows."""
    values = table.values(column.key)
    limit = len(values) if limit is None else limit
    foot = table.footer.cells.get(column.key) if table.footer else None
    numbers = [n for value in values for n in _numbers(value)]
    base = base_decimals(column, numbers)  # a total, larger than its parts, must not take their decimals away
    longest = max((own_decimals(n, base) for n in [*numbers, *_numbers(foot)]), default=base)
    cells = [_cell(column, value, base, longest) for value in values[:limit]]
    best = best_rows(column, table.rows, values, base)
    if column.kind == "number" and not _differ(table, best):
        best = set()
    cells = [replace(cell, best=True) if i in best else cell for i, cell in enumerate(cells)]
    footer = _cell(column, foot, base, longest) if table.footer else None
    if footer is not None and foot is None:
        footer = CellView("")
    return ColumnView(column, tuple(cells), footer, _span(values))


def base_decimals(column: Column, numbers: Sequence[float]) -> int:
    """Give a column's decimals; whole numbers have none."""
    return 0 if column.kind == "integer" else decimals(column.digits, numbers)


def best_rows(column: Column, rows: Sequence[Row], values: Sequence[Cell], base: int) -> set[int]:
    """Find the rows whose value is the column's best, as it is written; none where there is nothing to choose."""
    if column.better is None:
        return set()
    known = {
        index: number
        for index, (row, value) in enumerate(zip(rows, values, strict=True))
        if row.status not in ("failed", "wrong") and (number := as_number(value)) is not None and math.isfinite(number)
    }
    if len(known) < 2 or (column.kind == "ratio" and not _clear(values, known, column.better)):
        return set()
    top = (min if column.better == "lower" else max)(known.values())
    written = write(top, own_decimals(top, base))
    best = {index for index, number in known.items() if write(number, own_decimals(number, base)) == written}
    return set() if len(best) == len(known) or len(best) > MAX_BEST else best


def _clear(values: Sequence[Cell], known: dict[int, float], better: str) -> bool:
    """Say whether the best of some ratios is shown to differ from 1, or from the baseline's where that is the best."""
    best = (min if better == "lower" else max)(known, key=lambda index: known[index])
    ratio = values[best]
    if isinstance(ratio, Ratio) and not ratio.is_exact:
        return not _unsure(ratio)
    return known[best] != 1 or not any(map(_unsure, values))


def _unsure(value: Cell) -> bool:
    """Say whether a ratio's interval leaves open which side of 1 it is on."""
    return isinstance(value, Ratio) and not value.is_exact and value.low <= 1 <= value.high


def _differ(table: Table, best: set[int]) -> bool:
    """Say whether rows are shown to differ from the others; so they are where nothing was compared with an interval.

    A figure in bold beside "no difference shown" would say the opposite of it.
    """
    for column in table.columns:
        values = table.values(column.key)
        if column.kind != "ratio" or not any(isinstance(value, Ratio) and not value.is_exact for value in values):
            continue
        pairs = table.pairs.get(column.key)
        for row in best:
            if pairs:
                compared = [value for other, value in enumerate(pairs[row]) if other not in best]
            elif row == table.baseline:
                compared = [value for other, value in enumerate(values) if other not in best]
            else:
                compared = [values[row]]
            if any(map(_unsure, compared)):
                return False
    return True


def as_number(value: Cell) -> float | None:
    """Give the number that a cell is compared and sorted by; None for a cell without one."""
    if isinstance(value, Ratio):
        return float(value.value)
    if isinstance(value, bool | str | Missing) or value is None:
        return None
    return value if isinstance(value, int) else float(value)


def _numbers(value: Cell) -> list[float]:
    if isinstance(value, Ratio):
        return [value.value]
    number = as_number(value)
    return [] if number is None else [number]


def _cell(column: Column, value: Cell, base: int, longest: int) -> CellView:
    if value is None:
        return CellView("–", why="no value")
    if isinstance(value, Missing):
        return CellView("–", why=clean(value.why))
    if isinstance(value, bool):
        return CellView("yes" if value else "no")
    if isinstance(value, Ratio):
        text = write(value.value, own_decimals(value.value, base))
        interval = "" if value.is_exact else f"{_end(value.low, base)}–{_end(value.high, base)}"
        return CellView(f"{text}×", interval=interval, verdict=clean(value.verdict), ratio=value)
    if isinstance(value, str):
        return CellView(clean(value))
    number = as_number(value)
    assert number is not None
    places = own_decimals(number, base)
    pad = missing_places(places, longest) if math.isfinite(number) else ""
    sign = "×" if column.kind == "ratio" else ""
    exact = Ratio.exact(float(number)) if column.kind == "ratio" else None
    return CellView(write(number, places) + sign, pad=pad, ratio=exact)


def _end(value: float, base: int) -> str:
    return write(value, own_decimals(value, base))


def _span(values: Sequence[Cell]) -> float:
    """Choose how far bars reach: the farthest ratio, at least 1.25 so that half a per cent does not look like much."""
    reach = 1.25
    for value in values:
        if isinstance(value, Ratio):
            for end in (value.value, min(value.high, value.value * 2), max(value.low, value.value / 2)):
                if math.isfinite(end) and end > 0:
                    reach = max(reach, end, 1 / end)
    return min(reach, 1000.0)


def bar(ratio: Ratio, span: float) -> tuple[float, float, float] | None:
    """Place a ratio and its interval on a bar: value, low and high between -1 and 1, with 0 at 1x.

    The scale is logarithmic, so that twice and half are equally long.

    Examples
    --------
    >>> bar(Ratio(2.0, 1.0, 4.0), 4.0)
    (0.5, 0.0, 1.0)
    """
    if not ratio.value > 0 or not math.isfinite(ratio.value):
        return None

    def place(value: float) -> float:
        if math.isnan(value):
            return place(ratio.value)
        if value <= 0:
            return -1.0
        return max(-1.0, min(1.0, math.log(value) / math.log(span))) if math.isfinite(value) else 1.0

    return place(ratio.value), place(ratio.low), place(ratio.high)


RowState = Literal["baseline", "failed", "partial", "wrong", ""]


def state(table: Table, index: int) -> RowState:
    """Say what marks a row."""
    row = table.rows[index]
    if row.status != "ok":
        return row.status
    return "baseline" if index == table.baseline else ""
