"""What the tests of this room do in a worker."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy_magics.running import load_here
from deploy_magics.running.tvm import Tvm, TvmSession


def operator_labels(path: str, feeds: Mapping[str, Any]) -> list[str]:
    """Time the operators of an ONNX file by TVM; give their labels, each with a time above zero."""
    session = load_here(Path(path), "tvm", 1, {name: array.shape for name, array in feeds.items()})
    assert isinstance(session, TvmSession)
    session.set_inputs(feeds)
    found = session.operator_times(3)
    assert all(each.median > 0 for each in found)
    return [each.name for each in found]


def threads_and_idle(path: str, feeds: Mapping[str, Any], threads: int) -> tuple[int, float]:
    """Run a compiled model; give the threads that this process has more than before, and its processor time idle."""
    import psutil

    from deploy_magics.lowering._tvm import tvm

    tvm()
    process = psutil.Process()
    before = process.num_threads()
    session = Tvm().load(Path(path), threads=threads)
    session.set_inputs(feeds)
    for _ in range(20):
        session.run()
    began = time.process_time()
    time.sleep(1.0)
    return process.num_threads() - before, time.process_time() - began


def cores_busy(path: str, runtime: str, threads: int, feeds: Mapping[str, Any]) -> float:
    """Run a model for a while; give the processor time of this process as a share of the time that passed."""
    shapes = {name: array.shape for name, array in feeds.items()}
    session = load_here(Path(path), runtime, threads, shapes)
    session.set_inputs(feeds)
    for _ in range(5):
        session.run()
    # Threads that spin after a run are asleep by then.
    time.sleep(0.3)
    began, used = time.perf_counter(), time.process_time()
    while time.perf_counter() - began < 0.7:
        session.run()
    return (time.process_time() - used) / (time.perf_counter() - began)


def spins_after(path: str, runtime: str, threads: int, feeds: Mapping[str, Any]) -> float:
    """Give the seconds of processor time that are spent in the tenth of a second after the last run."""
    session = load_here(Path(path), runtime, threads, {name: array.shape for name, array in feeds.items()})
    session.set_inputs(feeds)
    least = float("inf")
    for _ in range(5):
        for _ in range(20):
            session.run()
        before = time.process_time()
        time.sleep(0.1)
        least = min(least, time.process_time() - before)
    return least
