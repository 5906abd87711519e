"""``%tvm_run``: a compiled model on one set of inputs: what it says, and how long that takes."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from deploy_magics.arguments import ARunnable, Dims, FeedSource, OutputPath, Shapes
from deploy_magics.errors import ArgumentError, DeployError, Interrupted
from deploy_magics.files import check_place, whole_file
from deploy_magics.result import Result
from deploy_magics.steps._bounds import check_amounts, check_counts
from deploy_magics.steps._registry import step

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from deploy_magics.running.compiled import Runnable
    from deploy_magics.steps._tvm_run_measure import Measured, Options
    from deploy_magics.tuning.remote import Tracker

_MOST_REPEAT = 1_000_000
_MOST_THREADS = 1024


@dataclass
class TvmRunResult(Result):
    """What a model gave on its inputs, and how long it took; every measurement is in :attr:`samples`."""

    arrays: Mapping[str, NDArray[Any]] | None = field(default=None, repr=False, compare=False)

    @property
    def outputs(self) -> dict[str, NDArray[Any]]:
        """The outputs by name; raises DeployError in a result that was read from a file."""
        if self.arrays is None:
            raise DeployError("this result holds no outputs", hint="run %tvm_run again, with --output to keep them")
        return dict(self.arrays)


@step(answers="What does the compiled model say, and how long does it take?", workbook="06_tvm", order=50, cell=True)
def tvm_run(
    *models: ARunnable,
    inputs: FeedSource | None = None,
    output: Annotated[str | Path | None, OutputPath()] = None,
    force: bool = False,
    repeat: int = 10,
    number: int | None = None,
    threads: int = 1,
    top: int | None = None,
    labels: str | Path | None = None,
    seed: int = 0,
    tracker: str | None = None,
    key: str | None = None,
    timeout: float = 600.0,
    memory: float | None = None,
    shape: Shapes = None,
    dim: Dims = None,
) -> TvmRunResult:
    """Run a compiled model on given inputs, show its outputs, and time it with TVM's own evaluator.

    The model is loaded in a worker, or on a board behind a TVM RPC tracker. It runs once for its outputs; then it is
    timed on the same inputs: mean, median, greatest, least and standard deviation, as TVM's own command prints them.
    That is one process, whose figures have no interval: whether one model is faster than another is told by ``%bench``.

    Parameters
    ----------
    *models
        What ``%tvm_compile`` or ``%tvm_tune`` made: its result, or the path of its file. A model that is not compiled
        yet is compiled by rule for this run. In the cell form the last expression of the body.
    inputs
        An ``.npz`` file with an array for each input; by default random ones.
    output
        File to write the outputs to, ``.npz``, an array for each.
    force
        Overwrite that file if it exists.
    repeat
        Measurements.
    number
        Runs in each measurement, of which it is the mean; by default as many as last 5 ms.
    threads
        Threads inside one operator.
    top
        Show so many of the likeliest classes: of the first output that has one value for each.
    labels
        A file with the names of the classes, one a line; shows the top 5 where ``top`` is not given.
    seed
        Of random inputs.
    tracker
        ``HOST:PORT`` of a TVM RPC tracker: it runs on a device that is free there.
    key
        Key under which devices are registered there.
    timeout
        Bound on loading or compiling, on the first run and on each turn of measurements, in seconds; on a device, on
        all of it.
    memory
        Bound on the memory of the worker process, in GiB; by default three quarters of what is free.
    shape
        Fix dynamic dimensions of a model that is not compiled yet, ``--shape input=1x3x224x224`` (of one input also
        ``1x3x224x224``).
    dim
        Fix a dynamic dimension by its name, ``--dim N=1``.

    Returns
    -------
    TvmRunResult
        The times and a row of each output; ``.outputs`` gives the arrays by name.

    Raises
    ------
    MissingPartError
        Where TVM is not installed.
    ModelError
        Where the model does not run here, or inputs do not fit it.
    WorkerError
        Where its process crashes or passes a bound, or the device goes away.
    Interrupted
        On an interrupt; the outputs and what was measured are kept.

    Examples
    --------
    Run it on given inputs, keep the outputs, and time it::

        %tvm_run tuned --inputs cat.npz --output predictions.npz --repeat 100

    What does it see::

        %tvm_run tuned --inputs cat.npz --top 5 --labels labels.txt

    On a board::

        %tvm_run detector.so --tracker 10.0.0.2:9190 --key pi4
    """
    from deploy_magics.compiling.engine import require_tvm
    from deploy_magics.progress import progress
    from deploy_magics.running.compiled import open_all
    from deploy_magics.steps import _tvm_run_measure as runs
    from deploy_magics.steps import _tvm_run_top as classes
    from deploy_magics.timing import Finishing

    require_tvm()
    path = None if output is None else _output_path(Path(output).expanduser(), force=force)
    _check(repeat=repeat, number=number, threads=threads, top=top)
    check_amounts(timeout=timeout, memory=memory)
    device = _tracker(tracker, key)
    names = None if labels is None else classes.read_labels(Path(labels).expanduser())
    count = top if top is not None else None if names is None else 5
    if len(models) != 1:
        what = "no model was given" if not models else f"{len(models)} models were given"
        raise ArgumentError(what, hint="run one at a time: %tvm_run tuned")
    [model] = open_all(models, shapes=shape, dims=dim)
    _check_place(model, device)
    feeds = model.feeds(seed if inputs is None else inputs)
    if device is not None:
        device.free()
    options = runs.Options(repeat, number, threads, device, timeout, None if memory is None else int(memory * 2**30))
    try:
        with progress(f"tvm_run: {model.name}") as shown:
            found = runs.measure(
                model,
                feeds,
                options,
                # Labels that do not fit are told before the work.
                fits=lambda manifest: classes.find(manifest, names) if count else None,
                keep=lambda outputs: _keep(model, feeds, outputs, path, force=force),
                tell=shown.update,
            )
    except KeyboardInterrupt:
        raise Interrupted(None, "interrupted before anything was measured") from None
    # What was measured must not be lost to a key pressed while it is put together.
    with Finishing() as finishing:
        source = _source(inputs, seed)
        result = _result(model, found, options, path, source, count, names, random=inputs is None)
    if found.interrupted:
        raise Interrupted(
            result, f"interrupted after {_measurements(len(found.seconds))}; they and the outputs are kept"
        )
    if finishing.interrupted:
        raise Interrupted(result, "interrupted after everything was measured; the result is kept")
    return result


def _result(
    model: Runnable,
    found: Measured,
    options: Options,
    output: Path | None,
    inputs: str,
    count: int | None,
    labels: list[str] | None,
    *,
    random: bool,
) -> TvmRunResult:
    from deploy_magics.lowering.pipeline import versions
    from deploy_magics.steps import _tvm_run_tables as tables
    from deploy_magics.steps import _tvm_run_top as classes

    odd = tables.odd_values(found.outputs)
    top, hidden = None, []
    if count:
        scores = classes.find(found.manifest, labels)
        if scores.name in odd:
            hidden.append(f"the likeliest classes are not told, since {odd[scores.name].removeprefix('output ')}")
        else:
            top = classes.likeliest(scores, found.outputs[scores.name], count, labels)
    return TvmRunResult(
        step="tvm_run",
        headline=tables.headline(model, found, top),
        tables=(
            *([tables.time_table(model, found)] if found.seconds else []),
            tables.outputs_table(found.outputs),
            *([top.table] if top is not None else []),
        ),
        samples=tables.samples(model, found),
        facts=tables.facts(found, options, inputs, versions(), output),
        notes=tables.notes(model, found, options, odd, hidden, random=random, top=top is not None),
        status="interrupted" if found.interrupted else "complete",
        meta=tables.meta(model, found, options, inputs, versions()),
        arrays=found.outputs,
    )


def _keep(
    model: Runnable, feeds: Mapping[str, Any], outputs: Mapping[str, Any], path: Path | None, *, force: bool
) -> None:
    """Write the outputs, once those of a model that was compiled on the way are found to be its own."""
    from deploy_magics import verifying
    from deploy_magics.running.compiled import CompiledModel

    if not isinstance(model, CompiledModel):
        with model.file() as file, closing(verifying.Reference.of(file, [feeds])) as reference:
            found = reference.elsewhere(verifying.Running("tvm")).compare_outputs([outputs])
        found.require("what TVM made of it", hint="run the model with --on ort")
    _write(path, outputs, force=force)


def _check(**counts: int | None) -> None:
    check_counts(**counts)
    if (counts["threads"] or 0) > _MOST_THREADS:
        raise ArgumentError(f"--threads is at most {_MOST_THREADS}, not {counts['threads']}")
    if (counts["repeat"] or 0) > _MOST_REPEAT:
        raise ArgumentError(f"--repeat is at most {_MOST_REPEAT}, not {counts['repeat']}")


def _tracker(address: str | None, key: str | None) -> Tracker | None:
    if (address is None) != (key is None):
        raise ArgumentError("--tracker and --key go together", hint="such as --tracker 10.0.0.2:9190 --key board")
    if address is None or key is None:
        return None
    from deploy_magics.tuning.remote import Tracker

    return Tracker.parse(address, key)


def _check_place(model: Runnable, device: Tracker | None) -> None:
    """Refuse what cannot run where it is asked to."""
    from deploy_magics.running.compiled import CompiledModel, ConvertedModel
    from deploy_magics.running.tvm import check_here

    if isinstance(model, ConvertedModel):
        raise ArgumentError(f"{model.name!r} is made for {model.runtime}", hint="give the model that it was made from")
    if not isinstance(model, CompiledModel):
        if device is not None:
            raise ArgumentError(
                f"{model.name!r} is not compiled, and devices take what is",
                hint=f"compile it for them: %tvm_compile {model.name} --target TARGET -o made",
            )
    elif device is None:
        check_here(model.path)


def _output_path(path: Path, *, force: bool) -> Path:
    if path.suffix != ".npz":
        raise ArgumentError(f"outputs are written to a file that ends in .npz, not {path.name!r}")
    check_place(path, force=force)
    return path


def _write(path: Path | None, outputs: Mapping[str, NDArray[Any]], *, force: bool) -> None:
    """Write arrays by name, whole or not at all; ``numpy.savez`` takes names of its own parameters for them."""
    if path is None:
        return
    import numpy as np

    with whole_file(path, force=force) as part, zipfile.ZipFile(part, "w", allowZip64=True) as archive:
        for name, array in outputs.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def _source(inputs: FeedSource | None, seed: int) -> str:
    if inputs is None:
        return f"random, seed {seed}"
    if isinstance(inputs, str | os.PathLike):
        return str(inputs)
    return f"random, seed {inputs}" if isinstance(inputs, int) else "given"


def _measurements(count: int) -> str:
    return "1 measurement" if count == 1 else f"{count} measurements"
