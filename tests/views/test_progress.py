from __future__ import annotations

import io
import os
import signal
import sys
import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest
from ipywidgets.widgets.widget import _instances

from deploy_magics.progress import Progress, progress, reporting
from deploy_magics.views import _progress_widget
from deploy_magics.views import progress as reporters
from deploy_magics.views.progress import NotebookReporter, TerminalReporter, kernel_id
from deploy_magics.views.widget import close


class Terminal(io.StringIO):
    """A stream that says whether it is a terminal."""

    def __init__(self, tty: bool) -> None:
        super().__init__()
        self.tty = tty

    def isatty(self) -> bool:
        return self.tty


def test_short_work_shows_nothing() -> None:
    stream = Terminal(True)
    reporter = TerminalReporter(stream, after=60)
    reporter.update(Progress("work", 0.5))
    reporter.close()
    assert stream.getvalue() == ""


def test_long_work_is_a_line_written_over_itself_and_wiped() -> None:
    stream = Terminal(True)
    with reporting(lambda: TerminalReporter(stream, after=0.0, every=0.0)), progress("bench: a, b") as tracker:
        _wait(lambda: bool(stream.getvalue()))
        tracker.update(0.25, "ratio 1.1\x1b[31m")
        tracker.update(0.5, "short")
    said = stream.getvalue()
    assert "bench: a, b" in said
    assert " 50 %" in said
    assert "\\x1b[31m" in said
    assert "\x1b" not in said
    assert "\n" not in said
    assert said.endswith("\r")
    assert said.rstrip("\r").endswith(" ")


def test_a_line_is_not_written_more_often_than_it_may() -> None:
    stream = Terminal(True)
    reporter = TerminalReporter(stream, after=0.0, every=60.0)
    reporter.update(Progress("work", 0.0))
    _wait(lambda: bool(stream.getvalue()))
    for step in range(1000):
        reporter.update(Progress("work", step / 1000))
    assert stream.getvalue().count("\r") == 1
    reporter.close()


def test_a_log_gets_one_line_at_the_end_of_work_that_lasted() -> None:
    stream = Terminal(False)
    reporter = TerminalReporter(stream, after=0.0)
    reporter.update(Progress("exporting", None))
    _wait(lambda: reporter._later._shown_at is not None)
    reporter.close()
    assert stream.getvalue().startswith("exporting: 0.")
    assert stream.getvalue().count("\n") == 1


def test_work_that_reports_nothing_appears_too() -> None:
    stream = Terminal(True)
    reporter = TerminalReporter(stream, after=0.01)
    reporter.update(Progress("loading", None))
    _wait(lambda: "loading" in stream.getvalue())
    reporter.close()


class Displays:
    """Takes what would be displayed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[tuple[dict[str, Any], bool]] = []

        def display(bundle: dict[str, Any], *, raw: bool, display_id: str, update: bool) -> None:
            assert raw
            self.ids.add(display_id)
            self.seen.append((bundle, update))

        self.ids: set[str] = set()
        monkeypatch.setattr("IPython.display.display", display)


def test_a_notebook_gets_a_widget_and_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    displays = Displays(monkeypatch)
    reporter = NotebookReporter(after=0.2, every=0.0)
    reporter.update(Progress("bench", 0.1))
    _wait(lambda: bool(displays.seen))
    reporter.update(Progress("bench", 1.7, "ratio\x1b"))
    widget = reporter._widget
    assert isinstance(widget, _progress_widget.ProgressBar)
    assert (widget.fraction, widget.detail) == (1.0, "ratio\\x1b")
    assert widget.comm is not None
    assert widget.elapsed >= 0.2
    shown_at = widget.elapsed
    reporter.update(Progress("bench", 1.0))
    assert widget.elapsed > shown_at  # a page that is opened again goes on from the last report
    alive = len(_instances)
    reporter.close()
    assert widget.comm is None
    assert len(_instances) == alive - 2  # its layout goes with it
    (first, was_update), (last, is_update) = displays.seen
    assert list(first) == ["application/vnd.jupyter.widget-view+json"]
    assert (last, was_update, is_update) == ({"text/html": ""}, False, True)
    assert len(displays.ids) == 1


def test_without_widgets_a_line_of_html_is_written_over(monkeypatch: pytest.MonkeyPatch) -> None:
    displays = Displays(monkeypatch)
    monkeypatch.setitem(sys.modules, "deploy_magics.views._progress_widget", None)
    reporter = NotebookReporter(after=0.2, every=0.0)
    reporter.update(Progress("<b>", None))
    _wait(lambda: bool(displays.seen))
    reporter.update(Progress("<b>", 0.5))
    reporter.close()
    bundles = [bundle for bundle, _ in displays.seen]
    assert "&lt;b&gt;" in bundles[0]["text/html"]
    assert 'value="0.500"' in bundles[1]["text/html"]
    assert bundles[-1] == {"text/html": ""}
    assert [update for _, update in displays.seen] == [False, True, True]


def test_a_stop_that_comes_late_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    stopped: list[bool] = []
    monkeypatch.setattr(_progress_widget, "interrupt_main", lambda: stopped.append(True))
    bar = _progress_widget.ProgressBar(title="x")
    bar._heard(bar, {"stop": "yes"}, [])
    assert stopped == []
    bar._heard(bar, {"stop": True}, [])
    assert stopped == [True]
    bar.close()
    bar._heard(bar, {"stop": True}, [])
    assert stopped == [True]


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="no signal reaches one thread here")
def test_a_stop_heard_in_another_thread_ends_a_wait_of_the_main_thread() -> None:
    bar = _progress_widget.ProgressBar(title="x")
    read, write = os.pipe()
    heard = threading.Timer(0.1, bar._heard, (bar, {"stop": True}, []))
    released = threading.Timer(5.0, os.write, (write, b"x"))
    heard.start()
    released.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            os.read(read, 1)  # a wait that the mere mark of a signal does not end
        assert released.is_alive()
    finally:
        released.cancel()
        released.join()
        os.close(read)
        os.close(write)
        close(bar)


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("/run/jupyter/kernel-6c1f2a9e-0d54-4a0e-9d2e-2f8f8a1f7a11.json", "6c1f2a9e-0d54-4a0e-9d2e-2f8f8a1f7a11"),
        ("kernel-4242.json", "4242"),
        ("/tmp/connection.json", ""),
        ("", ""),
    ],
)
def test_the_kernel_is_named_as_the_server_names_it(monkeypatch: pytest.MonkeyPatch, file: str, expected: str) -> None:
    shell = SimpleNamespace(kernel=SimpleNamespace(parent=SimpleNamespace(connection_file=file)))
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert kernel_id() == expected
    reporter = reporters.reporter()
    reporter.close()
    assert isinstance(reporter, NotebookReporter)


def test_outside_a_kernel_there_is_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    assert kernel_id() == ""
    reporter = reporters.reporter()
    reporter.close()
    assert isinstance(reporter, TerminalReporter)


def _wait(true: Any) -> None:
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)
