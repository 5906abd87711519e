from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from deploy_magics.errors import ArgumentError, WorkerError
from deploy_magics.result import Missing, Ratio
from deploy_magics.timing import Candidate, Finishing, Machine, Measurement, MeasurementInterrupted, Watch, measure
from deploy_magics.timing.crew import Crew
from deploy_magics.workers import WorkerCrashed, WorkerOutOfMemory

HERE = "tests.timing.subjects"
MIB = 2**20


def spin(label: str, seconds: float = 0.001, per_call: int = 1) -> Candidate:
    return Candidate(label, f"{HERE}:spin", (seconds,), per_call=per_call)


def nap(label: str, seconds: float, per_call: int = 1) -> Candidate:
    return Candidate(label, f"{HERE}:nap", (seconds,), per_call=per_call)


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}


def quick(*candidates: Candidate, **options: object) -> Measurement:
    before = children()
    found = measure(candidates, **{"processes": 2, "budget": 0.5, "seed": 0, **options})  # type: ignore[arg-type]
    assert children() <= before, "workers are left"
    return found


def test_every_run_of_every_process_is_kept_with_its_time() -> None:
    found = quick(spin("a"), spin("b", 0.003))
    assert found.ending == "budget"
    assert found.design == "together"
    assert found.rounds >= 2
    for track, least in zip(found.tracks, (0.001, 0.003), strict=True):
        values, times, process = track.latencies(), track.times(found.origin_ns), track.process_of_run()
        assert len(values) == len(times) == len(process) == track.runs > 0
        assert set(process.tolist()) == {0, 1}
        assert values.min() >= least
        assert times.min() > 0
        order = [number for _, number, _, _ in track.bursts]
        assert order == sorted(order)
        assert set(track.loaded) == set(track.warmed) == {0, 1}
        assert track.loaded[0].extra["pid"] != track.loaded[1].extra["pid"]
        assert track.loaded[0].extra["pid"] != os.getpid()
    ratio = found.ratio(1)
    assert isinstance(ratio, Ratio)
    assert ratio.low < ratio.value < min(1.0, ratio.high)


def test_bursts_of_a_round_come_in_an_order_drawn_anew() -> None:
    found = quick(spin("a"), spin("b"), budget=1.0)
    orders = []
    for number in range(found.rounds):
        bursts = [
            (burst.starts[0], index, process)
            for index, track in enumerate(found.tracks)
            for process, at, burst, _ in track.bursts
            if at == number
        ]
        assert len(bursts) == 4
        orders.append(tuple((index, process) for _, index, process in sorted(bursts)))
    assert len(set(orders)) > 1


def test_it_ends_when_the_ratio_is_precise_enough() -> None:
    found = quick(spin("a"), spin("b"), precision=5.0, budget=60.0)
    assert found.ending == "precision"
    assert found.seconds < 30


def test_frames_are_counted_exactly_whatever_the_budget() -> None:
    found = quick(spin("a", 0.0002), spin("b", 0.0002), frames=101, budget=0.01, processes=3)
    assert found.ending == "frames"
    assert [track.runs for track in found.tracks] == [101, 101]
    assert sorted(found.tracks[0].runs_of(process) for process in range(3)) == [33, 34, 34]


@pytest.mark.parametrize("frames", [4, 100])
def test_frames_are_counted_exactly_with_instances_too(frames: int) -> None:
    found = quick(spin("a", 0.0002), frames=frames, instances=3)
    assert found.tracks[0].runs == len(found.tracks[0].latencies()) == frames


def test_with_frames_every_process_warms_up_whatever_the_budget() -> None:
    holders = [Candidate(label, f"{HERE}:hold", (60 * MIB,)) for label in "ab"]
    found = quick(*holders, memory=240 * MIB, processes=3, frames=30, budget=0.001)
    assert found.design == "in turn"
    assert [track.runs for track in found.tracks] == [30, 30]
    for track in found.tracks:
        assert set(track.warmed) == {0, 1, 2}
        assert all(warmed.runs > 100 for warmed in track.warmed.values())


def test_inputs_count_neither_as_load_time_nor_as_memory_before_they_are_placed() -> None:
    inputs = b"x" * (80 * MIB)
    found = quick(*(Candidate(str(keep), f"{HERE}:take", (keep,), inputs=inputs) for keep in (False, True)))
    for track, low, high in zip(found.tracks, (0, 75), (40, 140), strict=True):
        assert track.error is None
        for loaded in track.loaded.values():
            assert loaded.inputs_ns > 0.19e9
            assert loaded.load_ns < 0.1e9
        assert low * MIB <= (track.peak() or 0) < high * MIB


