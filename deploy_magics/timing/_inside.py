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
_inputs: list[Any] = []
_baseline = 0
_high_before = 0
_crowded = False
# Two clock readings, kept and put in order, take about 180 bytes a run: 2 MB here, 40 MB for an empty function.
_CROWD = 10_000


@dataclass(frozen=True)
class Loaded:
    """What loading a candidate took.

    Attributes
    ----------
    load_ns : int
        Time in the factory, its imports done before; the first instance's where there are several.
    inputs_ns : int
        Time of placing its inputs.
    first_ns : int
        Time of the first run.
    peak : int or None
        Most resident memory so far in bytes, less that before loading.
    extra : dict
        What the candidate says of itself in its attribute ``extra``.
    """

    load_ns: int
    inputs_ns: int
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
        Most resident memory so far in bytes, less that before loading; None also once a burst has held so many runs
        that what keeps their times would be counted.
    """

    starts: array[int]
    ends: array[int]
    rate: float
    peak: int | None


def prepare(imports: Sequence[str]) -> None:
    """Import modules, so that what follows times loading and not importing."""
    for name in imports:
        importlib.import_module(name)


def receive(inputs: Any) -> None:
    """Take in the inputs, so that what follows counts the memory of the candidate and not of their coming here."""
    _inputs[:] = [inputs]


def load(factory: str, args: Sequence[Any], kwargs: Mapping[str, Any], instances: int) -> Loaded:
    """Make the instances of a candidate, and run each once."""
    global _threads
    from deploy_magics.workers.child import resolve

    make = resolve(factory)
    _count_memory_from_here()
    before = _clock()
    subjects = [make(*args, **kwargs)]
    loaded = _clock()
    for inputs in _inputs:
        subjects[0].set_inputs(inputs)
    load_ns, inputs_ns = loaded - before, _clock() - loaded
    for _ in range(instances - 1):
        subjects.append(make(*args, **kwargs))
        for inputs in _inputs:
            subjects[-1].set_inputs(inputs)
    # The candidate has its own by now.
    _inputs.clear()
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
    return Loaded(load_ns, inputs_ns, first_ns, _peak(), dict(getattr(subjects[0], "extra", {})))


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
    """Time runs one after the other: for a time, within bounds on their number.

    Parameters
    ----------
    seconds : float
        How long to go on.
    least : int
        Fewest runs of each instance.
    most : int
        Most runs of all instances together. Where it does not divide by them, all go on at once to the end, so that
        the last run is made beside as many others as the first; those beyond the number are not timed.
    lead_in : int
        Runs before the first that is timed.
    until_ns : int, optional
        Clock reading at which to end in any case, after one run.
    """
    global _crowded
    each = -(-most // len(_runs))
    gc.collect(0)
    gc.disable()
    try:
        if _threads is None:
            parts = [_loop(_runs[0], seconds, least, each, lead_in, until_ns)]
        else:
            barrier = Barrier(len(_runs))
            jobs = [_threads.submit(_loop, r, seconds, least, each, lead_in, until_ns, barrier) for r in _runs]
            parts = [job.result() for job in jobs]
    finally:
        gc.enable()
    rate = sum(len(starts) / max(1, ends[-1] - starts[0]) * 1e9 for starts, ends in parts)
    runs = sorted(run for part in parts for run in zip(*part, strict=True))[:most]
    _crowded = _crowded or len(runs) > _CROWD
    peak = None if _crowded else _peak()
    return Burst(array("q", (start for start, _ in runs)), array("q", (end for _, end in runs)), rate, peak)


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
    if high is None:
        return None
    # A mark that has not risen is that of what went before, where the system does not let it be set back.
    return max(0, (high if high > _high_before else _resident()) - _baseline)


def _count_memory_from_here() -> None:
    """Take what is resident now as the baseline, and set the high-water mark back to it where the system can."""
    global _baseline, _high_before
    gc.collect()
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    _high_before = _high_water() or 0
    _baseline = _resident()


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
