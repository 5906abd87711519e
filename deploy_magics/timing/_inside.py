"""The worker's side of a measurement: load a candidate, warm it up, time bursts of runs.

One worker holds one candidate, as one or more instances that run at once. Nothing here needs NumPy or a runtime;
the candidate's factory imports what it needs.
"""

from __future__ import annotations

import gc
import importlib
import sys
import time
from array import array
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier
from typing import Any

_clock = time.perf_counter_ns
_runs: list[Callable[[], object]] = []
_threads: ThreadPoolExecutor | None = None
_baseline = 0


@dataclass(frozen=True)
class Loaded:
    """What loading a candidate took.

    Attributes
    ----------
    load_ns : int
        Time in the factory, its imports done before; the first instance's where there are several.
    first_ns : int
        Time of the first run.
    peak : int or None
        Most resident memory so far in bytes, less that before loading.
    extra : dict
        What the candidate says of itself in its attribute ``extra``.
    """

    load_ns: int
    first_ns: int
    peak: int | None
    extra: dict[str, Any]


@dataclass(frozen=True)
class WarmedUp:
    """How a warm-up went.

    Attributes
    ----------
    runs : int
        Runs it took.
    steady : bool
        Whether it ended because runs had become steady, and not because time was up.
    typical_ns : int
        Median of its last window, the time of a run from which the rest of the measurement is planned.
    """

    runs: int
    steady: bool
    typical_ns: int


@dataclass(frozen=True)
class Burst:
    """Runs timed one after the other.

    Attributes
    ----------
    starts, ends : array of int
        Clock readings of each run in nanoseconds, in the order of their starts.
    rate : float
        Runs a second, all instances together.
    peak : int or None
        Most resident memory so far in bytes, less that before loading.
    """

    starts: array[int]
    ends: array[int]
    rate: float
    peak: int | None


def prepare(imports: Sequence[str]) -> None:
    """Import modules, so that what follows times loading and not importing."""
    global _baseline
    for name in imports:
        importlib.import_module(name)
    gc.collect()
    _baseline = _resident()


def load(factory: str, args: Sequence[Any], kwargs: Mapping[str, Any], instances: int) -> Loaded:
    """Make the instances of a candidate, and run each once."""
    global _threads
    from deploy_magics.workers.child import resolve

    make = resolve(factory)
    before = _clock()
    subjects = [make(*args, **kwargs)]
    load_ns = _clock() - before
    subjects += [make(*args, **kwargs) for _ in range(instances - 1)]
    _runs[:] = [subject.run for subject in subjects]
    before = _clock()
    _runs[0]()
    first_ns = _clock() - before
    for run in _runs[1:]:
        run()
    if instances > 1:
        _threads = ThreadPoolExecutor(instances)
    # What is there now stays; the collector need not look at it again.
    gc.collect()
    gc.freeze()
    return Loaded(load_ns, first_ns, _peak(), dict(getattr(subjects[0], "extra", {})))


def warm_up(window_s: float, limit_s: float) -> WarmedUp:
    """Run until two windows in a row agree, or time is up.

    Two windows agree where the first quartile, the median and the third quartile of their runs each differ by no more
    than 5 %: the heart of the rule by which pyperf calibrates its warm-ups (``test_calibrate_warmups`` in its
    ``_worker.py``), applied here to windows of time in place of counted samples.
    """
    end = _clock() + round(limit_s * 1e9)
    runs, last = 0, None
    while True:
        burst = burst_of(window_s, 5, sys.maxsize, until_ns=end)
        runs += len(burst.starts)
        marks = _quartiles([b - a for a, b in zip(burst.starts, burst.ends, strict=True)])
        steady = last is not None and all(abs(a - b) <= 0.05 * max(a, b) for a, b in zip(marks, last, strict=True))
        if steady or _clock() >= end:
            return WarmedUp(runs, steady, round(marks[1]))
        last = marks


def burst_of(seconds: float, least: int, most: int, lead_in: int = 0, until_ns: int | None = None) -> Burst:
    """Time runs one after the other: for a time, but not fewer than ``least`` nor more than ``most`` an instance.

    Parameters
    ----------
    seconds : float
        How long to go on.
    least, most : int
        Bounds on the number of runs of each instance.
    lead_in : int
        Runs before the first that is timed.
    until_ns : int, optional
        Clock reading at which to end in any case, after one run.
    """
    gc.collect(0)
    gc.disable()
    try:
        if _threads is None:
            parts = [_loop(_runs[0], seconds, least, most, lead_in, until_ns)]
        else:
            barrier = Barrier(len(_runs))
            jobs = [_threads.submit(_loop, r, seconds, least, most, lead_in, until_ns, barrier) for r in _runs]
            parts = [job.result() for job in jobs]
    finally:
        gc.enable()
    rate = sum(len(starts) / max(1, ends[-1] - starts[0]) * 1e9 for starts, ends in parts)
    runs = sorted(run for part in parts for run in zip(*part, strict=True))
    return Burst(array("q", (start for start, _ in runs)), array("q", (end for _, end in runs)), rate, _peak())


def _loop(
    run: Callable[[], object],
    seconds: float,
    least: int,
    most: int,
    lead_in: int,
    until_ns: int | None,
    barrier: Barrier | None = None,
) -> tuple[list[int], list[int]]:
    clock = _clock
    starts: list[int] = []
    ends: list[int] = []
    if barrier is not None:
        barrier.wait()
    for _ in range(lead_in):
        run()
    end = clock() + round(seconds * 1e9)
    stop = sys.maxsize if until_ns is None else until_ns
    while True:
        before = clock()
        run()
        after = clock()
        starts.append(before)
        ends.append(after)
        if after >= stop or len(ends) >= most or (after >= end and len(ends) >= least):
            return starts, ends


def _quartiles(values: list[int]) -> tuple[float, float, float]:
    ordered = sorted(values)
    last = len(ordered) - 1
    return ordered[round(last / 4)], ordered[round(last / 2)], ordered[round(last * 3 / 4)]


def _peak() -> int | None:
    high = _high_water()
    return None if high is None else max(0, high - _baseline)


def _resident() -> int:
    import psutil

    return int(psutil.Process().memory_info().rss)


def _high_water() -> int | None:
    """Most resident memory of this process in bytes; None where the system does not say."""
    # Linux's ru_maxrss may be that of the parent before exec (kernel: setmax_mm_hiwater_rss in begin_new_exec);
    # VmHWM belongs to this program alone.
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak) if sys.platform == "darwin" else int(peak) * 1024
