"""One compiled model, run and timed in a worker, measurement by measurement, so that Stop keeps what there is."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deploy_magics.lowering.artefact import Manifest
    from deploy_magics.running import Arrays
    from deploy_magics.running.compiled import Runnable
    from deploy_magics.tuning.remote import Tracker

JOB = "deploy_magics.steps._tvm_run_job:"
LONG_ENOUGH_S = 0.005
"""What a measurement lasts at least by default; a clock and a scheduler are seen in shorter ones."""
_MOST_RUNS = 100_000
# How often progress is shown, and how long what Stop costs lasted at most.
_TURN_S = 0.4


@dataclass(frozen=True)
class Options:
    """How to run; see :func:`deploy_magics.steps.tvm_run.tvm_run` for what each means."""

    repeat: int
    number: int | None
    threads: int
    tracker: Tracker | None
    timeout: float
    memory: int | None


@dataclass
class Measured:
    """What came of it.

    Attributes
    ----------
    manifest : Manifest
        What the compiled model says of itself.
    outputs : Arrays
        Of the first run.
    ready_s : float
        Seconds until it could run: to load or to compile.
    threads : int or None
        On which it ran, where that is known.
    number : int
        Runs of a measurement.
    seconds : list of float
        Each the mean time of a run in one measurement.
    times : list of float
        When each was taken, in seconds after the first.
    interrupted : bool
        Whether it was stopped before all were done.
    """

    manifest: Manifest
    outputs: Arrays
    ready_s: float
    threads: int | None
    number: int = 1
    seconds: list[float] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    interrupted: bool = False


def measure(
    model: Runnable,
    feeds: Arrays,
    options: Options,
    *,
    fits: Callable[[Manifest], Any],
    keep: Callable[[Arrays], Any],
    tell: Callable[[float | None, str], Any],
) -> Measured:
    """Run a model, and time it.

    Parameters
    ----------
    model : Runnable
        The model; on a device a compiled one.
    feeds : Arrays
        Its inputs by name.
    options : Options
        How.
    fits : callable
        Told what the model is before it runs; what it raises ends the work.
    keep : callable
        Given the outputs as soon as they are there.
    tell : callable
        Told the share done and what is being done.

    Raises
    ------
    DeployError
        Where it cannot be loaded or run, or its process crashes or passes a bound.
    """
    from deploy_magics import workers

    began = time.monotonic()
    where = "TVM on a device" if options.tracker is not None else "TVM"
    memory = options.memory or workers.memory_bound()
    with model.file() as path, workers.Worker(f"{where} with {model.name!r}", memory=memory) as worker:

        def call(what: str, *args: Any) -> Any:
            return worker.call(JOB + what, *args, timeout=options.timeout)

        if options.tracker is not None:
            tell(None, "sending it to the device")
            at = options.tracker
            manifest, threads = call(
                "load_there", str(path), at.host, at.port, at.key, options.threads, options.timeout
            )
        else:
            tell(None, "loading" if hasattr(model, "manifest") else "compiling")
            shapes = {name: list(array.shape) for name, array in feeds.items()}
            manifest, threads = call("load", str(path), options.threads, shapes)
        fits(manifest)
        ready_s = time.monotonic() - began
        tell(None, "running")
        found = Measured(manifest, call("first", dict(feeds)), ready_s, threads)
        keep(found.outputs)
        try:
            _time(found, options, call, tell)
        except KeyboardInterrupt:
            found.interrupted = True
    return found


def _time(
    found: Measured, options: Options, call: Callable[..., Any], tell: Callable[[float | None, str], Any]
) -> None:
    once = max(1e-7, min(call("timed", 2, 1)))
    found.number = options.number or min(_MOST_RUNS, math.ceil(LONG_ENOUGH_S / once))
    began = time.monotonic()
    while len(found.seconds) < options.repeat:
        left = options.repeat - len(found.seconds)
        turn = min(left, max(1, int(_TURN_S / (once * found.number))))
        start = time.monotonic() - began
        new = call("timed", turn, found.number)
        found.times += [start + found.number * lasted for lasted in accumulate(new, initial=0.0)][:-1]
        found.seconds += new
        done = len(found.seconds)
        tell(done / options.repeat, f"{1e3 * sum(found.seconds) / done:.4g} ms")
