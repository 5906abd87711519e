"""Frames are timed stage by stage; what goes wrong keeps what was measured and says where it was."""

from __future__ import annotations

import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deploy_magics.errors import ArgumentError
from deploy_magics.pipelining import STAGES, Measured, check_functions, find_source, measure
from deploy_magics.pipelining.engine import FEWEST, Setup
from deploy_magics.running.compiled import Runnable, open_all
from deploy_magics.steps._pipeline_figures import Figures
from tests.pipelining import stages


@pytest.fixture(scope="module")
def digits() -> Runnable:
    [model] = open_all(["digits"])
    return model


def run(model: Runnable, before: Callable[..., Any], after: Callable[..., Any], data: Any, **setup: Any) -> Measured:
    functions = check_functions({"preprocess": before, "postprocess": after})
    return measure(model, functions, find_source(data), Setup(**setup))


def test_stages_follow_one_another_and_the_first_frame_is_apart(digits: Runnable) -> None:
    found = run(digits, stages.preprocess, stages.postprocess, stages.PICTURES, frames=30)
    assert (found.failure, found.frames("serial"), found.order) == (None, 30, ("serial",))
    assert found.first is not None
    assert found.first.frames == 1
    assert found.bytes_in == 8 * 8 * 4
    assert found.bytes_out == 10 * 4
    assert found.gave.startswith("[")
    times = found.spans("serial").reshape(30, -1)
    assert (np.diff(times, axis=1) >= 0).all(), "each stage begins after the one before has ended"
    assert (times[1:, 0] >= times[:-1, -1]).all(), "each frame begins after the one before has ended"


def test_overlapped_stages_run_at_the_same_time_in_order_and_gain(digits: Runnable) -> None:
    found = run(digits, stages.slow_before, stages.slow_after, stages.PICTURES, overlap=True, frames=3 * FEWEST)
    assert found.frames("overlap") == found.frames("serial") == 3 * FEWEST
    for burst in found.of("overlap"):
        for stage in range(len(STAGES)):
            starts, ends = burst.spans[:, stage, 0], burst.spans[:, stage, 1]
            assert (starts[1:] >= ends[:-1]).all(), f"{STAGES[stage]} has one thread"
        began, ended = burst.spans[:, 1, 0], burst.spans[:, 5, 1]
        assert (began[1:] < ended[:-1]).any(), "a frame begins before the one before is done"
    figures = Figures(found)
    assert figures.bottleneck == "preprocess"
    # Two sleeps, of 10 and 6 ms, need no core: however busy the machine, they overlap.
    assert 1.2 < figures.best_gain < 2.5
    assert figures.rate("overlap") > figures.rate("serial")  # type: ignore[operator]


def test_queues_are_bounded(digits: Runnable) -> None:
    found = run(digits, stages.preprocess, stages.slow_after, stages.PICTURES, overlap=True, queue=1, frames=2 * FEWEST)
    [burst] = found.of("overlap")[:1]
    for number, (read, ended) in enumerate(zip(burst.spans[:, 0, 0], burst.spans[:, 5, 1], strict=True)):
        ahead = int((burst.spans[:, 0, 1] < ended).sum()) - number - 1
        assert ahead <= 7, "three queues of one and a frame in the hand of each thread"
        assert read < ended


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (
            stages.Fuse(9, stages.raise_value_error),
            stages.postprocess,
            "preprocess failed at item 3: ValueError: the pic",
        ),
        (lambda item: None, stages.postprocess, "inputs failed at item 0: preprocess gave None"),
        (lambda item: (item, 1, 2), stages.postprocess, "preprocess gave a tuple of 3"),
        (lambda item: {"nix": item}, stages.postprocess, "inputs failed at item 0: .*not given: input"),
        (lambda item: item[None, None].astype("float64"), stages.postprocess, "inference failed|inputs failed"),
        (lambda item: item, stages.postprocess, "(inference|inputs) failed at item 0: ONNX Runtime"),
        (
            stages.preprocess,
            lambda outputs, context: outputs["nix"],
            r"postprocess failed at item 0: KeyError: 'nix' \(l",
        ),
    ],
)
def test_a_failure_names_stage_and_item_in_one_line(
    digits: Runnable, before: Callable[..., Any], after: Callable[..., Any], said: str
) -> None:
    after_any = after if before is stages.preprocess else lambda outputs: outputs
    found = run(digits, before, after_any, stages.PICTURES, frames=20)
    assert found.failure is not None
    assert re.search(said, str(found.failure)), str(found.failure)
    assert "\n" not in str(found.failure)


@pytest.mark.parametrize("overlap", [False, True])
def test_a_crash_is_a_line_and_keeps_the_frames_before_it(digits: Runnable, overlap: bool) -> None:
    fuse = stages.Fuse(60 if overlap else 24, stages.crash)
    found = run(digits, fuse, len, stages.PICTURES, overlap=overlap, frames=50)
    assert found.failure is not None
    # Item 0 came first, then 0, 1, 2, ... of six. Of threads that were at work at once all are named.
    assert re.search(r"preprocess (failed at|\(at) item 0", str(found.failure)), str(found.failure)
    assert "SIGSEGV" in str(found.failure)
    # The first frame and three that warm up are not among them.
    assert found.frames("serial") == (50 if overlap else 20)


def test_an_interrupt_keeps_the_frames_until_then(digits: Runnable) -> None:
    def press() -> None:
        time.sleep(2.0)
        signal.raise_signal(signal.SIGINT)

    seen: list[str] = []
    functions = check_functions({"preprocess": stages.slow_before, "postprocess": stages.slow_after})

    def tell(share: float | None, text: str) -> None:
        seen.append(text)
        if text == "first frame":
            threading.Thread(target=press, daemon=True).start()

    found = measure(digits, functions, find_source(stages.PICTURES), Setup(budget=60.0), tell)
    assert found.interrupted
    assert found.frames("serial") > 20


def test_data_that_run_dry_start_again_and_empty_ones_are_told(digits: Runnable, tmp_path: Path) -> None:
    calls = tmp_path / "calls"

    def few() -> Iterator[Any]:
        with calls.open("a") as file:
            file.write(".")
        yield from stages.PICTURES[:2]

    assert run(digits, stages.preprocess, stages.postprocess, few, frames=10).failure is None
    assert len(calls.read_text()) >= 5
    found = run(digits, stages.preprocess, stages.postprocess, lambda: [], frames=10)
    assert "the data are empty" in str(found.failure)


def test_functions_are_checked_before_anything_runs() -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"postprocess": len}, "no function 'preprocess'"),
        ({"preprocess": len, "postproces": len}, "no function 'postprocess'"),
        ({"preprocess": lambda: 1, "postprocess": len}, r"cannot be called as preprocess\(item\)"),
        ({"preprocess": len, "postprocess": lambda a, b, c: 1}, r"postprocess\(outputs, context\)"),
        ({"preprocess": len, "postprocess": 3}, "no function"),
    ]
    for given, said in cases:
        with pytest.raises(ArgumentError, match=said):
            check_functions(given)

    def yields(item: Any) -> Iterator[Any]:
        yield item

    with pytest.raises(ArgumentError, match="yields"):
        check_functions({"preprocess": yields, "postprocess": len})


def test_what_cannot_leave_this_process_is_one_line(digits: Runnable) -> None:
    lock = threading.Lock()
    with pytest.raises(ArgumentError, match="preprocess uses what cannot be sent"):
        run(digits, lambda item: lock, stages.postprocess, stages.PICTURES)
    with pytest.raises(ArgumentError, match="the data cannot be sent"):
        run(digits, stages.preprocess, stages.postprocess, [lock])
