"""How far two computations of the same thing may lie apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

# Relative to the range of an output. A unit in the last place of float32 is 1.2e-7, of float16 9.8e-4, of bfloat16
# 7.8e-3 (2 ** -23, 2 ** -10, 2 ** -7). Sums in another order, and weights scaled before instead of after a convolution,
# move a result of fifty layers by some units to some hundreds of them in float32 (ResNet-50 with batch normalisation
# folded: 1e-6), and the few that fit in the narrow types. A real change is far larger: 0.98 on an output of 0 to 1 in
# a case seen.
TOLERANCES = {"float64": 1e-9, "float32": 1e-4, "float16": 1e-2, "bfloat16": 5e-2, "float8": 0.15}
QUANTISED = 1e-2
"""Where a model rounds to 8 bits inside, a difference in the last place may turn one step in 255 (4e-3) over."""
FLOOR = 1e-3
"""Least range to which a difference is related: with float32's tolerance, a difference below 1e-7, float32's last place
at 1, is never held against a model."""

_FLOATS = {1: "float32", 10: "float16", 11: "float64", 16: "bfloat16", 17: "float8", 18: "float8", 19: "float8"}
_FLOATS[20] = "float8"
_QUANTISING = frozenset({"QuantizeLinear", "DynamicQuantizeLinear", "QLinearConv", "QLinearMatMul", "ConvInteger"})


def tolerance_of(model: onnx.ModelProto) -> tuple[float, str]:
    """Give the tolerance that a model's arithmetic asks for, and why.

    Returns
    -------
    tuple of float and str
        A share of an output's range; the coarsest type in which the model computes.

    Notes
    -----
    The coarsest type among its inputs, weights and casts decides: a model may take and give float32 and compute in
    float16 between.
    """
    graphs = list(_graphs(model))
    types = {_FLOATS[kind] for graph in graphs for kind in _kinds(graph) if kind in _FLOATS}
    coarsest = max(types or {"float32"}, key=TOLERANCES.__getitem__)
    tolerance, why = TOLERANCES[coarsest], coarsest
    if tolerance < QUANTISED and any(node.op_type in _QUANTISING for nodes in _nodes(model) for node in nodes):
        return QUANTISED, "8-bit quantised"
    return tolerance, why


def _kinds(graph: onnx.GraphProto) -> Iterator[int]:
    for tensor in graph.initializer:
        yield tensor.data_type
    for value in (*graph.input, *graph.output):
        yield value.type.tensor_type.elem_type
    for node in graph.node:
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.name == "to":
                yield attribute.i
            elif attribute.HasField("t"):
                yield attribute.t.data_type


def _nodes(model: onnx.ModelProto) -> Iterator[Iterable[onnx.NodeProto]]:
    for graph in _graphs(model):
        yield graph.node
    for function in model.functions:
        yield function.node


def _graphs(model: onnx.ModelProto) -> Iterator[onnx.GraphProto]:
    waiting = [model.graph]
    while waiting:
        graph = waiting.pop()
        yield graph
        for node in graph.node:
            for attribute in node.attribute:
                if attribute.HasField("g"):
                    waiting.append(attribute.g)
                waiting.extend(attribute.graphs)
