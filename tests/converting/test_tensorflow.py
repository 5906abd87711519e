"""Keras models, saved models and JAX functions, held against themselves; with the extra ``tensorflow``."""

from __future__ import annotations

import functools
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
tf = pytest.importorskip("tensorflow", reason="TensorFlow comes with the extra tensorflow")

from deploy_magics.converting import litert  # noqa: E402 - skipped without it
from deploy_magics.errors import DeployError, ModelError  # noqa: E402
from deploy_magics.model import Model  # noqa: E402
from deploy_magics.steps.convert import ConvertResult, convert  # noqa: E402
from deploy_magics.views import html  # noqa: E402

keras: Any = pytest.importorskip("keras")
BOTH = ["tflite", "onnx"]


@pytest.fixture(scope="module")
def small() -> Any:
    keras.utils.set_random_seed(0)
    image = keras.Input((12, 12, 1), name="image")
    body = keras.layers.Conv2D(4, 3, activation="relu")(image)
    body = keras.layers.GlobalAveragePooling2D()(keras.layers.BatchNormalization()(body))
    return keras.Model(image, keras.layers.Dense(3, activation="softmax", name="likely")(body), name="small")


def same(result: ConvertResult) -> bool:
    return all(row.cells["verdict"] == "computes the same" for row in result.table.rows)


def test_a_keras_model_of_the_notebook_keeps_its_names_and_its_open_batch(small: Any, tmp_path: Path) -> None:
    result = convert(("<net> 'a/b'", small), to=[*BOTH, "ort"], output=tmp_path / "out")
    assert same(result)
    assert [path.name for path in result.paths.values()] == [f"_net_ _a_b_.{end}" for end in ("tflite", "onnx", "ort")]
    assert "<net>" not in html.render(result)
    inputs, outputs = litert.ports(result.paths["tflite"])
    made = Model.of(result.paths["onnx"])
    assert (inputs[0].name, inputs[0].shape, outputs[0].name) == ("image", (None, 12, 12, 1), "likely")
    assert (made.inputs[0].name, made.inputs[0].shape) == ("image", ("batch", 12, 12, 1))
    assert made.outputs[0].name == "likely"


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_keras_files_by_content(small: Any, ending: str, tmp_path: Path) -> None:
    small.save(str(tmp_path / f"net{ending}"))
    odd = (tmp_path / f"net{ending}").rename(tmp_path / "my 'net'.bin")
    result = convert(odd, to=BOTH, output=tmp_path / "out", dim={"batch": 2}, opset=13)
    assert same(result)
    assert Model.of(result.paths["onnx"]).inputs[0].shape == (2, 12, 12, 1)
    assert litert.ports(result.paths["tflite"])[0][0].shape == (2, 12, 12, 1)


def test_a_saved_model_and_its_file(small: Any, tmp_path: Path) -> None:
    small.export(str(tmp_path / "saved"), format="tf_saved_model", verbose=False)
    result = convert(
        ("a", tmp_path / "saved"), ("b", tmp_path / "saved/saved_model.pb"), to=["tflite"], output=tmp_path / "out"
    )
    assert same(result)
    assert list(result.paths) == ["a: tflite", "b: tflite"]


def test_code_of_the_users_own(tmp_path: Path) -> None:
    class Twice(keras.layers.Layer):  # type: ignore[misc]
        def call(self, x: Any) -> Any:
            return x * 2

    net = keras.Sequential([keras.Input((5,)), keras.layers.Dense(3), Twice()])
    assert same(convert(("own", net), to=["tflite"], output=tmp_path / "out"))
    net.save(str(tmp_path / "own.keras"))
    with pytest.raises(ModelError, match=r"Could not locate class 'Twice'.* load it where its code is defined"):
        convert(tmp_path / "own.keras", to=["tflite"], output=tmp_path / "out")


def test_what_cannot_be_read_is_one_line(small: Any, tmp_path: Path) -> None:
    small.save(str(tmp_path / "whole.keras"))
    with zipfile.ZipFile(tmp_path / "whole.keras") as whole, zipfile.ZipFile(tmp_path / "cut.keras", "w") as cut:
        for name in whole.namelist():
            cut.writestr(name, whole.read(name)[: 3000 if name.endswith(".h5") else None])
    (tmp_path / "torn.keras").write_bytes((tmp_path / "whole.keras").read_bytes()[:500])

    class Bare(tf.Module):  # type: ignore[misc]
        @tf.function
        def double(self, x: Any) -> Any:
            return x * 2

    tf.saved_model.save(Bare(), str(tmp_path / "bare"))
    for name, says in (
        ("cut.keras", "Keras does not read it: .*truncated"),
        ("torn.keras", "a broken or truncated zip archive"),
        ("bare", "this saved model has no signature"),
    ):
        with pytest.raises(DeployError, match=says) as caught:
            convert(tmp_path / name, to=["tflite"], output=tmp_path / "out")
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_what_tflite_has_no_form_for_says_what_helps(tmp_path: Path) -> None:
    net = keras.Sequential([keras.Input((7, 3)), keras.layers.LSTM(4)])
    with pytest.raises(ModelError, match=r"TensorListReserve.*; give open dimensions a size: --dim batch=1"):
        convert(("lstm", net), to=["tflite"], output=tmp_path / "out")
    assert same(convert(("lstm", net), to=["tflite"], output=tmp_path / "out", dim={"batch": 1}))


def test_options_and_formats_of_torch_are_refused(small: Any, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is a Keras model, and --exporter and --dynamic are for torch modules"):
        convert(small, to=["onnx"], output=tmp_path / "out", exporter="dynamo")
    with pytest.raises(ModelError, match="'small' is a Keras model, and a torch module is needed"):
        convert(small, to=["torchscript"], output=tmp_path / "out")


def test_a_jax_function(tmp_path: Path) -> None:
    pytest.importorskip("jax2onnx")
    jax = pytest.importorskip("jax")
    weights = {"w": np.random.default_rng(0).standard_normal((8, 3)).astype(np.float32)}

    def predict(weights: Any, features: Any, scale: Any) -> Any:
        found = jax.nn.gelu(features @ weights["w"])
        return {"logits": found * scale, "<b>": found.sum()}

    given = functools.partial(predict, weights), (np.ones((2, 8), np.float32), np.float32(3))
    result = convert(("jax", given), to=BOTH, output=tmp_path / "out")
    assert same(result)
    assert any("'<b>' is called '_b_' there" in note.text for note in result.notes)
    assert [spec.name for spec in Model.of(result.paths["onnx"]).inputs] == ["features", "scale"]
    assert [spec.name for spec in Model.of(result.paths["onnx"]).outputs] == ["logits", "_b_"]

    def wrong(x: Any) -> Any:
        return x @ x

    with pytest.raises(ModelError, match="JAX cannot trace it"):
        convert(wrong, to=["onnx"], output=tmp_path / "out", shape={"x": (2, 3)})


def test_a_torch_module_to_tflite(tmp_path: Path) -> None:
    pytest.importorskip("litert_torch", reason="litert-torch is installed by hand")
    result = convert("squeezenet", to=["tflite"], output=tmp_path / "out")
    assert same(result)
    assert any("dimension 0 of input 'input' is fixed at 1 there" in note.text for note in result.notes)
