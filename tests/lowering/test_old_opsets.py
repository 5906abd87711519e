"""Operators whose meaning changed between opsets are read as their own opset means them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper, save

from deploy_magics.lowering import _tvm
from deploy_magics.workers import Worker

pytestmark = pytest.mark.skipif(_tvm.why_not() is not None, reason=str(_tvm.why_not()))


def resized(path: Path, op: str, opset: int, mode: str, scale: float) -> Path:
    scales = numpy_helper.from_array(np.array([1, 1, scale, scale], np.float32), "scales")
    node = helper.make_node(op, ["x", "scales"], ["y"], mode=mode)
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 10])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph([node], "resize", [x], [y], [scales])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8), str(path))
    return path


def test_a_resize_of_an_old_opset_maps_places_as_it_did_then(tmp_path: Path) -> None:
    cases = [("Upsample", 9, 2.0), ("Upsample", 9, 3.0), ("Resize", 10, 2.0), ("Resize", 10, 0.5)]
    with Worker("TVM", env={"TVM_NUM_THREADS": "1"}) as worker:
        for op, opset, scale in cases:
            for mode in ("linear", "nearest"):
                path = resized(tmp_path / "m.onnx", op, opset, mode, scale)
                apart, _ = worker.call("tests.lowering.jobs:difference", str(path), "", "auto", timeout=120)
                assert apart < 1e-5, (op, opset, mode, scale)
