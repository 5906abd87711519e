"""Run a pipeline in a worker, burst by burst, so that Stop, an exception and a crash keep what was measured."""

from __future__ import annotations

import math
import random
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy_magics.errors import ArgumentError, WorkerError
from deploy_magics.functions import pack
from deploy_magics.model import Model
from deploy_magics.pipelining import _marks
from deploy_magics.pipelining.functions import Functions
from deploy_magics.pipelining.measured import Burst, Failure, Measured, Mode
from deploy_magics.pipelining.source import Source
from deploy_magics.timing import Watch

if TYPE_CHECKING:
    from deploy_magics.arguments import ModelLike
    from deploy_magics.converting import Source as Packed
    from deploy_magics.running.compiled import Runnable

JOB = "deploy_magics.pipelining._job:"
BURST_S = 0.5
"""What a burst lasts: long enough for queues to fill, short enough for the machine to stay the same through a round."""
FEWEST = 8
"""Frames of an overlapped burst at least; in fewer, the queues' filling and draining is most of it."""
_WARM_UP = 3
_MOST_BYTES = 2**30


@dataclass(frozen=True)
class Setup:
    """How to run.

    Attributes
    ----------
    runtime : str
        Short name of the runtime.
    threads : int
        Threads inside one operator.
    overlap : bool
        Whether to run the stages in threads as well.
    queue : int
        Frames that may wait between two threads.
    frames : int or None
        Frames to run in each mode, the first and those that warm up apart; None for as many as the budget allows.
    budget : float
        Seconds of running frames.
    timeout : float
        Seconds that loading, or one burst, may take.
    memory : int or None
        Bound on the worker's resident memory in bytes.
    seed : int
        Of the order in which the modes take turns.
    """

    runtime: str = "ort"
    threads: int = 1
    overlap: bool = False
    queue: int = 2
    frames: int | None = None
    budget: float = 5.0
    timeout: float = 60.0
    memory: int | None = None
    seed: int = 0


def measure(
    model: Runnable,
    functions: Functions,
    source: Source,
    setup: Setup,
    tell: Callable[[float | None, str], Any] = lambda share, text: None,
    *,
    obj: ModelLike | None = None,
) -> Measured:
    """Run frames, and note when each stage of each began and ended.

    Parameters
    ----------
    model : Runnable
        The model between the two functions.
    functions : Functions
        What stands before and after it.
    source : Source
        Where the items come from; after the last one comes the first again.
    setup : Setup
        How.
    tell : callable
        Told the share done and the figure of the moment.
    obj : ModelLike, optional
        The model as the user named it, for runtimes that run torch modules.

    Returns
    -------
    Measured
        With :attr:`Measured.failure` where something went wrong in a stage, and what was measured until then.

    Raises
    ------
    ArgumentError
        Where functions or data cannot be sent to another process.
    DeployError
        Where the model does not load.
    """
    from deploy_magics import workers

    shipped = ship(functions, source)
    found = Measured(items=source.count)
    shapes = _shapes(model)
    names = [spec.name for spec in model.inputs]
    with tempfile.TemporaryDirectory(prefix="deploy-magics-") as folder, model.file() as path:
        marks = Path(folder) / "marks"
        _marks.make(marks)
        memory = setup.memory or workers.memory_bound()
        watch = Watch()
        with workers.Worker(f"the pipeline with {model.name!r}", memory=memory) as worker:

            def call(what: str, *args: Any) -> Any:
                return worker.call(JOB + what, *args, timeout=setup.timeout)

            tell(None, "loading")
            packed = _packed(model, obj, setup.runtime, Path(folder))
            given = (shipped, str(path), setup.runtime, setup.threads, shapes, names, str(marks), packed)
            found.ready_s = call("load", *given)
            try:
                _run(found, setup, call, tell)
            except KeyboardInterrupt:
                found.interrupted = True
                _keep(found, marks)
            except WorkerError as error:
                found.failure = _crash(error, marks, source)
                _keep(found, marks)
            found.machine = watch.stop([worker.pid], worker.cpu_s)
    return found


def _packed(model: Runnable, obj: ModelLike | None, runtime: str, folder: Path) -> Packed | None:
    """Write the torch module of a model where the runtime runs those; None where it does not."""
    from deploy_magics import running

    found = running.get(runtime)
    if not isinstance(model, Model) or not isinstance(found, running.Prepares) or found.takes != "torch":
        return None
    return running.packed(model, model if obj is None else obj, found, model.feeds(), folder / "module.pickle")


