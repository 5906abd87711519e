from __future__ import annotations

import pytest

from deploy_magics.progress import Progress, TaskRow, Tuning, progress, reporting


class Recorder:
    def __init__(self) -> None:
        self.seen: list[Progress] = []
        self.closed = 0

    def update(self, report: Progress) -> None:
        self.seen.append(report)

    def close(self) -> None:
        self.closed += 1


def work() -> None:
    with progress("work") as tracker:
        tracker.update(0.5, "half way")
        raise RuntimeError("broke")


def test_a_reporter_hears_every_report_and_the_end() -> None:
    recorder = Recorder()
    with reporting(lambda: recorder), pytest.raises(RuntimeError, match="broke"):
        work()
    assert recorder.seen == [Progress("work"), Progress("work", 0.5, "half way")]
    assert recorder.closed == 1


def test_without_a_listener_work_goes_on() -> None:
    with pytest.raises(RuntimeError, match="broke"):
        work()


def test_a_richer_report_is_heard_as_it_is() -> None:
    recorder = Recorder()
    rows = (TaskRow("conv2d", 12.5, 29.9, 16, 64, 3.5, 0.6, "active"), TaskRow("dense"))
    richer = Tuning("tune: net", 0.25, "2.10 ms", tasks=rows, curve=((0.0, 6.3), (2.5, 2.1)))
    with reporting(lambda: recorder), progress("tune: net") as tracker:
        tracker.report(richer)
    assert recorder.seen == [Progress("tune: net"), richer]
    assert isinstance(recorder.seen[1], Progress)
    assert (rows[1].best, rows[1].state) == (None, "waiting")


def test_without_a_listener_a_richer_report_is_not_heard() -> None:
    with progress("tune: net") as tracker:
        tracker.report(Tuning("tune: net"))
