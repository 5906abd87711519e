"""``%bench``: which is faster, and how sure is that."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

from deploy_magics.arguments import ARunnable, Dims, FeedSource, Names, OutputPath, Shapes
from deploy_magics.errors import ArgumentError, DeployError, Interrupted, did_you_mean
from deploy_magics.result import Cell, Missing, Note, Ratio, Result
from deploy_magics.steps._registry import step

if TYPE_CHECKING:
    from deploy_magics.timing import Measurement

R = TypeVar("R", bound=Result)


@dataclass
class BenchResult(Result):
    """How fast candidates are, each timed run in :attr:`samples`."""

    def ratio(self, name: str, to: str | None = None) -> Ratio:
        """Give a candidate's speed over another's, with the 95 % interval; above 1 is faster.

        Parameters
        ----------
        name : str
            The candidate, as the table names it.
        to : str, optional
            The one it is compared to; by default the first.

        Raises
        ------
        DeployError
            Where there is no such candidate, or the ratio is not known.
        """
        baseline = self.table.baseline if to is None else self._row(to)
        grid = self.table.pairs.get("speedup")
        if grid is None or baseline is None:
            raise DeployError("this result holds one candidate, so there is no ratio")
        cell = grid[baseline][self._row(name)]
        if isinstance(cell, Ratio):
            return cell
        raise DeployError(f"the ratio of {name!r} is not known: {cell.why if isinstance(cell, Missing) else cell}")

    def verdict(self, name: str, to: str | None = None) -> str:
        """Say whether a candidate is ``"faster"``, ``"slower"`` or ``"no difference shown"``; see :meth:`ratio`."""
        return self.ratio(name, to).verdict

    def p50(self, name: str) -> float:
        """Give a candidate's median latency in milliseconds; raises DeployError where it is not known."""
        return self._number(name, "p50")

    def throughput(self, name: str) -> float:
        """Give a candidate's inferences a second; raises DeployError where it is not known."""
        return self._number(name, "throughput")

    def _number(self, name: str, key: str) -> float:
        cell: Cell = self.table.rows[self._row(name)].cells.get(key)
        if isinstance(cell, int | float):
            return float(cell)
        raise DeployError(f"{key} of {name!r} is not known: {self.table.rows[self._row(name)].note or 'not measured'}")

    def _row(self, name: str) -> int:
        names = [str(value) for value in self.table.values("name")]
        if name not in names:
            known = did_you_mean(name, names) or f"there are: {', '.join(names)}"
            raise DeployError(f"this result has no candidate {name!r}", hint=known)
        return names.index(name)


