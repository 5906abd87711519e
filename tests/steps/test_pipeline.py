"""The step as a whole: rates, goals, what overlapping gains, and what is kept when something goes wrong."""

from __future__ import annotations

import signal
import threading
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from deploy_magics.errors import CutShort, DeployError, Interrupted
from deploy_magics.pipelining import STAGES
from deploy_magics.result import Missing, Ratio, Stack, Timeline, load_result
from deploy_magics.result import goals as state
from deploy_magics.steps.pipeline import PipelineResult, pipeline
from deploy_magics.views import html, text
from tests.pipelining import stages

BOTH = {"preprocess": stages.preprocess, "postprocess": stages.postprocess}
SLOW = {"preprocess": stages.slow_before, "postprocess": stages.slow_after}


@pytest.fixture(autouse=True)
def no_goals() -> Any:
    state.clear_goals()
    yield
    state.clear_goals()


@pytest.fixture(scope="module")
def serial() -> PipelineResult:
    return pipeline(SLOW, "digits", data=stages.PICTURES, frames=40, goal="200fps")


@pytest.fixture(scope="module")
def overlapped() -> PipelineResult:
    return pipeline(SLOW, "digits", data=stages.PICTURES, frames=60, overlap=True, goal="80fps")


def test_frames_and_inferences_stand_side_by_side(serial: PipelineResult) -> None:
    # A frame sleeps for 16 ms, the model takes far less than one.
    assert 20 < serial.frames_per_s < 62.5
    assert serial.inferences_per_s > 10 * serial.frames_per_s
    assert list(serial.stage_ms) == list(STAGES)
    assert serial.stage_ms["preprocess"] >= 10
    assert serial.stage_ms["postprocess"] >= 6
    assert serial.bottleneck == "preprocess"
    rates, by_stage = serial.tables
    [frames] = rates.values("frames")
    # What the table says is what the frames' own latencies say.
    assert frames == pytest.approx(1e3 / float(np.mean(serial.samples[0].values)), rel=0.05)
    shares = by_stage.values("share")
    assert sum(shares) == pytest.approx(100)  # type: ignore[arg-type]
    assert by_stage.footer is not None
    assert by_stage.footer.cells["mean"] == pytest.approx(sum(serial.stage_ms.values()))
    assert "first" in [column.key for column in by_stage.columns]
    with pytest.raises(DeployError, match="give --overlap"):
        _ = serial.gain


def test_a_goal_that_is_missed_says_by_how_much_and_what_would_have_to_shrink(serial: PipelineResult) -> None:
    missed = 200 - serial.frames_per_s
    assert missed > 100
    assert f"200 frames/s are missed by {missed:.0f}" in serial.headline
    assert serial.tables[0].values("goals") == ["misses"]
    [note] = [note.text for note in serial.notes if note.text.startswith("200 frames/s leave 5 ms")]
    # 10 and 6 ms of sleep: neither can bring a frame to 5 ms alone.
    assert "no stage alone can bring that" in note
    needed = dict(zip(STAGES, serial.tables[1].values("needed"), strict=True))
    assert needed["preprocess"] == needed["postprocess"] == "cannot alone"


def test_overlapping_names_its_gain_and_the_bottleneck(overlapped: PipelineResult) -> None:
    assert overlapped.bottleneck == "preprocess"
    assert overlapped.table.values("name") == ["one after another", "overlapped"]
    one, both = overlapped.table.values("frames")
    assert both > 1.2 * one  # type: ignore[operator]
    assert overlapped.frames_per_s == both
    assert "preprocess is the bottleneck" in overlapped.headline
    assert isinstance(overlapped.gain, Ratio)
    assert 1.2 < overlapped.gain.value < 2
    by_stage = overlapped.tables[1]
    busy = dict(zip(STAGES, by_stage.values("busy"), strict=True))
    assert busy["preprocess"] > 80 > busy["inference"]  # type: ignore[operator]


def test_a_goal_met_only_by_overlapping_says_so(overlapped: PipelineResult) -> None:
    assert overlapped.table.values("frames")[0] < 62.5  # type: ignore[operator]
    if overlapped.frames_per_s >= 80:
        assert "80 frames/s are met only where stages overlap" in overlapped.headline
        assert overlapped.table.values("goals") == ["misses", "meets"]
    else:
        assert "80 frames/s are missed by" in overlapped.headline


def test_bar_and_timeline_show_what_was_measured(overlapped: PipelineResult) -> None:
    bar, line = overlapped.charts
    assert isinstance(bar, Stack)
    assert isinstance(line, Timeline)
    assert sum(lasts for _, lasts in bar.parts) == pytest.approx(sum(overlapped.stage_ms.values()))
    assert bar.mark == ("80 frames/s", 12.5)
    assert line.lanes[0] == "one after another"
    for lane in range(len(line.lanes)):
        mine = sorted((span.start, span.end) for span in line.spans if span.lane == lane)
        assert all(before[1] <= after[0] + 1e-9 for before, after in pairwise(mine))


def test_it_is_saved_and_drawn_as_it_was(overlapped: PipelineResult) -> None:
    again = load_result(overlapped.to_json())
    assert isinstance(again, PipelineResult)
    assert again.tables == overlapped.tables
    assert (again.bottleneck, again.stage_ms, again.charts) == (
        overlapped.bottleneck,
        overlapped.stage_ms,
        overlapped.charts,
    )
    for shown in (text.render(again), html.render(again)):
        assert "preprocess" in shown
        assert "frames/s" in shown


