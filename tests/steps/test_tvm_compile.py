"""``%tvm_compile``: what it makes, what it refuses, and what it leaves behind."""

from __future__ import annotations

import errno
import gc
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, save

from deploy_magics.compiling import engine
from deploy_magics.errors import ArgumentError, DeployError, MissingPartError, ModelError, WorkerError
from deploy_magics.lowering import _tvm
from deploy_magics.lowering.artefact import read_manifest
from deploy_magics.progress import Progress, reporting
from deploy_magics.result import load_result
from deploy_magics.running import run_once
from deploy_magics.steps.bench import bench
from deploy_magics.steps.inspect import inspect
from deploy_magics.steps.tvm_compile import TvmCompileResult, tvm_compile
from deploy_magics.temporary import Folder
from tests.lowering.networks import build

pytestmark = pytest.mark.skipif(_tvm.why_not() is not None, reason=str(_tvm.why_not()))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    layers = [("conv", 24, 3, 2, 1), ("Relu",), ("conv", 24, 3, 1, 1, 1, 0), ("classify",)]
    return build(tmp_path_factory.mktemp("models") / "small.onnx", (3, 24, 24), layers, 0)


@pytest.fixture(scope="module")
def compiled(model: Path) -> TvmCompileResult:
    return tvm_compile(str(model))


def test_it_is_verified_and_says_what_it_is(compiled: TvmCompileResult) -> None:
    found = compiled.artefact
    assert found.path.is_file()
    assert found.verification is not None
    assert found.verification.verdict == "computes the same"
    assert (found.manifest.layout, found.manifest.schedule) == ("blocked", "rule")
    assert compiled.headline.startswith("small: ")
    assert {"target", "layout", "size", "max error"} <= {name for name, _ in compiled.facts}
    kinds = compiled.table.values("kind")
    assert {"convolution", "depthwise convolution", "matrix product"} <= set(kinds)
    assert sum(compiled.to_dataframe()["share (%)"]) == pytest.approx(100)


def test_bench_takes_it_on_tvm_alone_and_others_do_not_look_into_it(compiled: TvmCompileResult, model: Path) -> None:
    found = bench(("base", compiled), str(model), on=["tvm", "ort"], budget=0.5, processes=2)
    assert found.table.values("name") == ["base · tvm", "small · tvm", "small · ort"]
    with pytest.raises(DeployError, match="on tvm"):
        bench(compiled, budget=0.5)
    with pytest.raises(ModelError, match=r"compiled by TVM.*give the ONNX file"):
        inspect(compiled)


def test_a_saved_result_shows_but_holds_no_code(compiled: TvmCompileResult, tmp_path: Path) -> None:
    compiled.to_json(tmp_path / "r.json")
    again = load_result(tmp_path / "r.json")
    assert str(again.headline) == compiled.headline
    with pytest.raises(DeployError, match="holds no compiled model"):
        _ = again.artefact  # type: ignore[attr-defined]


def test_a_file_runs_by_itself_and_is_not_overwritten(model: Path, tmp_path: Path) -> None:
    output = tmp_path / "small.so"
    tvm_compile(str(model), schedule="none", output=output)
    assert read_manifest(output).schedule == "none"
    feeds = {"x": np.random.default_rng(0).standard_normal((1, 3, 24, 24)).astype(np.float32)}
    [mine], [theirs] = run_once(output, [feeds], runtime="tvm"), run_once(model, [feeds])
    for name, values in theirs.items():
        np.testing.assert_allclose(mine[name], values, rtol=1e-3, atol=1e-5)
    with pytest.raises(DeployError, match="exists and is left as it is; add --force"):
        tvm_compile(str(model), output=output)