def _shapes(model: Runnable) -> dict[str, list[int]]:
    """Give the sizes for which a model is converted, where its runtime needs that."""
    sized = model.concrete() if isinstance(model, Model) else model
    return {spec.name: [size for size in spec.shape or () if isinstance(size, int)] for spec in sized.inputs}


def ship(functions: Functions, source: Source) -> bytes:
    """Turn functions and data into bytes for another process.

    Raises
    ------
    ArgumentError
        Where something that they refer to cannot leave this one; one line.
    """
    import cloudpickle

    pack({"preprocess": functions.preprocess, "postprocess": functions.postprocess})
    try:
        data = cloudpickle.dumps(source)
    except Exception as error:  # noqa: BLE001 - pickling runs code of whatever the data are
        text = " ".join(str(error).split())[:160] or type(error).__name__
        raise ArgumentError(
            f"the data cannot be sent to the process that is timed: {text}",
            hint="give a function that returns them",
        ) from None
    if len(data) > _MOST_BYTES:
        raise ArgumentError(
            f"the data take {len(data) / 2**30:.1f} GiB, and 1 GiB can be sent to the process that is timed",
            hint="give a folder, or a function that gives the items one by one",
        )
    del data
    # Together, so that what they share stays shared.
    shipped: bytes = cloudpickle.dumps((functions, source))
    return shipped


def _run(found: Measured, setup: Setup, call: Callable[..., Any], tell: Callable[[float | None, str], Any]) -> None:
    tell(None, "first frame")
    found.first, found.bytes_in, found.bytes_out, found.gave = call("first")
    if _failed(found, found.first):
        return
    modes: list[Mode] = ["serial", "overlap"] if setup.overlap else ["serial"]
    # Frames that warm up are few where a frame is long.
    warm: Burst = call("serial", 0.2, _WARM_UP)
    if _failed(found, warm):
        return
    # What is kept of a burst that is cut short is told from this on.
    found.warm = True
    each = float(warm.stage_s().sum(axis=1).mean())
    rng = random.Random(setup.seed)
    began = time.monotonic()
    number = 0
    while not _done(found, setup, modes, time.monotonic() - began, number):
        # One after another comes first: what is interrupted early has the figures to which others are compared.
        if number:
            rng.shuffle(modes)
        for mode in modes:
            left = math.inf if setup.frames is None else setup.frames - found.frames(mode)
            if left <= 0:
                continue
            left = min(left, _marks.CAPACITY)
            if mode == "serial":
                burst = call("serial", BURST_S, int(left))
            else:
                count = max(FEWEST, math.ceil(BURST_S / max(each, 1e-6)))
                burst = call("overlap", int(min(left, count)), setup.queue)
            found.bursts.append(burst)
            found.rounds.append(number)
            if _failed(found, burst):
                return
        number += 1
        passed = time.monotonic() - began
        share = min(1.0, passed / setup.budget)
        if setup.frames is not None:
            share = min(found.frames(mode) for mode in modes) / setup.frames
        rates = [burst.rate for burst in found.of("serial")[-1:] if burst.rate]
        tell(share, f"{rates[0]:.3g} frames/s" if rates else "")


def _done(found: Measured, setup: Setup, modes: list[Mode], passed: float, rounds: int) -> bool:
    if setup.frames is not None:
        return all(found.frames(mode) >= setup.frames for mode in modes)
    # An interval on the gain needs several rounds, however slow the frames.
    return passed >= setup.budget and (rounds >= 3 or passed >= 2 * setup.budget)


def _failed(found: Measured, burst: Burst) -> bool:
    found.failure = burst.failure
    return burst.failure is not None


def _keep(found: Measured, marks: Path) -> None:
    """Keep the frames that a burst had finished when it was cut short."""
    burst = _marks.kept(marks)
    known: list[Burst | None] = [*found.bursts[-1:]] or [found.first]
    # The one before has been told of already, where none began since.
    seen = any(one is not None and burst.frames and one.spans[:1].tolist() == burst.spans[:1].tolist() for one in known)
    if found.warm and burst.frames and not seen:
        found.bursts.append(burst)
        found.rounds.append(found.rounds[-1] + 1 if found.rounds else 0)


def _crash(error: WorkerError, marks: Path, source: Source) -> Failure:
    """Tell a process that ended from where it was."""
    at = _marks.where(marks)
    text = str(error)
    if not at:
        return Failure("the pipeline", "", text)
    if len(at) == 1:
        [(stage, place)] = at
        return Failure(stage, source.name(place), text)
    # Which of the threads it was cannot be told.
    return Failure(" or ".join(f"{stage} (at {source.name(place)})" for stage, place in at), "", text)
