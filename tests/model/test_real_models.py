"""Real models by other people's exporters open, get feeds and run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deploy_magics import workers
from deploy_magics.model import Model, _infer

NAMES = [
    "cnn_mnist_pytorch",
    "fastestdet",
    "micro_kws_qdq",
    "selfie_seg_landscape",
    "ultraface_rfb320",
    "yunet_n_dynamic",
]


@pytest.mark.parametrize("name", NAMES)
def test_real_model(name: str, shared_models: Path) -> None:
    made = Model.of(shared_models / f"{name}.onnx")
    assert made.check() == made.warnings
    concrete = made.concrete()
    proto = concrete.inferred()
    assert not _infer.unknown_values(proto.graph)
    assert concrete.inferred_note is None
    with made.file() as path:
        out = workers.call("deploy_magics.model._native:run", str(path), made.feeds(), name="run", timeout=60)
    inferred = {v.name: tuple(dim.dim_value for dim in v.type.tensor_type.shape.dim) for v in proto.graph.output}
    assert {key: array.shape for key, array in out.items()} == inferred
    assert all(np.isfinite(array).all() for array in out.values())
    stored = sum(int(np.prod(tensor.dims)) for tensor in made.proto.graph.initializer)
    assert sum(array.size for _, array in made.weights()) >= stored


def test_weights_listed_as_inputs(shared_models: Path) -> None:
    made = Model.of(shared_models / "ultraface_rfb320.onnx")
    assert [spec.name for spec in made.inputs] == ["input"]
    assert "244 weights" in made.warnings[0]


def test_dynamic_sides_take_a_size_that_runs(shared_models: Path) -> None:
    made = Model.of(shared_models / "yunet_n_dynamic.onnx")
    assert made.assumed == ("batch=1", "height=320", "width=320")
    assert made.bind(dims={"height": 64}).feeds(batch=2)["input"].shape == (2, 3, 64, 320)


def test_the_zoo_by_name() -> None:
    made = Model.of("lenet")
    assert (made.name, made.source) == ("lenet", "zoo: lenet")
    assert made.feeds()
