"""What a handle promises: one content, unchanged, wherever it came from."""

from __future__ import annotations

import copy
import gc
import hashlib
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from deploy_magics import files, workers
from deploy_magics.errors import DeployError, ModelError
from deploy_magics.model import Limits, Model
from tests.model.build import external, linear, model, tensor, value


@pytest.fixture
def path(tmp_path: Path) -> Path:
    onnx.save(linear(), tmp_path / "net.onnx")
    return tmp_path / "net.onnx"


def ran(made: Model) -> np.ndarray[Any, Any]:
    with made.file() as file:
        out = workers.call("deploy_magics.model._native:run", str(file), made.feeds(), name="run", timeout=60)
    return out["y"]


def test_of_a_path(path: Path) -> None:
    made = Model.of(path)
    assert (made.name, made.source, made.path) == ("net", str(path), path)
    assert [str(spec) for spec in (*made.inputs, *made.outputs)] == ["x: float32[N, 200]", "y: float32[N, 100]"]
    assert made.size_bytes == path.stat().st_size
    assert made.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert made.proto == linear()
    with made.file() as file:
        assert file == path
    assert repr(made).startswith("<Model 'net' from ")


def test_of_many_things(path: Path) -> None:
    first = Model.of(path)
    assert Model.of(first) is first
    assert Model.of(SimpleNamespace(model=first)) is first
    assert Model.of(("before", path)).name == "before"
    assert Model.of(("before", path), label="after").name == "after"
    assert Model.of(str(path), dims={"N": 2}).inputs[0].shape == (2, 200)
    assert Model.of(first, limits=Limits(7)).limits.max_bytes == 7


def test_path_with_blanks_and_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    onnx.save(model(), tmp_path / "mein Netz é.onnx")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Model.of("~/mein Netz é.onnx").name == "mein Netz é"
    monkeypatch.chdir(tmp_path)
    assert Model.of("mein Netz é.onnx").feeds()


def test_of_a_proto_is_of_it_as_it_was() -> None:
    proto = linear()
    made = Model.of(proto)
    before = ran(made)
    proto.graph.initializer[0].raw_data = bytes(len(proto.graph.initializer[0].raw_data))
    assert (made.path, made.source, made.name) == (None, "ModelProto", "graph")
    assert np.array_equal(ran(made), before)
    assert made.proto == linear()


def test_changing_the_proto_changes_nothing_else(path: Path) -> None:
    made = Model.of(path)
    made.proto.graph.input[0].name = "other"
    assert made.inputs[0].name == "x"
    assert made.skeleton.graph.input[0].name == "x"


def test_large_weights_stay_in_the_file(path: Path) -> None:
    made = Model.of(path)
    assert made.skeleton.ByteSize() < 2000
    assert made.skeleton.graph.initializer[0].dims == [200, 100]
    expected = {t.name: onnx.numpy_helper.to_array(t) for t in linear().graph.initializer}
    found = dict(made.weights())
    assert list(found) == ["w", "b"]
    assert all(np.array_equal(found[name], expected[name]) for name in expected)


def test_weights_are_bounded(path: Path) -> None:
    with pytest.raises(ModelError, match=r"'w' takes 78\.1 KiB"):
        list(Model.of(path).weights(max_bytes=1000))
    assert len(list(Model.of(path).weights(max_bytes=80_000))) == 2


def test_weights_of_constants_and_subgraphs() -> None:
    inner = helper.make_graph(
        [helper.make_node("Add", ["x", "deep"], ["z"])], "b", [], [value("z")], [tensor("deep", [[1.0, 2.0, 3.0]])]
    )
    other = helper.make_graph(
        [helper.make_node("Constant", [], ["o"], value=tensor("t", [5.0]))], "o", [], [value("o")]
    )
    nodes = [helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=other)]
    proto = model(nodes, [value("x"), value("c", (), onnx.TensorProto.BOOL)])
    assert {name: array.tolist() for name, array in Model.of(proto).weights()} == {"deep": [[1, 2, 3]], "o": [5]}


def test_with_proto(path: Path) -> None:
    made = Model.of(path, dims={"N": 3})
    proto = onnx.ModelProto()
    proto.CopyFrom(made.skeleton)
    proto.graph.node[1].op_type = "Sub"
    other = made.with_proto(proto, source="changed")
    assert (other.name, other.source, other.path, other.dims) == ("net", "changed", None, {"N": 3})
    bias = dict(made.weights())["b"]
    assert np.allclose(ran(made) - ran(other), 2 * bias, atol=1e-4)
    assert other.digest != made.digest


