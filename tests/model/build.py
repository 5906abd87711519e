"""Small models for the tests of this room, good and bad."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from deploy_magics.errors import ModelError
from deploy_magics.model import Model

FLOAT = onnx.TensorProto.FLOAT


def value(name: str, shape: Sequence[int | str | None] | None = (1, 3), dtype: int = FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, dtype, shape)


def model(
    nodes: Sequence[onnx.NodeProto] | None = None,
    inputs: Sequence[onnx.ValueInfoProto] | None = None,
    outputs: Sequence[onnx.ValueInfoProto] | None = None,
    weights: Sequence[onnx.TensorProto] = (),
    *,
    opset: int = 17,
    ir: int = 8,
    **more: Any,
) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes if nodes is not None else [helper.make_node("Relu", ["x"], ["y"])],
        "graph",
        inputs if inputs is not None else [value("x")],
        outputs if outputs is not None else [value("y", None)],
        list(weights),
    )
    opsets = more.pop("opsets", [helper.make_opsetid("", opset)])
    return helper.make_model(graph, opset_imports=opsets, ir_version=ir, **more)


def tensor(name: str, array: Any) -> onnx.TensorProto:
    return numpy_helper.from_array(np.asarray(array), name)


def linear(rows: int = 200, columns: int = 100) -> onnx.ModelProto:
    """Give a model whose weight is large enough to be left in its file."""
    rng = np.random.default_rng(0)
    weight = tensor("w", rng.standard_normal((rows, columns), np.float32))
    bias = tensor("b", rng.standard_normal(columns, np.float32))
    nodes = [helper.make_node("MatMul", ["x", "w"], ["h"]), helper.make_node("Add", ["h", "b"], ["y"])]
    return model(nodes, [value("x", ("N", rows))], [value("y", ("N", columns))], [weight, bias])


def external(folder: Path, location: str | None, data: bytes | None = None, **entries: object) -> Path:
    """Write a model whose weight of 12 bytes lies elsewhere."""
    weight = onnx.TensorProto(name="w", data_type=FLOAT, dims=[1, 3], data_location=1)
    for key, entry in (("location", location), *entries.items()):
        if entry is not None:
            weight.external_data.add(key=key, value=str(entry))
    path = folder / "m.onnx"
    path.write_bytes(model([helper.make_node("Add", ["x", "w"], ["y"])], weights=[weight]).SerializeToString())
    if data is not None and location is not None:
        (folder / location).write_bytes(data)
    return path


def refused(obj: Any, **options: Any) -> str:
    """Give the one line with which something is refused."""
    try:
        made = Model.of(obj, **options)
    except ModelError as error:
        refusal = error
    else:
        raise AssertionError(f"was taken as {made!r}")
    line = str(refusal)
    assert "\n" not in line
    assert len(line) < 400, line
    assert refusal.hint, f"no hint: {line}"
    return line
