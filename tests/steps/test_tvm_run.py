"""``%tvm_run``: what it gives, what it refuses, and what an end before its time leaves."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, save

pytest.importorskip("tvm")

from deploy_magics import zoo
from deploy_magics.errors import ArgumentError, DeployError, Interrupted, ModelError, WorkerError
from deploy_magics.lowering.target import Target
from deploy_magics.progress import Progress, reporting
from deploy_magics.result import load_result
from deploy_magics.running import run_once
from deploy_magics.steps import _tvm_run_measure
from deploy_magics.steps._tvm_run_top import Scores, likeliest
from deploy_magics.steps.tvm_compile import TvmCompileResult, tvm_compile
from deploy_magics.steps.tvm_run import TvmRunResult, tvm_run
from deploy_magics.tuning.remote import Tracker
from tests.tuning.boards import Board, free_port


@pytest.fixture(scope="module")
def compiled() -> TvmCompileResult:
    return tvm_compile("digits")


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a real digit as input, and labels."""
    folder = tmp_path_factory.mktemp("given")
    images, _ = zoo.digits()
    np.savez(folder / "seven.npz", input=images[_seven() : _seven() + 1])
    (folder / "labels.txt").write_text("zero\none\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\n\n")
    return folder


def _seven() -> int:
    return int(np.flatnonzero(zoo.digits()[1] == 7)[0])


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that gives NaN for what is negative, and no vector besides."""
    info = helper.make_tensor_value_info
    nodes = [helper.make_node("Sqrt", ["x"], ["root/file"]), helper.make_node("Unsqueeze", ["x", "axes"], ["square"])]
    axes = helper.make_tensor("axes", TensorProto.INT64, [1], [1])
    outputs = [info("root/file", TensorProto.FLOAT, [1, 4]), info("square", TensorProto.FLOAT, [1, 1, 4])]
    graph = helper.make_graph(nodes, "odd", [info("x", TensorProto.FLOAT, [1, 4])], outputs, [axes])
    path = tmp_path_factory.mktemp("odd") / "odd.onnx"
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    return path


def test_it_says_what_it_sees_and_how_long_that_takes(compiled: TvmCompileResult, given: Path, tmp_path: Path) -> None:
    output = tmp_path / "predictions.npz"
    found = tvm_run(compiled, inputs=given / "seven.npz", output=output, repeat=20, labels=given / "labels.txt")
    [expected] = run_once(zoo.path("digits"), [dict(np.load(given / "seven.npz"))])
    for name, values in expected.items():
        np.testing.assert_allclose(found.outputs[name], values, rtol=1e-4, atol=1e-4)
        np.testing.assert_array_equal(np.load(output)[name], found.outputs[name])
    times, outputs, top = found.tables
    row = times.rows[0].cells
    [samples] = found.samples
    assert len(samples) == row["repeat"] == 20
    assert [row[key] for key in ("mean", "median", "max", "min", "std")] == pytest.approx(
        [f(samples.values) for f in (np.mean, np.median, np.max, np.min, np.std)]
    )
    # One measurement is long enough for a clock, whatever the model.
    assert float(str(row["median"])) * int(str(row["number"])) > 2
    assert outputs.values("shape") == ["1x10"]
    assert (top.values("label")[0], len(top.rows)) == ("seven", 5)
    assert "softmax" in top.notes[0]
    assert "most likely seven" in found.headline
    assert any("%bench" in note.text for note in found.notes)
    read = load_result(found.to_json())
    assert isinstance(read, TvmRunResult)
    with pytest.raises(DeployError, match="holds no outputs"):
        _ = read.outputs


def test_a_model_that_is_not_compiled_is_and_odd_outputs_are_said(odd: Path, tmp_path: Path) -> None:
    feeds = {"x": np.array([[4.0, -1.0, 1.0, -2.0]], np.float32)}
    found = tvm_run(str(odd), inputs=feeds, top=1, repeat=2, number=3, output=tmp_path / "o.npz")
    assert found.outputs["root/file"][0, [0, 2]].tolist() == [2, 1]
    assert np.load(tmp_path / "o.npz")["root/file"].shape == (1, 4)
    warnings = [note.text for note in found.notes if note.level == "warning"]
    assert warnings[0] == "output 'root/file' holds 2 NaN of 4 values"
    assert "not told" in warnings[1]
    assert len(found.tables) == 2
    assert found.tables[0].values("number") == [3]
    assert any("compiled here by rule" in note.text for note in found.notes)


def test_probabilities_are_taken_as_they_are_and_batches_number_by_number() -> None:
    values = np.array([[0.1, 0.7, 0.2], [0.5, 0.25, 0.25]], np.float32)
    found = likeliest(Scores("p", 3), values, 2, ["a", "b", "c"])
    assert [(row.cells["number"], row.cells["label"]) for row in found.table.rows] == [
        (0, "b"),
        (0, "c"),
        (1, "a"),
        (1, "b"),
    ]
    assert found.table.rows[0].cells["probability"] == pytest.approx(0.7)
    assert (found.table.notes, found.best) == (("'p' holds probabilities",), None)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"repeat": 0}, "--repeat must be at least 1"),
        ({"number": 0}, "--number must be at least 1"),
        ({"top": 0}, "--top must be at least 1"),
        ({"timeout": 0}, "must be above 0"),
        ({"output": "predictions.txt"}, r"ends in \.npz"),
        ({"output": "/nowhere/p.npz"}, "no folder '/nowhere'"),
        ({"output": "seven.npz"}, "exists and is left as it is; add --force"),
        ({"labels": "nowhere.txt"}, "no file of labels 'nowhere.txt'"),
        ({"labels": "seven.npz"}, "no file of labels"),
        ({"inputs": "nowhere.npz"}, "no data file"),
        ({"inputs": {"input": np.zeros((1, 1, 8, 9), np.float32)}}, "has shape 1x1x8x9 for 'input'"),
        ({"inputs": {"input": np.zeros((1, 1, 8, 8))}}, "has float64 for 'input'"),
        ({"inputs": {"image": np.zeros((1, 1, 8, 8), np.float32)}}, "no input of the model"),
        ({"inputs": {}}, "lacks input 'input'"),
        ({"key": "board"}, "--tracker and --key go together"),
        ({"tracker": "nonsense", "key": "board"}, "HOST:PORT"),
        ({"tracker": f"127.0.0.1:{free_port()}", "key": "board"}, "does not answer"),
        ({"dim": {"N": 1}}, "sizes cannot be bound"),
        ({"labels": "few.txt"}, "there are 2 labels, and 'logits' has 10 classes"),
    ],
)
def test_what_cannot_be_meant_is_one_line(
    compiled: TvmCompileResult, given: Path, options: dict[str, Any], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(given)
    Path("few.txt").write_text("one\ntwo\n")
    with pytest.raises(DeployError, match=says) as raised:
        tvm_run(compiled, **options)
    assert "\n" not in str(raised.value)


def test_what_runs_nowhere_here(compiled: TvmCompileResult, odd: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ArgumentError, match="no model was given"):
        tvm_run()
    with pytest.raises(ModelError, match=r"nothing\.so"):
        tvm_run("nothing.so")
    with pytest.raises(ArgumentError, match="is not compiled, and devices take what is"):
        tvm_run(str(odd), tracker="127.0.0.1:9190", key="board")
    monkeypatch.setattr(Target, "why_not_here", lambda self: "it is made for a board")
    with pytest.raises(ModelError, match="does not run here: it is made for a board"):
        tvm_run(compiled)


def test_top_needs_a_vector(tmp_path: Path) -> None:
    info = helper.make_tensor_value_info
    shape = [1, 2, 3]
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["boxes"])],
        "g",
        [info("x", TensorProto.FLOAT, shape)],
        [info("boxes", TensorProto.FLOAT, shape)],
    )
    path = tmp_path / "boxes.onnx"
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    with pytest.raises(ArgumentError, match=r"one value for each class.*boxes float32 1x2x3"):
        tvm_run(str(path), top=3)


class Stopping:
    """A reporter that interrupts at the first figure."""

    def update(self, progress: Progress) -> None:
        if progress.detail.endswith("ms"):
            raise KeyboardInterrupt

    def close(self) -> None: ...


def test_stop_keeps_the_outputs_and_what_was_measured(compiled: TvmCompileResult, tmp_path: Path) -> None:
    output = tmp_path / "p.npz"
    with reporting(Stopping), pytest.raises(Interrupted, match=r"interrupted after .* measurements; they") as raised:
        tvm_run(compiled, repeat=100_000, output=output)
    partial = raised.value.partial
    assert isinstance(partial, TvmRunResult)
    assert partial.status == "interrupted"
    assert 0 < len(partial.samples[0]) < 100_000
    np.testing.assert_array_equal(np.load(output)["logits"], partial.outputs["logits"])


@pytest.mark.parametrize(("name", "says"), [("crash", "crashed"), ("hang", "took longer than 0.8 s")])
def test_a_process_that_ends_or_hangs_is_one_line(
    compiled: TvmCompileResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, says: str
) -> None:
    monkeypatch.setattr(_tvm_run_measure, "JOB", "tests.steps.tvm_run_jobs:")
    shutil.copyfile(compiled.artefact.path, tmp_path / f"{name}.so")
    with pytest.raises(WorkerError, match=f"TVM with '{name}' {says}"):
        tvm_run(str(tmp_path / f"{name}.so"), timeout=0.8, output=tmp_path / "p.npz")
    assert not (tmp_path / "p.npz").exists()


def test_it_runs_on_a_device(compiled: TvmCompileResult, given: Path, boards: tuple[Tracker, Sequence[Board]]) -> None:
    tracker, _ = boards
    before = tracker.free()
    there = {"tracker": f"{tracker.host}:{tracker.port}", "key": tracker.key}
    far = tvm_run(
        compiled, inputs=given / "seven.npz", labels=given / "labels.txt", repeat=3, timeout=60, threads=64, **there
    )
    near = tvm_run(compiled, inputs=given / "seven.npz", repeat=1)
    np.testing.assert_array_equal(far.outputs["logits"], near.outputs["logits"])
    assert len(far.samples[0]) == 3
    # A server has the threads that it was started with.
    assert any("of 64 threads" in note.text for note in far.notes)
    assert dict(far.facts)["device"].startswith("board at 127.0.0.1:")
    # It was given back, which takes its server a moment.
    end = time.monotonic() + 20
    while tracker.free() != before:
        assert time.monotonic() < end