def test_the_goal_set_for_all_steps_holds_here_too() -> None:
    state.set_goals(state.parse_goals("frames/s >= 1, latency < 1 us"))
    found = pipeline(BOTH, "digits", data=stages.PICTURES, frames=20)
    assert "1 frames/s are met" in found.headline
    assert found.table.values("goals") == ["misses"]
    own = pipeline(BOTH, "digits", data=stages.PICTURES, frames=20, goal="2 fps")
    assert [str(goal) for goal in own.goals or ()] == ["latency < 1 us", "frames/s >= 2"]


def test_an_exception_names_stage_and_item_and_keeps_what_was_measured() -> None:
    fuse = stages.Fuse(24, stages.raise_value_error)
    with pytest.raises(CutShort) as caught:
        pipeline({"preprocess": fuse, "postprocess": len}, "digits", data=stages.PICTURES, frames=100)
    # Item 0 came first, then 0, 1, 2, ... of six.
    said = str(caught.value)
    assert "preprocess failed at item 0: ValueError: the picture is too dark" in said
    assert "20 frames until then are kept" in said
    assert "\n" not in said
    kept = caught.value.partial
    assert isinstance(kept, PipelineResult)
    assert kept.status == "interrupted"
    assert len(kept.samples[0]) == 20
    assert any(note.level == "warning" and "too dark" in note.text for note in kept.notes)


def test_a_stop_keeps_what_was_measured() -> None:
    def press() -> None:
        time.sleep(2.5)
        signal.raise_signal(signal.SIGINT)

    threading.Thread(target=press, daemon=True).start()
    with pytest.raises(Interrupted) as caught:
        pipeline(SLOW, "digits", data=stages.PICTURES, budget=60)
    kept = caught.value.partial
    assert isinstance(kept, PipelineResult)
    assert kept.status == "interrupted"
    assert kept.frames_per_s > 10
    assert f"{len(kept.samples[0])} frames until then are kept" in str(caught.value)


def test_a_picture_that_does_not_decode_is_named(tmp_path: Path) -> None:
    for number in range(8):
        Image.new("L", (8, 8), number).save(tmp_path / f"{number}.png")
    broken = tmp_path / "7.png"
    broken.write_bytes(broken.read_bytes()[:50])

    def preprocess(item: Any) -> Any:
        return (item[None, None, :, :, 0] / 255).astype("float32")

    with pytest.raises(CutShort) as caught:
        pipeline({"preprocess": preprocess, "postprocess": len}, "digits", data=tmp_path, frames=50)
    assert "read failed at '7.png': " in str(caught.value)
    assert "decoded" in str(caught.value)
    assert "\n" not in str(caught.value)
    # The first frame and three that warm up are in no figure.
    assert len(caught.value.partial.samples[0]) == 7 - 1 - 3  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"functions": {"preprocess": len}}, "there is no function 'postprocess'; there is preprocess"),
        ({"functions": {**BOTH, "preprocess": lambda: 0}}, "preprocess cannot be called as preprocess(item)"),
        ({"functions": {**BOTH, "postprocess": lambda a, b, c: 0}}, "postprocess(outputs, context)"),
        ({"data": []}, "the data are empty"),
        ({"data": None}, "a pipeline needs data; such as --data pictures/"),
        ({"data": "nowhere"}, "there are no data at"),
        ({"goal": "quick"}, "'quick' is no goal for a pipeline; such as --goal 30fps"),
        ({"goal": "0 ms"}, "is no goal for a pipeline"),
        ({"frames": 0}, "frames must be at least 1, not 0"),
        ({"queue": 0}, "queue must be at least 1, not 0"),
        ({"budget": float("nan")}, "budget must be above 0, not nan"),
        ({"on": "abacus"}, "abacus"),
        ({"functions": {**BOTH, "preprocess": lambda item: None}}, "inputs failed at item 0: preprocess gave None"),
        ({"functions": {**BOTH, "postprocess": lambda outputs: 1 / 0}}, "postprocess failed at item 0: ZeroDivision"),
    ],
)
def test_what_is_wrong_is_one_line(given: dict[str, Any], said: str) -> None:
    options = {"functions": BOTH, "data": stages.PICTURES, "frames": 10, **given}
    with pytest.raises(DeployError) as caught:
        pipeline(options.pop("functions"), "digits", **options)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_few_frames_give_no_rate_that_nobody_measured() -> None:
    one = pipeline(BOTH, "digits", data=stages.PICTURES, frames=1)
    assert isinstance(one.table.values("frames")[0], Missing)
    with pytest.raises(DeployError, match="too few frames"):
        _ = one.frames_per_s


def test_a_file_that_cannot_be_saved_is_told_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "there.json").write_text("{}")
    with pytest.raises(DeployError, match="exists and is left as it is"):
        pipeline(BOTH, "digits", data=stages.PICTURES, save=tmp_path / "there.json")


def test_a_torch_module_runs_in_torch() -> None:
    torch = pytest.importorskip("torch")
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10)).eval()
    given = ("net", (net, torch.rand(1, 1, 8, 8)))
    result = pipeline(BOTH, given, data=stages.PICTURES, frames=10, on="torch:trace")
    assert dict(result.facts)["runtime"].startswith("PyTorch, TorchScript, traced and frozen")
    with pytest.raises(DeployError, match="needs a torch module, and 'digits' holds none"):
        pipeline(BOTH, "digits", data=stages.PICTURES, frames=10, on="torch")
