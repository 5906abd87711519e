"""Runtimes that crash, hang or talk while they convert: a row of one line each, and nothing left behind."""

from __future__ import annotations

import gc
import tempfile
import threading
from pathlib import Path

import psutil
import pytest

from deploy_magics import running, temporary
from deploy_magics.errors import Interrupted
from deploy_magics.steps import _bench_ready
from deploy_magics.steps.bench import bench
from deploy_magics.steps.runtimes import runtimes
from tests.running.plug import plug
from tests.steps import bench_models


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return bench_models.matmuls(tmp_path / "a <b>'net' ü.onnx", 2, 8)


@pytest.fixture
def fragile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Bring the runtime as a package does."""
    plug(monkeypatch, tmp_path, "fragile", "tests.running.fragile:Fragile")
    monkeypatch.setattr(_bench_ready, "TIMEOUT_S", 5.0)
    return tmp_path


def left_behind() -> list[str]:
    """List what conversions left in the folder of this process: another one may be converting beside it."""
    return [str(path) for path in temporary._root().glob("*/[0-9]*/made") if path.is_dir()]


def test_what_breaks_while_it_converts_is_a_row_and_the_others_go_on(fragile: Path, small: Path) -> None:
    ways = ("aborts", "hangs", "talks", "raises", "nothing", "half", "dumb")
    before = set(left_behind())
    result = bench(small, on=["ort", *(f"fragile:{way}" for way in ways)], budget=1.0, processes=2)
    rows = {str(row.cells["name"]).removeprefix("fragile:"): row for row in result.table.rows}
    assert list(rows) == ["ort", *ways]
    assert {way: row.status for way, row in rows.items()} == {"ort": "ok", "talks": "wrong"} | dict.fromkeys(
        ("aborts", "hangs", "raises", "nothing", "half", "dumb"), "failed"
    )
    said = {
        "aborts": "SIGABRT",
        "hangs": "took longer than 5 s",
        "raises": "first line second line",
        "nothing": "No such file",
        "half": "a.made ends in the middle",
        "dumb": "cannot say whether it runs here: RuntimeError: first line second line",
    }
    for way, text in said.items():
        assert text in rows[way].note, way
        assert "\n" not in rows[way].note
    assert any("does not compute what ONNX Runtime computes" in note.text for note in result.notes)
    assert set(left_behind()) <= before
    assert not [child for child in psutil.Process().children(recursive=True) if "deploy_magics" in str(child.cmdline())]


def test_a_runtime_that_cannot_tell_of_itself_is_listed_all_the_same(fragile: Path) -> None:
    rows = {str(row.cells["name"]): row for row in runtimes("fragile", "fragile:dumb").table.rows}
    assert rows["fragile"].cells["version"] == "(unknown: LookupError: no version at all)"
    assert "repair or remove its package" in rows["fragile:dumb"].note


def test_an_interrupt_while_one_converts_leaves_nothing(
    fragile: Path, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import _thread

    monkeypatch.setattr(_bench_ready, "TIMEOUT_S", 60.0)
    before = set(left_behind())
    timer = threading.Timer(3.0, _thread.interrupt_main)
    timer.start()
    with pytest.raises(Interrupted, match="interrupted before anything was measured"):
        bench(small, on=["ort", "fragile:hangs"], budget=1.0, processes=2)
    timer.join()
    assert set(left_behind()) <= before


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary folder that nothing else uses."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(temporary, "_roots", {})
    return folder


def left_in(place: Path) -> list[Path]:
    """List what lies there besides the folder that this process keeps."""
    own = temporary._root()
    return [path for path in (*place.iterdir(), *own.iterdir()) if path not in (own, own / "owner")]


@pytest.mark.parametrize("on", ["openvino", "fragile:hangs"])
def test_workers_leave_nothing_in_the_temporary_folder(on: str, fragile: Path, small: Path, place: Path) -> None:
    bench(small, on=["ort", on], budget=0.2, processes=2)
    assert left_in(place) == []


def test_what_a_compiler_keeps_for_itself_goes_with_its_worker(place: Path) -> None:
    torch = pytest.importorskip("torch")
    why = running.get("torch:compile").why_not()
    if why is not None:
        pytest.skip(why)
    module = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.ReLU()).eval()
    result = bench((module, torch.ones(1, 4)), on=["torch:compile"], budget=0.2, processes=2)
    assert [row.status for row in result.table.rows] == ["ok"]
    del result
    gc.collect()
    assert left_in(place) == []


def test_a_full_disk_is_one_line(fragile: Path, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("deploy_magics.steps._bench_ready.Path.mkdir", full)
    result = bench(small, on=["ort", "fragile:talks"], budget=1.0, processes=2)
    assert [row.status for row in result.table.rows] == ["ok", "failed"]
    assert "No space left on device" in result.table.rows[1].note
