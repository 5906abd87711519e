from __future__ import annotations

import contextlib
import resource
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest

from deploy_magics.errors import DeployError, ModelError
from deploy_magics.simplifying import Simplified, engine, simplify_file
from tests.simplifying import graphs

JOBS = "tests.simplifying.jobs"


def ops(path: Path) -> Counter[str]:
    return Counter(node.op_type for node in onnx.load(str(path)).graph.node)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "work"
    place.mkdir()
    return place


def simplified(proto: onnx.ModelProto, folder: Path, **options: object) -> Simplified:
    return simplify_file(graphs.save(proto, folder.parent / "model.onnx"), folder, **options)  # type: ignore[arg-type]


def test_batch_normalisation_folds_and_the_rest_stays_as_it_was(folder: Path) -> None:
    before = graphs.conv_bn(batch="N")
    found = simplified(before, folder)
    after = onnx.load(str(found.path))
    assert [node.op_type for node in after.graph.node] == ["Conv", "Relu", "Softmax"]
    assert found.backend.startswith("onnxsim ")
    assert after.graph.input == before.graph.input
    assert after.graph.output == before.graph.output
    assert after.metadata_props == before.metadata_props
    assert after.opset_import == before.opset_import
    assert (after.producer_name, after.producer_version, after.graph.name) == ("maker", "7", "g")
    assert not after.graph.value_info
    assert found.after == found.path.stat().st_size < found.before
    assert all(tensor.HasField("raw_data") for tensor in after.graph.initializer)


def test_simplifying_again_changes_nothing(folder: Path) -> None:
    first = simplified(graphs.conv_bn(), folder)
    again = folder / "again"
    again.mkdir()
    second = simplify_file(first.path, again)
    assert onnx.load(str(second.path)) == onnx.load(str(first.path))


@pytest.mark.parametrize("kind", ["Expand", "Tile", "ConstantOfShape", "MatMul"])
def test_a_small_file_does_not_blow_up(kind: str, folder: Path) -> None:
    found = simplified(graphs.exploding(kind, side=2000), folder)
    assert found.after <= 1.5 * found.before < 2000
    assert any("unfolded" in note for note in found.notes)


def test_growth_may_be_allowed(folder: Path) -> None:
    found = simplified(graphs.exploding("Expand", side=300), folder, max_growth=5000)
    assert ops(found.path) == {"Gather": 1}
    assert found.after > 300 * 300 * 4


def test_what_cannot_be_kept_small_is_refused_in_one_line(folder: Path) -> None:
    # Below its own size nothing can be had, so every effort of both fails.
    with pytest.raises(ModelError) as caught:
        simplified(graphs.unsorted(), folder, max_growth=0.5)
    assert "more than 0.5 times the model" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "the original is kept; allow more with --max-growth" in str(caught.value)


def test_where_onnxsim_refuses_onnx_runtime_does_it_and_is_named(folder: Path) -> None:
    proto = graphs.conv_bn()
    proto.graph.initializer.append(proto.graph.initializer[0])
    found = simplified(proto, folder)
    assert found.backend.startswith("ONNX Runtime ")
    assert found.notes[0] == "onnxsim refused: w initializer name is not unique"
    after = onnx.load(str(found.path))
    assert ops(found.path)["BatchNormalization"] == 0
    assert [(entry.domain, entry.version) for entry in after.opset_import] == [("", 17)]
    assert (after.producer_name, after.graph.name) == ("maker", "g")


@pytest.mark.parametrize(
    "what", ["untyped output", "output without shape", "no name", "old version", "domain spelt out"]
)
def test_what_the_checker_minds_and_no_runtime_does_is_no_obstacle(what: str, folder: Path) -> None:
    proto = graphs.conv_bn()
    if what == "untyped output":
        proto.graph.output[0].ClearField("type")
    elif what == "output without shape":
        proto.graph.output[0].type.tensor_type.ClearField("shape")
    elif what == "no name":
        proto.graph.ClearField("name")
    elif what == "old version":
        proto.ir_version = 3
    else:
        for node in proto.graph.node:
            node.domain = "ai.onnx"
    found = simplified(proto, folder)
    after = onnx.load(str(found.path))
    assert found.backend.startswith("onnxsim ")
    assert after.graph.output == proto.graph.output
    assert after.graph.name == proto.graph.name