def test_for_another_machine_it_is_a_library_of_that_machine_and_not_verified(model: Path, tmp_path: Path) -> None:
    output = tmp_path / "board.so"
    found = tvm_compile(str(model), target="raspberry-pi-4", output=output)
    head = output.read_bytes()[:20]
    assert head[:4] == b"\x7fELF"
    assert (head[16], head[18]) == (3, 183)  # a shared object (ET_DYN) for AArch64 (EM_AARCH64)
    assert read_manifest(output).machine.cpu == "cortex-a72"
    assert found.artefact.verification is None
    assert any(note.text.startswith("not verified") and note.level == "warning" for note in found.notes)
    with pytest.raises(DeployError, match="does not run here"):
        bench(str(output), on=["tvm"], budget=0.5, processes=2)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"target": "raspbery-pi-4"}, "did you mean .*'raspberry-pi-4'"),
        ({"layout": "blokced"}, "did you mean 'blocked'"),
        ({"schedule": "rules"}, "did you mean 'rule'"),
        ({"output": "small.onnx"}, "ends in .so"),
        ({"output": "/nowhere/small.so"}, "no folder '/nowhere'"),
        ({"records": "/nowhere"}, "no folder of records"),
        ({"records": "r", "schedule": "none"}, "contradict"),
        ({"timeout": 0}, "must be above 0"),
        ({"threads": 0}, "at least 1"),
        ({"threads": 2}, "chooses among records"),
        ({"timeout": float("inf")}, "must be above 0"),
    ],
)
def test_what_cannot_be_meant_is_one_line(model: Path, options: dict[str, Any], says: str) -> None:
    with pytest.raises(DeployError, match=says):
        tvm_compile(str(model), **options)


def test_one_model_at_a_time(model: Path) -> None:
    with pytest.raises(ArgumentError, match="no model was given"):
        tvm_compile()
    with pytest.raises(ArgumentError, match="2 models were given"):
        tvm_compile(str(model), str(model))


def test_an_operator_that_cannot_be_imported_is_named(tmp_path: Path) -> None:
    info = helper.make_tensor_value_info
    weights = [
        helper.make_tensor(name, TensorProto.FLOAT, shape, np.ones(shape, np.float32).tobytes(), raw=True)
        for name, shape in (("w", (1, 8, 3)), ("r", (1, 8, 2)))
    ]
    node = helper.make_node("LSTM", ["x", "w", "r"], ["y"], hidden_size=2)
    graph = helper.make_graph(
        [node], "g", [info("x", TensorProto.FLOAT, [4, 1, 3])], [info("y", TensorProto.FLOAT, [4, 1, 1, 2])], weights
    )
    path = tmp_path / "lstm.onnx"
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    with pytest.raises(ModelError, match=r"cannot import the operator LSTM.*--on ort"):
        tvm_compile(str(path))


def test_without_tvm_it_names_the_extra(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_tvm, "_version", lambda package: None)
    with pytest.raises(MissingPartError, match=r"TVM is not installed; pip install 'deploy-magics\[tvm\]'"):
        tvm_compile(str(model))


@contextmanager
def nothing_left() -> Iterator[None]:
    """Fail where the block leaves folders of models of this process."""
    with closing(Folder()) as folder:
        home = folder.path.parent
        before = set(home.glob("*"))
        yield
        gc.collect()
        assert set(home.glob("*")) <= before


class Stopping:
    """A reporter that interrupts as soon as a stage is reported."""

    def __init__(self, stage: str) -> None:
        self.stage = stage

    def update(self, progress: Progress) -> None:
        if progress.detail == self.stage:
            raise KeyboardInterrupt

    def close(self) -> None: ...


@pytest.mark.parametrize("stage", ["simplifying", "compiling", "verifying"])
def test_an_interrupt_leaves_nothing(model: Path, tmp_path: Path, stage: str) -> None:
    with nothing_left(), reporting(lambda: Stopping(stage)), pytest.raises(KeyboardInterrupt):
        tvm_compile(str(model), output=tmp_path / "m.so")
    assert list(tmp_path.iterdir()) == []


def test_a_crash_is_one_line_and_leaves_nothing(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "JOB", "tests.lowering.crash:")
    with nothing_left(), pytest.raises(WorkerError, match="TVM's compiler crashed"):
        tvm_compile(str(model), output=tmp_path / "m.so")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_one_line_and_leaves_nothing(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    with nothing_left(), pytest.raises(DeployError, match="No space left on device"):
        tvm_compile(str(model), output=tmp_path / "m.so")
    assert list(tmp_path.iterdir()) == []
