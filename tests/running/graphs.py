"""Small graphs for the tests of this room."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from onnx import TensorProto, helper, save

FLOAT = TensorProto.FLOAT


def write(path: Path, nodes: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any], weights: Any = ()) -> Path:
    graph = helper.make_graph(list(nodes), "g", list(inputs), list(outputs), list(weights))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    save(model, str(path))
    return path


def value(name: str, shape: Sequence[int | str], kind: int = FLOAT) -> Any:
    return helper.make_tensor_value_info(name, kind, list(shape))


def add_one(path: Path) -> Path:
    one = helper.make_tensor("one", FLOAT, [1], [1.0])
    return write(path, [helper.make_node("Add", ["x", "one"], ["y"])], [value("x", ["N"])], [value("y", ["N"])], [one])