def test_where_onnxsim_crashes_onnx_runtime_does_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "JOB", f"{JOBS}:onnxsim_crashes")
    found = simplified(graphs.conv_bn(), folder)
    assert found.backend.startswith("ONNX Runtime ")
    assert "onnxsim crashed: its process was ended by SIGABRT" in found.notes[0]


def test_where_onnxsim_hangs_onnx_runtime_does_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "JOB", f"{JOBS}:onnxsim_hangs")
    found = simplified(graphs.conv_bn(), folder, timeout=3)
    assert found.backend.startswith("ONNX Runtime ")
    assert found.notes[0] == "onnxsim took longer than 3 s and was ended"


def test_where_all_crash_it_is_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "JOB", f"{JOBS}:all_crash")
    with pytest.raises(ModelError, match=r"onnxsim crashed: .*; ONNX Runtime crashed: ") as caught:
        simplified(graphs.conv_bn(), folder)
    assert str(caught.value).endswith("; the original is kept")
    assert "\n" not in str(caught.value)


def test_memory_is_bounded(folder: Path) -> None:
    with pytest.raises(ModelError, match=r"took more than 20 MiB of memory .* allow more with --memory"):
        simplified(graphs.conv_bn(), folder, memory=20 * 2**20)


def test_a_full_disk_is_one_line(tmp_path: Path, folder: Path) -> None:
    proto = graphs.conv_bn()
    proto.graph.initializer.append(graphs.weight("ballast", np.ones(100_000, np.float32)))
    path = graphs.save(proto, tmp_path / "model.onnx")
    with _small_files(50_000), pytest.raises(DeployError, match=r"cannot write in .*: File too large") as caught:
        simplify_file(path, folder)
    assert "\n" not in str(caught.value)


def test_external_data_are_taken_in(tmp_path: Path, folder: Path) -> None:
    proto = graphs.conv_bn()
    onnx.save(proto, str(tmp_path / "split.onnx"), save_as_external_data=True, location="w.bin", size_threshold=0)
    found = simplify_file(tmp_path / "split.onnx", folder)
    after = onnx.load(str(found.path), load_external_data=False)
    assert not any(tensor.external_data for tensor in after.graph.initializer)
    assert [node.op_type for node in after.graph.node] == ["Conv", "Relu", "Softmax"]


def test_functions_survive(folder: Path) -> None:
    found = simplified(graphs.function(), folder)
    after = onnx.load(str(found.path))
    assert ops(found.path) == {"Twice": 1}
    assert [each.name for each in after.functions] == ["Twice"]


def test_branches_survive(folder: Path) -> None:
    found = simplified(graphs.branches(), folder)
    assert ops(found.path) == {"ReduceSum": 1, "Greater": 1, "If": 1}
    onnx.checker.check_model(str(found.path))


def test_a_loop_is_not_written_out_into_more_nodes(folder: Path) -> None:
    found = simplified(graphs.loop(times=16), folder)
    assert ops(found.path)["Loop"] == 1
    assert any("onnxsim refused: its result has 16 nodes, the model 4" in note for note in found.notes)


def test_the_worker_does_not_import_torch(folder: Path) -> None:
    from deploy_magics.workers import Worker

    path = graphs.save(graphs.conv_bn(), folder.parent / "model.onnx")
    here = "onnxsim" in sys.modules  # another test may have imported it
    with Worker("onnxsim") as worker:
        options = {"backend": "onnxsim", "shapes": {}, "max_growth": 1.5}
        worker.call("deploy_magics.simplifying._job:simplify", str(path), str(folder / "model.onnx"), **options)
        assert worker.call("sys:modules.get", "torch") is None
        assert worker.call("sys:modules.__contains__", "onnxsim")
    assert ("onnxsim" in sys.modules) == here


@contextlib.contextmanager
def _small_files(most: int) -> Iterator[None]:
    """Let no file grow beyond a size, which is what a full disk looks like; workers inherit it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_nothing_is_left_beside_the_result(folder: Path, tmp_path: Path) -> None:
    simplified(graphs.conv_bn(), folder)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.onnx", "work"]