def test_the_time_of_a_process_that_crashed_is_remembered() -> None:
    candidates = [Candidate("bad", f"{HERE}:spin_then_crash")]
    with Crew(candidates, instances=1, memory=None, timeout=60.0) as crew:
        [(_, error)] = crew.start([(0, 0)])
        assert isinstance(error, WorkerCrashed)
        assert crew.cpu_s > 0.5


def test_instances_run_at_once_and_are_compared_by_throughput() -> None:
    one = quick(nap("a", 0.005))
    four = quick(nap("a", 0.005), instances=4)
    assert four.tracks[0].throughput() > 2 * one.tracks[0].throughput()
    assert float(np.median(four.tracks[0].latencies())) < 0.05


def test_items_of_a_run_count_in_throughput_and_ratio() -> None:
    found = quick(nap("a", 0.002), nap("b", 0.002, per_call=8))
    assert found.tracks[1].throughput() > 3 * found.tracks[0].throughput()
    ratio = found.ratio(1)
    assert isinstance(ratio, Ratio)
    assert ratio.value > 3


def test_a_candidate_that_does_not_load_leaves_the_others_alone() -> None:
    found = quick(spin("a"), Candidate("bad", f"{HERE}:refuse"), Candidate("lost", "no.such.module:thing"))
    assert found.tracks[0].runs > 0
    assert isinstance(found.tracks[1].error, WorkerError)
    assert "this one does not load" in str(found.tracks[1].error)
    assert found.tracks[2].error is not None
    assert isinstance(found.ratio(1), Missing)


@pytest.mark.parametrize(
    ("factory", "kind", "words"),
    [("crash_after", WorkerCrashed, "SIGSEGV"), ("fail_later", WorkerError, "it broke")],
)
def test_a_candidate_that_breaks_in_the_middle_keeps_what_it_had(factory: str, kind: type, words: str) -> None:
    found = quick(spin("a"), Candidate("bad", f"{HERE}:{factory}", (130,)), budget=3.0)
    good, bad = found.tracks
    assert isinstance(bad.error, kind)
    assert words in str(bad.error)
    assert 0 < bad.runs < 260
    assert good.error is None
    assert {process for process, _, _, _ in good.bursts} == {0, 1}
    assert max(number for _, number, _, _ in good.bursts) > max(number for _, number, _, _ in bad.bursts)


def test_all_failing_is_an_ending_not_an_exception() -> None:
    found = quick(Candidate("bad", f"{HERE}:refuse"))
    assert found.ending == "failure"
    assert found.tracks[0].error is not None


def test_little_memory_makes_processes_live_in_turn() -> None:
    size = 60 * MIB
    holders = [Candidate(label, f"{HERE}:hold", (size,)) for label in "ab"]
    found = quick(*holders, memory=240 * MIB, processes=3)
    assert found.design == "in turn"
    assert [track.processes for track in found.tracks] == [3, 3]
    ratio = found.ratio(1)
    assert isinstance(ratio, Ratio)
    for track in found.tracks:
        assert size * 0.95 < (track.peak() or 0) < size * 1.2


def test_less_memory_makes_them_live_alone() -> None:
    holders = [Candidate(label, f"{HERE}:hold", (60 * MIB,)) for label in "ab"]
    found = quick(*holders, memory=130 * MIB)
    assert found.design == "alone"
    assert [track.processes for track in found.tracks] == [2, 2]
    assert isinstance(found.ratio(1), Ratio)


def test_a_candidate_that_passes_the_memory_by_itself_fails_alone() -> None:
    found = quick(spin("a"), Candidate("big", f"{HERE}:hold_slowly", (400 * MIB,)), memory=200 * MIB)
    assert isinstance(found.tracks[1].error, WorkerOutOfMemory)
    assert found.tracks[0].runs > 0


def test_slow_runs_get_fewer_processes() -> None:
    found = quick(nap("slow", 0.2), processes=5, budget=1.3)
    assert found.processes == 2
    assert found.tracks[0].runs >= 4


