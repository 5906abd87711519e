"""``%tvm_tune``: the fastest code for a model that a search finds in the time there is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from deploy_magics.arguments import AModel, Dims, FeedSource, OutputPath, Shapes
from deploy_magics.errors import ArgumentError, DeployError, Interrupted
from deploy_magics.result import Held, Result
from deploy_magics.steps._bounds import check_amounts, check_counts
from deploy_magics.steps._registry import step

if TYPE_CHECKING:
    from deploy_magics.compiling import Compiled


@dataclass
class TvmTuneResult(Result):
    """What a search found for each function of a model, and the model compiled with it.

    ``%bench`` and ``%tvm_run`` take it as a model that runs on TVM.
    """

    compiled: Compiled | None = None

    @property
    def artefact(self) -> Compiled:
        """The compiled model; raises DeployError where the search was stopped, or the result was read from a file."""
        if self.compiled is None:
            hint = "compile from its records: %tvm_compile MODEL --records FOLDER"
            raise DeployError("this result holds no compiled model", hint=hint)
        return self.compiled


@step(answers="How fast can code made for this machine get?", workbook="06_tvm", order=45, cell=True)
def tvm_tune(
    *models: AModel,
    trials: int = 800,
    minutes: float | None = 10.0,
    patience: int = 300,
    records: Annotated[str | Path | None, OutputPath()] = None,
    threads: int = 1,
    target: str | None = None,
    tracker: str | None = None,
    key: str | None = None,
    layout: str = "auto",
    seed: int = 0,
    output: Annotated[str | Path | None, OutputPath()] = None,
    force: bool = False,
    data: FeedSource | None = None,
    tolerance: float | None = None,
    build_timeout: float = 20.0,
    run_timeout: float = 10.0,
    timeout: float = 600.0,
    memory: float | None = None,
    shape: Shapes = None,
    dim: Dims = None,
) -> TvmTuneResult:
    """Search for faster code for the functions of a model, keep every trial, and compile the model with the best.

    The model is cut into functions; those that are alike are tuned once. For each there are some hundred to some
    thousand ways to tile, unroll and order its loops. The rule that ``%tvm_compile`` follows comes first; then
    candidates are built in processes that are kept, timed in another one, and chosen by what was found so far. Trials
    go where most time may be saved. In the end the best of each function are timed again beside the rule's choice, so
    that it is not luck that wins. A candidate that crashes, hangs or eats memory is a failed trial and nothing more.

    Stop ends the search at once and keeps what was found: the same records continue where it ended.

    Parameters
    ----------
    *models
        The model: a path, zoo name, notebook variable, ModelProto or torch module; ``label=model`` labels it. In the
        cell form the last expression of the body.
    trials
        Most candidates to try.
    minutes
        Most time to take.
    patience
        Stop when so many trials in a row have made the model no faster.
    records
        Folder to which each trial is added; what it holds of this model already is not tried again. By default the
        trials are kept only as long as the search lasts.
    threads
        With which candidates are timed.
    target
        The machine; this one by default. What this machine cannot run needs ``--tracker``.
    tracker
        ``HOST:PORT`` of a TVM RPC tracker: candidates run on all of its devices that are free.
    key
        Key under which the devices are registered there.
    layout
        As in ``%tvm_compile``.
    seed
        Of what is drawn at random.
    output
        File to write the compiled model to, ``.so`` or ``.tar``; by default a temporary one that lives as long as the
        result.
    force
        Overwrite that file if it exists.
    data
        An ``.npz`` file with an array for each input, on which the compiled model is verified as well.
    tolerance
        As in ``%tvm_compile``.
    build_timeout
        Bound on building one candidate, in seconds.
    run_timeout
        Bound on timing one candidate, in seconds.
    timeout
        Bound on each part of simplifying and compiling, in seconds.
    memory
        Bound on the memory of each worker process, in GiB; by default 2 GiB for those of the search.
    shape
        Fix dynamic dimensions, ``--shape input=1x3x224x224`` (of one input also ``1x3x224x224``).
    dim
        Fix a dynamic dimension by its name, ``--dim N=1``.

    Returns
    -------
    TvmTuneResult
        Each function before and after, and how the model's estimated latency fell; ``.artefact`` is the compiled model.

    Raises
    ------
    MissingPartError
        Where TVM is not installed.
    RecordsError
        Where the records are of something else; the line says what differs.
    ModelError
        Where TVM cannot import the model; the line names the operators.

    Examples
    --------
    Search for a while, and compare::

        %tvm_tune squeezenet --trials 800 --minutes 5 --records squeezenet_records/ -o tuned
        %bench tuned squeezenet --on tvm,ort

    Continue later, or use what was found::

        %tvm_tune squeezenet --records squeezenet_records/ --minutes 5 -o better
        %tvm_compile squeezenet --records squeezenet_records/ -o again

    On boards that are registered at a tracker::

        %tvm_tune detector.onnx --tracker 10.0.0.2:9190 --key pi4 --target raspberry-pi-4 --output detector.so
    """
    from deploy_magics.compiling import output_path
    from deploy_magics.compiling.engine import require_tvm
    from deploy_magics.lowering.target import Target
    from deploy_magics.model import Model
    from deploy_magics.progress import progress
    from deploy_magics.steps import _tvm_tune_run as runs
    from deploy_magics.steps import _tvm_tune_tables as tables

    require_tvm()
    path = None if output is None else output_path(Path(output).expanduser(), force=force)
    check_counts(trials=trials, patience=patience, threads=threads)
    if seed < 0:
        raise ArgumentError(f"--seed must be at least 0, not {seed}")
    check_amounts(minutes=minutes, build_timeout=build_timeout, run_timeout=run_timeout, timeout=timeout, memory=memory)
    if (tracker is None) != (key is None):
        raise ArgumentError("--tracker and --key go together", hint="such as --tracker 10.0.0.2:9190 --key board")
    if len(models) != 1:
        what = "no model was given" if not models else f"{len(models)} models were given"
        raise ArgumentError(what, hint="tune one at a time: %tvm_tune squeezenet")
    machine = Target.parse(target) if target is not None else Target.host()
    if tracker is None and (why := machine.why_not_here()) is not None:
        raise ArgumentError(f"candidates for that target cannot run here: {why}", hint="give --tracker and --key")
    [model] = Model.all_of(models, shapes=shape, dims=dim)
    options = runs.Options(
        trials=trials,
        minutes=minutes,
        patience=patience,
        records=None if records is None else Path(records).expanduser(),
        threads=threads,
        tracker=tracker,
        key=key or "",
        layout=layout,
        seed=seed,
        output=path,
        force=force,
        data=data,
        tolerance=tolerance,
        build_s=build_timeout,
        run_s=run_timeout,
        timeout=timeout,
        memory=None if memory is None else int(memory * 2**30),
    )
    with progress(f"tvm_tune: {model.name}") as shown:
        outcome = runs.run(model, machine, options, shown)
    result = TvmTuneResult(
        step="tvm_tune",
        headline=tables.headline(outcome),
        tables=(tables.tasks_table(outcome.tuned),),
        facts=tables.facts(outcome, options.records, path),
        notes=tables.notes(outcome, model),
        meta=tables.meta(outcome, model),
        curves=tables.curves(outcome.tuned),
        compiled=outcome.compiled,
        held=() if outcome.compiled is None else (Held("size", outcome.compiled.size_bytes, "B"),),
    )
    if outcome.compiled is None:
        result.status = "interrupted"
        raise Interrupted(result, tables.interruption(outcome, options.records))
    return result
