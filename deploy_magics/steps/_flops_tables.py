"""What was counted, as tables and notes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from deploy_magics.result import Cell, Column, Missing, Note, Ratio, Row, Table

if TYPE_CHECKING:
    from deploy_magics.counting import Counts, NodeCount

MIB = 2**20
MEGA = 1e6
_WHY = {
    "outside": "the convention does not count it",
    "moves data": "it moves data and computes nothing",
    "folded": "it depends on constants alone and is computed once, at load",
}
_READ_HELP = "Bytes read: each operand once, weights at the size they are stored in."
_WRITTEN_HELP = "Bytes written: each result once."
_INTENSITY_HELP = "Arithmetic intensity: FLOPs per byte read or written."


def totals_table(named: Sequence[tuple[str, Counts]]) -> Table:
    """Make the table that sets models side by side, a row each."""
    columns = (
        Column("model", "model", kind="text"),
        Column(
            "macs",
            "MACs",
            unit="M",
            better="lower",
            digits=6,
            help="Multiply-accumulates of one inference.",
            goal="macs",
        ),
        Column("flops", "FLOPs", unit="M", better="lower", digits=6, help="Floating-point operations.", goal="flops"),
        Column(
            "params", "params", kind="integer", better="lower", help="Parameters, a shared one once.", goal="params"
        ),
        Column("read", "read", unit="MiB", better="lower", help=_READ_HELP),
        Column("written", "written", unit="MiB", better="lower", help=_WRITTEN_HELP),
        Column("intensity", "intensity", unit="FLOP/B", digits=3, help=_INTENSITY_HELP),
        Column(
            "peak", "activation peak", unit="MiB", better="lower", help="Most that inputs, outputs and tensors take."
        ),
        Column("ratio", "MACs ratio", kind="ratio", shown=False, ratio_of="macs", help="MACs over the first model's."),
        Column("weights", "weights", unit="MiB", better="lower", shown=False, help="Bytes of all stored constants."),
        Column("nodes", "nodes", kind="integer", shown=False, help="Nodes that run, those of subgraphs included."),
    )
    first = named[0][1].macs
    rows = []
    for name, counts in named:
        cells: dict[str, Cell] = {
            "model": name,
            **_figures(counts.macs, counts.flops, counts.params, counts.read, counts.written),
            "peak": counts.peak.nbytes / MIB,
            "ratio": Ratio.exact(counts.macs / first) if first else Missing("the first model has no MACs"),
            "weights": counts.weight_bytes / MIB,
            "nodes": len(counts.nodes),
        }
        rows.append(Row(cells, note=_left_out(counts.nodes)))
    baseline = 0 if len(rows) > 1 else None
    notes = _convention_notes(named[0][1])
    return Table(columns, tuple(rows), baseline=baseline, notes=notes)


def op_table(name: str, counts: Counts, *, titled: bool) -> Table:
    """Make the table of operator types, the costliest first."""
    groups: dict[str, list[NodeCount]] = {}
    for node in counts.nodes:
        groups.setdefault(node.kind, []).append(node)
    ordered = sorted(groups.items(), key=lambda item: (-_sum(item[1], "flops"), -_moved(item[1]), item[0]))
    columns = (
        Column("op", "op type", kind="text"),
        Column("nodes", "nodes", kind="integer", help="How many there are."),
        *_figure_columns("shared ones at each op type that reads them"),
        Column("share", "share of FLOPs", unit="%", digits=3, shown=False),
    )
    rows = [
        Row({"op": kind, "nodes": len(nodes), **_group(nodes, counts)}, note=_left_out(nodes))
        for kind, nodes in ordered
    ]
    footer = {"op": "total", "nodes": len(counts.nodes), **_total(counts)}
    return Table(
        columns, tuple(rows), title=name if titled else "", footer=Row(footer), notes=_table_notes(counts, titled)
    )


def node_table(name: str, counts: Counts, *, titled: bool) -> Table:
    """Make the table of nodes, in the order in which they run."""
    columns = (
        Column("node", "node", kind="text"),
        Column("op", "op type", kind="text"),
        *_figure_columns("a shared one at each node that reads it"),
        Column("share", "share of FLOPs", unit="%", digits=3, shown=False),
        Column("output", "output shape", kind="text", shown=False),
        Column("times", "runs", kind="integer", shown=False, help="How often it runs in one inference."),
    )
    rows = []
    for node in counts.nodes:
        shape = "unknown" if node.output is None else " x ".join("?" if d is None else str(d) for d in node.output)
        rows.append(
            Row({"node": node.name, "op": node.kind, **_group([node], counts), "output": shape, "times": node.times})
        )
    footer = {"node": "total", "op": "", **_total(counts)}
    return Table(
        columns, tuple(rows), title=name if titled else "", footer=Row(footer), notes=_table_notes(counts, titled)
    )


def notes_of(named: Sequence[tuple[str, Counts]], *, listing: bool) -> tuple[Note, ...]:
    """Say what a reader must know of the figures: assumptions, and what could not be counted.

    Beside several models only warnings and what was assumed of control flow stand, what is the same for some of them
    once; the rest is in the tables, or shown where a model is counted alone. ``listing`` adds what the convention
    leaves out of one model, where no table says so.
    """
    notes: list[Note] = []
    if len(named) == 1:
        _, counts = named[0]
        notes += [Note(text) for text in _zeros(counts)] if listing else []
        notes += [Note(text, level) for text, level in (*_doubts(counts), *_details(counts))]
    else:
        said: dict[tuple[str, Any], list[str]] = {}
        for name, counts in named:
            for doubt in _doubts(counts):
                said.setdefault(doubt, []).append(name)
        notes += [
            Note(text if len(names) == len(named) else f"{', '.join(names)}: {text}", level)
            for (text, level), names in said.items()
        ]
    notes.append(
        Note(
            "Traffic: each node reads its operands and writes its results once; views (Reshape, ...) move nothing, "
            "QuantizeLinear and DequantizeLinear are fused into their neighbours, Gather and Slice read what they "
            "select. Peak: a tensor lives from its making to its last use, inputs and outputs included, and nothing is "
            "computed in place."
        )
    )
    return tuple(notes)


def _doubts(counts: Counts) -> Iterable[tuple[str, Any]]:
    """Say what makes figures bounds or guesses."""
    unknown = counts.not_counted("unknown op")
    if unknown:
        yield f"no rule for {_listed(unknown)}: not counted, so MACs and FLOPs are lower bounds", "warning"
    blind = [node for node in counts.nodes if node.status == "unknown shape"]
    if blind:
        kinds = _listed(counts.not_counted("unknown shape"))
        yield f"not counted: {kinds}; {blind[0].name}: {blind[0].why}", "warning"
    silent = [node for node in counts.nodes if node.bytes_why]
    if silent:
        yield (
            f"traffic of {len(silent)} nodes is not counted; {silent[0].name}: {silent[0].bytes_why}",
            "warning",
        )
    if counts.peak.unknown:
        yield f"{counts.peak.unknown} tensors of unknown size are not in the activation peak", "warning"
    for text in counts.notes:
        yield text, "info"


def _details(counts: Counts) -> Iterable[tuple[str, Any]]:
    """Say what belongs to the figures of one model."""
    where = f", while {counts.peak.at} runs" if counts.peak.at else ""
    yield (
        f"activation peak {counts.peak.nbytes / MIB:,.4g} MiB{where}; weights take "
        f"{counts.weight_bytes / MIB:,.4g} MiB besides",
        "info",
    )
    if counts.statistics:
        yield f"{counts.statistics:,} running means and variances are not among the parameters", "info"
    if counts.shared:
        yield f"{counts.shared:,} parameters are read by more than one node and count once in the total", "info"
    if counts.arithmetic_params:
        yield (
            f"{counts.arithmetic_params:,} of the parameters are constants of Add, Mul and the like: "
            "biases, folded scales, or tables such as anchors",
            "info",
        )


def _convention_notes(counts: Counts) -> tuple[str, ...]:
    rules = counts.convention
    return (f"Convention {rules.name}: {rules.definition}; {rules.source}.",)


def _table_notes(counts: Counts, titled: bool) -> tuple[str, ...]:
    return (*(() if titled else _convention_notes(counts)), *_zeros(counts))


def _zeros(counts: Counts) -> Iterable[str]:
    """List what stands with no work in the figures, and why."""
    for status, text in (
        ("outside", "Not counted by this convention"),
        ("moves data", "Move data and compute nothing"),
        ("folded", "Computed once at load, from constants alone"),
    ):
        kinds = counts.not_counted(status)  # type: ignore[arg-type]  # one of its literals
        if kinds:
            yield f"{text}: {_listed(kinds)}."


def _figure_columns(params: str) -> tuple[Column, ...]:
    return (
        Column("macs", "MACs", unit="M", digits=6, help="Multiply-accumulates of one inference."),
        Column("flops", "FLOPs", unit="M", digits=6, help="Floating-point operations."),
        Column("params", "params", kind="integer", help=f"Parameters, {params}."),
        Column("read", "read", unit="MiB", help=_READ_HELP),
        Column("written", "written", unit="MiB", help=_WRITTEN_HELP),
        Column("intensity", "intensity", unit="FLOP/B", digits=3, help=_INTENSITY_HELP),
    )


def _figures(
    macs: int | None, flops: int | None, params: int, read: int | None, written: int | None, why: str = ""
) -> dict[str, Cell]:
    moved = (read or 0) + (written or 0)
    none = Missing(why or "nothing is moved")
    return {
        "macs": none if macs is None else macs / MEGA,
        "flops": none if flops is None else flops / MEGA,
        "params": params,
        "read": none if read is None else read / MIB,
        "written": none if written is None else written / MIB,
        "intensity": flops / moved if flops is not None and moved else none,
    }


def _total(counts: Counts) -> dict[str, Cell]:
    figures = _figures(counts.macs, counts.flops, counts.params, counts.read, counts.written)
    return {**figures, "share": 100.0 if counts.flops else None}


def _group(nodes: Sequence[NodeCount], counts: Counts) -> dict[str, Cell]:
    """Add up nodes of one kind; what none of them has is a dash with the reason."""
    counted = [node for node in nodes if node.status == "counted"]
    sized = [node for node in nodes if node.read is not None]
    first = nodes[0]
    why = _WHY.get(first.status, first.why)
    params = sum({id(weight): weight.elements for node in nodes for weight in node.weights}.values())
    flops = _sum(counted, "flops") if counted else None
    cells = _figures(
        _sum(counted, "macs") if counted else None,
        flops,
        params,
        _sum(sized, "read") if sized else None,
        _sum(sized, "written") if sized else None,
        why,
    )
    if not sized:
        cells["read"] = cells["written"] = Missing(first.bytes_why)
    share = 100 * flops / counts.flops if flops is not None and counts.flops else Missing(why or "no FLOPs in all")
    return {**cells, "share": share}


def _left_out(nodes: Sequence[NodeCount]) -> str:
    """Say how many nodes could not be counted, for the line under a row; empty where all were."""
    blind = [node for node in nodes if node.status in ("unknown shape", "unknown op")]
    if not blind:
        return ""
    return f"{len(blind)} of {len(nodes)} nodes not counted: {blind[0].why}"


def _sum(nodes: Iterable[NodeCount], key: str) -> int:
    return sum(getattr(node, key) or 0 for node in nodes)


def _moved(nodes: Sequence[NodeCount]) -> int:
    return _sum(nodes, "read") + _sum(nodes, "written")


def _listed(kinds: dict[str, int]) -> str:
    return ", ".join(f"{kind} {number}" for kind, number in kinds.items())
