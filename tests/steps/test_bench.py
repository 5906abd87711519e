from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from deploy_magics.errors import ArgumentError, DeployError, Interrupted, ModelError
from deploy_magics.result import Missing, Ratio, Row, load_result
from deploy_magics.steps import _bench_result, _bench_run
from deploy_magics.steps._bench_words import _alone, _versus
from deploy_magics.steps.bench import BenchResult, bench
from tests.running.plug import plug
from tests.steps import bench_models

ROOT = Path(__file__).parents[2]


def quick(*models: Any, **options: Any) -> BenchResult:
    return bench(*models, **{"processes": 2, "budget": 0.5, **options})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def small(folder: Path) -> Path:
    return bench_models.matmuls(folder / "small.onnx", 4)


@pytest.fixture(scope="module")
def large(folder: Path) -> Path:
    return bench_models.matmuls(folder / "large.onnx", 400)


@pytest.fixture(scope="module")
def pair(small: Path, large: Path) -> BenchResult:
    return quick(("before", large), ("after", small), budget=1.0)


def test_the_table_says_what_it_should(pair: BenchResult) -> None:
    table = pair.table
    assert [c.title for c in table.columns if c.shown] == [
        "model", "p50", "mean", "p99", "throughput", "load", "peak memory", "speed-up",
    ]  # fmt: skip
    keys = {column.key for column in table.columns}
    assert keys >= {"std", "min", "max", "p90", "p95", "first", "warmup", "runs", "processes"}
    assert table.values("name") == ["before", "after"]
    assert table.baseline == 0
    for row, samples in zip(table.rows, pair.samples, strict=True):
        cells = row.cells
        assert set(cells) <= keys
        assert cells["runs"] == len(samples) > 100
        assert cells["p50"] == pytest.approx(float(np.median(samples.values)))
        assert cells["mean"] == pytest.approx(float(samples.values.mean()))
        assert cells["min"] == samples.values.min()
        assert cells["max"] == samples.values.max()
        assert cells["p90"] == pytest.approx(float(np.percentile(samples.values, 90)))
        assert isinstance(cells["throughput"], float)
        assert 0 < cells["throughput"] <= 1e3 / samples.values.min()
        assert all(isinstance(cells[key], float) and cells[key] > 0 for key in ("load", "first"))  # type: ignore[operator]
        assert isinstance(cells["memory"], float)
    assert samples.unit == "ms"
    assert table.column("p50").label == "p50 (ms)"


def test_ratios_are_speed_ups_and_can_be_taken_between_any_two(pair: BenchResult) -> None:
    ratio = pair.ratio("after")
    assert ratio.low < ratio.value < ratio.high
    assert ratio.value > 5
    back = pair.ratio("before", to="after")
    assert back.value * ratio.value == pytest.approx(1)
    assert back.low * ratio.high == pytest.approx(1)
    assert pair.ratio("before") == Ratio.exact(1.0)
    assert pair.table.rows[1].cells["speedup"] == ratio
    assert pair.verdict("after") == ratio.verdict
    assert pair.p50("before") > 5 * pair.p50("after")
    assert pair.throughput("after") > pair.throughput("before")
    with pytest.raises(DeployError, match="did you mean 'after'"):
        pair.ratio("aftr")


def test_the_headline_says_how_sure_it_is(pair: BenchResult) -> None:
    assert "95 % interval" in pair.headline
    assert "after" in pair.headline
    assert "before" in pair.headline
    assert pair.headline.startswith("after is faster than before: ")
    assert "x its speed (95 % interval " in pair.headline


def test_headlines_of_what_is_slower_and_of_what_takes_microseconds() -> None:
    slower = _versus(Ratio(0.803, 0.791, 0.814, "slower"), "after", "before")
    assert slower == "after is slower than before: 0.803x its speed (95 % interval 0.791 to 0.814)"
    assert _alone(Row({"name": "a", "p50": 0.01234, "throughput": 8e4}), "a").startswith("a takes 12.34 µs (p50)")
    assert _alone(Row({"name": "a", "p50": 0.1234, "throughput": 8e3}), "a").startswith("a takes 0.1234 ms (p50)")


