"""Small pure-Python changes to a graph: its order, its names, what nothing uses."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import TYPE_CHECKING

from deploy_magics.errors import ModelError

if TYPE_CHECKING:
    import onnx


def subgraphs(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    """Give the graphs that a node holds in its attributes (the branches of an If, the body of a Loop)."""
    for attribute in node.attribute:
        # Reading ``attribute.g`` where there is none makes an empty message; HasField does not.
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def all_graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """Give a graph and every graph inside it."""
    waiting = [graph]
    while waiting:
        found = waiting.pop()
        yield found
        for node in found.node:
            waiting.extend(subgraphs(node))


def reads(node: onnx.NodeProto) -> set[str]:
    """Names that a node needs from the graph it stands in, those that its inner graphs capture included.

    A name that an inner graph also defines is counted as well; names are unique over a valid model, so that there is
    no other such name to confuse it with.
    """
    names = {name for name in node.input if name}
    for inner in subgraphs(node):
        for graph in all_graphs(inner):
            for other in graph.node:
                names.update(name for name in other.input if name)
            names.update(value.name for value in graph.output)
    return names


def sort(graph: onnx.GraphProto) -> int:
    """Put the nodes of a graph, and of those inside it, after the nodes they read from, keeping their order else.

    ONNX asks for this order, ONNX Runtime does not need it, and so there are models in use without it.

    Returns
    -------
    int
        How many graphs were put in order; 0 where all were.

    Raises
    ------
    ModelError
        Where nodes read from each other in a circle.
    """
    # Inner ones first: to sort a graph is to copy its nodes, and what they hold.
    return sum(_sort_one(found) for found in reversed(list(all_graphs(graph))))


def _sort_one(graph: onnx.GraphProto) -> bool:
    producer = {name: index for index, node in enumerate(graph.node) for name in node.output if name}
    needs = [{producer[name] for name in reads(node) if name in producer} for node in graph.node]
    if all(max(sources, default=-1) < index for index, sources in enumerate(needs)):
        return False
    readers: list[list[int]] = [[] for _ in needs]
    for index, sources in enumerate(needs):
        for source in sources:
            readers[source].append(index)
    missing = [len(sources) for sources in needs]
    ready = [index for index, count in enumerate(missing) if count == 0]
    order = []
    while ready:
        index = heapq.heappop(ready)
        order.append(index)
        for reader in readers[index]:
            missing[reader] -= 1
            if missing[reader] == 0:
                heapq.heappush(ready, reader)
    if len(order) < len(needs):
        stuck = next(index for index, count in enumerate(missing) if count)
        node = graph.node[stuck]
        raise ModelError(f"the graph runs in a circle through {node.op_type} {(node.name or node.output[0])!r}")
    nodes = [graph.node[index] for index in order]
    copies = type(graph)(node=nodes)
    del graph.node[:]
    graph.node.extend(copies.node)
    return True


def used_names(graph: onnx.GraphProto) -> set[str]:
    """Names of every value that a node reads or an output gives, in a graph and those inside it."""
    names: set[str] = set()
    for found in all_graphs(graph):
        names.update(value.name for value in found.output)
        for node in found.node:
            names.update(node.input)
    return names


def drop_unused(graph: onnx.GraphProto) -> int:
    """Take out the initialisers that nothing reads; give how many."""
    used = used_names(graph)
    dropped = 0
    for found in all_graphs(graph):
        # An initialiser that is also an input belongs to the interface.
        kept = used | {value.name for value in found.input}
        for field, name_of in ((found.initializer, _name), (found.sparse_initializer, _sparse_name)):
            for index in reversed(range(len(field))):
                if name_of(field[index]) not in kept:
                    del field[index]
                    dropped += 1
    return dropped


def _name(tensor: onnx.TensorProto) -> str:
    return tensor.name


def _sparse_name(tensor: onnx.SparseTensorProto) -> str:
    return tensor.values.name


def free_inputs(graph: onnx.GraphProto) -> int:
    """Take initialisers out of the inputs, so that they are constants; give how many.

    Up to IR version 3 every initialiser had to be listed as an input, where a caller might replace it; tools that fold
    constants must then leave it alone.
    """
    names = {tensor.name for tensor in graph.initializer} | {t.values.name for t in graph.sparse_initializer}
    both = [index for index, value in enumerate(graph.input) if value.name in names]
    for index in reversed(both):
        del graph.input[index]
    return len(both)


def pack(graph: onnx.GraphProto) -> None:
    """Store the values of every initialiser as raw bytes, which readers can skip, map and copy.

    Some tools write them as lists of numbers instead.
    """
    from onnx import numpy_helper

    for found in all_graphs(graph):
        for tensor in found.initializer:
            if not (tensor.float_data or tensor.double_data or tensor.int64_data):
                continue
            packed = numpy_helper.from_array(numpy_helper.to_array(tensor), tensor.name)
            if packed.data_type == tensor.data_type:
                for part in ("float_data", "double_data", "int64_data"):
                    tensor.ClearField(part)
                tensor.raw_data = packed.raw_data
