"""Conversions: what is written is the same model, and what goes wrong is a row."""

from __future__ import annotations

import os
import signal
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from deploy_magics import converting, temporary
from deploy_magics.converting import TARGETS
from deploy_magics.errors import ArgumentError, DeployError, Interrupted, ModelError, VerificationError, WorkerError
from deploy_magics.model import Model
from deploy_magics.result import Missing, load_result
from deploy_magics.steps._convert_sizes import read_dynamic
from deploy_magics.steps.convert import ConvertResult, convert
from deploy_magics.views import html
from tests.simplifying import graphs

JOBS = "tests.converting.jobs"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return graphs.save(graphs.conv_bn(batch="N"), tmp_path / "small.onnx")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def scratch(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary folder that nothing else uses, to see what is left in it."""
    folder = tmp_path_factory.mktemp("scratch")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(temporary, "_roots", {})
    return folder


def left_in(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file() and path.name != "owner"]


def use(monkeypatch: pytest.MonkeyPatch, **jobs: str) -> None:
    """Add formats whose converters are those of the tests."""
    made = {name: replace(TARGETS["onnx"], name=name, takes="onnx", job=f"{JOBS}:{job}") for name, job in jobs.items()}
    for name, target in made.items():
        monkeypatch.setitem(TARGETS, name, replace(target, files=(f"{{stem}}.{name}.onnx",)))


def verdicts(result: ConvertResult) -> dict[object, object]:
    return {row.cells["target"]: row.cells["verdict"] for row in result.table.rows}


def test_onnx_becomes_what_is_made_of_onnx(small: Path, out: Path) -> None:
    pytest.importorskip("openvino")
    result = convert(small, to=["onnx", "fp16", "ort", "openvino", "torchscript"], output=out)
    assert verdicts(result) == {
        "ONNX": "computes the same",
        "ONNX, float16": "computes the same",
        "ONNX Runtime's format": "computes the same",
        "OpenVINO IR": "computes the same",
        "TorchScript": "not made",
    }
    assert result.headline == "small: 4 of 5 formats written, and all compute the same"
    assert "a torch module is needed" in result.table.rows[4].note
    assert sorted(path.name for path in out.iterdir()) == [
        "small.bin",
        "small.onnx",
        "small.ort",
        "small.xml",
        "small_fp16.onnx",
    ]
    half = onnx.load(result.paths["fp16"])
    assert {each.name: each.data_type for each in half.graph.initializer}["w"] == onnx.TensorProto.FLOAT16
    assert (out / "small.ort").read_bytes()[4:8] == b"ORTM"
    # Core ML, OpenVINO and ONNX Runtime's files are told for what they are, and not taken for ONNX.
    for path, what in ((result.paths["ort"], "ONNX Runtime's own format"), (result.paths["openvino"], "OpenVINO")):
        with pytest.raises(ModelError, match=what):
            Model.of(path)
    again = load_result(result.to_json())
    assert isinstance(again, ConvertResult)
    assert again.headline == result.headline


def test_formats_of_phones_compute_the_same_or_are_refused(small: Path, out: Path) -> None:
    for package in ("pnnx", "ncnn", "MNN"):
        pytest.importorskip(package)
    result = convert(small, to=["ncnn", "mnn"], output=out)
    assert verdicts(result) == {"ncnn": "computes the same", "MNN": "computes the same"}
    assert sorted(path.name for path in out.iterdir()) == [
        "small.mnn",
        "small.ncnn.bin",
        "small.ncnn.json",
        "small.ncnn.param",
    ]
    assert any("in0 is 'x'" in note.text for note in result.notes)
    looped = graphs.save(graphs.loop(), out.parent / "looped.onnx")
    with pytest.raises(DeployError, match=r"pnnx cannot convert it|ncnn has no layer for"):
        convert(looped, to=["ncnn"], output=out)
    assert len(list(out.iterdir())) == 4


def test_sizes_opset_and_external_weights(small: Path, out: Path) -> None:
    result = convert(small, to=["onnx"], output=out, opset=13, external=True, dim={"N": 2})
    made = onnx.load(result.paths["onnx"], load_external_data=False)
    assert made.opset_import[0].version == 13
    assert Model.of(result.paths["onnx"]).inputs[0].shape[0] == 2  # type: ignore[index]
    newer = convert(("newer", small), to=["onnx"], output=out, opset=21)
    assert onnx.load(newer.paths["onnx"]).opset_import[0].version == 21
    with pytest.raises(ModelError, match="opset 99 is not to be had: 7 to"):
        convert(("none", small), to=["onnx"], output=out, opset=99)


def test_weights_go_out_and_come_in_again(tmp_path: Path) -> None:
    big = graphs.model(
        [graphs.node("MatMul", ["x", "w"], ["y"])],
        [graphs.value("x", ["N", 64])],
        [graphs.value("y", ["N", 64])],
        [graphs.weight("w", graphs.floats(0, 64, 64))],
    )
    first = convert(("big", big), to=["onnx"], output=tmp_path / "a", external=True)
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["big.onnx", "big.onnx.data"]
    assert first.paths["onnx"].stat().st_size < 1000
    second = convert(first.paths["onnx"], to=["onnx"], output=tmp_path / "b")
    assert [path.name for path in (tmp_path / "b").iterdir()] == ["big.onnx"]
    assert second.headline == "big: written, and it computes the same"


def test_a_random_model_is_compared_by_its_form_only(out: Path) -> None:
    pytest.importorskip("openvino")
    proto = graphs.model(
        [graphs.node("RandomNormalLike", ["x"], ["r"]), graphs.node("Add", ["x", "r"], ["y"])],
        [graphs.value("x", [4])],
        [graphs.value("y", [4])],
    )
    result = convert(("random", proto), to=["openvino"], output=out)
    assert result.table.rows[0].cells["verdict"] == "is random, which cannot be compared"


def test_text_goes_through(out: Path) -> None:
    pytest.importorskip("openvino")
    text = onnx.TensorProto.STRING
    proto = graphs.model(
        [graphs.node("Identity", ["s"], ["t"])], [graphs.value("s", [2], text)], [graphs.value("t", [2], text)]
    )
    assert convert(("text", proto), to=["openvino"], output=out).headline == "text: written, and it computes the same"


def test_an_operator_without_an_older_form_is_named(out: Path) -> None:
    gelu = graphs.model(
        [graphs.node("Gelu", ["x"], ["y"])], [graphs.value("x", [4])], [graphs.value("y", [4])], opset=20
    )
    with pytest.raises(ModelError, match="it has no form in opset 17: Gelu came with opset 20"):
        convert(gelu, to=["onnx"], output=out, opset=17)
    assert not out.exists()


def test_upsampling_stays_where_it_was(out: Path) -> None:
    """ONNX's own converter shifts it by half a pixel, and says nothing."""
    up = graphs.model(
        [graphs.node("Upsample", ["x", "s"], ["y"], mode="linear")],
        [graphs.value("x", [1, 2, 4, 4])],
        [graphs.value("y", [1, 2, 8, 8])],
        [graphs.weight("s", np.array([1, 1, 2, 2], np.float32))],
        opset=9,
    )
    result = convert(("up", up), to=["onnx"], output=out, opset=13)
    assert "Resize keeps the coordinates it had" in result.notes[0].text
    assert result.table.rows[0].cells["verdict"] == "computes the same"


def test_float16_beside_quantised_values_and_of_weights_listed_as_inputs(out: Path) -> None:
    scale, zero = graphs.weight("s", np.float32(0.05)), graphs.weight("z", np.uint8(128))
    proto = graphs.model(
        [
            graphs.node("MatMul", ["x", "w"], ["m"]),
            graphs.node("QuantizeLinear", ["m", "s", "z"], ["q"]),
            graphs.node("DequantizeLinear", ["q", "s", "z"], ["y"]),
        ],
        [graphs.value("x", [3, 8]), graphs.value("w", [8, 4])],
        [graphs.value("y", [3, 4])],
        [graphs.weight("w", graphs.floats(0, 8, 4)), scale, zero],
    )
    result = convert(("half", proto), to=["fp16"], output=out, tolerance=0.2)
    types = {each.name: each.data_type for each in onnx.load(result.paths["fp16"]).graph.initializer}
    assert (types["w"], types["s"]) == (onnx.TensorProto.FLOAT16, onnx.TensorProto.FLOAT)


def test_a_torch_module_in_three_formats(out: Path) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("coremltools")

    class Net(torch.nn.Module):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.conv = torch.nn.Conv2d(3, 4, 3)

        def forward(self, x, unused, flag=True):  # type: ignore[no-untyped-def]
            y = self.conv(x)
            return y.relu(), y.mean((2, 3))

    torch.manual_seed(0)
    given = ("<net> 'a/b'", (Net(), (torch.rand(2, 3, 8, 8), torch.rand(1))))
    result = convert(
        given,
        to=["onnx", "torchscript", "coreml"],
        output=out,
        exporter="dynamo",
        dynamic=["x:0=N"],
        opset=18,
        external=True,
    )
    assert list(verdicts(result).values()) == ["computes the same", "computes the same", "inputs and outputs only"]
    made = Model.of(result.paths["onnx"])
    assert {spec.name: spec.shape for spec in made.inputs}["x"] == ("N", 3, 8, 8)
    assert result.paths["torchscript"].name == "_net_ _a_b_.pt"
    with pytest.raises(ModelError, match="a TorchScript module"):
        Model.of(result.paths["torchscript"])
    loaded = torch.jit.load(str(result.paths["torchscript"]))
    # What runs elsewhere only is given with the command for there, and is told for what it is.
    (note,) = [note.text for note in result.notes if "elsewhere" in note.text]
    assert "python -c 'import coremltools as ct" in note
    assert isinstance(result.table.rows[2].cells["error"], Missing)
    with pytest.raises(ModelError, match="a Core ML package"):
        Model.of(result.paths["coreml"])
    with pytest.raises(ModelError, match="a Core ML model"):
        Model.of(next(result.paths["coreml"].rglob("*.mlmodel")))
    assert [tuple(each.shape) for each in loaded(torch.rand(5, 3, 8, 8), torch.rand(1))] == [(5, 4, 6, 6), (5, 4)]


def test_a_module_whose_output_is_called_by_a_number_keeps_exporter_and_opset(out: Path) -> None:
    torch = pytest.importorskip("torch")
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU())
    given = ("net", (net, torch.rand(1, 3, 8, 8)))
    assert Model.of(given).outputs[0].name.isdigit()
    result = convert(given, to=["onnx"], output=out, opset=12)
    assert list(verdicts(result).values()) == ["computes the same"]
    assert onnx.load(result.paths["onnx"]).opset_import[0].version == 12


