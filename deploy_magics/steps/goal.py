"""``%goal``: targets that later tables mark."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from deploy_magics.errors import ArgumentError
from deploy_magics.result import Column, Goal, Note, Result, Row, Table
from deploy_magics.result.goals import VARIABLE, clear_goals, current, parse_goals, quantity, set_goals
from deploy_magics.steps._registry import step

_COLUMNS = (
    Column("quantity", "goal for", kind="text"),
    Column("target", "has to be", kind="text"),
    Column("what", "what it is", kind="text"),
    # Numbers of unlike units would be lined up by their points, which says nothing.
    Column("value", "value", digits=6, shown=False),
    Column("unit", "unit", kind="text", shown=False),
)
_SIGNS = {"<": "below", "<=": "at most", ">": "above", ">=": "at least"}


class GoalResult(Result):
    """The goals that are set, one row each."""


@step(answers="What has the model to meet?", workbook="11_pipeline", order=5)
def goal(*targets: str, clear: bool = False) -> GoalResult:
    """Set targets, which every later table marks: who meets them, who misses them and by how much.

    Without an argument it lists them. A goal for the same quantity takes the place of the one before. Goals are marked
    in a result when it is made, and saved with it; results made before stay as they are.

    Parameters
    ----------
    *targets
        Goals such as ``latency_p99 < 20 ms``, separated by commas. What they can be set for: latency, latency_mean,
        latency_p90, latency_p95, latency_p99, latency_max, throughput, frames/s, load, first_call, memory, size,
        params, macs, flops, error, accuracy, accuracy_drop. With ``--clear`` only these names.
    clear
        Clear the goals for what is named, or all.

    Returns
    -------
    GoalResult
        Its ``table`` has a row for each goal that is set now.

    Raises
    ------
    ArgumentError
        Where a name, a unit or a direction is not known; nothing is set then.

    Examples
    --------
    What a camera needs::

        %goal frames/s >= 30, latency_p99 < 50 ms, size < 5 MiB

    List them, clear one, clear all::

        %goal
        %goal --clear size
        %goal --clear
    """
    text = " ".join(targets)
    if clear:
        names = tuple(part.strip() for part in text.split(",") if part.strip())
        gone = clear_goals(names)
        if names and not gone:
            asked = ", ".join(quantity(name).name for name in names)
            raise ArgumentError(f"no goal is set for {asked}", hint="%goal lists those that are")
        return _result(current(), f"cleared: {_listed(gone)}" if gone else "there was no goal to clear")
    if text.strip():
        set_goals(parse_goals(text))
    goals = current()
    return _result(goals, f"goals: {_listed(goals)}" if goals else "no goal is set")


def _listed(goals: Sequence[Goal]) -> str:
    return ", ".join(map(str, goals))


def _result(goals: Sequence[Goal], headline: str) -> GoalResult:
    rows = [
        Row(
            {
                "quantity": each.quantity,
                "target": f"{_SIGNS[each.sign]} {each.limit_text}",
                "value": each.value,
                "unit": each.unit or "a count",
                "what": quantity(each.quantity).help,
            }
        )
        for each in goals
    ]
    notes = [Note("tables that are made from now on say in words who meets them")] if goals else []
    if goals:
        notes.append(Note(f"in a shell: export {VARIABLE}={shlex.quote(_listed(goals))}"))
    else:
        notes.append(Note("set one with %goal latency_p99 < 20 ms"))
    return GoalResult(
        step="goal", headline=headline, tables=(Table(_COLUMNS, tuple(rows)),) if rows else (), notes=tuple(notes)
    )
