"""Every runtime on the same small network: it agrees with ONNX Runtime, and what it cannot do is one line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from deploy_magics import running, workers
from deploy_magics.errors import ArgumentError, DeployError, MissingPartError, ModelError
from deploy_magics.running import run_once
from deploy_magics.running.compiled import open_all
from deploy_magics.steps._bench_run import find_runtimes
from deploy_magics.steps.align import align
from deploy_magics.steps.bench import bench
from deploy_magics.steps.convert import convert
from deploy_magics.steps.runtimes import runtimes
from tests.house.repository import ROOT
from tests.lowering.networks import build
from tests.running import plugged
from tests.running.plug import plug
from tests.simplifying import graphs
from tests.steps import bench_models

CONVERTED = ("openvino", "ncnn", "mnn", "tvm")
LAYERS = [("conv", 16, 3), ("Relu",), ("conv", 16, 1), ("classify",)]


def need(*names: str) -> None:
    for name in names:
        why = running.get(name).why_not()
        if why is not None:
            pytest.skip(why)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("runtimes") / "a net.onnx", (3, 12, 12), LAYERS, 0)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    plug(monkeypatch, tmp_path, "numpy", "tests.running.plugged:Numpy")


@pytest.mark.parametrize("name", [*CONVERTED, "openvino:bf16", "ncnn:bf16", "mnn:low", "ort:cuda", "ort:cuda-tf32"])
def test_a_runtime_gives_what_onnx_runtime_gives(name: str, network: Path) -> None:
    need(name)
    feeds = [{"x": np.random.default_rng(seed).standard_normal((1, 3, 12, 12)).astype(np.float32)} for seed in (0, 1)]
    try:
        theirs = run_once(network, feeds, runtime=name)
    except ModelError as error:
        if "does not compute in" in error.message:
            pytest.skip(error.message)
        raise
    coarse = name.partition(":")[2] not in ("", "cuda")
    tolerance = 5e-2 if coarse else 1e-4
    for mine, other in zip(run_once(network, feeds), theirs, strict=True):
        assert list(mine) == list(other)
        for key, values in mine.items():
            np.testing.assert_allclose(other[key], values, atol=tolerance * np.abs(values).max())


@pytest.mark.parametrize("name", ["openvino", "ncnn", "mnn"])
def test_a_batch_is_taken_as_one(name: str, tmp_path: Path) -> None:
    need(name)
    path = bench_models.matmuls(tmp_path / "m.onnx", 2, 8, batch="N")
    feeds = {"x": np.random.default_rng(0).standard_normal((3, 8)).astype(np.float32)}
    [mine], [other] = run_once(path, [feeds]), run_once(path, [feeds], runtime=name)
    np.testing.assert_allclose(other["y"], mine["y"], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["ort", *CONVERTED])
def test_a_runtime_keeps_to_the_threads_that_it_is_given(name: str, tmp_path: Path) -> None:
    need(name)
    path = build(tmp_path / "wide.onnx", (32, 56, 56), [("conv", 64, 3), ("Relu",), ("conv", 64, 3), ("Relu",)], 0)
    feeds = {"x": np.ones((1, 32, 56, 56), np.float32)}
    busy = workers.call("tests.running.jobs:cores_busy", str(path), name, 1, feeds, name=name)
    assert busy < 1.2


@pytest.mark.parametrize("name", ["ort", *CONVERTED])
def test_no_thread_spins_into_what_is_measured_next(name: str, tmp_path: Path) -> None:
    need(name)
    path = build(tmp_path / "wide.onnx", (32, 28, 28), [("conv", 64, 3), ("Relu",), ("conv", 64, 3), ("Relu",)], 0)
    feeds = {"x": np.ones((1, 32, 28, 28), np.float32)}
    assert workers.call("tests.running.jobs:spins_after", str(path), name, 2, feeds, name=name) < 0.003


@pytest.mark.parametrize("name", CONVERTED)
def test_an_absent_input_is_one_line(name: str, network: Path) -> None:
    need(name)
    with pytest.raises(ModelError, match="has the inputs x; not given: x") as raised:
        run_once(network, [{}], runtime=name)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", CONVERTED)
def test_a_file_that_is_no_model_is_one_line(name: str, tmp_path: Path) -> None:
    need(name)
    junk = tmp_path / "junk.onnx"
    junk.write_bytes(b"\x00nonsense" * 50)
    with pytest.raises(DeployError) as raised:
        run_once(junk, [{"x": np.zeros(3, np.float32)}], runtime=name)
    assert "\n" not in str(raised.value)


def test_bench_sets_runtimes_side_by_side(network: Path) -> None:
    need(*CONVERTED, "litert")
    result = bench(network, on=["ort", *CONVERTED, "litert", "torch", "ort:cann"], budget=1.5, processes=2)
    rows = {str(row.cells["name"]): row for row in result.table.rows}
    assert result.headline.startswith("a net: ")
    assert result.headline.endswith("litert, torch, ort:cann failed")
    assert list(rows) == ["ort", *CONVERTED, "litert", "torch", "ort:cann"]
    for name in CONVERTED:
        assert rows[name].status == "ok"
        assert rows[name].cells["convert"] > 0
        assert rows[name].cells["differs"] < 1000
    assert rows["torch"].status == rows["ort:cann"].status == "failed"
    assert "PyTorch, eager needs a torch module, and 'a net' holds none" in rows["torch"].note
    assert "onnx2tf -i MODEL.onnx -o out; then give the .tflite file" in rows["litert"].note
    assert "CANNExecutionProvider" in rows["ort:cann"].note
    assert "pip install onnxruntime-cann" in rows["ort:cann"].note


def test_torch_modules_run_in_torch_and_elsewhere() -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU())
    given = ("net", (module, torch.rand(1, 3, 16, 16)))
    result = bench(given, on=["ort", "torch", "torch:script"], budget=1.0, processes=2)
    assert [row.status for row in result.table.rows] == ["ok"] * 3
    assert all(row.cells["differs"] < 1000 for row in result.table.rows[1:])


def test_a_runtime_of_another_package_is_benched_aligned_and_listed(installed: None, tmp_path: Path) -> None:
    path = bench_models.matmuls(tmp_path / "m.onnx", 3)
    result = bench(path, on=["ort", "numpy"], budget=1.0, processes=2)
    assert [row.status for row in result.table.rows] == ["ok", "ok"]
    assert result.table.rows[1].cells["differs"] < 1000
    assert align(path, on=["numpy"], mode="whole", samples=1).agrees
    [row] = runtimes("numpy").table.rows
    assert (row.cells["loads"], row.cells["from"]) == ("chains of MatMul", "another package")


def test_names_of_one_runtime_are_one_row(network: Path) -> None:
    assert [runtime.name for runtime in find_runtimes(["ort", "ort:", "ort"])] == ["ort"]
    assert align(network, on="ort", mode="whole", samples=1).agrees


def test_what_a_plugged_runtime_refuses_is_a_row(installed: None, network: Path) -> None:
    result = bench(network, on=["ort", "numpy"], budget=1.0, processes=2)
    assert [row.status for row in result.table.rows] == ["ok", "failed"]
    assert "NumPy here knows no Conv" in result.table.rows[1].note


def test_adding_a_runtime_takes_under_sixty_lines() -> None:
    assert len(Path(plugged.__file__).read_text().splitlines()) < 60


def test_it_lists_what_is_there_and_how_to_get_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    from deploy_magics.running.ncnn import Ncnn

    monkeypatch.setattr(Ncnn, "why_not", lambda self: "ncnn is not installed; pip install ncnn pnnx")
    result = runtimes()
    rows = {str(row.cells["name"]): row for row in result.table.rows}
    assert {"ort", "openvino", "ncnn", "mnn", "tvm", "litert", "torch"} <= set(rows)
    assert "ncnn" not in result.usable
    assert rows["ncnn"].note == "ncnn is not installed; pip install ncnn pnnx"
    assert "ort" in result.usable
    assert rows["ort"].cells["loads"] == "ONNX; its own format (.ort)"
    many = [str(row.cells["name"]) for row in runtimes(variants=True).table.rows]
    assert "openvino:bf16" in many
    assert "ncnn:bf16" not in many
    with pytest.raises(ArgumentError, match="did you mean 'openvino'"):
        runtimes("openvin")


def test_nothing_usable_is_an_error_with_the_command(network: Path) -> None:
    with pytest.raises(MissingPartError, match="onnxruntime-qnn"):
        bench(network, on=["ort:qnn"])


def test_listing_imports_no_runtime() -> None:
    code = (
        "import sys, deploy_magics; deploy_magics.runtimes();"
        "print([m for m in ('onnxruntime', 'openvino', 'ncnn', 'MNN', 'tvm', 'torch') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert out.stdout.strip() == "[]"


@pytest.fixture(scope="module")
def own_files(network: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("own files")
    return convert(("net", str(network)), to=["ort", "openvino", "mnn", "ncnn"], output=folder).paths


@pytest.mark.parametrize("name", ["ort", "openvino", "mnn", "ncnn"])
def test_a_file_in_a_runtimes_own_format_runs_without_the_model_it_is_from(
    name: str, own_files: dict[str, Path], network: Path
) -> None:
    need(name)
    result = bench(network, own_files[name], on=["ort", name], budget=1.0, processes=2)
    rows = {str(row.cells["name"]): row.status for row in result.table.rows}
    assert rows[own_files[name].name + (f" · {name}" if name != "ort" else "")] == "ok"
    [model] = open_all([own_files[name]])
    digest = model.digest
    assert [(spec.name, spec.dtype, spec.shape) for spec in model.inputs] == [("x", "float32", (1, 3, 12, 12))]
    # Its digest and its size are those of its weights too, which some keep in another file.
    assert model.size_bytes > 4 * 16 * 3 * 3 * 3
    if name in ("openvino", "ncnn"):
        weights = own_files[name].with_suffix(".bin")
        kept = weights.read_bytes()
        weights.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
        assert model.digest != digest
        weights.write_bytes(kept)
    assert model.digest == digest


def test_tflite_files_run_on_litert_at_the_sizes_asked_for() -> None:
    need("litert")
    path = ROOT / "tests" / "converting" / "files" / "two_heads.tflite"
    result = bench(path, on=["litert"], budget=0.5, processes=2)
    assert [row.status for row in result.table.rows] == ["ok"]
    with pytest.raises(ArgumentError, match=r"is made for a runtime and runs on litert alone; add --on litert"):
        bench(path)


def test_what_is_no_such_file_is_one_line(tmp_path: Path) -> None:
    for name, runtime in (("a.tflite", "litert"), ("a.xml", "openvino"), ("a.mnn", "mnn"), ("a.ort", "ort")):
        need(runtime)
        (tmp_path / name).write_bytes(b"\x00nonsense" * 40)
        with pytest.raises(DeployError) as raised:
            bench(tmp_path / name, on=[runtime])
        assert "\n" not in str(raised.value)
        assert name in str(raised.value)


def test_outputs_of_another_type_are_told_and_compared_by_value(tmp_path: Path) -> None:
    need("mnn")
    highest = graphs.model(
        [graphs.node("ArgMax", ["x"], ["y"], axis=1)], [graphs.value("x", [1, 8])], [graphs.value("y", [1, 1], 7)]
    )
    result = bench(("highest", highest), on=["ort", "mnn"], budget=0.2, processes=2)
    row = result.table.rows[1]
    assert (row.status, row.cells["differs"]) == ("ok", 0.0)
    told = "if the same values: output 'y': type int32 in place of int64"
    assert any(note.text.endswith(told) for note in result.notes)


def test_a_file_named_from_where_one_stands_runs_on_mnn(
    network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need("mnn")
    (tmp_path / "net.onnx").write_bytes(network.read_bytes())
    monkeypatch.chdir(tmp_path)
    assert convert("net.onnx", to=["mnn"], output=Path("out")).table.rows[0].cells["verdict"] == "computes the same"


def test_openvino_computes_in_float32_also_beside_int8_weights(tmp_path: Path) -> None:
    need("openvino")
    draw = np.random.default_rng(0)
    weights, scales = draw.integers(-127, 128, (256, 256)).astype(np.int8), (draw.random(256) / 127).astype(np.float32)
    model = graphs.model(
        [
            graphs.node("DequantizeLinear", ["w", "s"], ["wf"], axis=1),
            graphs.node("MatMul", ["x", "wf"], ["y"]),
        ],
        [graphs.value("x", [16, 256])],
        [graphs.value("y", [16, 256])],
        [graphs.weight("w", weights), graphs.weight("s", scales)],
    )
    path = tmp_path / "weights.onnx"
    path.write_bytes(model.SerializeToString())
    given = draw.normal(size=(16, 256)).astype(np.float32)
    [found] = run_once(path, [{"x": given}], runtime="openvino")
    expected = given.astype(np.float64) @ (weights.astype(np.float64) * scales)
    assert np.abs(found["y"] - expected).max() < 1e-5 * np.abs(expected).max()
