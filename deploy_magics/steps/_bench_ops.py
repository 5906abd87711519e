"""``%bench --ops``: where the time of a run goes, measured apart from the runs that are timed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deploy_magics.errors import DeployError
from deploy_magics.result import Column, Note, Row, Table

if TYPE_CHECKING:
    from deploy_magics.running.operators import OperatorTime
    from deploy_magics.timing import Measurement, Track

SHOWN = 15
"""Operators with a row of their own; the others share one."""
_TARGET_S = 1.0
_LEAST, _MOST = 5, 100
_TIMEOUT_S = 300.0


@dataclass
class Operators:
    """What was found.

    Attributes
    ----------
    tables : list of Table
        One for each candidate whose operators were timed.
    notes : list of Note
        Why others have none.
    found : dict
        All operators of each candidate, by its label.
    interrupted : bool
        Whether the user stopped it.
    """

    tables: list[Table] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    found: dict[str, tuple[OperatorTime, ...]] = field(default_factory=dict)
    interrupted: bool = False


def taken(measured: Measurement, tell: Callable[[float, str], None]) -> Operators:
    """Time the operators of each candidate that was measured, one after the other, each in a process of its own.

    A profiler slows what it watches, so none of these runs is among the timed ones. An interrupt ends it; what was
    found until then is kept.
    """
    from deploy_magics.running import get
    from deploy_magics.running.operators import TellsOperators

    done = Operators()
    tracks = [track for track in measured.tracks if track.runs]
    try:
        for number, track in enumerate(tracks):
            label, name = track.candidate.label, str(track.candidate.args[1])
            if not isinstance(get(name), TellsOperators):
                done.notes.append(Note(f"{label}: {get(name).title} does not tell the times of operators"))
                continue
            tell(number / len(tracks), f"operators of {label}")
            try:
                done.found[label], runs = _times(track)
            except DeployError as error:
                done.notes.append(Note(f"the operators of {label} could not be timed: {error}", "warning"))
                continue
            done.tables.append(table(label, done.found[label], runs))
    except KeyboardInterrupt:
        done.interrupted = True
    return done


def _times(track: Track) -> tuple[tuple[OperatorTime, ...], int]:
    import numpy as np

    from deploy_magics import workers

    candidate = track.candidate
    repeats = min(_MOST, max(_LEAST, round(_TARGET_S / float(np.median(track.latencies())))))
    target = "deploy_magics.running._run:operator_times"
    found: tuple[OperatorTime, ...] = workers.call(
        target, *candidate.args, candidate.inputs, repeats, name=f"profiling {candidate.label}", timeout=_TIMEOUT_S
    )
    return found, repeats


def table(label: str, times: Sequence[OperatorTime], runs: int) -> Table:
    """Make the table of one candidate, the slowest operators first."""
    total = sum(each.median for each in times)
    ordered = sorted(times, key=lambda each: -each.median)
    rows = [_row(each.name, each.kind, [each], total) for each in ordered[:SHOWN]]
    rest = ordered[SHOWN:]
    if len(rest) == 1:
        rows.append(_row(rest[0].name, rest[0].kind, rest, total))
    elif rest:
        rows.append(_row(f"{len(rest)} others", "", rest, total))
    return Table(
        columns=(
            Column("operator", "operator", kind="text", help="A node, or what a compiled function computes."),
            Column("type", "type", kind="text", help="As the runtime calls it."),
            Column("calls", "calls", kind="integer", help="Calls in one run."),
            Column("time", "time", "ms", digits=3, help="All its calls in one run; median of the runs."),
            Column("share", "share", "%", digits=3, help="Of what all operators take together."),
        ),
        rows=tuple(rows),
        title=f"operators of {label}",
        footer=_row(f"all {len(times)}", "", times, total),
        notes=(f"median of {runs} runs under a profiler, which slows them; none of these is among the timed runs",),
    )


def _row(name: str, kind: str, times: Sequence[OperatorTime], total: float) -> Row:
    seconds = sum(each.median for each in times)
    share = 100 * seconds / total if total else 0.0
    calls = sum(each.calls for each in times)
    return Row({"operator": name, "type": kind, "calls": calls, "time": seconds * 1e3, "share": share})