def test_an_opset_that_the_exporter_does_not_write_is_made_or_refused(out: Path) -> None:
    torch = pytest.importorskip("torch")
    plain = (torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU()), torch.rand(1, 3, 8, 8))
    result = convert(("net", plain), to=["onnx"], output=out, exporter="dynamo", opset=13)
    assert onnx.load(result.paths["onnx"]).opset_import[0].version == 13
    pooled = (torch.nn.AdaptiveAvgPool2d(1), torch.rand(1, 3, 8, 8))
    with pytest.raises(ModelError, match=r"opset 18, and .* opset 13: ReduceMean .*; try --exporter torchscript"):
        convert(("pooled", pooled), to=["onnx"], output=out, exporter="dynamo", opset=13)
    with pytest.raises(ModelError, match="opset 99 is not to be had"):
        convert(("pooled", pooled), to=["onnx"], output=out, opset=99)
    assert [path.name for path in out.iterdir()] == ["net.onnx"]


@pytest.mark.parametrize(
    ("job", "error", "says"),
    [
        ("crashes", WorkerError, "the converter to ONNX crashed: its process was ended by SIGABRT"),
        (
            "cuts_short",
            VerificationError,
            "does not run: ONNX Runtime cannot load .*Protobuf parsing failed",
        ),
        ("says_nothing", ModelError, "said nothing and wrote nothing"),
        ("changes_weights", VerificationError, "does not compute what the original does: .*; nothing is written"),
        ("renames_an_input", VerificationError, "called in another way: input 'x' is 'other' there; .*int8"),
        ("finds_the_disk_full", DeployError, "No space left on device"),
        ("raises", ModelError, "^the operator <b>Frob</b> is not known x+…$"),
    ],
)
def test_a_faulty_converter_is_one_line(
    job: str,
    error: type[DeployError],
    says: str,
    small: Path,
    out: Path,
    scratch: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(TARGETS, "onnx", replace(TARGETS["onnx"], job=f"{JOBS}:{job}"))
    with pytest.raises(error, match=says) as caught:
        convert(small, to=["onnx"], output=out)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400
    assert not out.exists()
    assert left_in(scratch) == []


def test_one_that_hangs_or_talks_does_not_stop_the_others(
    small: Path, out: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, hangs="hangs", talks="talks")
    monkeypatch.setitem(TARGETS, "talks", replace(TARGETS["talks"], files=("{stem}.onnx",)))
    result = convert(small, to=["hangs", "talks"], output=out, timeout=3)
    assert [row.status for row in result.table.rows] == ["failed", "ok"]
    assert "took longer than 3 s and was ended; nothing is written; allow more with --timeout" in result.notes[0].text
    assert [path.name for path in out.iterdir()] == ["small.onnx"]
    assert left_in(scratch) == []


def test_an_interrupt_keeps_what_is_done(
    small: Path, out: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, hangs="hangs")

    def interrupt_when_begun() -> None:
        end = time.monotonic() + 60
        while not list(scratch.rglob("small.onnx")) and time.monotonic() < end:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    watcher = threading.Thread(target=interrupt_when_begun)
    watcher.start()
    with pytest.raises(Interrupted, match="interrupted while converting; 1 of 2 are written and kept") as caught:
        convert(small, to=["ort", "hangs"], output=out)
    watcher.join()
    assert caught.value.partial is not None
    assert caught.value.partial.status == "interrupted"
    assert [path.name for path in out.iterdir()] == ["small.ort"]
    assert left_in(scratch) == []


def test_nothing_is_overwritten_and_nothing_begun_where_it_would_be(small: Path, out: Path) -> None:
    out.mkdir()
    (out / "small.ort").write_text("mine")
    with pytest.raises(DeployError, match=r"small.ort' exists and is left as it is; add --force"):
        convert(small, to=["onnx", "ort"], output=out)
    assert [path.name for path in out.iterdir()] == ["small.ort"]
    assert convert(small, to=["ort"], output=out, force=True).paths["ort"].read_bytes()[4:8] == b"ORTM"


def test_odd_names_are_safe(small: Path, out: Path) -> None:
    result = convert(("<u>quo'te\" sla/sh {stem}%s</u>", small), to=["ort"], output=out)
    (made,) = out.iterdir()
    assert made == result.paths["ort"]
    assert made.name == "_u_quo_te_ sla_sh _stem__s__u_.ort"
    assert "<u>" not in html.render(result)


def test_inputs_of_one_name_and_models_of_one_file_are_one_line(small: Path, out: Path) -> None:
    twice = graphs.model(
        [graphs.node("Add", ["x", "x"], ["y"])],
        [graphs.value("x", [2]), graphs.value("x", [2])],
        [graphs.value("y", [2])],
    )
    with pytest.raises(ModelError, match="has two inputs called 'x'"):
        convert(twice, to=["ort"], output=out)
    with pytest.raises(ArgumentError, match="two models would be written as 'a_b'"):
        convert(("a/b", small), ("a:b", small), to=["ort"], output=out)
    assert not out.exists()


def test_what_is_asked_for_is_checked(small: Path, out: Path, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="there is no format 'openvin' to convert to; did you mean 'openvino'"):
        convert(small, to=["openvin"], output=out)
    with pytest.raises(ArgumentError, match="no format was named; name some: --to onnx,"):
        convert(small, output=out)
    with pytest.raises(ArgumentError, match="no folder was named to write to; name one: --output out/"):
        convert(small, to=["ort"])
    with pytest.raises(DeployError, match=r"small.onnx' is a file; --output names a folder"):
        convert(small, to=["ort"], output=small)
    with pytest.raises(DeployError, match="there is no folder"):
        convert(small, to=["ort"], output=tmp_path / "a" / "b")
    with pytest.raises(ArgumentError, match="--dynamic takes input:axis or input:axis=name, not 'x'"):
        read_dynamic(["x"])
    with pytest.raises(ModelError, match="holds no torch module, and --exporter and --dynamic are for those"):
        convert(small, to=["onnx"], output=out, exporter="dynamo")


def test_what_is_missing_names_the_command(small: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = replace(TARGETS["openvino"], package="no_such_package")
    monkeypatch.setitem(TARGETS, "openvino", gone)
    result = convert(small, to=["openvino", "ort"], output=out)
    assert result.table.rows[0].note.endswith("not installed; pip install 'deploy-magics[convert]'")
    assert result.table.rows[1].status == "ok"
    assert converting.chosen(["openvino"]) == [gone]
