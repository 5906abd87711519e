"""Tables marked by who meets the goals, when they are made, so that a saved result keeps the marks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from deploy_magics.result.cells import Missing, Ratio
from deploy_magics.result.goals import Goal
from deploy_magics.result.table import Column, Row, Table

KEY = "goals"
MEETS, MISSES, OPEN = "meets", "misses", "not known"
_HELP = "Which rows meet the goals that %goal has set."


def mark(tables: Sequence[Table], goals: Sequence[Goal]) -> tuple[tuple[Table, ...], tuple[Goal, ...]]:
    """Mark the rows of tables by who meets the goals.

    A table takes part if one of its columns holds a quantity that a goal is for (:attr:`Column.goal`). It gets a column
    that says in a word whether a row meets all, and the rows that do not get a note: which they miss, by how much, and
    what is not known.

    Parameters
    ----------
    tables : sequence of Table
        Tables as a step made them.
    goals : sequence of Goal
        The goals that are set.

    Returns
    -------
    tuple
        The tables, and the goals that any of them is held to.

    Examples
    --------
    >>> table = Table((Column("m", "model", kind="text"), Column("t", "p99", "ms", goal="latency_p99")),
    ...               (Row({"m": "a", "t": 12.0}), Row({"m": "b", "t": 26.1})))
    >>> mark([table], [Goal("latency_p99", "<", 20, "ms")])[0][0].values("goals")
    ['meets', 'misses']
    """
    marked, used = [], []
    for table in tables:
        held = [(goal, column) for goal in goals for column in table.columns if _holds(column, goal)]
        keys = [column.key for column in table.columns]
        if not held or KEY in keys or not table.rows:
            marked.append(table)
            continue
        used += [goal for goal, _ in held]
        said = ", ".join(dict.fromkeys(str(goal) for goal, _ in held))
        first, *others = table.columns
        rows = tuple(_marked(row, held) for row in table.rows)
        column = Column(KEY, "goals", kind="verdict", help=f"{_HELP[:-1]}: {said}.")
        marked.append(
            replace(table, columns=(first, column, *others), rows=rows, notes=(*table.notes, f"goals: {said}"))
        )
    return tuple(marked), tuple(goal for goal in goals if goal in used)


@dataclass(frozen=True)
class Held:
    """A figure of a result that stands in no row of its tables, as the size of the one model that a step made.

    Attributes
    ----------
    quantity : str
        What goals can be set for, by name.
    value : float
        The figure.
    unit : str
        Its unit.
    """

    quantity: str
    value: float
    unit: str


def judge(held: Sequence[Held], goals: Sequence[Goal]) -> tuple[str, tuple[Goal, ...]]:
    """Say in words whether figures meet the goals, and which goals are for them.

    Examples
    --------
    >>> judge([Held("size", 6 * 2**20, "B")], [Goal("size", "<", 5, "MiB")])[0]
    'misses size by 1 MiB (size < 5 MiB)'
    """
    columns = [Column(each.quantity, each.quantity, each.unit, goal=each.quantity) for each in held]
    pairs = [(goal, column) for goal in goals for column in columns if _holds(column, goal)]
    used = tuple(goal for goal, _ in pairs)
    if not used:
        return "", ()
    word, why = _judge(Row({each.quantity: each.value for each in held}), pairs)
    return f"{why or word} ({', '.join(map(str, used))})", used


def _holds(column: Column, goal: Goal) -> bool:
    return column.goal == goal.quantity and goal.of(1.0, column.unit) is not None


def _marked(row: Row, held: Sequence[tuple[Goal, Column]]) -> Row:
    if row.status in ("failed", "wrong"):
        return row
    word, why = _judge(row, held)
    note = "; ".join(part for part in (row.note, why) if part)
    return replace(row, cells={**row.cells, KEY: word}, note=note)


def _judge(row: Row, held: Sequence[tuple[Goal, Column]]) -> tuple[str, str]:
    """Give a word, and what it means where that is not that all are met."""
    missed, unknown = [], []
    for goal, column in held:
        cell = row.cells.get(column.key)
        number = cell.value if isinstance(cell, Ratio) else cell
        if isinstance(number, bool | str | Missing) or number is None:
            unknown.append(goal.quantity)
            continue
        value = goal.of(float(number), column.unit)
        if value is None or math.isnan(value):
            unknown.append(goal.quantity)
        elif not goal.met(value):
            missed.append(f"{goal.quantity} by {_written(abs(value - goal.value), goal)}")
    parts = [f"{MISSES} {', '.join(missed)}"] if missed else []
    parts += [f"{OPEN}: {', '.join(unknown)}"] if unknown else []
    return MISSES if missed else OPEN if unknown else MEETS, "; ".join(parts)


def _written(value: float, goal: Goal) -> str:
    return f"{value:.3g} {goal.unit}".rstrip() if value < 999.5 else f"{value:,.0f} {goal.unit}".rstrip()