def test_all_of_it_goes_through_json(pair: BenchResult, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    pair.to_json(path)
    again = load_result(path)
    assert isinstance(again, BenchResult)
    assert again == pair
    assert again.ratio("after") == pair.ratio("after")
    assert again.meta["arguments"]["processes"] == 2
    assert len(again.meta["models"][0]["sha256"]) == 64


def test_text_and_frame(pair: BenchResult) -> None:
    assert "after" in str(pair)
    frame = pair.to_dataframe()
    assert frame["p50 (ms)"].iloc[0] > frame["p50 (ms)"].iloc[1]


def test_one_model_has_no_ratio(small: Path) -> None:
    result = quick(small)
    assert "speed-up" not in [column.title for column in result.table.columns]
    assert result.headline.startswith("small takes ")
    with pytest.raises(DeployError, match="one candidate"):
        result.ratio("small")


def test_the_same_model_twice_gets_two_names(small: Path) -> None:
    result = quick(small, small)
    assert result.table.values("name") == ["small", "small (2)"]


def test_three_models_have_a_headline_and_all_pairs(small: Path, large: Path) -> None:
    result = quick(("a", large), ("b", small), ("c", large))
    assert "b" in result.headline
    assert "of 3" in result.headline
    grid = result.table.pairs["speedup"]
    assert len(grid) == 3
    assert all(len(line) == 3 for line in grid)
    assert isinstance(grid[1][2], Ratio)
    assert grid[1][2].value < 1


def test_few_runs_make_percentiles_dashes_that_say_why(large: Path) -> None:
    result = quick(large, frames=20)
    cells = result.table.rows[0].cells
    assert cells["runs"] == 20
    assert cells["p99"] == Missing("p99 needs 662 runs, there are 20")
    assert isinstance(cells["p50"], float)
    assert any("few runs" in note.text for note in result.notes)


def test_a_batch_counts_in_throughput(folder: Path) -> None:
    path = bench_models.matmuls(folder / "dynamic.onnx", 4, batch="N")
    one, many = quick(path), quick(path, batch=16)
    assert ("batch", "16") in many.facts
    assert many.throughput("dynamic") > 2 * one.throughput("dynamic")
    assert many.meta["arguments"]["batch"] == 16


def test_instances_run_at_once(large: Path) -> None:
    result = quick(("a", large), ("b", large), instances=2)
    assert ("instances", "2 at once") in result.facts
    assert "Throughput" in result.table.column("speedup").help
    assert any("2 sessions" in note for note in result.table.notes)


def test_more_threads_than_cores_are_noted(small: Path) -> None:
    result = quick(small, threads=64)
    assert any("64 threads on" in note.text for note in result.notes)


def test_inputs_of_the_same_name_and_shape_are_the_same_for_all(small: Path, large: Path) -> None:
    from deploy_magics.model import Model
    from deploy_magics.steps._bench_run import same_feeds

    models = Model.all_of([small, large])
    one, two = same_feeds(models, 3, None)
    assert one["x"] is two["x"]


def test_data_from_a_file(small: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "in.npz", x=np.ones((1, 64), np.float32))
    assert quick(small, data=str(tmp_path / "in.npz")).p50("small") > 0
    np.savez(tmp_path / "wrong.npz", x=np.ones((1, 3), np.float32))
    with pytest.raises(DeployError):
        quick(small, data=str(tmp_path / "wrong.npz"))


def test_a_model_that_does_not_run_is_a_row_beside_others_and_an_error_alone(small: Path, folder: Path) -> None:
    bad = bench_models.unknown_op(folder / "bad.onnx")
    result = quick(bad, small)
    assert [row.status for row in result.table.rows] == ["failed", "ok"]
    assert "made.up" in result.table.rows[0].note
    assert result.table.baseline == 1
    assert result.headline.endswith("bad failed")
    assert len(result.samples) == 1
    with pytest.raises(DeployError, match="not known"):
        result.p50("bad")
    with pytest.raises(DeployError, match="not known"):
        result.ratio("bad")
    assert BenchResult.from_json(result.to_json()) == result
    with pytest.raises(ModelError, match=r"made\.up"):
        quick(bad)
    with pytest.raises(DeployError, match=r"none could be measured: .*bad"):
        quick(bad, bad)


def test_a_runtime_that_crashes_is_a_row_that_says_so(
    folder: Path, small: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plug(monkeypatch, tmp_path, "fragile", "tests.steps.bench_models:Fragile")
    crashing = bench_models.matmuls(folder / "crash.onnx", 4)
    result = quick(small, crashing, on=["ort", "fragile"], budget=1.0)
    rows = {str(row.cells["name"]): row for row in result.table.rows}
    assert list(rows) == ["small · ort", "small · fragile", "crash · ort", "crash · fragile"]
    assert [row.status for row in rows.values()][:3] == ["ok", "ok", "ok"]
    failed = rows["crash · fragile"]
    assert failed.status in ("failed", "partial")
    assert "SIGABRT" in failed.note


def test_saving_is_refused_before_anything_is_measured(small: Path, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text("mine")
    with pytest.raises(DeployError, match="--force"):
        quick(small, save=path)
    with pytest.raises(DeployError, match="no folder"):
        quick(small, save=tmp_path / "absent" / "run.json")
    assert path.read_text() == "mine"
    result = quick(small, save=path, force=True)
    assert load_result(path) == result


def test_a_full_disk_costs_the_file_and_not_the_result(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("deploy_magics.result.result.write_whole", full)
    result = quick(small, save=tmp_path / "run.json")
    assert result.p50("small") > 0
    assert result.notes[0].level == "warning"
    assert result.notes[0].text.startswith("could not be saved: ")
    assert "No space left" in result.notes[0].text


@pytest.mark.parametrize("saved", [False, True])
def test_an_interrupt_while_the_result_is_put_together_keeps_it(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, saved: bool
) -> None:
    make = _bench_result.make

    def interrupted(*arguments: Any) -> BenchResult:
        signal.raise_signal(signal.SIGINT)
        return make(*arguments)

    monkeypatch.setattr(_bench_result, "make", interrupted)
    path = tmp_path / "folder" / "run.json"
    path.parent.mkdir()
    if not saved:
        monkeypatch.setattr(_bench_run, "check_output", lambda *_, **__: path.parent.rmdir())
    with pytest.raises(Interrupted, match="the result is kept") as caught:
        quick(small, save=path)
    assert isinstance(caught.value.partial, BenchResult)
    assert caught.value.partial.p50("small") > 0
    assert path.exists() == saved
    assert saved != any("could not be saved" in note.text for note in caught.value.partial.notes)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"on": ["orta"]}, "did you mean 'ort'"),
        ({"on": []}, "no runtime"),
        ({"threads": 0}, "threads must be at least 1"),
        ({"batch": 0}, "batch must be at least 1"),
        ({"precision": 0}, "precision is in percent"),
        ({"processes": 1}, "processes must be at least 2"),
        ({"budget": 0}, "budget must be above 0"),
        ({"frames": 1}, "frames must be at least 2"),
        ({"memory": 0}, "memory must be above 0"),
    ],
)
def test_options_are_checked(small: Path, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        quick(small, **options)


def test_no_model_is_one_line() -> None:
    with pytest.raises(ArgumentError, match="no model to measure"):
        bench()


def test_a_real_interrupt_keeps_the_partial_result_and_leaves_no_worker(small: Path, tmp_path: Path) -> None:
    code = f"""
import json, psutil
from deploy_magics.errors import Interrupted
from deploy_magics.progress import reporting
from deploy_magics.steps.bench import bench
class Reporter:
    def update(self, progress):
        if "runs" in progress.detail:
            print("measuring", flush=True)
    def close(self):
        print("closed", flush=True)
try:
    with reporting(Reporter):
        bench(("a", {str(small)!r}), ("b", {str(small)!r}), budget=60, precision=0.001, processes=2,
              save={str(tmp_path / "part.json")!r})
except Interrupted as stop:
    left = [c.pid for c in psutil.Process().children(recursive=True)]
    print(json.dumps([str(stop), stop.partial.status, stop.partial.headline, left]), flush=True)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "measuring"
        workers = [child.pid for child in psutil.Process(process.pid).children(recursive=True)]
        process.send_signal(2)
        rest, _ = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    lines = rest.strip().splitlines()
    assert "closed" in lines
    message, status, headline, left = json.loads(lines[-1])
    assert message.startswith("interrupted after ")
    assert status == "interrupted"
    assert "interrupted" not in headline, "every view tells the status already"
    assert left == []
    assert workers
    assert not any(psutil.pid_exists(pid) for pid in workers)
    saved = load_result(tmp_path / "part.json")
    assert saved.status == "interrupted"
    assert len(saved.samples) == 2


def test_importing_the_step_imports_nothing_heavy() -> None:
    code = (
        "import sys, deploy_magics.steps.bench;"
        "print([m for m in ('numpy', 'onnx', 'onnxruntime', 'psutil', 'torch', 'pandas') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert out.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["selfie_seg_landscape", "yunet_n_dynamic", "micro_kws_qdq"])
def test_real_models(shared_models: Path, name: str) -> None:
    result = quick(shared_models / f"{name}.onnx")
    assert result.p50(name) > 0
