"""A table as plain data: columns that know their unit and direction, rows that know whether they failed."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from deploy_magics.result.cells import Cell, Missing, Ratio, from_plain, to_plain

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["text", "integer", "number", "ratio", "verdict"]
Better = Literal["lower", "higher"]


@dataclass(frozen=True)
class Column:
    """What stands at the head of a column.

    Attributes
    ----------
    key : str
        Name of the cell in each row.
    title : str
        What the reader sees, without the unit: ``"p50"``.
    unit : str
        Unit of every value, ``"ms"``; "" for none.
    kind : {"text", "integer", "number", "ratio", "verdict"}
        How values are drawn and sorted.
    better : {"lower", "higher"} or None
        Direction in which a value is good; the best is marked. None where there is none.
    shown : bool
        Whether it is drawn before the reader asks for more columns.
    digits : int
        Significant digits of the largest value; decimals follow from it so that they stand in line.
    ratio_of : str or None
        For a ratio column: the key whose value is divided by the baseline row's, so that a view can divide again when
        the reader pins another baseline.
    help : str
        One sentence that explains the column.
    goal : str
        The quantity by whose name goals can be set for a row's value, ``"latency_p99"``; "" where none can.
    """

    key: str
    title: str
    unit: str = ""
    kind: Kind = "number"
    better: Better | None = None
    shown: bool = True
    digits: int = 4
    ratio_of: str | None = None
    help: str = ""
    goal: str = ""

    @property
    def label(self) -> str:
        """Title and unit, as a data frame's column is named.

        Examples
        --------
        >>> Column("p50", "p50", unit="ms").label
        'p50 (ms)'
        """
        return f"{self.title} ({self.unit})" if self.unit else self.title


@dataclass(frozen=True)
class Row:
    """One line of a table.

    Attributes
    ----------
    cells : dict[str, Cell]
        Values by column key; an absent one is drawn as a dash.
    status : {"ok", "failed", "partial", "wrong"}
        ``"failed"``: it has no figures and ``note`` says why. ``"partial"``: it was cut short. ``"wrong"``: it computes
        something else than the others, so that its figures are never the best of a column and meet no goal.
    note : str
        One line about this row.
    """

    cells: dict[str, Cell]
    status: Literal["ok", "failed", "partial", "wrong"] = "ok"
    note: str = ""


@dataclass(frozen=True)
class Table:
    """Columns and rows, and what a view needs to compare the rows.

    Attributes
    ----------
    columns : tuple[Column, ...]
        The first one names the rows.
    rows : tuple[Row, ...]
        In the order measured; views may sort.
    title : str
        Drawn above; "" for none.
    baseline : int or None
        Index of the row to which ratios refer.
    pairs : dict[str, list[list[Cell]]]
        For a ratio column with intervals: ``pairs[key][i][j]`` is row ``j`` over row ``i``, so that any row can be made
        the baseline. Empty where intervals do not exist or the rows are many.
    footer : Row or None
        The line of totals.
    notes : tuple[str, ...]
        Quiet lines under the table: its convention, what it does not count.
    """

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    title: str = ""
    baseline: int | None = None
    pairs: dict[str, list[list[Cell]]] = field(default_factory=dict)
    footer: Row | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        keys = [column.key for column in self.columns]
        if not keys or len(set(keys)) != len(keys):
            raise ValueError(f"a table needs columns with distinct keys, got {keys}")
        if self.baseline is not None and not 0 <= self.baseline < len(self.rows):
            raise ValueError(f"baseline {self.baseline} is not one of {len(self.rows)} rows")

    def column(self, key: str) -> Column:
        """Find a column by its key; raises KeyError where there is none."""
        for column in self.columns:
            if column.key == key:
                return column
        raise KeyError(key)

    def values(self, key: str) -> list[Cell]:
        """Read one column, a value a row.

        Examples
        --------
        >>> Table((Column("name", "name", kind="text"),), (Row({"name": "a"}), Row({"name": "b"}))).values("name")
        ['a', 'b']
        """
        self.column(key)
        return [row.cells.get(key) for row in self.rows]

    def to_dataframe(self) -> pd.DataFrame:
        """Give the rows as a data frame; a column is named ``title (unit)``, a ratio also gives its two ends."""
        import pandas as pd

        data: dict[str, list[Any]] = {}
        for column in self.columns:
            values = self.values(column.key)
            data[column.label] = [_scalar(value) for value in values]
            if any(isinstance(value, Ratio) and not value.is_exact for value in values):
                data[f"{column.label} low"] = [v.low if isinstance(v, Ratio) else None for v in values]
                data[f"{column.label} high"] = [v.high if isinstance(v, Ratio) else None for v in values]
        if any(row.status != "ok" for row in self.rows):
            data["status"] = [row.status for row in self.rows]
            data["note"] = [row.note for row in self.rows]
        return pd.DataFrame(data)

    def to_plain(self) -> dict[str, Any]:
        """Give the table as JSON's own types."""
        return {
            "title": self.title,
            "columns": [asdict(column) for column in self.columns],
            "rows": [_row_to_plain(row) for row in self.rows],
            "baseline": self.baseline,
            "pairs": {key: [[to_plain(c) for c in line] for line in grid] for key, grid in self.pairs.items()},
            "footer": _row_to_plain(self.footer) if self.footer else None,
            "notes": list(self.notes),
        }

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Table:
        """Rebuild a table from :meth:`to_plain`."""
        pairs = {key: [[from_plain(c) for c in line] for line in grid] for key, grid in plain["pairs"].items()}
        return cls(
            columns=tuple(Column(**column) for column in plain["columns"]),
            rows=tuple(_row_from_plain(row) for row in plain["rows"]),
            title=plain["title"],
            baseline=plain["baseline"],
            pairs=pairs,
            footer=_row_from_plain(plain["footer"]) if plain["footer"] else None,
            notes=tuple(plain["notes"]),
        )


def _scalar(cell: Cell) -> str | int | float | bool | None:
    if isinstance(cell, Missing):
        return None
    return cell.value if isinstance(cell, Ratio) else cell


def _row_to_plain(row: Row) -> dict[str, Any]:
    return {
        "cells": {key: to_plain(value) for key, value in row.cells.items()},
        "status": row.status,
        "note": row.note,
    }


def _row_from_plain(plain: dict[str, Any]) -> Row:
    cells = {key: from_plain(value) for key, value in plain["cells"].items()}
    return Row(cells, status=plain["status"], note=plain["note"])
