"""What is in a model, as tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from deploy_magics.counting.dtypes import dtype_name
from deploy_magics.result import Cell, Column, Missing, Row, Table

if TYPE_CHECKING:
    from deploy_magics.counting.weights import Weight
    from deploy_magics.model import Model
    from deploy_magics.steps._inspect_findings import Finding

MIB = 2**20


@dataclass(frozen=True)
class Census:
    """How many nodes of each type there are, as the file has them.

    Attributes
    ----------
    main, subgraphs, functions : Counter of str
        By operator type, with its domain unless that is ONNX's own: in the main graph, in the subgraphs of If, Loop and
        Scan, and in the bodies of functions (each body once, however often it is called).
    """

    main: Counter[str]
    subgraphs: Counter[str]
    functions: Counter[str]

    @property
    def total(self) -> Counter[str]:
        """All of them."""
        return self.main + self.subgraphs + self.functions


@dataclass(frozen=True)
class Seen:
    """All that was found in one model.

    Attributes
    ----------
    model : Model
        The model.
    census : Census
        Its nodes.
    weights : list of Weight
        Its stored constants; None where functions expand without bound.
    findings : list of Finding
        What looks odd.
    """

    model: Model
    census: Census
    weights: list[Weight] | None
    findings: list[Finding] = field(default_factory=list)

    @property
    def params(self) -> int | None:
        """Parameters; running statistics are none."""
        if self.weights is None:
            return None
        return sum(weight.elements for weight in self.weights if weight.is_parameter)

    @property
    def weight_bytes(self) -> int | None:
        """Bytes of all stored constants."""
        return None if self.weights is None else sum(weight.nbytes for weight in self.weights)


def census(model: Model) -> Census:
    """Count nodes, those of subgraphs and function bodies apart."""
    proto = model.skeleton
    main, inner, functions = Counter[str](), Counter[str](), Counter[str]()
    pending: list[tuple[Any, Counter[str], Counter[str]]] = [(proto.graph.node, main, inner)]
    pending += [(function.node, functions, functions) for function in proto.functions]
    while pending:
        nodes, here, below = pending.pop()
        for node in nodes:
            domain = "" if node.domain in ("", "ai.onnx") else f"{node.domain}."
            here[domain + node.op_type] += 1
            for attribute in node.attribute:
                if attribute.HasField("g"):
                    pending.append((attribute.g.node, below, below))
                pending.extend((graph.node, below, below) for graph in attribute.graphs)
    return Census(main, inner, functions)


def interface_table(seen: Sequence[Seen]) -> Table:
    """Make the table of inputs and outputs."""
    several = len(seen) > 1
    model = (Column("model", "model", kind="text"),) if several else ()
    columns = (
        Column("name", "name", kind="text"),
        *model,
        Column("kind", "kind", kind="text"),
        Column("dtype", "dtype", kind="text"),
        Column("shape", "shape", kind="text", help="? is a dimension of which nothing is known."),
    )
    rows = []
    for item in seen:
        for kind, specs in (("input", item.model.inputs), ("output", item.model.outputs)):
            for spec in specs:
                shape = "unknown"
                if spec.shape is not None:
                    shape = " x ".join("?" if dim is None else str(dim) for dim in spec.shape) or "scalar"
                cells: dict[str, Cell] = {"name": spec.name, "kind": kind, "dtype": spec.dtype, "shape": shape}
                rows.append(Row({**cells, "model": item.model.name} if several else cells))
    return Table(columns, tuple(rows), title="inputs and outputs")


def op_table(item: Seen) -> Table:
    """Make the table of operator types, the most frequent first."""
    found = item.census
    total = found.total
    columns = [Column("op", "op type", kind="text"), Column("nodes", "nodes", kind="integer")]
    if found.subgraphs or found.functions:
        columns.append(Column("main", "in main graph", kind="integer"))
    if found.subgraphs:
        columns.append(Column("subgraphs", "in subgraphs", kind="integer", help="Bodies of If, Loop and Scan."))
    if found.functions:
        columns.append(
            Column("functions", "in functions", kind="integer", help="Each function's body once, however often called.")
        )
    rows = [
        Row(
            {
                "op": kind,
                "nodes": number,
                "main": found.main[kind],
                "subgraphs": found.subgraphs[kind],
                "functions": found.functions[kind],
            }
        )
        for kind, number in sorted(total.items(), key=lambda pair: (-pair[1], pair[0]))
    ]
    footer: dict[str, Cell] = {
        "op": "total",
        "nodes": total.total(),
        "main": found.main.total(),
        "subgraphs": found.subgraphs.total(),
        "functions": found.functions.total(),
    }
    return Table(tuple(columns), tuple(rows), title="operator types", footer=Row(footer))


def op_comparison(seen: Sequence[Seen]) -> Table:
    """Make the table of operator types with a column for each model."""
    totals = [item.census.total for item in seen]
    kinds = sorted({kind for total in totals for kind in total}, key=lambda k: (-max(t[k] for t in totals), k))
    columns = [Column("op", "op type", kind="text")]
    columns += [Column(f"m{place}", item.model.name, kind="integer") for place, item in enumerate(seen)]
    rows = [Row({"op": kind, **{f"m{place}": total[kind] for place, total in enumerate(totals)}}) for kind in kinds]
    footer: dict[str, Cell] = {"op": "total", **{f"m{place}": total.total() for place, total in enumerate(totals)}}
    return Table(tuple(columns), tuple(rows), title="operator types", footer=Row(footer))


def summary_table(seen: Sequence[Seen]) -> Table:
    """Make the table that sets models side by side."""
    columns = (
        Column("model", "model", kind="text"),
        Column("size", "size", unit="MiB", help="Of the file, external data included.", goal="size"),
        Column("nodes", "nodes", kind="integer"),
        Column("ops", "op types", kind="integer"),
        Column("params", "params", kind="integer", goal="params"),
        Column("dtype", "weight dtype", kind="text", help="The type that most bytes of weights have."),
        Column("opset", "opset", kind="text"),
        Column("ir", "IR", kind="integer"),
        Column("producer", "producer", kind="text", shown=False),
        Column("odd", "stands out", kind="integer", shown=False, help="How many kinds of things stand out."),
    )
    rows = []
    for item in seen:
        params: Cell = Missing("its functions expand without bound") if item.params is None else item.params
        rows.append(
            Row(
                {
                    "model": item.model.name,
                    "size": item.model.size_bytes / MIB,
                    "nodes": item.census.total.total(),
                    "ops": len(item.census.total),
                    "params": params,
                    "dtype": main_dtype(item) or Missing("it has no weights"),
                    "opset": opset(item.model),
                    "ir": item.model.skeleton.ir_version,
                    "producer": producer(item.model),
                    "odd": len(item.findings),
                }
            )
        )
    return Table(columns, tuple(rows))


def weight_table(item: Seen) -> Table | None:
    """Make the table of stored constants by type; None where there are none."""
    groups: dict[str, list[Weight]] = {}
    for weight in item.weights or ():
        groups.setdefault(dtype_name(weight.value.dtype), []).append(weight)
    if not groups:
        return None
    columns = (
        Column("dtype", "dtype", kind="text"),
        Column("tensors", "tensors", kind="integer"),
        Column("elements", "elements", kind="integer"),
        Column("params", "params", kind="integer", help="Those that are parameters; the rest sets operations up."),
        Column("size", "size", unit="MiB"),
    )
    rows = [
        Row(
            {
                "dtype": dtype,
                "tensors": len(found),
                "elements": sum(weight.elements for weight in found),
                "params": sum(weight.elements for weight in found if weight.is_parameter),
                "size": sum(weight.nbytes for weight in found) / MIB,
            }
        )
        for dtype, found in sorted(groups.items(), key=lambda pair: -sum(w.nbytes for w in pair[1]))
    ]
    everything = item.weights or ()
    footer: dict[str, Cell] = {
        "dtype": "total",
        "tensors": len(everything),
        "elements": sum(weight.elements for weight in everything),
        "params": item.params,
        "size": (item.weight_bytes or 0) / MIB,
    }
    return Table(columns, tuple(rows), title="weights and other constants", footer=Row(footer))


def finding_table(seen: Sequence[Seen]) -> Table | None:
    """Make the table of what stands out; None where nothing does."""
    several = len(seen) > 1
    columns = [Column("finding", "what stands out", kind="text")]
    if several:
        columns.append(Column("model", "model", kind="text"))
    columns += [
        Column("count", "count", kind="integer"),
        Column("level", "level", kind="text"),
        Column("example", "for example", kind="text"),
    ]
    rows = []
    for item in seen:
        for finding in item.findings:
            cells: dict[str, Cell] = {
                "finding": finding.text,
                "count": finding.count,
                "level": finding.level,
                "example": finding.examples[0] if finding.examples else "",
            }
            rows.append(Row({**cells, "model": item.model.name} if several else cells, note=finding.advice))
    return Table(tuple(columns), tuple(rows), title="what stands out") if rows else None


def metadata_table(model: Model) -> Table | None:
    """Make the table of what the file says of itself; None where it says nothing."""
    proto = model.skeleton
    pairs = [("domain", proto.domain)]
    pairs += [("model version", str(proto.model_version) if proto.model_version else "")]
    pairs += [("description", proto.doc_string or proto.graph.doc_string)]
    pairs += [(entry.key, entry.value) for entry in proto.metadata_props]
    pairs += [("external data", f"{path.name}, {path.stat().st_size / MIB:,.1f} MiB") for path in model.external_files]
    rows = tuple(Row({"key": key, "value": value}) for key, value in pairs if value)
    columns = (Column("key", "key", kind="text"), Column("value", "value", kind="text"))
    return Table(columns, rows, title="metadata") if rows else None


def main_dtype(item: Seen) -> str:
    """Name the type that most bytes of a model's weights have; empty where it has none."""
    sizes = Counter[str]()
    for weight in item.weights or ():
        sizes[dtype_name(weight.value.dtype)] += weight.nbytes
    return sizes.most_common(1)[0][0] if sizes else ""


def opset(model: Model) -> str:
    """Write a model's opsets: ``"17"``, or ``"17, com.microsoft 1"``."""
    imports = {entry.domain: entry.version for entry in model.skeleton.opset_import}
    own = imports.pop("ai.onnx", imports.pop("", None))
    named = [f"{domain} {version}" for domain, version in sorted(imports.items())]
    return ", ".join(([str(own)] if own is not None else []) + named) or "none"


def producer(model: Model) -> str:
    """Write what made a model: ``"pytorch 2.13.0"``."""
    proto = model.skeleton
    return " ".join(part for part in (proto.producer_name, proto.producer_version) if part) or "unknown"
