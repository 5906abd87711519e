"""Tables of what a compiled model consists of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from deploy_magics.result import Cell, Column, Missing, Row, Table

if TYPE_CHECKING:
    from deploy_magics.compiling import Compiled, Function

KINDS = {
    "conv2d": "convolution",
    "depthwise": "depthwise convolution",
    "matmul": "matrix product",
    "sum": "pooling and other sums",
    "other": "moving and mapping values",
}
_STAGES = ("simplify", "import", "lower", "schedule", "build", "link", "verify")


def functions_table(functions: Sequence[Function]) -> Table:
    """Give a row a kind of function: how many there are, how often they are called, and their share of the work."""
    total = sum(each.calls * each.flops for each in functions)
    rows = []
    for kind, title in KINDS.items():
        found = [each for each in functions if each.kind == kind]
        if not found:
            continue
        work = sum(each.calls * each.flops for each in found)
        tuned = sum(each.scheduled == "tuned" for each in found)
        share: Cell = 100 * work / total if total else Missing("nothing is computed")
        how = "rule" if not tuned else "tuned" if tuned == len(found) else f"tuned, {len(found) - tuned} by rule"
        cells: dict[str, Cell] = {
            "kind": title,
            "functions": len(found),
            "calls": sum(each.calls for each in found),
            "flops": work / 1e6,
            "share": share,
            "scheduled": how,
        }
        rows.append(Row(cells))
    return Table(
        columns=(
            Column("kind", "kind", kind="text"),
            Column(
                "functions", "functions", kind="integer", help="Functions that differ in what they compute or in size."
            ),
            Column("calls", "calls", kind="integer", help="Calls in one run of the model."),
            Column("flops", "FLOPs", "M", digits=4, help="Multiplications and additions, counted apart, in one run."),
            Column("share", "share", "%", digits=3, help="Of all FLOPs."),
            Column("scheduled", "scheduled", kind="text", help="By rule, or by what a search found."),
        ),
        rows=tuple(rows),
        notes=("a function stands for a convolution with all that is fused into it",),
    )


def compiled_facts(found: Compiled, output: Path | None) -> tuple[tuple[str, str], ...]:
    """Give what stands above the table."""
    machine = found.manifest.machine
    facts = [
        ("target", machine.title),
        ("layout", LAYOUTS.get(found.manifest.layout, found.manifest.layout)),
        ("size", f"{found.size_bytes / 2**20:.2f} MiB"),
        ("seconds", ", ".join(f"{stage} {found.seconds[stage]:.1f}" for stage in _STAGES if stage in found.seconds)),
    ]
    if found.verification is not None:
        facts += found.verification.facts()
    if output is not None:
        facts.append(("written to", str(output)))
    return tuple(facts)


LAYOUTS = {"blocked": "blocked by channels (NCHWc)", "plain": "as in the model"}
