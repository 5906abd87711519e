"""TVM as a runtime, on ONNX files compiled on the spot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from deploy_magics import workers
from deploy_magics.errors import ModelError
from deploy_magics.lowering import _tvm
from deploy_magics.running import get, run_once
from deploy_magics.steps.flops import flops
from deploy_magics.steps.inspect import inspect
from deploy_magics.steps.simplify import simplify
from deploy_magics.steps.tvm_compile import tvm_compile
from tests.lowering.networks import build
from tests.running.graphs import add_one

pytestmark = pytest.mark.skipif(_tvm.why_not() is not None, reason=str(_tvm.why_not()))


@pytest.fixture(scope="module")
def artefact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compiled")
    layers = [("conv", 32, 3, 1, 1), ("Relu",), ("conv", 32, 3, 1, 1), ("classify",)]
    path = build(folder / "small.onnx", (16, 32, 32), layers, 0)
    tvm_compile(str(path), output=folder / "small.so")
    return folder / "small.so"


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
    feeds = {"x": np.zeros((1, 3, 12, 12), np.float32)}
    found = workers.call("tests.running.jobs:operator_labels", str(path), feeds, name="operators")
    assert any("conv2d" in label for label in found)


def test_it_says_its_version() -> None:
    assert get("tvm").version().startswith("0.27")


@pytest.mark.parametrize("threads", [1, 3])
def test_it_runs_on_as_many_threads_as_asked_for_and_they_sleep_when_idle(artefact: Path, threads: int) -> None:
    feeds = {"x": np.zeros((1, 16, 32, 32), np.float32)}
    more, idle_s = workers.call("tests.running.jobs:threads_and_idle", str(artefact), feeds, threads, name="idle")
    assert more == threads - 1
    assert idle_s < 0.2


@pytest.mark.parametrize("look", [inspect, flops, simplify])
def test_what_is_compiled_is_not_looked_into(artefact: Path, look: Callable[..., object]) -> None:
    with pytest.raises(ModelError, match=r"compiled by TVM, which runs .*; give the ONNX file") as raised:
        look(str(artefact))
    assert "\n" not in str(raised.value)


def test_what_is_computed_of_shapes_is_folded_where_the_importer_does_not_take_it(tmp_path: Path) -> None:
    model = onnx.parser.parse_model("""
        <ir_version: 8, opset_import: ["" : 17]>
        g (float[N, 4, 6] x) => (float[N, C] y)
        <int64[1] first = {0}, int64[1] rest = {-1}>
        {
            size = Shape (x)
            batch = Gather (size, first)
            wanted = Concat <axis = 0> (batch, rest)
            y = Reshape (x, wanted)
        }""")
    path = tmp_path / "shapes.onnx"
    onnx.save(model, path)
    feeds = {"x": np.random.default_rng(0).standard_normal((2, 4, 6)).astype(np.float32)}
    [found] = run_once(path, [feeds], runtime="tvm")
    assert (found["y"] == feeds["x"].reshape(2, -1)).all()