@step(answers="Which is faster, and how sure is that?", workbook="03_benchmark", order=60, cell=True)
def bench(
    *models: ARunnable,
    on: Names = ("ort",),
    threads: int = 1,
    batch: int | None = None,
    frames: int | None = None,
    instances: int = 1,
    processes: int = 5,
    precision: float = 2.0,
    budget: float = 10.0,
    ops: bool = False,
    data: FeedSource | None = None,
    seed: int = 0,
    memory: float | None = None,
    save: Annotated[str | Path | None, OutputPath()] = None,
    force: bool = False,
    shape: Shapes = None,
    dim: Dims = None,
) -> BenchResult:
    """Measure how fast models are, and whether one is faster than another.

    Each model runs in several fresh processes, in short bursts that take turns in random order, so that a machine that
    drifts harms all alike and the luck of one process is not taken for a difference. The ratio to the first model comes
    with a 95 % interval. No run is dropped as an outlier.

    Parameters
    ----------
    *models
        Models: a path, zoo name, notebook variable, ModelProto or torch module; what ``%tvm_compile`` or ``%tvm_tune``
        made, or a file in a runtime's own format (``.xml``, ``.mnn``, ``.ncnn.param``, ``.tflite``, ``.ort``), on its
        own runtime; ``label=model`` labels one. Ratios refer to the first. In the cell form the last expression of the
        body is the model or a list of them.
    on
        Runtimes to measure on, ``--on ort,openvino,ncnn``; ``%runtimes`` lists them. Each model is measured on each,
        but a compiled one on its own alone. All compute in float32 where the model does; another precision is a
        runtime of its own, ``openvino:bf16``, as is another execution provider, ``ort:cuda``. What a runtime has to
        convert is converted once before, and that time is told apart; then what it computes is held against ONNX
        Runtime. One that cannot be used, or does not take the model, is a row that says why.
    threads
        Threads inside one operator.
    batch
        Batch size, for models whose batch dimension is dynamic. Throughput counts each of a batch as an inference.
    frames
        Time exactly so many runs of each model, however long that takes, in place of ``precision`` and ``budget``;
        boards are often rated by the mean of 1000.
    instances
        Sessions that run at once in each process, for throughput; the ratio is then that of throughputs.
    processes
        Fresh processes of each model, at least 2. Fewer are used where single runs are too slow for the budget.
    precision
        Stop when the 95 % interval of each ratio is narrower than this, in percent of the ratio: 2 is about 1 % to
        either side.
    budget
        Stop after this many seconds of warming up and measuring in any case. Starting and loading come on top.
    ops
        Tell as well where the time goes, operator by operator, on runtimes that can: ``ort`` and ``tvm``. That is
        measured afterwards, apart from the timed runs, which no profiler slows.
    data
        Where inputs come from: an ``.npz`` file with an array for each input, arrays by name, or a function that
        returns them. By default they are random. All models get the same.
    seed
        Seed of random inputs and of the order of bursts.
    memory
        Memory that all processes together may take, in GiB; by default 80 % of what is free. Where they do not fit,
        they live in turn.
    save
        File to save the whole run to, as JSON, every timed run included; ``deploy_magics.result.load_result`` reads it.
    force
        Overwrite that file if it exists.
    shape
        Bind dynamic dimensions, ``--shape input=1x3x224x224`` (of one input also ``1x3x224x224``).
    dim
        Bind a dynamic dimension by its name, ``--dim N=1``.

    Returns
    -------
    BenchResult
        Latencies in ms, throughput in inferences/s, ratios with intervals. ``.ratio("after")``, ``.verdict("after")``
        and ``.p50("after")`` give single figures, ``.samples`` every timed run.

    Raises
    ------
    ModelError
        Where something is no model, or none of the models runs.
    Interrupted
        On an interrupt; what was measured is kept.

    Examples
    --------
    Is the simplified model faster::

        %bench before=resnet50 after=slim --threads 1

    As boards are rated, by the mean of 1000 runs::

        %bench resnet50 mobilenet_v2 --frames 1000

    Throughput of four sessions at once, at a batch of 8::

        %bench detector.onnx --instances 4 --batch 8

    Which runtime is it to be, and what does half the precision gain::

        %bench squeezenet --on ort,openvino,openvino:bf16,ncnn,mnn,tvm,torch --threads 2

    What TVM compiled, beside ONNX Runtime, and where the time goes::

        %bench tuned squeezenet --on tvm,ort --ops

    A small difference, looked at for longer, the run kept in a file::

        %bench a.onnx b.onnx --precision 0.5 --budget 60 --save a_b.json
    """
    from deploy_magics.progress import progress
    from deploy_magics.running.compiled import open_all
    from deploy_magics.steps import _bench_ops as profile
    from deploy_magics.steps import _bench_ready as ready
    from deploy_magics.steps import _bench_result as results
    from deploy_magics.steps import _bench_run as runs
    from deploy_magics.steps import _bench_same as same
    from deploy_magics.steps._bench_beside import beside
    from deploy_magics.temporary import Folder
    from deploy_magics.timing import Finishing, MeasurementInterrupted, measure

    path = Path(save).expanduser() if save is not None else None
    runs.check(threads, batch, precision, memory)
    runs.check_output(path, force=force)
    if not models:
        raise ArgumentError("there is no model to measure", hint="name one: %bench resnet50")
    setup = runs.Setup(runs.find_runtimes(on), threads, batch, frames, instances, processes, precision, budget, seed)
    opened = open_all(models, shapes=shape, dims=dim)
    runs.require_runtimes(opened, setup.runtimes)
    feeds = runs.same_feeds(opened, seed if data is None else data, batch)
    with ExitStack() as stack:
        paths = [stack.enter_context(model.file()) for model in opened]
        given = [ready.Given(*each) for each in zip(models, opened, paths, feeds, strict=True)]
        folder = stack.enter_context(closing(Folder()))
        names = ", ".join(model.name for model in opened)
        tracker = stack.enter_context(progress(f"bench: {names} on {', '.join(r.name for r in setup.runtimes)}"))
        try:
            entries = ready.entries(given, setup, folder.path, tracker.update)
        except KeyboardInterrupt:
            raise Interrupted(None, "interrupted before anything was measured") from None
        stopped: MeasurementInterrupted | None = None
        try:
            found = measure(
                [entry.candidate(setup) for entry in entries],
                processes=processes,
                precision=precision / 100,
                budget=budget,
                frames=frames,
                instances=instances,
                memory=None if memory is None else round(memory * 2**30),
                seed=seed,
                report=tracker.update,
            )
        except MeasurementInterrupted as stop:
            stopped, found = stop, stop.measurement
        operators = profile.taken(found, tracker.update) if ops and stopped is None else profile.Operators()
        compared = same.Compared()
        if stopped is None and not operators.interrupted:
            compared = same.compared(entries, found, setup.threads, tracker.update)
        # What was measured must not be lost to a key pressed while it is put together.
        with Finishing() as finishing:
            runs_made = sum(track.runs for track in found.tracks)
            if stopped is not None and not runs_made:
                raise Interrupted(None, "interrupted before anything was measured")
            if stopped is None:
                _require_one(found)
            result = saved(results.make(found, opened, feeds, setup, operators, beside(entries, compared)), path, force)
    if stopped is not None:
        text = f"interrupted after {found.seconds:.1f} s; the {runs_made} runs until then are kept"
        raise Interrupted(result, text)
    if finishing.interrupted or operators.interrupted or compared.interrupted:
        raise Interrupted(result, "interrupted after everything was measured; the result is kept")
    return result


def saved(result: R, path: Path | None, force: bool) -> R:
    """Save a result where that is asked for; a disk that is full by then costs the file, not the result."""
    if path is None:
        return result
    try:
        result.to_json(path, force=force)
    except (DeployError, OSError) as error:
        return replace(result, notes=(Note(f"could not be saved: {error}", "warning"), *result.notes))
    return result


def _require_one(found: Measurement) -> None:
    """Raise what went wrong where not one candidate was measured."""
    if any(track.runs for track in found.tracks):
        return
    errors = [(track.candidate.label, track.error) for track in found.tracks if track.error is not None]
    if len(errors) == 1:
        raise errors[0][1]
    raise DeployError(f"none could be measured: {'; '.join(f'{label}: {error}' for label, error in errors)}")
