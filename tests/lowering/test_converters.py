"""Operators that TVM's importer would read otherwise than their own opset means them, or slowly."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper, save

from deploy_magics.lowering import _tvm
from deploy_magics.workers import Worker

pytestmark = pytest.mark.skipif(_tvm.why_not() is not None, reason=str(_tvm.why_not()))


def one_node(path: Path, op: str, opset: int, shape: list[int], second: np.ndarray[Any, Any], **how: Any) -> Path:
    """Write a model of one operator with an input and a constant."""
    constant = numpy_helper.from_array(second, "second")
    node = helper.make_node(op, ["x", "second"], ["y"], **how)
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph([node], "one", [x], [y], [constant])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8), str(path))
    return path


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker("TVM", env={"TVM_NUM_THREADS": "1"}) as made:
        yield made


def test_a_resize_of_an_old_opset_maps_places_as_it_did_then(worker: Worker, tmp_path: Path) -> None:
    for op, opset, scale in [("Upsample", 9, 2.0), ("Upsample", 9, 3.0), ("Resize", 10, 2.0), ("Resize", 10, 0.5)]:
        for mode in ("linear", "nearest"):
            scales = np.array([1, 1, scale, scale], np.float32)
            path = one_node(tmp_path / "m.onnx", op, opset, [1, 3, 8, 10], scales, mode=mode)
            apart, _ = worker.call("tests.lowering.jobs:difference", str(path), "", "auto", timeout=120)
            assert apart < 1e-5, (op, opset, mode, scale)


def test_constant_indices_are_taken_from_either_end(worker: Worker, tmp_path: Path) -> None:
    for axis in (0, 1, -1):
        for indices in (1, -1, [2], [[1]], [0, -1, 1], [[0, 1], [-2, 2]]):
            path = one_node(tmp_path / "m.onnx", "Gather", 17, [3, 4, 5], np.array(indices, np.int64), axis=axis)
            apart, _ = worker.call("tests.lowering.jobs:difference", str(path), "", "auto", timeout=120)
            assert apart == 0.0, (axis, indices)


def test_a_convolution_between_integers_is_blocked_with_its_weights_packed(worker: Worker, tmp_path: Path) -> None:
    path = tmp_path / "quantised.onnx"
    save(quantised(), str(path))
    apart, layout = worker.call("tests.lowering.jobs:difference", str(path), "", "auto", timeout=120)
    assert layout == "blocked"
    assert apart < 0.02  # a sum halfway between two integers may go either way
    labels = worker.call("tests.lowering.jobs:labels", str(path), timeout=120)
    assert any(re.match(r"conv2d 3x3 .* \+quantize \+dequantize", label) for label in labels), labels


def quantised() -> ModelProto:
    """Make a convolution with weights of eight bits, a scale each channel, between values of eight bits."""
    rng = np.random.default_rng(0)
    constants = {
        "w": rng.integers(-127, 128, (20, 3, 3, 3)).astype(np.int8),
        "ws": rng.uniform(0.01, 0.02, 20).astype(np.float32),
        "wz": np.zeros(20, np.int8),
        "b": rng.integers(-999, 999, 20).astype(np.int32),
        "bs": np.float32(0.001),
        "bz": np.int32(0),
        "s": np.float32(0.05),
        "z": np.uint8(100),
    }
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["xq"]),
        helper.make_node("DequantizeLinear", ["xq", "s", "z"], ["xd"]),
        helper.make_node("DequantizeLinear", ["w", "ws", "wz"], ["wd"], axis=0),
        helper.make_node("DequantizeLinear", ["b", "bs", "bz"], ["bd"]),
        helper.make_node("Conv", ["xd", "wd", "bd"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("QuantizeLinear", ["r", "s", "z"], ["rq"]),
        helper.make_node("DequantizeLinear", ["rq", "s", "z"], ["rd"]),
        helper.make_node("MaxPool", ["rd"], ["y"], kernel_shape=[2, 2], strides=[2, 2]),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 10, 12])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 20, 5, 6])
    weights = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "quantised", [x], [y], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
