"""What ``%fuse`` did, as tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deploy_magics.errors import DeployError
from deploy_magics.result import Cell, Column, Missing, Row, Table

if TYPE_CHECKING:
    from deploy_magics.fusing import Census, Fused
    from deploy_magics.model import Model
    from deploy_magics.steps._fuse_speed import Pair


@dataclass(frozen=True)
class Exported:
    """What a module is in ONNX, counted once: nodes and multiply-accumulates."""

    nodes: int | Missing
    macs: int | Missing

    @classmethod
    def of(cls, model: Model | None, why: str) -> Exported:
        """Count a model; ``why`` there is none otherwise."""
        return cls(_nodes(model, why), _macs(model, why))


def tables(found: Fused, before: Exported, after: Exported) -> tuple[Table, ...]:
    """Give before and after, what was fused, and what was left."""
    rows = [
        _row("layers", found.before.layers, found.after.layers),
        _row("ops", found.before.ops, found.after.ops),
        _row("ONNX nodes", before.nodes, after.nodes),
        _row("batch normalisations", found.before.norms, found.after.norms),
        _row("params", found.before.params, found.after.params),
        _row("MACs", before.macs, after.macs),
    ]
    columns = (
        Column("what", "in all", kind="text"),
        Column("before", "before", kind="integer"),
        Column("after", "after", kind="integer"),
        Column("change", "change", kind="integer", help="After less before."),
    )
    notes = (
        "layers: modules made of no others; ops: calls in the traced graph, without taking items and attributes",
        "ONNX nodes: of the exported graph, with constants and the arithmetic of shapes",
        "MACs by the convention conv+linear, in the exported graph",
    )
    made = [Table(columns, tuple(rows), notes=notes)]
    if found.done:
        made.append(_done(found))
    if found.left:
        made.append(_left(found))
    return tuple(made)


def _done(found: Fused) -> Table:
    kinds = {"fold": "normalisation folded", "branches": "branches merged"}
    columns = (
        Column("number", "no.", kind="integer"),
        Column("into", "into", kind="text", help="The module that now does it all."),
        Column("parts", "made of", kind="text"),
        Column("kind", "how", kind="text"),
    )
    rows = [
        Row({"number": place, "into": each.into, "parts": _parts(each.parts, each.classes), "kind": kinds[each.kind]})
        for place, each in enumerate(found.done, 1)
    ]
    return Table(columns, tuple(rows), title="fused")


def _parts(names: tuple[str, ...], classes: tuple[str, ...]) -> str:
    """Join names, without what all of them begin with; a mere number gets its class.

    Examples
    --------
    >>> _parts(("stage2.0.conv", "stage2.0.bn"), ("Conv2d", "BatchNorm2d"))
    'conv + bn'
    >>> _parts(("a.0", "a.1", "identity"), ("Conv2d", "BatchNorm2d", "identity"))
    '0 (Conv2d) + 1 (BatchNorm2d) + identity'
    """
    own = [name.split(".") for name, kind in zip(names, classes, strict=True) if name != kind]
    shared = 0
    while own and all(len(parts) > shared + 1 for parts in own) and len({parts[shared] for parts in own}) == 1:
        shared += 1
    short = [
        name if name == kind else ".".join(name.split(".")[shared:]) for name, kind in zip(names, classes, strict=True)
    ]
    return " + ".join(f"{name} ({kind})" if name.isdigit() else name for name, kind in zip(short, classes, strict=True))


def _left(found: Fused) -> Table:
    columns = (
        Column("name", "where", kind="text"),
        Column("what", "what", kind="text"),
        Column("why", "why it was left", kind="text"),
    )
    rows = [Row({"name": each.name, "what": each.what, "why": each.why}) for each in found.left]
    return Table(columns, tuple(rows), title="left as it is")


def headline(name: str, found: Fused) -> str:
    """Say in one sentence what became of it."""
    if not found.done:
        why = "; what was left, and why, is listed" if found.left else ""
        return f"{name}: nothing to fuse{why}"
    before, after = found.before, found.after
    merged = sum(each.kind == "branches" for each in found.done)
    parts = [f"{merged} sums of branches merged"] if merged > 1 else ["1 sum of branches merged"] if merged else []
    parts += [f"{before.norms} → {after.norms} batch normalisations"] if before.norms else []
    parts += [f"{before.ops} → {after.ops} ops", f"{before.params:,} → {after.params:,} params"]
    return f"{name}: {', '.join(parts)}; {found.verification.verdict}"


def remarks(found: Fused, pair: Pair) -> list[tuple[str, bool]]:
    """Give what stands below the tables: lines, and whether each is a warning."""
    lines = list(found.verification.remarks())
    modules = [each.name for each in found.left if each.what == "module"]
    if modules:
        told = ", ".join(modules[:3]) + (f" and {len(modules) - 3} more" if len(modules) > 3 else "")
        lines.append((f"left as they are, for the reasons in the table: {told}", True))
    if pair.why:
        lines.append((f"not exported, so that there are no figures of ONNX: {pair.why}", True))
    for model in (pair.before, pair.after):
        if model is not None and model.assumed:
            line = (f"MACs at {', '.join(model.assumed)}; set others with --dim or --shape", False)
            lines += [line] if line not in lines else []
    return lines


def plain(counted: Census, exported: Exported) -> dict[str, Any]:
    """Give the figures of one side as JSON's own types."""
    return {
        **counted.to_plain(),
        "nodes": None if isinstance(exported.nodes, Missing) else exported.nodes,
        "macs": None if isinstance(exported.macs, Missing) else exported.macs,
    }


def _row(name: str, before: int | Missing, after: int | Missing) -> Row:
    change: Cell = after - before if isinstance(before, int) and isinstance(after, int) else None
    if change is None:
        change = before if isinstance(before, Missing) else after
    return Row({"what": name, "before": before, "after": after, "change": change})


def _nodes(model: Model | None, why: str) -> int | Missing:
    return Missing(why or "not exported") if model is None else len(model.skeleton.graph.node)


def _macs(model: Model | None, why: str) -> int | Missing:
    from deploy_magics.counting import count_model

    if model is None:
        return Missing(why or "not exported")
    try:
        return count_model(model).macs
    except DeployError as error:
        return Missing(str(error))
