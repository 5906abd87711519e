from __future__ import annotations

import pytest

from deploy_magics.progress import Progress, progress, reporting


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
