"""Before and after as tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deploy_magics.errors import DeployError
from deploy_magics.result import Cell, Column, Held, Missing, Row, Table

if TYPE_CHECKING:
    from deploy_magics.model import Model

MIB = 2**20
_SMALLEST_MIB = 0.1
_ERROR = "Largest difference between original and result, in millionths of the output's range."


@dataclass(frozen=True)
class Totals:
    """What a model has in all.

    Attributes
    ----------
    ops : Counter of str
        Nodes by operator type, inner graphs included.
    params : int or Missing
        Parameters, as ``%flops`` counts them.
    macs : int or Missing
        Multiply-accumulates of convolutions and matrix products.
    weight_bytes : int or None
        Bytes of all stored constants; None where they could not be counted.
    size_bytes : int
        Bytes of the file or files.
    counted : str
        How MACs were counted, as a note under the table.
    """

    ops: Counter[str]
    params: int | Missing
    macs: int | Missing
    weight_bytes: int | None
    size_bytes: int
    counted: str = ""

    @property
    def nodes(self) -> int:
        """How many nodes there are."""
        return self.ops.total()

    def to_plain(self) -> dict[str, Any]:
        """Give the figures as JSON's own types."""
        return {
            "nodes": self.nodes,
            "params": None if isinstance(self.params, Missing) else self.params,
            "macs": None if isinstance(self.macs, Missing) else self.macs,
            "weight_bytes": self.weight_bytes,
            "size_bytes": self.size_bytes,
        }


def detail(name: str, before: Totals, after: Totals, *, titled: bool, ops: bool = True) -> Table:
    """Make the table of one model: operator types unless ``ops`` is off, then nodes, params, MACs and sizes."""
    kinds = sorted(before.ops | after.ops) if ops else []
    rows = [_counted(kind, before.ops[kind], after.ops[kind]) for kind in kinds]
    rows.append(_counted("nodes", before.nodes, after.nodes))
    rows.append(_counted("params", before.params, after.params))
    rows.append(_counted("MACs", before.macs, after.macs))
    if before.weight_bytes is not None and after.weight_bytes is not None:
        rows.append(_sized("weights", before.weight_bytes, after.weight_bytes, 3))
    rows.append(_sized("model size", before.size_bytes, after.size_bytes, 1))
    columns = (
        Column("what", "op type", kind="text", help="Operator type, and totals at the end.")
        if ops
        else Column("what", "total", kind="text", help="What the model has in all."),
        Column("before", "before", kind="integer"),
        Column("after", "after", kind="integer"),
        Column("change", "change", kind="integer", help="After less before."),
    )
    notes = tuple(dict.fromkeys(each.counted for each in (before, after) if each.counted))
    return Table(columns, tuple(rows), title=name if titled else "", notes=notes)


def summary(rows: Sequence[Row]) -> Table:
    """Make the table that stands first where there are several models."""
    columns = (
        Column("model", "model", kind="text"),
        Column("nodes_before", "nodes before", kind="integer"),
        Column("nodes", "nodes after", kind="integer"),
        Column("size_before", "size before", unit="MiB"),
        Column("size", "size after", unit="MiB", goal="size"),
        Column("error", "max error", unit="ppm", digits=2, help=_ERROR, goal="error"),
        Column("by", "simplified by", kind="text"),
        Column("seconds", "time", unit="s", digits=2),
        Column("params_before", "params before", kind="integer", shown=False),
        Column("params", "params after", kind="integer", shown=False, goal="params"),
        Column("macs_before", "MACs before", unit="M", shown=False),
        Column("macs", "MACs after", unit="M", shown=False, goal="macs"),
    )
    return Table(columns, tuple(rows))


def summary_row(name: str, before: Totals, after: Totals, *, error: float | Missing, by: str, seconds: float) -> Row:
    """Make a model's line of the summary."""
    return Row(
        {
            "model": name,
            "nodes_before": before.nodes,
            "nodes": after.nodes,
            "size_before": before.size_bytes / MIB,
            "size": after.size_bytes / MIB,
            "error": error if isinstance(error, Missing) else error * 1e6,
            "by": by,
            "seconds": seconds,
            "params_before": before.params,
            "params": after.params,
            "macs_before": _millions(before.macs),
            "macs": _millions(after.macs),
        }
    )


def held(made: Totals) -> tuple[Held, ...]:
    """Give what goals can be set for, of the one model that was made."""
    counts = [
        Held(name, value, "")
        for name, value in (("params", made.params), ("macs", made.macs))
        if isinstance(value, int)
    ]
    return (Held("size", made.size_bytes, "B"), *counts)


def totals(model: Model) -> Totals:
    """Count what a model has, at the sizes that its open dimensions are taken to have."""
    from deploy_magics.counting import count
    from deploy_magics.simplifying import all_graphs

    ops: Counter[str] = Counter()
    for graph in all_graphs(model.skeleton.graph):
        ops.update(f"{node.domain}.{node.op_type}" if _foreign(node.domain) else node.op_type for node in graph.node)
    try:
        counts = count(_sized_model(model).inferred())
    except DeployError as error:
        why = Missing(str(error))
        return Totals(ops, why, why, None, model.size_bytes)
    unknown = counts.not_counted("unknown shape")
    macs = Missing(f"shapes are not known: {', '.join(list(unknown)[:3])}") if unknown else counts.macs
    at = f", at {', '.join(model.assumed)}" if model.assumed else ""
    counted = f"MACs by the convention {counts.convention.name}{at}"
    return Totals(ops, counts.params, macs, counts.weight_bytes, model.size_bytes, counted)


def _sized_model(model: Model) -> Model:
    try:
        return model.concrete()
    except DeployError:
        # No size suggests itself for some dimension; what does not depend on it can still be counted.
        return model


def sizes(before: int, after: int, decimals: int = 1) -> tuple[str, str, str]:
    """Write two sizes in the same unit, which follows from the first.

    Returns
    -------
    tuple of str
        Unit, before, after.

    Examples
    --------
    >>> sizes(102440608, 102120000)
    ('MiB', '97.7', '97.4')
    >>> sizes(47597, 46511)
    ('KiB', '46.5', '45.4')
    """
    power, unit = (20, "MiB") if before >= _SMALLEST_MIB * MIB else (10, "KiB") if before >= 1024 else (0, "B")
    places = decimals if power else 0
    written = [f"{size / 2**power:.{places}f}" for size in (before, after)]
    if power == 20 and before < 10 * MIB:
        written = [f"{size / MIB:.{max(2, places)}f}" for size in (before, after)]
    return unit, written[0], written[1]


def _foreign(domain: str) -> bool:
    return domain not in ("", "ai.onnx")


def _counted(name: str, before: int | Missing, after: int | Missing) -> Row:
    change: Cell = after - before if isinstance(before, int) and isinstance(after, int) else None
    if change is None:
        change = before if isinstance(before, Missing) else after
    return Row({"what": name, "before": before, "after": after, "change": change})


def _sized(name: str, before: int, after: int, decimals: int) -> Row:
    """Make a row of sizes, which are no whole numbers as the column's others are, and so are written out."""
    unit, *written = sizes(before, after, decimals)
    places = max(len(text.partition(".")[2]) for text in written)
    change = round(float(written[1]) - float(written[0]), places)
    text = f"{'−' if change < 0 else ''}{abs(change):.{places}f}"
    return Row({"what": f"{name} ({unit})", "before": written[0], "after": written[1], "change": text})


def _millions(macs: int | Missing) -> Cell:
    return macs if isinstance(macs, Missing) else macs / 1e6
