"""Where a result is shown as what: outputs in a notebook, text in a terminal, rows read back."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import weakref
from types import SimpleNamespace
from typing import Any

import ipywidgets
import pytest
from ipywidgets.widgets.widget import _instances

from deploy_magics import views
from deploy_magics.result import Result
from deploy_magics.views import widget
from deploy_magics.views._bins import distribution
from deploy_magics.views.widget import MIME, ComparisonTable, LatencyHistogram
from tests.views import results


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Pretend to be in a kernel; gives the outputs."""
    shown: list[dict[str, Any]] = []
    monkeypatch.delenv(views.SWITCH, raising=False)
    monkeypatch.setattr(views, "_shell", lambda: SimpleNamespace(kernel=object()))
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: shown.append(bundle))
    return shown


def test_a_notebook_gets_html_and_then_the_widget_alone(notebook: list[dict[str, Any]]) -> None:
    views.show(results.bench())
    static, live = notebook
    assert set(static) == {"text/html", "text/plain"}
    assert list(live) == [MIME]
    assert "measured against" in static["text/plain"]


def test_the_widget_hides_the_html_of_its_own_output(notebook: list[dict[str, Any]]) -> None:
    result = results.bench()
    views.show(result)
    (table,) = widget._shown[id(result)].tables
    assert f"dm-static-{table.uid}" in notebook[0]["text/html"]
    views.show(result)
    (other,) = widget._shown[id(result)].tables
    assert other.uid != table.uid


def test_a_switch_leaves_the_html_alone(notebook: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(views.SWITCH, "0")
    views.show(results.bench())
    assert len(notebook) == 1
    views.show(results.bench(), widget=True)
    assert len(notebook) == 3


def test_without_the_widget_packages_the_html_has_said_everything(
    notebook: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(views, "widget")
    monkeypatch.setitem(sys.modules, "deploy_magics.views.widget", None)
    views.show(results.bench())
    assert len(notebook) == 1


def test_a_result_that_a_widget_could_add_nothing_to_is_html_alone(notebook: list[dict[str, Any]]) -> None:
    views.show(results.empty())
    views.show(Result("x", "one line"))
    assert len(notebook) == 2


def test_a_terminal_gets_text(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for shell in (None, SimpleNamespace()):
        monkeypatch.setattr(views, "_shell", lambda shell=shell: shell)
        views.show(results.bench())
        assert "measured against" in capsys.readouterr().out


def test_each_table_and_each_unit_has_its_widget() -> None:
    built = widget.build(results.bench(), "u1")
    assert isinstance(built, ipywidgets.VBox)
    table, histogram = built.children
    assert isinstance(table, ComparisonTable)
    assert isinstance(histogram, LatencyHistogram)
    assert table.baseline == 0
    assert '"headline":"after measured against before"' in table.data
    assert '"head":null' in histogram.data
    assert isinstance(widget.build(results.many(50)), ComparisonTable)
    assert widget.build(results.empty()) is None


def test_what_the_reader_selects_can_be_read_back() -> None:
    result = results.bench()
    assert result.selection == []
    built = widget.build(result, "u1")
    assert built is not None
    built.children[0].selected = [1]
    assert result.selection == ["after"]
    again = widget.build(result, "u2")
    assert again is not None
    assert result.selection == []  # the one shown last counts


def test_a_result_that_is_gone_is_forgotten() -> None:
    result = results.bench()
    widget.build(result)
    key = id(result)
    assert key in widget._shown
    del result
    gc.collect()
    assert key not in widget._shown


def test_only_the_results_shown_last_keep_their_widgets() -> None:
    before = set(_instances)
    built, gone = [results.bench() for _ in range(widget.KEPT + 5)], []
    for result in built:
        root = widget.build(result, "u1")
        assert root is not None
        root.children[0].selected = [1]
        gone.append(weakref.ref(root.children[0]))
    of_one = 6  # table, histogram and the box around them, each with a layout
    assert len(set(_instances) - before) <= of_one * widget.KEPT
    assert built[0].selection == ["after"]  # what was chosen stays known
    assert {shown.tables[0].comm is not None for shown in widget._alive.values()} == {True}
    del root
    gc.collect()
    assert [ref() is not None for ref in gone] == [False] * 5 + [True] * widget.KEPT


def test_a_result_that_is_shown_again_gives_its_widgets_up() -> None:
    result = results.bench()
    first = widget.build(result, "u1")
    alive = len(_instances)
    widget.build(result, "u2")
    assert len(_instances) == alive
    assert first is not None
    assert {each.comm for each in (first, first.layout, *first.children)} == {None}


@pytest.mark.parametrize("candidates", [2, 8, 30])
def test_a_histogram_of_a_million_samples_opens_with_a_small_message(candidates: int) -> None:
    each = 1_000_000 // candidates
    group = [results.samples(f"candidate {i}", each, 10.0 + i, i) for i in range(candidates)]
    dist = distribution(Result("x", ""), group)
    assert dist is not None
    histogram = LatencyHistogram(dist, "u1")
    data = {name: value for name, value in histogram.get_state().items() if name != "_esm"}
    assert len(json.dumps(data, default=str, ensure_ascii=False).encode()) < 36_000
    widget.close(histogram)


def test_data_travel_once(monkeypatch: pytest.MonkeyPatch) -> None:
    built = widget.build(results.many(5000))
    assert isinstance(built, ComparisonTable)
    sent: list[Any] = []
    monkeypatch.setattr(built, "_send", lambda message, buffers=None: sent.append(message))
    built.selected = [3]
    built.baseline = 4
    assert all("data" not in message["state"] for message in sent)
    assert len(str(sent)) < 500


def test_results_and_views_import_nothing_heavy() -> None:
    script = (
        "import sys, deploy_magics.result, deploy_magics.views, deploy_magics.views.text\n"
        "import deploy_magics.views.progress, deploy_magics.views.html\n"
        "heavy = {'numpy', 'pandas', 'matplotlib', 'ipywidgets', 'anywidget', 'IPython'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
