"""Small models made by hand, for the tests of counting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import onnx
from onnx import TensorProto, helper, shape_inference

F32 = TensorProto.FLOAT
Shapes = Mapping[str, Sequence[int | str | None]]


def tensor(name: str, shape: Sequence[int], dtype: int = F32) -> onnx.TensorProto:
    """Make an initialiser of zeros."""
    size = 1
    for dim in shape:
        size *= dim
    bits = {F32: 32, TensorProto.INT64: 64, TensorProto.INT8: 8, TensorProto.UINT8: 8, TensorProto.INT32: 32}[dtype]
    return helper.make_tensor(name, dtype, shape, b"\0" * (size * bits // 8), raw=True)


def ints(name: str, values: Sequence[int]) -> onnx.TensorProto:
    return helper.make_tensor(name, TensorProto.INT64, [len(values)], list(values))


def value(name: str, shape: Sequence[int | str | None] | None, dtype: int = F32) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, dtype, shape)


def model(
    nodes: Sequence[onnx.NodeProto],
    inputs: Shapes,
    outputs: Sequence[str],
    weights: Sequence[onnx.TensorProto] = (),
    *,
    opset: int = 20,
    functions: Sequence[onnx.FunctionProto] = (),
    infer: bool = True,
    dtype: int = F32,
) -> onnx.ModelProto:
    """Make a model and infer its shapes; outputs are declared by name alone, their shapes follow."""
    graph = helper.make_graph(
        list(nodes),
        "net",
        [value(name, shape, dtype) for name, shape in inputs.items()],
        [onnx.ValueInfoProto(name=name) for name in outputs],
        list(weights),
    )
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1), helper.make_opsetid("own", 1)]
    made = helper.make_model(graph, opset_imports=opsets, functions=list(functions), ir_version=10)
    return shape_inference.infer_shapes(made, data_prop=True) if infer else made


def node(kind: str, inputs: str, outputs: str, **attributes: object) -> onnx.NodeProto:
    """Make a node from names separated by blanks; ``-`` is an input left out, ``a.b:Kind`` has a domain."""
    domain, _, name = kind.rpartition(":")
    names = ["" if part == "-" else part for part in inputs.split()]
    return helper.make_node(name, names, outputs.split(), domain=domain, **attributes)
