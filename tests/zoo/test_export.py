"""The ONNX files: batch normalisation apart, a free batch dimension, and the same numbers as torch."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from deploy_magics import zoo
from deploy_magics.errors import ModelError
from deploy_magics.zoo import _draws, _export
from deploy_magics.zoo._export import export

RESNET = {"Conv": 53, "BatchNormalization": 53, "Relu": 49, "MaxPool": 1, "Add": 16, "GlobalAveragePool": 1,
          "Flatten": 1, "Gemm": 1}  # fmt: skip


def ops(model: onnx.ModelProto) -> dict[str, int]:
    return dict(Counter(node.op_type for node in model.graph.node))


def run(path: Path, images: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (output,) = session.run(None, {session.get_inputs()[0].name: images})
    return np.asarray(output)


def test_resnet50_keeps_its_norms_apart() -> None:
    path = zoo.path("resnet50")
    model = onnx.load(path)
    assert ops(model) == RESNET
    values = sum(int(np.prod(tensor.dims)) for tensor in model.graph.initializer)
    assert values == 25_557_032 + 53_120
    assert path.stat().st_size / 2**20 == pytest.approx(97.7, abs=0.1)
    onnx.checker.check_model(model)


def test_resnet50_is_readable_and_says_what_it_is() -> None:
    model = onnx.load(zoo.path("resnet50"))
    assert [value.name for value in model.graph.input] == ["input"]
    assert [value.name for value in model.graph.output] == ["logits"]
    assert [dim.dim_param or dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim] == [
        "N", 3, 224, 224,
    ]  # fmt: skip
    assert model.opset_import[0].version == 17
    assert model.graph.node[0].name == "/stem/conv/Conv"
    assert model.graph.initializer[0].name == "stem.conv.weight"
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    assert metadata["name"] == "resnet50"
    assert "not trained" in metadata["weights"]


@pytest.mark.parametrize("name", ["resnet50", "shufflenet_v2", "lenet", "v5lite_e"])
def test_file_computes_what_the_module_does_at_any_batch(name: str) -> None:
    _, *shape = next(iter(zoo.entry(name).inputs.values()))
    path, module = zoo.path(name), zoo.module(name)
    for batch in (1, 3):
        images = _draws.normal(np.empty((batch, *map(int, shape)), np.float32), f"{name}/images", 1.0)
        with torch.no_grad():
            expected = module(torch.from_numpy(images)).numpy()
        found = run(path, images)
        assert np.isfinite(found).all()
        assert 0.1 < found.std() < 100
        assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()
    # What comes in must matter, or comparing two files would prove nothing.
    assert np.abs(found[0] - found[1]).max() > 0.02 * found.std()


def test_second_call_finds_the_file() -> None:
    path = zoo.path("lenet")
    stamp = path.stat().st_mtime_ns
    assert zoo.path("lenet") == path
    assert path.stat().st_mtime_ns == stamp
    assert path.name == "lenet.onnx"


def test_two_processes_at_once_get_whole_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DEPLOY_MAGICS_CACHE", str(tmp_path))
    code = "from deploy_magics import zoo; print(zoo.path('light_shufflenet'))"
    both = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    answers = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], answers
    (place,) = {out.strip() for out, _ in answers}
    onnx.checker.check_model(onnx.load(place))
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["light_shufflenet.onnx"]


def test_failed_making_leaves_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from deploy_magics.zoo._cache import made_once

    def fail(part: Path) -> None:
        part.write_bytes(b"half")
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError):
        made_once(tmp_path / "deep" / "x.onnx", fail)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.drop = nn.Dropout()

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.drop(self.norm(self.conv(x))) + y
        return out


def small() -> tuple[Small, tuple[torch.Tensor, torch.Tensor]]:
    torch.manual_seed(0)
    module = Small()
    module.norm.running_mean.normal_()  # type: ignore[union-attr]
    module.norm.running_var.uniform_(0.5, 2)  # type: ignore[union-attr]
    return module, (torch.randn(2, 2, 5, 5), torch.randn(4, 1, 1))


@pytest.mark.parametrize("exporter", ["torchscript", "dynamo"])
def test_users_modules_keep_their_norms_and_their_mode(exporter: _export.Exporter, tmp_path: Path) -> None:
    module, inputs = small()
    module.train()
    module.norm.eval()
    dynamic = {"x": {0: "N"}, "out": {0: "N"}}
    done = export(
        module, inputs, tmp_path / "m.onnx", input_names=["x", "y"], output_names=["out"], dynamic=dynamic,
        exporter=exporter,
    )  # fmt: skip
    assert done.exporter == exporter
    assert module.training
    assert module.drop.training
    assert not module.norm.training
    assert set(module.state_dict()) == set(Small().state_dict())
    counts = ops(onnx.load(tmp_path / "m.onnx"))
    assert (counts["Conv"], counts["BatchNormalization"]) == (1, 1)
    assert "Dropout" not in counts
    session = onnxruntime.InferenceSession(str(tmp_path / "m.onnx"), providers=["CPUExecutionProvider"])
    wide = torch.randn(3, 2, 5, 5)
    (found,) = session.run(None, {"x": wide.numpy(), "y": inputs[1].numpy()})
    with torch.no_grad():
        expected = module.eval()(wide, inputs[1]).numpy()
    assert np.allclose(found, expected, atol=1e-5)


def test_auto_falls_back_and_says_when_nothing_can(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tried: list[str] = []

    def fail(*_: object) -> None:
        tried.append("torchscript")
        raise RuntimeError("unsupported operator\nand a long story")

    def work(*_: object) -> None:
        tried.append("dynamo")

    monkeypatch.setattr(_export, "_torchscript", fail)
    monkeypatch.setattr(_export, "_dynamo", work)
    module, inputs = small()
    assert export(module, inputs, tmp_path / "m.onnx").exporter == "dynamo"
    assert tried == ["torchscript", "dynamo"]
    monkeypatch.setattr(_export, "_dynamo", fail)
    with pytest.raises(ModelError, match=r"cannot export Small to ONNX \(torchscript: RuntimeError: unsupported"):
        export(module, inputs, tmp_path / "m.onnx")
    assert module.training


def test_traced_constants_are_warned_of(tmp_path: Path) -> None:
    class Branching(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * 2 if bool(x.sum() > 0) else x

    done = export(Branching(), (torch.ones(2, 2),), tmp_path / "m.onnx", exporter="torchscript")
    assert any("Converting a tensor to a Python boolean" in line for line in done.warnings)