@pytest.mark.parametrize("start", ["skeleton", "proto"])
def test_large_weights_are_written_one_at_a_time(start: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from deploy_magics.model import _write

    monkeypatch.setattr(_write, "STREAM_BYTES", 0)
    made = Model.of(path)
    other = made.with_proto(getattr(made, start), source="copied")
    assert other.external_files == ()
    assert other.proto == made.proto
    assert np.array_equal(ran(other), ran(made))


def test_with_proto_of_nonsense_is_refused(path: Path) -> None:
    proto = onnx.ModelProto()
    with pytest.raises(ModelError, match="changed"):
        Model.of(path).with_proto(proto, source="changed")


def test_temporary_files_go_with_their_handles() -> None:
    made = Model.of(linear())
    with made.file() as file:
        assert file.is_file()
    renamed = made.renamed("other")
    del made
    gc.collect()
    assert file.is_file()
    del renamed
    gc.collect()
    assert not file.exists()


ENDS = """
import os, sys, signal
from deploy_magics.model import Model
from tests.model.build import linear
made = Model.of(linear())
with made.file() as file:
    print(file, flush=True)
    {end}
"""


@pytest.mark.parametrize("end", ["pass", "sys.exit(3)", "raise KeyboardInterrupt", "os.fork() or sys.exit()"])
def test_temporary_files_go_with_the_process(end: str) -> None:
    done = subprocess.run([sys.executable, "-c", ENDS.format(end=end)], capture_output=True, text=True, timeout=60)
    file = Path(done.stdout.splitlines()[0])
    assert file.name == "model.onnx"
    assert not file.exists()
    assert not file.parent.parent.exists()


def test_what_a_killed_process_left_is_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    for end, left in (("os.kill(os.getpid(), signal.SIGKILL)", 1), ("pass", 0)):
        subprocess.run([sys.executable, "-c", ENDS.format(end=end)], capture_output=True, timeout=60)
        assert len(list(tmp_path.iterdir())) == left


def test_pickling_goes_by_path(path: Path) -> None:
    made = Model.of(("before", path), dims={"N": 2}).bind()
    again = pickle.loads(pickle.dumps(made))
    assert (again.name, again.path, again.inputs, again.dims) == ("before", path, made.inputs, {"N": 2})
    assert len(pickle.dumps(made)) < 1000
    with pytest.raises(pickle.PicklingError, match="no file of its own"):
        pickle.dumps(Model.of(linear()))
    assert copy.deepcopy(made) is made
    assert copy.copy(made) is made


def test_a_file_that_changed_is_not_used(path: Path) -> None:
    made = Model.of(path)
    onnx.save(model(), path)
    for use in (made.file().__enter__, made.weights, lambda: made.proto, made.check, lambda: made.save(path)):
        with pytest.raises(ModelError, match="changed since it was opened"):
            use()
    assert Model.of(path).inputs[0].shape == (1, 3)


def test_save(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy.onnx"
    assert Model.of(path).save(target) == target
    assert target.read_bytes() == path.read_bytes()
    with pytest.raises(DeployError, match="exists"):
        Model.of(linear()).save(target)
    Model.of(model()).save(target, force=True)
    assert Model.of(target).inputs[0].shape == (1, 3)
    with pytest.raises(DeployError, match="cannot write"):
        Model.of(path).save(tmp_path / "none" / "a.onnx")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["copy.onnx", "net.onnx"]


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    path = folder / "net.onnx"
    onnx.save(linear(), path, save_as_external_data=True, location="net.bin", size_threshold=1024)
    return path


def test_external_data_go_everywhere(outside: Path, path: Path, tmp_path: Path) -> None:
    made = Model.of(outside)
    assert made.external_files == (outside.parent / "net.bin",)
    assert made.size_bytes == outside.stat().st_size + (outside.parent / "net.bin").stat().st_size
    assert made.proto.graph.initializer[0].data_location == onnx.TensorProto.EXTERNAL
    expected = ran(Model.of(path))
    assert np.array_equal(ran(made), expected)
    saved = Model.of(made.save(tmp_path / "other.onnx"))
    assert sorted(p.name for p in tmp_path.glob("other*")) == ["other.onnx", "other.onnx.data"]
    assert np.array_equal(ran(saved), expected)
    changed = made.with_proto(made.proto, source="changed")
    assert changed.external_files == ()
    assert np.array_equal(ran(changed), expected)
    assert [name for name, _ in saved.weights()] == ["w", "b"]
    assert made.digest != Model.of(path).digest


def test_saving_external_data_over_others(outside: Path, tmp_path: Path) -> None:
    made = Model.of(outside)
    (tmp_path / "a.onnx.data").write_bytes(b"mine")
    with pytest.raises(DeployError, match=r"a\.onnx\.data' exists"):
        made.save(tmp_path / "a.onnx")
    assert not (tmp_path / "a.onnx").exists()
    assert (tmp_path / "a.onnx.data").read_bytes() == b"mine"
    made.save(tmp_path / "a.onnx", force=True)
    assert Model.of(tmp_path / "a.onnx").external_files


def test_saving_over_itself_leaves_one_file_of_data(tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    onnx.save(linear(), path, save_as_external_data=True, location="a.onnx.data", size_threshold=1024)
    before = onnx.load(path)
    Model.of(path).save(path, force=True)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.onnx", "a.onnx.data"]
    assert onnx.load(path).graph.initializer[0].raw_data == before.graph.initializer[0].raw_data


@pytest.mark.parametrize("steps", range(4))
def test_an_interrupted_save_leaves_a_model_with_its_own_weights(
    steps: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, factor in (("old", 1.0), ("new", 2.0)):
        proto = linear()
        weight = onnx.numpy_helper.to_array(proto.graph.initializer[0]) * np.float32(factor)
        proto.graph.initializer[0].raw_data = weight.tobytes()
        proto.graph.name = name
        (tmp_path / name).mkdir()
        place = tmp_path / name / "a.onnx"
        onnx.save(proto, place, save_as_external_data=True, location="a.onnx.data", size_threshold=1024)
    expected = {name: onnx.load(tmp_path / name / "a.onnx").graph.initializer[0].raw_data for name in ("old", "new")}
    target = tmp_path / "old" / "a.onnx"
    done = 0

    def interrupting(move: Callable[..., Any]) -> Callable[..., Any]:
        def moved(*args: Any, **kwargs: Any) -> Any:
            nonlocal done
            if done == steps:
                raise KeyboardInterrupt
            done += 1
            return move(*args, **kwargs)

        return moved

    made = Model.of(tmp_path / "new" / "a.onnx")
    # A file takes its name in one of two ways.
    monkeypatch.setattr(Path, "replace", interrupting(Path.replace))
    monkeypatch.setattr("deploy_magics.files._place", interrupting(files._place))
    with pytest.raises(KeyboardInterrupt):
        made.save(target, force=True)
    monkeypatch.undo()
    left = onnx.load(target)
    assert left.graph.initializer[0].raw_data == expected[left.graph.name]
    assert len(list(target.parent.iterdir())) <= 3
    made.save(target, force=True)
    assert onnx.load(target).graph.initializer[0].raw_data == expected["new"]


def test_external_file_that_changed(outside: Path) -> None:
    made = Model.of(outside)
    with (outside.parent / "net.bin").open("ab") as file:
        file.write(b"more")
    with pytest.raises(ModelError, match="changed"), made.file():
        pass


def test_larger_than_one_file_may_be(tmp_path: Path) -> None:
    # Sparse data of 3 GiB: nothing of it may be read to open the model, nor need one file hold it.
    path = external(tmp_path, "w.bin")
    proto = onnx.load(path, load_external_data=False)
    del proto.graph.initializer[0].dims[:]
    proto.graph.initializer[0].dims.extend([3 * 2**28])
    path.write_bytes(proto.SerializeToString())
    with (tmp_path / "w.bin").open("wb") as file:
        file.truncate(3 * 2**30)
    made = Model.of(path)
    assert made.size_bytes > 3 * 2**30
    assert made.feeds()["x"].shape == (1, 3)
    assert made.skeleton.ByteSize() < 1000
    with pytest.raises(ModelError, match=r"takes 3.0 GiB, and 2.0 GiB are allowed"):
        next(made.weights())


def test_written_with_external_data_when_too_large(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from deploy_magics.model import _write

    monkeypatch.setattr(_write, "ONE_FILE_BYTES", 1000)
    made = Model.of(path).with_proto(linear(), source="large")
    assert len(made.external_files) == 1
    assert np.array_equal(ran(made), ran(Model.of(path)))
    saved = Model.of(made.save(tmp_path / "large.onnx"))
    assert np.array_equal(ran(saved), ran(made))
