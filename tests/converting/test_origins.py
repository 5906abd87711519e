"""What ``%convert`` takes besides ONNX and torch is told by content, and what is missing has a command."""

from __future__ import annotations

import functools
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deploy_magics.converting import TARGETS, _targets, origin_of, origins
from deploy_magics.errors import ArgumentError, MissingPartError, ModelError
from deploy_magics.model import Model, framework
from deploy_magics.steps.convert import convert
from tests.simplifying import graphs


@pytest.fixture
def all_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(origins, "missing", lambda *_: None)


def keras_file(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("metadata.json", "config.json", "model.weights.h5"):
            archive.writestr(name, b"{}")
    return path


def net(image: Any, scale: Any) -> Any:
    return image * scale


def test_files_are_told_by_content(tmp_path: Path) -> None:
    odd = keras_file(tmp_path / "my 'net' <b>.onnx")
    assert framework(odd) == "keras"
    (tmp_path / "old.bin").write_bytes(b"\x89HDF\r\n\x1a\n" + b"\0" * 40)
    assert framework(tmp_path / "old.bin") == "keras"
    (tmp_path / "saved").mkdir()
    assert framework(tmp_path / "saved") is None
    (tmp_path / "saved/saved_model.pb").write_bytes(b"")
    assert framework(tmp_path / "saved") == "saved_model"
    (tmp_path / "cut.keras").write_bytes(odd.read_bytes()[:60])
    assert framework(tmp_path / "cut.keras") is None
    assert framework(graphs.save(graphs.conv_bn(), tmp_path / "net.keras")) is None
    with pytest.raises(ModelError, match="a Keras model; %convert it --to onnx, and give that file"):
        Model.of(odd)


@pytest.mark.usefixtures("all_there")
def test_a_file_has_the_ending_by_which_keras_knows_it(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    origin = origin_of(("label", keras_file(tmp_path / "net.zip")), folder)
    assert origin is not None
    assert (origin.name, origin.kind, Path(origin.path).name) == ("label", "keras", "model.keras")
    assert origin_of("squeezenet", folder) is None
    assert origin_of(tmp_path / "nothing", folder) is None


@pytest.mark.parametrize(
    ("given", "package"), [(("net", net), "'jax'"), ("net.keras", "'tensorflow'"), ("saved", "'tensorflow'")]
)
def test_what_is_missing_names_the_command(
    given: Any, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    keras_file(tmp_path / "net.keras")
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved/saved_model.pb").write_bytes(b"")
    monkeypatch.setattr("importlib.util.find_spec", lambda *_: None)
    with pytest.raises(MissingPartError, match=package) as caught:
        convert(given, to=["tflite"], output="out")
    assert caught.value.hint == "pip install 'deploy-magics[tensorflow]'"
    assert not Path("out").exists()


def test_a_torch_module_without_litert_torch_and_an_onnx_model_say_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = TARGETS["tflite"]
    monkeypatch.setattr(_targets, "missing", lambda what, need: f"{need[0]}; {need[1]}" if need[1] else None)
    assert target.why_not("torch") == "ai_edge_litert; pip install 'deploy-magics[convert]'"
    assert target.needs["torch"][1] == "pip install litert-torch && pip install -U typing_extensions"
    monkeypatch.setattr(_targets, "missing", lambda *_: None)
    onnx_file = graphs.save(graphs.conv_bn(), tmp_path / "a.onnx")
    with pytest.raises(ModelError, match=r"a torch module is needed; give the torch module, Keras model.*onnx2tf -i"):
        convert(onnx_file, to=["tflite"], output=tmp_path / "out")


@pytest.mark.parametrize(
    ("function", "example", "more", "names"),
    [
        (net, (np.ones((1, 4), np.float32), 2.0), {}, ["image", "scale"]),
        (net, {"scale": np.float32(1), "image": np.ones(3)}, {}, ["scale", "image"]),
        (functools.partial(net, np.ones(3)), np.ones(3), {}, ["scale"]),
        (net, None, {"shapes": {"scale": (1,), "image": (2, 3)}}, ["image", "scale"]),
        (net, None, {"data": {"image": np.ones(3), "scale": np.ones(3)}}, ["image", "scale"]),
    ],
)
def test_the_inputs_of_a_function(function: Any, example: Any, more: dict[str, Any], names: list[str]) -> None:
    found = origins._arrays(function, example, more.get("shapes"), more.get("data"))
    assert list(found) == names
    assert all(isinstance(value, np.ndarray) for value in found.values())


def test_inputs_that_are_not_known_are_asked_for() -> None:
    with pytest.raises(ModelError, match=r"the inputs of net are not known; give --shape .* or a pair \(net, "):
        origins._arrays(net, None, None, 3)
    with pytest.raises(ModelError, match=r"'image' of net is a dict, .* functools.partial\(net, image\)"):
        origins._arrays(net, ({"w": 1}, np.ones(3)), None, None)
    with pytest.raises(ArgumentError, match="the sizes of a JAX function are fixed"):
        origins._arrays(net, None, {"image": ("N", 3), "scale": (1,)}, None)


@pytest.mark.usefixtures("all_there")
def test_classes_and_modules_are_no_functions(tmp_path: Path) -> None:
    assert origin_of(Path, tmp_path) is None
    assert origin_of(graphs.conv_bn(), tmp_path) is None
    assert origin_of(3, tmp_path) is None
