"""A search as it goes, where there is no page of a notebook: a terminal, a log, HTML without widgets."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from deploy_magics.progress import Progress, TaskRow, TaskState, Tuning, progress, reporting
from deploy_magics.views import _progress_widget, _tuning
from deploy_magics.views.progress import NotebookReporter, TerminalReporter
from deploy_magics.views.widget import close

DONE = "[Task  1/ 2]  Current/Best:   12.50/  29.87 GFLOPS | Progress: (40/40) | 64.33 s Done."


class Stream(io.StringIO):
    """A stream that says whether it is a terminal."""

    def __init__(self, tty: bool) -> None:
        super().__init__()
        self.tty = tty

    def isatty(self) -> bool:
        return self.tty


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")


def search(*states: TaskState, curve: tuple[tuple[float, float], ...] = ((0.0, 6.3), (2.5, 2.1))) -> Tuning:
    """Make a report whose tasks are in these states."""
    rows = {
        "waiting": TaskRow("dense", planned=40),
        "active": TaskRow("dense", 3.0, 4.0, 8, 40, 1.5, 0.25, "active"),
        "done": TaskRow("conv2d 3x3", 12.5, 29.87, 40, 40, 64.33, 0.75, "done"),
    }
    return Tuning("tune: net", 0.5, tasks=tuple(rows[state] for state in states), curve=curve)


def wait(true: Callable[[], object]) -> None:
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


def screen(text: str) -> list[str]:
    """Give the lines that a terminal would show in the end."""
    lines = []
    for line in text.split("\n"):
        shown = ""
        for part in line.split("\r"):
            shown = part + shown[len(part) :]
        lines.append(shown.rstrip())
    return lines


def test_the_line_is_that_of_tvms_own_tuner() -> None:
    row = TaskRow("conv2d", 29.87, 29.87, 40, 40, 64.33, 1.0, "done")
    expected = "[Task 25/25]  Current/Best:   29.87/  29.87 GFLOPS | Progress: (40/40) | 64.33 s Done."
    assert _tuning.task_line(Tuning("tune", tasks=(row,) * 25), 24) == expected


def test_before_the_first_trial_that_works_the_figures_are_nought() -> None:
    expected = "[Task  1/ 1]  Current/Best:    0.00/   0.00 GFLOPS | Progress: (0/40) | 0.00 s"
    assert _tuning.task_line(search("waiting"), 0) == expected


def test_in_a_terminal_a_line_is_written_over_until_its_task_is_done() -> None:
    stream = Stream(True)
    first = replace(search("active", "waiting"), tasks=(replace(search("active").tasks[0], trials=1), TaskRow("b")))
    with reporting(lambda: TerminalReporter(stream, after=0.0, every=0.0)), progress("tune: net") as tracker:
        wait(stream.getvalue)
        tracker.report(first)
        tracker.report(search("active", "waiting"))
        assert "\n" not in stream.getvalue()
        assert screen(stream.getvalue())[0].startswith("[Task  1/ 2]  Current/Best:    3.00/   4.00 GFLOPS")
        tracker.report(search("done", "active"))
        tracker.report(search("done", "active"))
    assert screen(stream.getvalue()) == [
        DONE,
        "[Task  2/ 2]  Current/Best:    3.00/   4.00 GFLOPS | Progress: (8/40) | 1.50 s",
        "",
    ]


def test_a_log_has_a_line_for_each_task_that_is_done_and_one_for_the_end() -> None:
    stream = Stream(False)
    with reporting(lambda: TerminalReporter(stream, after=0.0, every=0.0)), progress("tune: net") as tracker:
        tracker.report(search("active", "waiting"))
        time.sleep(0.05)
        for _ in range(3):
            tracker.report(search("done", "active"))
        tracker.report(search("done", "done"))
    first, second, last, rest = stream.getvalue().split("\n")
    assert (first, second) == (DONE, DONE.replace("1/ 2", "2/ 2"))
    assert last.startswith("tune: net: 0.")
    assert "estimated latency 6.3" in last
    assert rest == ""
    assert "\r" not in stream.getvalue()


def test_a_narrow_terminal_gets_a_line_that_does_not_wrap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    stream = Stream(True)
    reporter = TerminalReporter(stream, after=0.0, every=0.0)
    reporter.update(search("active", "waiting"))
    wait(stream.getvalue)
    assert max(map(len, stream.getvalue().split("\r"))) <= 39
    reporter.close()


def test_without_widgets_a_table_is_written_over(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[tuple[dict[str, Any], bool]] = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, **how: shown.append((bundle, how["update"])))
    monkeypatch.setitem(sys.modules, "deploy_magics.views._progress_widget", None)
    reporter = NotebookReporter(after=0.1, every=0.0)
    hostile = TaskRow("<script>alert(1)</script>", None, None, 0, 40, 0.0, 0.1)
    reporter.update(replace(search("active"), tasks=(search("active").tasks[0], hostile)))
    wait(lambda: shown)
    reporter.update(Progress("tune: net", 0.9, "compiling"))  # the table stays when work of another kind follows
    reporter.close()
    pages = [bundle["text/html"] for bundle, _ in shown]
    assert [update for _, update in shown] == [False, True, True]
    for page in pages[:2]:
        assert "&lt;script&gt;" in page
        assert "<script" not in page
        assert "<b>active</b>" in page
        assert "6.3" in page
    assert pages[2] == ""


def test_a_report_is_sent_by_the_rows_that_changed() -> None:
    before, after = search("active", "waiting"), search("active", "waiting")
    after = replace(after, tasks=(replace(after.tasks[0], trials=9), after.tasks[1]))
    bar = _progress_widget.TuningProgress(before, title="tune", elapsed=3.0)
    changed: list[str] = []
    bar.observe(lambda change: changed.append(change["name"]))
    bar.tell(after, 3.0)
    close(bar)
    assert [name for name in changed if name != "comm"] == ["row0"]


def test_figures_that_are_not_numbers_are_left_out() -> None:
    broken = search("active", curve=((0.0, float("nan")), (1.0, 5.0), (2.0, float("inf"))))
    assert _tuning.points(broken) == [[1.0, 5.0]]
    assert _tuning.figures(TaskRow("x", float("inf"), float("nan")))[:2] == [None, None]
    assert _tuning.reached(search("active", curve=())) == ""
