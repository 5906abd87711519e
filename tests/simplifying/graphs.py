"""Graphs for the tests of this room, each small and made for one question."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


def value(name: str, shape: Sequence[int | str | None] | None, kind: int = FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def weight(name: str, array: Any) -> onnx.TensorProto:
    return numpy_helper.from_array(np.asarray(array), name)


def floats(seed: int, *shape: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def node(kind: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(kind, list(inputs), list(outputs), **attributes)


def model(
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[onnx.ValueInfoProto],
    outputs: Sequence[onnx.ValueInfoProto],
    weights: Sequence[onnx.TensorProto] = (),
    *,
    opset: int = 17,
    ir: int = 8,
    domains: Sequence[str] = (),
    functions: Sequence[onnx.FunctionProto] = (),
) -> onnx.ModelProto:
    graph = helper.make_graph(list(nodes), "g", list(inputs), list(outputs), list(weights))
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in domains)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=ir, functions=list(functions))


def save(proto: onnx.ModelProto, path: Path) -> Path:
    path.write_bytes(proto.SerializeToString())
    return path


def conv_bn(*, initialisers_as_inputs: bool = False, ir: int = 8, batch: int | str = 1) -> onnx.ModelProto:
    """Conv, BatchNormalization, Relu; a shape computed from constants; an unused weight."""
    weights = [
        weight("w", floats(0, 4, 3, 3, 3)),
        weight("scale", abs(floats(1, 4)) + 0.5),
        weight("shift", floats(2, 4)),
        weight("mean", floats(3, 4)),
        weight("var", abs(floats(4, 4)) + 0.5),
        weight("nowhere", floats(5, 100)),
        weight("two", np.array([2], np.int64)),
        weight("minus", np.array([-3], np.int64)),
    ]
    nodes = [
        node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1]),
        node("BatchNormalization", ["c", "scale", "shift", "mean", "var"], ["b"]),
        node("Identity", ["b"], ["i"]),
        node("Relu", ["i"], ["r"], name="rectify"),
        node("Add", ["two", "minus"], ["one_less"]),
        node("Concat", ["two", "one_less"], ["shape"], axis=0),
        node("Transpose", ["r"], ["t"], perm=[1, 0, 2, 3]),
        node("Transpose", ["t"], ["u"], perm=[1, 0, 2, 3]),
        node("Softmax", ["u"], ["y"], axis=1),
    ]
    made = model(nodes, [value("x", [batch, 3, 8, 8])], [value("y", [batch, 4, 8, 8])], weights, ir=ir)
    if initialisers_as_inputs:
        made.graph.input.extend(value(w.name, list(w.dims), w.data_type) for w in weights)
    made.producer_name = "maker"
    made.producer_version = "7"
    helper.set_model_props(made, {"author": "someone", "labels": "a,b"})
    return made


def relu_of_any_batch() -> onnx.ModelProto:
    return model([node("Relu", ["x"], ["y"])], [value("x", ["N", 4])], [value("y", ["N", 4])])


def exploding(kind: str = "Expand", side: int = 6000) -> onnx.ModelProto:
    """A file below 1 KB whose constants fold to ``side * side`` floats."""
    shape = weight("shape", np.array([side, side], np.int64))
    if kind == "Expand":
        make = [node("Expand", ["one", "shape"], ["big"])]
    elif kind == "Tile":
        make = [node("Tile", ["one", "shape"], ["big"])]
    elif kind == "ConstantOfShape":
        make = [node("ConstantOfShape", ["shape"], ["big"], value=weight("", np.array([0.5], np.float32)))]
    else:
        # No rule knows how large this becomes: a column times a row.
        row, column = weight("row", np.array([1, side], np.int64)), weight("column", np.array([side, 1], np.int64))
        make = [
            node("Expand", ["one", "row"], ["r"]),
            node("Expand", ["one", "column"], ["c"]),
            node("MatMul", ["c", "r"], ["big"]),
        ]
        nodes = [*make, node("Gather", ["big", "x"], ["y"], axis=0)]
        weights = [weight("one", np.ones((1, 1), np.float32)), row, column]
        return model(nodes, [value("x", [1], INT64)], [value("y", [1, side])], weights)
    nodes = [*make, node("Gather", ["big", "x"], ["y"], axis=0)]
    weights = [weight("one", np.ones((1, 1), np.float32)), shape]
    return model(nodes, [value("x", [1], INT64)], [value("y", [1, side])], weights)


def unsorted() -> onnx.ModelProto:
    nodes = [
        node("Relu", ["b"], ["y"]),
        node("Add", ["a", "one"], ["b"]),
        node("Mul", ["x", "one"], ["a"]),
    ]
    return model(nodes, [value("x", [2, 3])], [value("y", [2, 3])], [weight("one", np.array([1.5], np.float32))])


def branches() -> onnx.ModelProto:
    """An If whose branches capture a value and a weight of the graph around them, and hold a constant sum."""

    def branch(name: str, kind: str) -> onnx.GraphProto:
        nodes = [
            node("Constant", [], [f"{name}_k"], value=weight("", np.array([2.0], np.float32))),
            node("Add", [f"{name}_k", "half"], [f"{name}_s"]),
            node(kind, ["d", f"{name}_s"], [f"{name}_y"]),
        ]
        return helper.make_graph(nodes, name, [], [value(f"{name}_y", [1, 4])])

    nodes = [
        node("Identity", ["x"], ["d"]),
        node("ReduceSum", ["x"], ["total"], keepdims=0),
        node("Greater", ["total", "zero"], ["positive"]),
        node("If", ["positive"], ["y"], then_branch=branch("yes", "Mul"), else_branch=branch("no", "Add")),
    ]
    weights = [weight("half", np.array([0.5], np.float32)), weight("zero", np.array(0, np.float32))]
    return model(nodes, [value("x", [1, 4])], [value("y", [1, 4])], weights)


def loop(times: int = 4) -> onnx.ModelProto:
    body = helper.make_graph(
        [node("Identity", ["go"], ["on"]), node("Add", ["sum", "step"], ["more"])],
        "body",
        [value("i", [], INT64), value("go", [], TensorProto.BOOL), value("sum", [3])],
        [value("on", [], TensorProto.BOOL), value("more", [3])],
    )
    nodes = [node("Identity", ["x"], ["start"]), node("Loop", ["times", "", "start"], ["y"], body=body)]
    weights = [weight("times", np.array(times, np.int64)), weight("step", np.array([1, 2, 3], np.float32))]
    return model(nodes, [value("x", [3])], [value("y", [3])], weights)


def function() -> onnx.ModelProto:
    """A call of a function that the model itself defines."""
    twice = helper.make_function(
        "mine", "Twice", ["a"], ["b"], [node("Add", ["a", "a"], ["b"])], [helper.make_opsetid("", 17)]
    )
    nodes = [node("Identity", ["x"], ["i"]), node("Twice", ["i"], ["y"], domain="mine")]
    return model(nodes, [value("x", [2])], [value("y", [2])], domains=["mine"], functions=[twice])


def padded_pool() -> onnx.ModelProto:
    """Zeros around a maximum: a Pad that must not become the pool's own padding, which is minus infinity."""
    pads = weight("pads", np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64))
    nodes = [
        node("Sigmoid", ["x"], ["s"]),
        node("Neg", ["s"], ["n"]),
        node("Pad", ["n", "pads"], ["p"]),
        node("MaxPool", ["p"], ["i"], kernel_shape=[3, 3]),
        node("Identity", ["i"], ["y"]),
    ]
    return model(nodes, [value("x", [1, 2, 4, 4])], [value("y", [1, 2, 4, 4])], [pads])
