"""The step: goals are set, listed and cleared, and tables made later say who meets them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from deploy_magics.errors import ArgumentError
from deploy_magics.result import goals as state
from deploy_magics.steps.bench import bench
from deploy_magics.steps.goal import goal
from deploy_magics.views import text


@pytest.fixture(autouse=True)
def no_goals() -> Iterator[None]:
    state.clear_goals()
    yield
    state.clear_goals()


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    monkeypatch.chdir(tmp_path)
    for name in ("__main__", "__mp_main__"):
        monkeypatch.setitem(sys.modules, name, sys.modules.get(name))
    config = Config()
    config.HistoryManager.enabled = False
    InteractiveShell.clear_instance()
    found = InteractiveShell.instance(config=config)
    found.run_line_magic("load_ext", "deploy_magics")
    yield found
    found.run_line_magic("unload_ext", "deploy_magics")
    InteractiveShell.clear_instance()


def test_what_is_set_is_a_row_with_its_unit() -> None:
    found = goal("latency_p99 < 20 ms, frames/s >= 30, size < 5 MiB, accuracy drop < 1 %")
    assert found.headline == "goals: latency_p99 < 20 ms, frames/s >= 30, size < 5 MiB, accuracy_drop < 1 %"
    assert found.table.values("quantity") == ["latency_p99", "frames/s", "size", "accuracy_drop"]
    assert found.table.values("target") == ["below 20 ms", "at least 30 frames/s", "below 5 MiB", "below 1 %"]
    assert found.table.values("unit") == ["ms", "frames/s", "MiB", "%"]
    assert any("export DEPLOY_MAGICS_GOALS='latency_p99 < 20 ms" in note.text for note in found.notes)


def test_what_is_wrong_sets_nothing() -> None:
    goal("size < 5 MiB")
    with pytest.raises(ArgumentError, match="latncy") as caught:
        goal("fps > 30, latncy < 3 ms")
    assert "\n" not in str(caught.value)
    assert goal().table.values("quantity") == ["size"]
    with pytest.raises(ArgumentError, match="speed"):
        goal("speed", clear=True)
    assert goal("size", clear=True).tables == ()


def test_a_benchmark_says_who_meets_them() -> None:
    goal("latency < 1 min, load < 1 ns")
    found = bench("digits", processes=2, budget=0.3)
    assert found.table.values("goals") == ["misses"]
    assert "misses load by" in found.table.rows[0].note
    goal("load", clear=True)
    # What was made keeps what was said of it; what is made now knows one goal.
    assert found.table.values("goals") == ["misses"]
    assert bench("digits", processes=2, budget=0.3).table.values("goals") == ["meets"]


def test_its_magic_needs_no_quotes_and_marks_a_pipeline_in_a_cell(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(cell: str) -> Any:
        outcome = shell.run_cell(cell)
        assert outcome.success, capsys.readouterr().out
        return shell.user_ns.get("r")

    assert "frames/s >= 1" in run("%goal frames/s >= 1, latency_max < 1 ns -o r").headline
    run("import numpy as np\npictures = np.zeros((5, 8, 8), 'float32')")
    found = run(
        "%%pipeline digits --data pictures --frames 20 -o r\n"
        "SCALE = 16\n"
        "def scaled(item):\n    return item[None, None] / np.float32(SCALE)\n"
        "def preprocess(item):\n    return scaled(item), SCALE\n"
        "def postprocess(outputs, context):\n    assert context == SCALE\n    return len(outputs)"
    )
    assert "1 frames/s are met" in found.headline
    assert found.table.values("goals") == ["misses"]
    assert "misses latency_max by" in text.render(found)
    assert run("%goal --clear -o r").headline == "cleared: frames/s >= 1, latency_max < 1 ns"
