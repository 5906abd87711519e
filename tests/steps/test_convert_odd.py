"""Conversions of odd models, and what converters that are programs of their own leave unsaid."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from deploy_magics.errors import ArgumentError, DeployError, ModelError
from deploy_magics.steps.convert import convert
from tests.simplifying import graphs

node, value, weight = graphs.node, graphs.value, graphs.weight


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def quantised() -> onnx.ModelProto:
    scale, zero = weight("s", np.float32(0.05)), weight("z", np.int8(0))
    nodes = [
        node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        node("DequantizeLinear", ["q", "s", "z"], ["d"]),
        node("Relu", ["d"], ["y"]),
    ]
    return graphs.model(nodes, [value("x", [1, 4])], [value("y", [1, 4])], [scale, zero])


def test_no_file_is_written_by_two_conversions(out: Path) -> None:
    """The float16 of "a" and a model that is called "a_fp16": with --force, one was replaced by the other."""
    one, two = graphs.conv_bn(), quantised()
    with pytest.raises(ArgumentError, match=r"fp16 of 'a' and onnx of 'a_fp16' would both be 'a_fp16.onnx'"):
        convert(("a", one), ("a_fp16", two), to=["fp16", "onnx"], output=out, force=True)
    assert not out.exists()


def test_a_refusal_of_quantised_operators_names_them(out: Path) -> None:
    for package in ("pnnx", "ncnn", "MNN"):
        pytest.importorskip(package)
    with pytest.raises(DeployError) as caught:
        convert(("quantised", quantised()), to=["mnn", "ncnn"], output=out)
    said = str(caught.value)
    assert "it loses DequantizeLinear and QuantizeLinear; give the model before it was quantised" in said
    assert "ncnn has no layer for DequantizeLinear, QuantizeLinear" in said
    assert "\n" not in said


def test_ncnn_takes_items_without_a_batch_and_not_of_many_axes(out: Path) -> None:
    pytest.importorskip("pnnx")
    flat = graphs.model([node("Relu", ["x"], ["y"])], [value("x", [4])], [value("y", [4])])
    assert convert(("flat", flat), to=["ncnn"], output=out).table.rows[0].cells["verdict"] == "computes the same"
    sizes = [2, 2, 2, 2, 2, 2]
    deep = graphs.model([node("Relu", ["x"], ["y"])], [value("x", sizes)], [value("y", sizes)])
    with pytest.raises(DeployError, match=r"ncnn takes up to 4 axes beside a batch, and 'x' is 2x2x2x2x2x2"):
        convert(("deep", deep), to=["ncnn"], output=out)


def test_a_runtime_that_gives_other_outputs_is_one_line(out: Path) -> None:
    pytest.importorskip("MNN")
    halves = graphs.model(
        [node("Cast", ["x"], ["h"], to=16), node("Cast", ["h"], ["y"], to=1)], [value("x", [4])], [value("y", [4])]
    )
    with pytest.raises(
        DeployError, match=r"MNN gives 0 tensors where 1 are expected|MNN converts it, and does not read"
    ):
        convert(("halves", halves), to=["mnn"], output=out)


def test_sequences_go_to_onnx_runtimes_format(out: Path) -> None:
    listed = graphs.model(
        [node("SplitToSequence", ["x"], ["y"], axis=0)],
        [value("x", [3, 2])],
        [onnx.helper.make_tensor_sequence_value_info("y", 1, None)],
    )
    assert convert(("listed", listed), to=["ort"], output=out).headline == "listed: written, and it computes the same"


def test_outputs_of_one_name_are_one_line(out: Path) -> None:
    twice = graphs.model([node("Neg", ["x"], ["y"])], [value("x", [2])], [value("y", [2]), value("y", [2])])
    with pytest.raises(ModelError, match="has two outputs called 'y'"):
        convert(("twice", twice), to=["ort"], output=out)
    assert not out.exists()


def test_a_module_in_bfloat16_is_compared_and_a_bare_word_is_told_as_an_error(out: Path) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("coremltools")

    class Half(torch.nn.Module):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.linear = torch.nn.Linear(4, 4)

        def forward(self, x):  # type: ignore[no-untyped-def]
            return self.linear(x).bfloat16()

    torch.manual_seed(0)
    result = convert(("half", (Half(), (torch.rand(2, 4),))), to=["torchscript", "coreml"], output=out)
    rows = {str(row.cells["target"]): row for row in result.table.rows}
    assert rows["TorchScript"].cells["verdict"] == "computes the same"
    # coremltools raises KeyError(15), torch's number of that type.
    assert "Error" in rows["Core ML package"].note


@pytest.mark.parametrize("target", ["ncnn", "mnn"])
def test_a_softmax_over_several_axes_as_it_was_before_opset_13(target: str, out: Path) -> None:
    pytest.importorskip({"ncnn": "pnnx", "mnn": "MNN"}[target])
    model = graphs.model(
        [node("Relu", ["x"], ["r"]), node("Softmax", ["r"], ["y"])],
        [value("x", [1, 7, 2, 1])],
        [value("y", [1, 7, 2, 1])],
        opset=9,
    )
    result = convert(("old", model), to=[target], output=out)
    assert result.table.rows[0].cells["verdict"] == "computes the same"
    assert {path.suffix for path in out.iterdir()} <= {".mnn", ".param", ".bin", ".json"}
