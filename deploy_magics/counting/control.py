"""Control flow: which branch of an If counts, and how often a Loop or Scan runs its body."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from deploy_magics.counting.constants import known_integer
from deploy_magics.counting.program import Body, Op, Program, Uncountable

Work = tuple[int, int, int]
"""FLOPs, MACs and bytes: in this order they say which branch has more work."""


@dataclass(slots=True)
class Flow:
    """How often each subgraph runs.

    Attributes
    ----------
    times : dict of Body to int
        Runs per run of its owner.
    never : set of Body
        Those that constants rule out, with all inside them.
    notes : list of str
        What was assumed.
    """

    times: dict[Body, int] = field(default_factory=dict)
    never: set[Body] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Doubts:
    """What the notes say, gathered over the whole model."""

    skipped: int = 0
    untaken: int = 0
    idle: list[str] = field(default_factory=list)
    unbounded: list[str] = field(default_factory=list)
    bounded: list[str] = field(default_factory=list)

    def notes(self) -> list[str]:
        found = []
        if self.untaken:
            found.append(
                f"{self.untaken} nodes are left out, of branches that a constant condition never takes "
                "(their parameters are in)"
            )
        if self.skipped:
            found.append(
                f"of each If the branch with more work is counted; {self.skipped} nodes of the other branches are "
                "left out (their parameters are in)"
            )
        if self.idle:
            found.append(f"{_listing(self.idle)} never runs its body, which is left out")
        if self.unbounded:
            found.append(f"how often {_listing(self.unbounded)} runs depends on the data: its body is counted once")
        if self.bounded:
            found.append(f"{_listing(self.bounded)} may stop early: it is counted at its full number of iterations")
        return found


def find_flow(program: Program, work: Mapping[Op, Work]) -> Flow:
    """Decide how often each subgraph runs.

    Parameters
    ----------
    program : Program
        The model.
    work : mapping of Op to Work
        Of one run of each operation, its subgraphs apart.
    """
    flow, doubts = Flow(), _Doubts()
    totals: dict[Body, Work] = {}
    # Inner ones first, since of an If the heavier branch counts.
    for body in reversed(program.bodies):
        total = (0, 0, 0)
        for op in body.ops:
            total = _plus(total, work[op], 1)
            if op.kind == "If":
                _branches(op, totals, flow, doubts)
            else:
                _repeats(op, flow, doubts)
            for child in op.bodies:
                total = _plus(total, totals[child], flow.times[child])
        totals[body] = total
    for body in program.bodies:
        if body.owner is not None and body.owner.body in flow.never:
            flow.never.add(body)
    flow.notes += doubts.notes()
    return flow


def _branches(op: Op, totals: Mapping[Body, Work], flow: Flow, doubts: _Doubts) -> None:
    condition = known_integer(op.given(0))
    name = "then_branch" if condition else "else_branch"
    taken = next((body for body in op.bodies if body.name == name), None) if condition is not None else None
    counted = taken or max(op.bodies, key=lambda body: totals[body], default=None)
    for body in op.bodies:
        flow.times[body] = int(body is counted)
        if body is counted:
            continue
        if taken is None:
            doubts.skipped += len(body.ops)
        else:
            flow.never.add(body)
            doubts.untaken += len(body.ops)


def _repeats(op: Op, flow: Flow, doubts: _Doubts) -> None:
    for body in op.bodies:
        times, how = _iterations(op)
        flow.times[body] = times
        if not times:
            flow.never.add(body)
            doubts.idle.append(op.name)
        if how:
            (doubts.unbounded if how == "unknown" else doubts.bounded).append(op.name)


def _plus(a: Work, b: Work, times: int) -> Work:
    return a[0] + times * b[0], a[1] + times * b[1], a[2] + times * b[2]


def _listing(names: list[str]) -> str:
    return repr(names[0]) + (f" (and {len(names) - 1} more)" if len(names) > 1 else "")


def _iterations(op: Op) -> tuple[int, str]:
    """Tell how often a subgraph runs, and what is doubtful: ``"unknown"``, ``"bound"`` or nothing."""
    if op.kind == "Scan":
        carried = len(op.inputs) - int(op.attribute("num_scan_inputs", 0))
        axes = op.attribute("scan_input_axes") or [0]
        try:
            return op.source(carried).dims()[int(axes[0])], ""
        except (Uncountable, IndexError):
            return 1, "unknown"
    if op.kind != "Loop":
        return 1, "unknown"
    start = op.given(1)
    begins = True if start is None else known_integer(start)
    trips = known_integer(op.given(0))
    if begins is not None and not begins:
        return 0, ""
    # A negative number of iterations is none.
    if trips is not None and trips <= 0:
        return 0, ""
    goes_on = _goes_on(op, begins)
    if goes_on is False:
        return 1, "" if begins else "bound"
    # Exporters write "while" as a loop of 2^63 - 1 iterations that its condition ends.
    if trips is None or trips >= 2**31:
        return 1, "unknown"
    return trips, "" if begins and goes_on else "bound"


def _goes_on(op: Op, begins: bool | int | None) -> bool | None:
    """Tell whether a Loop's condition lets it go on after each iteration; None where that is not known."""
    body = op.bodies[0] if op.bodies else None
    if body is None or not body.outputs:
        return None
    condition = body.outputs[0]
    for _ in range(len(body.ops)):
        maker = condition.producer
        source = maker.given(0) if maker is not None and maker.kind == "Identity" else None
        if source is None:
            break
        condition = source
    if len(body.inputs) > 1 and condition is body.inputs[1]:
        return None if begins is None else bool(begins)
    known = known_integer(condition)
    return None if known is None else bool(known)
