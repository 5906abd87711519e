from __future__ import annotations

import functools
import importlib
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import psutil
import pytest

from deploy_magics import temporary
from deploy_magics.errors import ArgumentError, DeployError, Interrupted, ModelError, VerificationError, WorkerError
from deploy_magics.model import Limits, Model
from deploy_magics.result import Missing, load_result
from deploy_magics.simplifying import engine
from deploy_magics.steps._simplify_run import output_paths
from deploy_magics.steps._simplify_speed import Pair, with_speed
from deploy_magics.steps.simplify import SimplifyResult, simplify
from tests.simplifying import graphs

JOBS = "tests.simplifying.jobs"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return graphs.save(graphs.conv_bn(batch="N"), tmp_path / "small.onnx")


@pytest.fixture
def scratch(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary folder that nothing else uses, to see what is left in it."""
    folder = tmp_path_factory.mktemp("scratch")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(temporary, "_roots", {})
    return folder


@pytest.fixture(scope="module")
def slim(tmp_path_factory: pytest.TempPathFactory) -> SimplifyResult:
    return simplify(graphs.save(graphs.conv_bn(batch="N"), tmp_path_factory.mktemp("slim") / "small.onnx"))


def cells(result: SimplifyResult, table: int = 0) -> dict[object, tuple[object, object]]:
    return {row.cells["what"]: (row.cells["before"], row.cells["after"]) for row in result.tables[table].rows}


def test_resnet50_gives_the_published_table() -> None:
    result = simplify("light_resnet50")
    assert cells(result) == {
        "AveragePool": (1, 1),
        "BatchNormalization": (53, 0),
        "Conv": (53, 53),
        "Gemm": (1, 1),
        "MaxPool": (1, 1),
        "Relu": (49, 49),
        "Reshape": (1, 1),
        "Softmax": (1, 1),
        "Sum": (16, 16),
        "nodes": (176, 123),
        "params": (25_557_032, 25_530_472),
        "MACs": (4_089_184_256, 4_089_184_256),
        "weights (MiB)": ("97.695", "97.391"),
        "model size (MiB)": ("97.7", "97.4"),
    }
    assert result.headline == "light_resnet50: 176 → 123 nodes, 97.7 → 97.4 MiB; computes the same"
    found = result.meta["models"][0]["verification"]
    assert 0 < found["differences"][0]["max_rel"] < 1e-5
    assert not result.notes
    assert result.table.notes == ("MACs by the convention conv+linear",)


def test_real_models_become_smaller_and_compute_the_same(shared_models: Path) -> None:
    result = simplify(*sorted(shared_models.glob("*.onnx")))
    after = {row.cells["model"]: row.cells for row in result.table.rows}
    assert len(result.tables) == 1 + len(result.table.rows) == 7
    assert all(row.status == "ok" for row in result.table.rows)
    assert (after["ultraface_rfb320"]["nodes_before"], after["ultraface_rfb320"]["nodes"]) == (242, 128)
    for name, line in after.items():
        assert isinstance(line["error"], float), name
        assert line["error"] < 10
        assert line["nodes"] <= line["nodes_before"]
        assert line["size"] <= line["size_before"]
    assert [model.name for model in result.models] == [f"{name}_simplified" for name in after]
    with pytest.raises(DeployError, match="holds 6 models"):
        _ = result.model


def test_the_result_is_a_model_to_go_on_with(slim: SimplifyResult) -> None:
    assert slim.model.name == "small_simplified"
    assert [node.op_type for node in slim.model.proto.graph.node] == ["Conv", "Relu", "Softmax"]
    facts = dict(slim.facts)
    assert facts["simplified by"].startswith("onnxsim ")
    assert facts["max error"].endswith("of the output's range over 4 inputs")
    assert facts["tolerance"] == "1e-04 (float32)"
    again = simplify(slim)
    assert again.headline == "small_simplified: nothing to simplify"
    assert [str(value).partition(" (")[0] for value in again.table.values("what")] == [
        *("nodes", "params", "MACs", "weights", "model size")
    ]
    assert again.model is slim.model


def test_a_bound_dimension_is_fixed_and_others_stay_open(slim: SimplifyResult, small: Path) -> None:
    assert slim.model.inputs[0].shape == ("N", 3, 8, 8)
    fixed = simplify(small, dim={"N": 4}).model
    assert fixed.inputs[0].shape == (4, 3, 8, 8)
    assert fixed.outputs[0].shape == (4, 4, 8, 8)
    assert fixed.proto.graph.input[0].type.tensor_type.shape.dim[0].dim_value == 4


def test_a_result_saved_and_read_again_has_all_but_the_model(slim: SimplifyResult) -> None:
    again = load_result(slim.to_json())
    assert isinstance(again, SimplifyResult)
    assert (again.headline, again.tables) == (slim.headline, slim.tables)
    assert (again.facts, again.meta) == (slim.facts, slim.meta)
    with pytest.raises(DeployError, match="holds no model"):
        _ = again.model


@pytest.mark.parametrize("job", ["changes_results", "breaks"])
def test_a_wrong_result_is_an_error_and_nothing_is_written(
    job: str, small: Path, tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "JOB", f"{JOBS}:{job}")
    with pytest.raises(VerificationError) as caught:
        simplify(small, output=tmp_path / "out.onnx")
    assert str(caught.value).endswith("the original is kept")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out.onnx").exists()
    assert left_in(scratch) == []


def test_a_random_value_made_a_constant_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = [graphs.node("RandomNormal", [], ["r"], shape=[2, 3]), graphs.node("Add", ["x", "r"], ["y"])]
    proto = graphs.model(nodes, [graphs.value("x", [2, 3])], [graphs.value("y", [2, 3])])
    path = graphs.save(proto, tmp_path / "random.onnx")
    result = simplify(path)
    assert "output 'y' is random" in result.notes[-1].text
    monkeypatch.setattr(engine, "JOB", f"{JOBS}:freezes_random")
    with pytest.raises(VerificationError, match="was random and is the same at each run now"):
        simplify(path)


def test_a_model_that_does_not_run_is_not_simplified(tmp_path: Path) -> None:
    proto = graphs.model(
        [graphs.node("Identity", ["x"], ["a"]), graphs.node("Frobnicate", ["a"], ["y"])],
        [graphs.value("x", [2])],
        [graphs.value("y", [2])],
    )
    with pytest.raises(ModelError, match=r"nothing can be verified, since the model itself does not run: .*Frobnicate"):
        simplify(proto)


def test_files_are_named_and_never_overwritten_silently(small: Path, tmp_path: Path) -> None:
    out = tmp_path / "slim.onnx"
    result = simplify(small, output=out)
    assert result.model.path == out
    assert dict(result.facts)["written to"] == str(out)
    assert [node.op_type for node in onnx.load(out).graph.node] == ["Conv", "Relu", "Softmax"]
    out.write_text("mine")
    with pytest.raises(DeployError, match="exists and is left as it is; add --force to overwrite it"):
        simplify(small, output=out)
    assert out.read_text() == "mine"
    simplify(small, output=small, force=True)
    assert len(onnx.load(small).graph.node) == 3


def test_in_a_folder_each_result_has_a_name_of_its_own(small: Path, tmp_path: Path) -> None:
    models = Model.all_of([("a/b", small), ("c", small)])
    paths = output_paths(models, tmp_path, force=False)
    assert [path.name for path in paths] == ["a_b_simplified.onnx", "c_simplified.onnx"]
    with pytest.raises(ArgumentError, match="two models would be written to"):
        output_paths(Model.all_of([("a/b", small), ("a:b", small)]), tmp_path, force=False)
    paths[1].touch()
    with pytest.raises(DeployError, match="exists and is left as it is"):
        output_paths(models, tmp_path, force=False)


@pytest.mark.parametrize(
    ("output", "says"),
    [("nowhere/out.onnx", "there is no folder"), ("out.txt", "'out.txt' is not named so"), ("nowhere/", "no folder")],
)
def test_an_output_that_cannot_be_is_refused_before_any_work(
    output: str, says: str, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(small.parent)
    monkeypatch.setattr(engine, "JOB", f"{JOBS}:all_crash")
    with pytest.raises(DeployError, match=says):
        simplify(small, output=output)


@pytest.mark.parametrize(
    "options",
    [{"tolerance": -1.0}, {"tolerance": float("nan")}, {"max_growth": 0.5}, {"timeout": 0.0}, {"memory": 0.0}],
)
def test_options_are_checked(options: dict[str, float], small: Path) -> None:
    with pytest.raises(ArgumentError, match="--"):
        simplify(small, **options)  # type: ignore[arg-type]


def test_no_model_is_one_line() -> None:
    with pytest.raises(ArgumentError, match="no model was given"):
        simplify()


def test_only_models_that_lost_nodes_are_said_to_have(small: Path) -> None:
    slim = simplify(small).model
    result = simplify(("big", small), ("slim", slim), ("slim too", slim))
    assert result.headline == "1 of 3 models lost nodes, and compute the same"
    assert result.tables[1].columns[0].title == "op type"
    assert result.tables[2].columns[0].title == "total"
    assert simplify(("a", slim), ("b", slim)).headline == "nothing to simplify in 2 of 2 models"


def test_one_of_several_that_fails_is_a_row(small: Path) -> None:
    broken = graphs.model([graphs.node("Frob", ["x"], ["y"])], [graphs.value("x", [2])], [graphs.value("y", [2])])
    result = simplify(("bad", broken), ("good", small))
    bad, good = result.table.rows
    assert (bad.status, good.status) == ("failed", "ok")
    assert isinstance(bad.cells["by"], Missing)
    assert "Frob" in bad.note
    assert result.headline == "1 of 2 models lost nodes, and compute the same; 1 could not be simplified"
    assert [model.name for model in result.models] == ["good_simplified"]
    with pytest.raises(DeployError, match=r"none could be simplified: a: .*; b: "):
        simplify(("a", broken), ("b", broken))


def test_own_data_and_tolerance(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez(tmp_path / "in.npz", x=graphs.floats(9, 5, 3, 8, 8))
    result = simplify(small, data=tmp_path / "in.npz")
    assert "over 5 inputs" in dict(result.facts)["max error"]
    with pytest.raises(ModelError, match="there is no data file"):
        simplify(small, data=tmp_path / "none.npz")
    monkeypatch.setattr(engine, "JOB", f"{JOBS}:changes_results")
    assert simplify(small, tolerance=0.5).facts[2] == ("tolerance", "5e-01 (as given)")


def test_a_timeout_and_a_bound_on_memory_are_one_line(small: Path, scratch: Path) -> None:
    with pytest.raises(WorkerError, match=r"took longer than 0.05 s and was ended; .* allow more with --timeout"):
        simplify(small, timeout=0.05)
    with pytest.raises(WorkerError, match="allow more with --memory"):
        simplify(small, memory=0.01)
    assert left_in(scratch) == []


def test_an_interrupt_ends_the_worker_and_keeps_what_is_done(
    small: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "JOB", f"{JOBS}:second_waits_for_ever")
    second = small.with_name("second.onnx")
    shutil.copyfile(small, second)
    begun = second.with_suffix(".begun")

    def interrupt_when_begun() -> None:
        end = time.monotonic() + 60
        while not begun.exists() and time.monotonic() < end:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    watcher = threading.Thread(target=interrupt_when_begun)
    watcher.start()
    with pytest.raises(Interrupted) as caught:
        simplify(("first", small), second, timeout=60)
    watcher.join()
    assert str(caught.value) == "interrupted while simplifying 'second'; 1 of 2 models are done and kept"
    partial = caught.value.partial
    assert isinstance(partial, SimplifyResult)
    assert (partial.status, [model.name for model in partial.models]) == ("interrupted", ["first_simplified"])
    pid, folder = begun.read_text().split(maxsplit=1)
    assert not psutil.pid_exists(int(pid))
    assert not Path(folder).exists()


def test_two_at_once_do_not_disturb_each_other(small: Path, tmp_path: Path) -> None:
    def one(name: str) -> SimplifyResult:
        return simplify(small, output=tmp_path / f"{name}.onnx")

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(one, "ab")
    assert first.headline == second.headline
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()


def test_speed_is_added_where_asked_for(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("deploy_magics.steps.bench")
    monkeypatch.setattr(module, "bench", functools.partial(module.bench, budget=0.3, processes=2))
    result = simplify(small, bench=True)
    assert [table.title for table in result.tables] == ["", "speed"]
    assert result.tables[1].values("name") == ["before", "after"]
    assert [samples.name for samples in result.samples] == ["before", "after"]
    assert "x as fast" in dict(result.facts)["speed"]
    assert load_result(result.to_json()).samples == result.samples
    again = with_speed(result, [Pair(result.model, result.model)], data=None)
    assert again.notes[-1].text == "nothing changed, so speed was not measured"


def test_hostile_names_stay_data(tmp_path: Path) -> None:
    proto = graphs.conv_bn()
    proto.graph.output[0].name = proto.graph.node[-1].output[0] = "<script>y</script>"
    proto.graph.input[0].name = proto.graph.node[0].input[0] = "../x\n"
    result = simplify(("<b>../../evil</b>", proto), output=f"{tmp_path}/")
    assert [path.name for path in tmp_path.iterdir()] == ["_b_.._.._evil__b__simplified.onnx"]
    assert result.model.outputs[0].name == "<script>y</script>"


@pytest.mark.parametrize(
    "make",
    [graphs.unsorted, graphs.branches, graphs.padded_pool],
    ids=lambda make: make.__name__,
)
def test_odd_models_come_out_right(make: Callable[[], onnx.ModelProto]) -> None:
    result = simplify(make())
    assert result.meta["models"][0]["verification"]["ok"]


def test_external_data_come_inside(tmp_path: Path) -> None:
    proto = graphs.conv_bn()
    onnx.save(proto, str(tmp_path / "split.onnx"), save_as_external_data=True, location="w.bin", size_threshold=0)
    result = simplify(tmp_path / "split.onnx", output=tmp_path / "out.onnx")
    assert not Model.of(tmp_path / "out.onnx").external_files
    assert "→ 3 nodes" in result.headline


def left_in(scratch: Path) -> list[str]:
    """List the files in a temporary folder, but for the mark of its owner."""
    return [path.name for path in scratch.rglob("*") if path.is_file() and path.name != "owner"]


def test_a_bound_dimension_is_bound_in_the_file_though_nothing_else_changes(tmp_path: Path) -> None:
    target = tmp_path / "fixed.onnx"
    result = simplify(graphs.relu_of_any_batch(), dim={"N": 1}, output=target)
    assert Model.of(target).inputs[0].shape == (1, 4)
    assert result.model.inputs[0].shape == (1, 4)


def test_the_setting_bounds_a_folded_constant(monkeypatch: pytest.MonkeyPatch) -> None:
    model = graphs.exploding("Expand", side=50)
    folded = simplify(model, max_growth=1000)
    monkeypatch.setattr(Limits, "default_max_bytes", 5_000)
    kept = simplify(model, max_growth=1000)
    assert folded.model.size_bytes > 10_000 > kept.model.size_bytes
