"""Compile a model in a worker, with bounds, and give it only if it computes what the original does."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from deploy_magics.compiling._job import Done
from deploy_magics.compiling.compiled import Compiled
from deploy_magics.errors import ArgumentError, DeployError, MissingPartError, VerificationError
from deploy_magics.files import check_place, whole_file
from deploy_magics.lowering import _tvm
from deploy_magics.lowering.artefact import SUFFIXES
from deploy_magics.lowering.target import Target

if TYPE_CHECKING:
    from deploy_magics.arguments import FeedSource
    from deploy_magics.model import Model
    from deploy_magics.verifying import Verification
    from deploy_magics.workers import Worker

JOB = "deploy_magics.compiling._job:"
"""Where the functions are that run in the worker."""


@dataclass(frozen=True)
class Options:
    """How to compile.

    Attributes
    ----------
    layout : str
        One of :data:`deploy_magics.lowering.tasks.LAYOUTS`.
    schedule : str
        One of :data:`deploy_magics.lowering.pipeline.SCHEDULES`.
    records : Path or None
        Folder of records whose best decisions are used.
    threads : int or None
        Prefer records of trials with so many threads.
    output : Path or None
        File to write; a temporary one where it is None.
    force : bool
        Overwrite it if it exists.
    archive : bool
        Without ``output``: make an archive of object files and not a library.
    data : FeedSource or None
        More inputs to verify on.
    tolerance : float or None
        As :meth:`deploy_magics.verifying.Reference.compare` takes it.
    timeout : float
        Bound on each part of the work, in seconds.
    memory : int or None
        Bound on each worker's resident memory in bytes; three quarters of what is free where it is None.
    """

    layout: str = "auto"
    schedule: str = "rule"
    records: Path | None = None
    threads: int | None = None
    output: Path | None = None
    force: bool = False
    archive: bool = False
    data: FeedSource | None = None
    tolerance: float | None = None
    timeout: float = 600.0
    memory: int | None = None


def compile_model(
    model: Model,
    target: Target | None = None,
    options: Options | None = None,
    *,
    tell: Callable[[float, str], None] = lambda share, what: None,
) -> Compiled:
    """Compile a model with TVM.

    Parameters
    ----------
    model : Model
        What to compile; open dimensions take the sizes of :attr:`Model.assumed`.
    target : Target, optional
        The machine; this one by default.
    options : Options, optional
        How.
    tell : Callable[[float, str], None]
        Told the share done and what is done next.

    Returns
    -------
    Compiled
        Verified against ONNX Runtime, where the target's code runs on this machine.

    Raises
    ------
    MissingPartError
        Where TVM is not installed.
    ModelError
        Where the model does not run, or TVM cannot import it; the line names the operators.
    VerificationError
        Where the compiled model computes something else; no file is left.
    DeployError
        Where records do not fit, the file cannot be written, or a worker crashes or passes a bound.
    """
    from deploy_magics import workers
    from deploy_magics.temporary import Folder

    options = options or Options()
    require_tvm()
    if options.output is not None:
        output_path(options.output, force=options.force)
    machine = target if target is not None else Target.host()
    concrete = model.concrete()
    memory = options.memory or workers.memory_bound()
    clock = _Clock()
    with ExitStack() as stack:
        work = Folder()
        stack.callback(work.close)
        worker = stack.enter_context(_compiler(memory))
        # TVM is imported there while the model is made smaller.
        worker.send(JOB + "prepare", timeout=options.timeout)
        tell(0.0, "simplifying")
        source, notes = simplified(concrete, work.path, options.timeout, memory)
        clock.lap("simplify")
        worker.receive()
        tell(0.3, "compiling")
        made = work.path / f"model{options.output.suffix if options.output else '.tar' if options.archive else '.so'}"
        done = _compile(worker, concrete, source, made, machine, options, work.path)
        worker.close()
        clock.add(done.seconds)
        verification = None
        if machine.why_not_here() is None and made.suffix != ".tar":
            tell(0.7, "verifying")
            try:
                verification = _verify(concrete, made, options, memory)
            except VerificationError as error:
                if options.layout != "auto" or options.records is not None or done.manifest.layout != "blocked":
                    raise
                notes.append(f"the blocked layout was given up: {error.message}")
                plainer = replace(options, layout="plain")
                made.unlink()
                clock.lap("verify")
                with _compiler(memory) as another:
                    done = _compile(another, concrete, source, made, machine, plainer, work.path)
                clock.add(done.seconds)
                verification = _verify(concrete, made, options, memory)
            clock.lap("verify")
        else:
            notes.append(f"not verified: {_why_not_verified(machine, made)}")
        folder = None if options.output is not None else Folder()
        path = options.output if options.output is not None else _own(folder, made)
        if options.output is not None:
            with whole_file(options.output, force=options.force) as part:
                shutil.copyfile(made, part)
    return Compiled(path, done.manifest, verification, done.functions, clock.seconds, (*notes, *done.notes), folder)


def _compiler(memory: int) -> Worker:
    from deploy_magics import workers

    return workers.Worker("TVM's compiler", memory=memory, env={"TVM_NUM_THREADS": "1"})


def require_tvm() -> None:
    """Raise MissingPartError where TVM cannot be used here."""
    MissingPartError.check(_tvm.why_not())


def output_path(path: Path, *, force: bool) -> Path:
    """Refuse a file that could not be written in the end, before any work.

    Raises
    ------
    ArgumentError
        Where its name says that it is something else.
    DeployError
        Where it exists and ``force`` is not set, or there is no folder to hold it.
    """
    if path.suffix not in SUFFIXES:
        known = ", ".join(SUFFIXES)
        raise ArgumentError(f"a compiled model is a file that ends in {known}, not {path.name!r}")
    check_place(path, force=force)
    return path


class _Clock:
    """Takes the time of one stage after the other."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.monotonic()

    def lap(self, stage: str) -> None:
        self.add({stage: time.monotonic() - self._last})

    def add(self, seconds: Mapping[str, float]) -> None:
        """Take the times of stages that were taken elsewhere in the meantime."""
        for stage, took in seconds.items():
            self.seconds[stage] = self.seconds.get(stage, 0.0) + took
        self._last = time.monotonic()


