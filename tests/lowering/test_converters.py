"""Operators that TVM's importer would read otherwise than their own opset means them, or slowly."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper, save

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
