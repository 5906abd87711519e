"""Which value comes from where: cycles, order, names made twice or never, in every graph of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_magics.errors import ModelError
from deploy_magics.model._text import listed, quote

if TYPE_CHECKING:
    import onnx


def check_graph(model: onnx.ModelProto) -> list[str]:
    """Check the flow of values through a model's graph and its subgraphs.

    Returns
    -------
    list of str
        Warnings: nodes out of order (some runtimes sort them), values that are made twice or never.

    Raises
    ------
    ModelError
        Where nodes wait for each other in a circle.
    """
    found = _Findings()
    free = _graph(model.graph, found)
    warnings = []
    if found.unsorted:
        warnings.append(
            f"nodes are not in topological order (first: {quote(found.unsorted)}): ONNX Runtime sorts them, other "
            "tools may refuse the model"
        )
    if found.twice:
        warnings.append(f"made more than once: {listed(list(found.twice))}; runtimes may refuse the model")
    if free:
        warnings.append(f"used but never made: {listed(sorted(free))}; runtimes will refuse the model")
    if found.missing_outputs:
        warnings.append(f"outputs that nothing makes: {listed(list(found.missing_outputs))}")
    if not model.graph.output:
        warnings.append("has no outputs")
    return warnings


class _Findings:
    def __init__(self) -> None:
        self.unsorted: str | None = None
        self.twice: dict[str, None] = {}
        self.missing_outputs: dict[str, None] = {}


def _graph(graph: onnx.GraphProto, found: _Findings) -> set[str]:
    """Check one graph; give the names that it takes from outside. Protobuf bounds the depth to about 30."""
    given = {value.name for value in graph.input} | {tensor.name for tensor in graph.initializer}
    given |= {tensor.values.name for tensor in graph.sparse_initializer}
    maker: dict[str, int] = {}
    for index, node in enumerate(graph.node):
        for name in node.output:
            if name and (name in maker or name in given):
                found.twice[name] = None
            elif name:
                maker[name] = index
    free: set[str] = set()
    waits: list[list[int]] = []
    for index, node in enumerate(graph.node):
        needs = set(node.input)
        for attribute in node.attribute:
            if attribute.HasField("g"):
                needs |= _graph(attribute.g, found)
            for inner in attribute.graphs:
                needs |= _graph(inner, found)
        needs.discard("")
        before = [maker[name] for name in needs if name in maker]
        free.update(name for name in needs if name not in maker and name not in given)
        if found.unsorted is None and any(other >= index for other in before):
            found.unsorted = node.name or node.op_type
        waits.append(before)
    _no_circle(graph, waits)
    for value in graph.output:
        if value.name and value.name not in maker and value.name not in given:
            # A subgraph may hand out a value of the graph around it.
            free.add(value.name)
    return free


def _no_circle(graph: onnx.GraphProto, waits: list[list[int]]) -> None:
    """Take away the nodes that wait for nothing until none is left (Kahn); what stays is a circle or waits for one."""
    followers: list[list[int]] = [[] for _ in waits]
    open_waits = [len(before) for before in waits]
    for index, before in enumerate(waits):
        for other in before:
            followers[other].append(index)
    ready = [index for index, count in enumerate(open_waits) if not count]
    done = 0
    while ready:
        index = ready.pop()
        done += 1
        for other in followers[index]:
            open_waits[other] -= 1
            if not open_waits[other]:
                ready.append(other)
    if done == len(waits):
        return
    # Going back from any node that is left stays among those left, and so comes round to one already seen.
    index = next(index for index, count in enumerate(open_waits) if count)
    seen: dict[int, None] = {}
    while index not in seen:
        seen[index] = None
        index = next(other for other in waits[index] if open_waits[other])
    nodes = list(seen)
    circle = [graph.node[at] for at in nodes[nodes.index(index) :]]
    names = [node.name or node.op_type for node in circle]
    raise ModelError(
        f"the graph is cyclic: {listed(names)} wait for each other's outputs"
        if len(names) > 1
        else f"the graph is cyclic: {quote(names[0])} waits for its own output",
        hint="export the model again",
    )