def simplified(model: Model, folder: Path, timeout: float, memory: int) -> tuple[Path, list[str]]:
    """Make the model smaller for TVM; the original and a note where that is refused."""
    from deploy_magics.simplifying import simplify_file

    place = folder / "simplified"
    place.mkdir()
    with model.file() as path:
        try:
            done = simplify_file(
                path,
                place,
                shapes={spec.name: spec.shape for spec in model.inputs if spec.shape is not None},
                max_bytes=model.limits.max_bytes,
                timeout=timeout,
                memory=memory,
            )
        except DeployError as error:
            return path, [f"compiled as it is, for it could not be simplified: {error.message}"]
    return done.path, []


def _compile(
    worker: Worker, model: Model, source: Path, made: Path, target: Target, options: Options, folder: Path
) -> Done:
    workspace = Path(tempfile.mkdtemp(prefix="objects-", dir=folder))
    with model.file():
        done: Done = worker.call(
            JOB + "compile_file",
            str(source),
            str(made),
            str(workspace),
            inputs={spec.name: (spec.dtype, spec.shape) for spec in model.inputs},
            outputs=[spec.name for spec in model.outputs],
            machine=target.to_plain(),
            model={"name": model.name, "digest": model.digest, "source": model.source},
            layout=options.layout,
            how=options.schedule,
            records=None if options.records is None else str(options.records),
            threads=options.threads,
            timeout=options.timeout,
        )
    return done


def _verify(model: Model, made: Path, options: Options, memory: int) -> Verification:
    from deploy_magics import verifying

    running = verifying.Running(timeout=options.timeout, memory=memory)
    inputs = verifying.inputs_for(model, data=options.data)
    reference = verifying.Reference.of(model, inputs, running=running)
    with closing(reference):
        compiled = verifying.Running("tvm", timeout=options.timeout, memory=memory)
        found = reference.compare_on(made, compiled, tolerance=options.tolerance)
    found.require("what TVM made of it", hint="no file was written; run the model with --on ort")
    return found


def _why_not_verified(target: Target, made: Path) -> str:
    if made.suffix == ".tar":
        return "an archive runs once it is linked"
    return f"{target.why_not_here()}; %tvm_run and %bench on that machine run it"


def _own(folder: object, made: Path) -> Path:
    """Move the file to where it lives as long as the result."""
    place: Path = folder.path / made.name  # type: ignore[attr-defined]
    shutil.move(made, place)
    return place
