"""TVM as a runtime, on ONNX files compiled on the spot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deploy_magics.errors import ModelError
from deploy_magics.lowering import _tvm
from deploy_magics.runtimes import get, run_once
from tests.lowering.networks import build
from tests.runtimes.graphs import add_one

pytestmark = pytest.mark.skipif(_tvm.why_not() is not None, reason=str(_tvm.why_not()))


def test_a_file_is_compiled_and_gives_what_onnx_runtime_gives(tmp_path: Path) -> None:
    path = build(tmp_path / "n.onnx", (3, 12, 12), [("conv", 20, 3), ("Relu",), ("classify",)], 0)
    feeds = {"x": np.random.default_rng(0).standard_normal((1, 3, 12, 12)).astype(np.float32)}
    [tvm], [ort] = run_once(path, [feeds], runtime="tvm"), run_once(path, [feeds])
    assert list(tvm) == list(ort)
    for name, values in ort.items():
        np.testing.assert_allclose(tvm[name], values, rtol=1e-4, atol=1e-5)


def test_open_dimensions_take_the_sizes_of_the_inputs(tmp_path: Path) -> None:
    path = add_one(tmp_path / "a.onnx")
    feeds = [{"x": np.arange(size, dtype=np.float32)} for size in (3, 5)]
    assert [out["y"].tolist() for out in run_once(path, feeds, runtime="tvm")] == [[1, 2, 3], [1, 2, 3, 4, 5]]


def test_a_wrong_type_is_one_line(tmp_path: Path) -> None:
    path = build(tmp_path / "n.onnx", (3, 6, 6), [("Relu",)], 0)
    with pytest.raises(ModelError, match="takes float32 1x3x6x6 for 'x', and was given float64 1x3x6x6"):
        run_once(path, [{"x": np.zeros((1, 3, 6, 6))}], runtime="tvm")


def test_operators_have_labels_and_times(tmp_path: Path) -> None:
    path = build(tmp_path / "n.onnx", (3, 12, 12), [("conv", 20, 3), ("Relu",)], 0)
    from deploy_magics import workers

    feeds = {"x": np.zeros((1, 3, 12, 12), np.float32)}
    found = workers.call("tests.runtimes.jobs:operator_labels", str(path), feeds, name="operators")
    assert any("conv2d" in label for label in found)


def test_it_says_its_version() -> None:
    assert get("tvm").version().startswith("0.27")