def test_two_measurements_at_once_do_not_meet() -> None:
    found: list[Measurement] = []

    def one(label: str) -> None:
        found.append(measure([spin(label), spin(label + "2")], processes=2, budget=0.5))

    threads = [threading.Thread(target=one, args=(label,)) for label in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [len(m.tracks) for m in found] == [2, 2]
    assert all(track.runs > 0 and track.error is None for m in found for track in m.tracks)


def test_progress_is_told_and_ends_at_most_at_one() -> None:
    told: list[tuple[float, str]] = []
    quick(spin("a"), spin("b"), report=lambda share, detail: told.append((share, detail)))
    shares = [share for share, _ in told]
    assert all(0 <= share <= 1 for share in shares)
    assert any("loading a" in detail for _, detail in told)
    assert any("runs" in detail for _, detail in told)


def test_an_interrupt_anywhere_ends_all_workers_and_keeps_what_was_measured() -> None:
    """Stop from the report, as a Stop button would, at several places of a run."""
    before = children()
    for place in (1, 3, 6, 8):
        calls = [0]

        def stop(share: float, detail: str, calls: list[int] = calls, place: int = place) -> None:
            calls[0] += 1
            if calls[0] == place:
                raise KeyboardInterrupt

        with pytest.raises(MeasurementInterrupted) as caught:
            measure([spin("a"), spin("b")], processes=2, budget=30.0, report=stop)
        found = caught.value.measurement
        assert found.ending == "interrupt"
        assert children() <= before
        if place == 8:
            assert all(track.runs > 0 for track in found.tracks)


def test_an_interrupt_while_the_end_is_put_together_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    stop = Watch.stop

    def interrupted(*arguments: Any, **named: Any) -> Machine:
        signal.raise_signal(signal.SIGINT)
        return stop(*arguments, **named)

    monkeypatch.setattr(Watch, "stop", interrupted)
    with pytest.raises(MeasurementInterrupted) as caught:
        quick(spin("a"), spin("b"))
    assert isinstance(caught.value.measurement.ratio(1), Ratio)
    assert caught.value.measurement.machine.seconds > 0


def test_an_interrupt_while_a_burst_is_taken_in_leaves_no_half_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    median, calls = np.median, [0]

    def interrupted(*arguments: Any, **named: Any) -> Any:
        calls[0] += 1
        if calls[0] == 7:
            raise KeyboardInterrupt
        return median(*arguments, **named)

    monkeypatch.setattr(np, "median", interrupted)
    with pytest.raises(MeasurementInterrupted) as caught:
        quick(spin("a"), spin("b"))
    found = caught.value.measurement
    assert calls[0] == 7
    assert [len(track.speeds().value) for track in found.tracks] == [len(track.bursts) for track in found.tracks]
    assert isinstance(found.ratio(1), Ratio)


def test_a_second_interrupt_is_not_held_back() -> None:
    def twice() -> None:
        with Finishing():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        twice()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_real_interrupt_in_the_middle_of_a_burst(tmp_path: Path) -> None:
    code = f"""
import json, os, psutil, sys
from deploy_magics.timing import Candidate, MeasurementInterrupted, measure
def report(share, detail):
    if "runs" in detail:
        print("measuring", flush=True)
try:
    measure([Candidate(l, "{HERE}:spin", (0.1,)) for l in "ab"], processes=2, budget=60, report=report)
except MeasurementInterrupted as stop:
    left = [c.pid for c in psutil.Process().children(recursive=True)]
    print(json.dumps([stop.measurement.ending, [t.runs for t in stop.measurement.tracks], left]), flush=True)
"""
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "measuring"
        workers = [child.pid for child in psutil.Process(process.pid).children(recursive=True)]
        assert len(workers) == 4
        time.sleep(0.05)
        process.send_signal(2)
        rest, _ = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    ending, runs, left = json.loads(rest.strip().splitlines()[-1])
    assert ending == "interrupt"
    assert all(runs)
    assert left == []
    assert not any(psutil.pid_exists(pid) for pid in workers)


@pytest.mark.parametrize(
    ("candidates", "options", "words"),
    [
        ([], {}, "nothing to time"),
        ([spin("a"), spin("a")], {}, "two candidates are called 'a'"),
        ([spin("a")], {"processes": 1}, "processes must be at least 2"),
        ([spin("a")], {"precision": 0.0}, "precision must be above 0"),
        ([spin("a")], {"budget": float("nan")}, "budget must be above 0"),
        ([spin("a")], {"frames": 1}, "frames must be at least 2"),
        ([spin("a")], {"instances": 0}, "instances must be at least 1"),
    ],
)
def test_what_cannot_be_meant_is_refused(candidates: list[Candidate], options: dict[str, float], words: str) -> None:
    call: Callable[..., object] = measure
    with pytest.raises(ArgumentError, match=words):
        call(candidates, **options)
