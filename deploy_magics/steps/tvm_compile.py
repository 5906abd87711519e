"""``%tvm_compile``: a model as code for one machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from deploy_magics.arguments import AModel, Dims, FeedSource, OutputPath, Shapes
from deploy_magics.errors import ArgumentError, DeployError
from deploy_magics.result import Held, Note, Result
from deploy_magics.steps._bounds import check_amounts, check_counts, check_tolerance
from deploy_magics.steps._registry import step

if TYPE_CHECKING:
    from deploy_magics.compiling import Compiled
    from deploy_magics.model import Model


@dataclass
class TvmCompileResult(Result):
    """A compiled model, and what it consists of.

    ``%bench`` and ``%tvm_run`` take it as a model that runs on TVM.
    """

    compiled: Compiled | None = None

    @property
    def artefact(self) -> Compiled:
        """The compiled model; raises DeployError in a result that was read from a file."""
        if self.compiled is None:
            raise DeployError("this result holds no compiled model", hint="run %tvm_compile again")
        return self.compiled


@step(answers="How fast is it as code made for this machine?", workbook="06_tvm", order=40, cell=True)
def tvm_compile(
    *models: AModel,
    target: str | None = None,
    layout: str = "auto",
    schedule: str = "rule",
    records: str | Path | None = None,
    threads: int | None = None,
    output: Annotated[str | Path | None, OutputPath()] = None,
    force: bool = False,
    data: FeedSource | None = None,
    tolerance: float | None = None,
    bench: bool = False,
    timeout: float = 600.0,
    memory: float | None = None,
    shape: Shapes = None,
    dim: Dims = None,
) -> TvmCompileResult:
    """Compile a model with TVM into a library for one machine, and show that it computes the same.

    The model is simplified, laid out so that a vector register holds channels, cut into functions, scheduled and built,
    in a worker with bounds. Without a search a rule schedules each function: a tile of results stays in registers, the
    weights are packed in the order in which they are read, the outer loops are spread over threads. The library then
    runs beside ONNX Runtime on the same inputs; one that computes something else is an error and is not kept.

    Parameters
    ----------
    *models
        The model: a path, zoo name, notebook variable, ModelProto or torch module; ``label=model`` labels it. In the
        cell form the last expression of the body.
    target
        The machine: ``host`` (this one, the default), a board such as ``raspberry-pi-4``, a triple such as
        ``aarch64-linux-gnu``, or LLVM's options, ``"llvm -mtriple=aarch64-linux-gnu -mcpu=cortex-a72 -num-cores=4"``.
        What is made for another machine is not verified here, and a note says so.
    layout
        ``auto`` blocks the tensors of convolutions by channels where it can, ``blocked`` does in any case, ``plain``
        keeps them as in the model.
    schedule
        ``rule``, or ``none`` for what TVM builds by itself: every loop as it is written, one after the other.
    records
        Folder of records of ``%tvm_tune``: each function is scheduled as its best trial was. Where none were made on
        this processor, those of one whose registers are alike are taken, and a note says so.
    threads
        With ``--records``: prefer those of trials that ran with so many threads. Code itself runs on any number.
    output
        File to write: a library (``.so``), or an archive of object files (``.tar``). By default a temporary library
        that lives as long as the result: keep it with ``-o NAME``.
    force
        Overwrite that file if it exists.
    data
        An ``.npz`` file with an array for each input, on which the two are compared as well.
    tolerance
        Largest difference allowed, as a share of the output's local range; by default 1e-3 for a model in float32.
    bench
        Measure its speed against ONNX Runtime as well, with ``%bench``.
    timeout
        Bound on each part of the work, in seconds.
    memory
        Bound on the memory of each worker process, in GiB; by default three quarters of what is free.
    shape
        Fix dynamic dimensions, ``--shape input=1x3x224x224`` (of one input also ``1x3x224x224``); compiled code has
        no open ones.
    dim
        Fix a dynamic dimension by its name, ``--dim N=1``.

    Returns
    -------
    TvmCompileResult
        Its functions by kind; ``.artefact`` is the compiled model, with ``.path`` and ``.manifest``.

    Raises
    ------
    MissingPartError
        Where TVM is not installed.
    ModelError
        Where TVM cannot import the model; the line names the operators.
    VerificationError
        Where the compiled model computes something else.

    Examples
    --------
    Compile for this machine, and compare::

        %tvm_compile resnet50 -o base
        %bench base resnet50 --on tvm,ort

    The bare build, to see what schedules are worth::

        %tvm_compile resnet50 --schedule none -o bare

    A file for a board::

        %tvm_compile detector.onnx --target raspberry-pi-4 --output detector.so

    As a search found it to be fastest, in a fresh kernel or on another machine of its kind::

        %tvm_compile squeezenet --records squeezenet_records/ -o again
    """
    from deploy_magics.compiling import Options, compile_model, output_path
    from deploy_magics.compiling.engine import require_tvm
    from deploy_magics.lowering.target import Target
    from deploy_magics.model import Model
    from deploy_magics.progress import progress

    require_tvm()
    path = None if output is None else output_path(Path(output).expanduser(), force=force)
    check_amounts(timeout=timeout, memory=memory)
    check_tolerance(tolerance)
    check_counts(threads=threads)
    if threads is not None and records is None:
        hint = "code runs on as many threads as what runs it says: %bench NAME --on tvm --threads 2"
        raise ArgumentError("--threads chooses among records, and there are none", hint=hint)
    if records is not None and schedule != "rule":
        raise ArgumentError("--records and --schedule contradict each other", hint="leave one of them out")
    if len(models) != 1:
        what = "no model was given" if not models else f"{len(models)} models were given"
        raise ArgumentError(what, hint="compile one at a time: %tvm_compile resnet50")
    machine = Target.parse(target) if target is not None else Target.host()
    [model] = Model.all_of(models, shapes=shape, dims=dim)
    options = Options(
        layout=layout,
        schedule=schedule,
        records=None if records is None else Path(records).expanduser(),
        threads=threads,
        output=path,
        force=force,
        data=data,
        tolerance=tolerance,
        timeout=timeout,
        memory=None if memory is None else int(memory * 2**30),
    )
    with progress(f"tvm_compile: {model.name}") as tracker:
        found = compile_model(model, machine, options, tell=tracker.update)
    result = _result(model, found, path)
    return _with_speed(result, model, found, data) if bench else result


def _result(model: Model, found: Compiled, output: Path | None) -> TvmCompileResult:
    from deploy_magics.steps._tvm_tables import compiled_facts, functions_table

    notes = [Note(text, "warning" if text.startswith("not verified") else "info") for text in found.notes]
    if model.assumed:
        notes.append(Note(f"compiled for {', '.join(model.assumed)}; set others with --shape or --dim"))
    if found.manifest.schedule == "none":
        notes.append(Note("nothing is scheduled: every loop runs as it is written, on one thread"))
    if found.verification is not None:
        notes += [Note(text, "warning" if bad else "info") for text, bad in found.verification.remarks()]
    return TvmCompileResult(
        step="tvm_compile",
        headline=_headline(found),
        tables=(functions_table(found.functions),) if found.functions else (),
        facts=compiled_facts(found, output),
        notes=tuple(notes),
        meta=_meta(model, found),
        compiled=found,
        held=(Held("size", found.size_bytes, "B"),),
    )


def _headline(found: Compiled) -> str:
    how = {"none": "not scheduled", "rule": "scheduled by rule", "tuned": "tuned"}[found.manifest.schedule]
    count = len(found.functions)
    functions = f"{count} {'function' if count == 1 else 'functions'}, " if count else ""
    proof = found.verification.verdict if found.verification is not None else "not verified here"
    return f"{found.name}: {functions}{how}, for {found.manifest.machine.title}; {proof}"


def _meta(model: Model, found: Compiled) -> dict[str, Any]:
    return {
        "model": {"name": model.name, "source": model.source, "sha256": model.digest},
        "manifest": found.manifest.to_plain(),
        "seconds": dict(found.seconds),
        "bytes": found.size_bytes,
        "verification": None if found.verification is None else found.verification.to_plain(),
    }


def _with_speed(result: TvmCompileResult, model: Model, found: Compiled, data: FeedSource | None) -> TvmCompileResult:
    from deploy_magics.steps.bench import bench as measure

    if found.manifest.machine.why_not_here() is not None:
        note = Note("its speed was not measured, since it is made for another machine", "warning")
        return replace(result, notes=(*result.notes, note))
    pair: Sequence[Any] = ((model.name, model), (f"{model.name} compiled", found))
    speed = measure(*pair, on=["ort", "tvm"], data=data)
    return replace(
        result,
        headline=f"{result.headline}; {speed.headline}",
        tables=(*result.tables, replace(speed.table, title="speed")),
        samples=speed.samples,
        notes=(*result.notes, *speed.notes),
        meta={**result.meta, "speed": speed.meta},
    )
