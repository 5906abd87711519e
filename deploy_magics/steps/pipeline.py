"""``%%pipeline``: inferences are not frames."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from deploy_magics.arguments import ARunnable, Dims, FunctionsArgument, OutputPath, Shapes
from deploy_magics.errors import ArgumentError, CutShort, DeployError, Interrupted
from deploy_magics.files import check_place
from deploy_magics.result import Missing, Note, Ratio, Result
from deploy_magics.steps._bounds import check_amounts, check_counts
from deploy_magics.steps._registry import step

if TYPE_CHECKING:
    from deploy_magics.pipelining import Measured, Source
    from deploy_magics.pipelining.engine import Setup
    from deploy_magics.result import Goal
    from deploy_magics.running.compiled import Runnable

Stages = Annotated[Mapping[str, Callable[..., Any]], FunctionsArgument(("preprocess", "postprocess"))]


@dataclass
class PipelineResult(Result):
    """How fast a pipeline is: frames a second, the time of each stage, every frame's latency in :attr:`samples`."""

    @property
    def frames_per_s(self) -> float:
        """Frames a second, of the fastest way that was measured."""
        known = [value for value in self.table.values("frames") if isinstance(value, float)]
        if not known:
            raise DeployError("too few frames were timed to tell a rate")
        return max(known)

    @property
    def inferences_per_s(self) -> float:
        """Inferences a second that the model would do alone."""
        return float(self.table.values("inferences")[0])  # type: ignore[arg-type]

    @property
    def stage_ms(self) -> dict[str, float]:
        """Mean milliseconds of each stage: read, preprocess, inputs, inference, outputs, postprocess."""
        return dict(self.meta["stage_ms"]["serial"])

    @property
    def bottleneck(self) -> str:
        """The stage, or the thread of several, that frames wait for."""
        return str(self.meta["bottleneck"])

    @property
    def gain(self) -> Ratio:
        """What overlapping gains, with its 95 % interval.

        Raises
        ------
        DeployError
            Where it was not measured.
        """
        names = [column.key for column in self.table.columns]
        cell = self.table.values("gain")[-1] if "gain" in names else Missing("give --overlap")
        if isinstance(cell, Ratio):
            return cell
        raise DeployError(f"the gain is not known: {cell.why if isinstance(cell, Missing) else cell}")


@step(answers="How many frames a second does the application see?", workbook="11_pipeline", order=80, cell=True)
def pipeline(
    functions: Stages,
    model: ARunnable,
    *,
    data: Any = None,
    overlap: bool = False,
    queue: int = 2,
    goal: str | float | None = None,
    on: str = "ort",
    threads: int = 1,
    frames: int | None = None,
    budget: float = 5.0,
    timeout: float = 60.0,
    memory: float | None = None,
    save: Annotated[str | Path | None, OutputPath()] = None,
    force: bool = False,
    shape: Shapes = None,
    dim: Dims = None,
) -> PipelineResult:
    """Time a whole pipeline: reading, preprocess, moving data, inference, postprocess.

    ``preprocess(item)`` gives the model's inputs: an array, arrays by name, or a pair of these and a context, which is
    anything that ``postprocess(outputs, context)`` needs to know, as the scale of a letterbox. ``outputs`` are arrays
    by name; a ``postprocess`` that needs no context may leave it out. All runs in a process of its own. After the last
    item of the data comes the first one again.

    Parameters
    ----------
    functions
        The two functions, by name. In the cell form its body defines them; helpers beside them are no stages.
    model
        The model: a path, zoo name, notebook variable, ModelProto, torch module, or what ``%tvm_compile`` made.
    data
        Where items come from: a folder of pictures (decoded as RGB arrays), one picture, an ``.npz`` file or array
        (items along the first axis), a video where opencv is there, a list, a generator, or a function that gives an
        iterable.
    overlap
        Also run the stages in threads, and say what that gains and which is the bottleneck.
    queue
        Frames that may wait between two threads.
    goal
        What is to be met: ``30fps``, or ``33ms`` for a frame. By default what ``%goal`` has set for frames/s.
    on
        Runtime to run the model on; a compiled one runs on its own.
    threads
        Threads inside one operator.
    frames
        Time exactly so many frames, the first and a few that warm up apart.
    budget
        Stop after this many seconds of running frames.
    timeout
        Seconds after which loading, or half a second's worth of frames, is given up.
    memory
        Memory that the process may take, in GiB; by default three quarters of what is free.
    save
        File to save the result to, as JSON; ``deploy_magics.result.load_result`` reads it.
    force
        Overwrite that file if it exists.
    shape
        Bind dynamic dimensions, ``--shape input=1x3x224x224`` (of one input also ``1x3x224x224``).
    dim
        Bind a dynamic dimension by its name, ``--dim N=1``.

    Returns
    -------
    PipelineResult
        Rates and stages as tables, where a frame's time goes as a stacked bar, and a timeline. ``.frames_per_s``,
        ``.inferences_per_s``, ``.stage_ms``, ``.bottleneck`` and ``.gain`` give single figures.

    Raises
    ------
    ArgumentError
        Where functions are missing or cannot be called so, or the data are empty.
    CutShort
        Where a function raised, gave what is no input, or crashed; the line names stage and item, and
        ``error.partial`` holds what was measured until then.
    Interrupted
        On an interrupt; what was measured is kept.

    Examples
    --------
    Pictures of a folder, and what threads would gain::

        %%pipeline detector.onnx --data pictures/ --overlap --goal 30fps
        def preprocess(item):
            ...
        def postprocess(outputs, context):
            ...

    Functions of a file, in a shell::

        %pipeline stages.py detector.onnx --data street.mp4
    """
    from deploy_magics.pipelining import check_functions, find_source, measure
    from deploy_magics.pipelining.engine import Setup
    from deploy_magics.progress import progress
    from deploy_magics.running import require_usable, version
    from deploy_magics.running.compiled import open_all
    from deploy_magics.timing import Finishing

    check_counts(queue=queue, threads=threads, frames=frames)
    check_amounts(budget=budget, timeout=timeout, memory=memory)
    path = Path(save).expanduser() if save is not None else None
    if path is not None:
        check_place(path, force=force)
    wanted = _goal(goal)
    parts = check_functions(functions)
    if data is None:
        raise ArgumentError("a pipeline needs data", hint="such as --data pictures/, or a list of the notebook")
    source = find_source(data)
    [opened] = open_all([model], shapes=shape, dims=dim)
    own = getattr(opened, "runtime", on.partition(":")[0])
    runtime = require_usable(on if on.partition(":")[0] == own else own)
    setup = Setup(
        runtime=runtime.name,
        threads=threads,
        overlap=overlap,
        queue=queue,
        frames=frames,
        budget=budget,
        timeout=timeout,
        memory=None if memory is None else round(memory * 2**30),
    )
    with progress(f"pipeline: {opened.name}") as tracker:
        found = measure(opened, parts, source, setup, tracker.update, obj=model)
        # What was measured must not be lost to a key pressed while it is put together.
        with Finishing() as finishing:
            if not found.frames("serial"):
                raise _nothing(found)
            result = _saved(
                _result(found, opened, source, setup, f"{runtime.title} {version(runtime)}", wanted), path, force
            )
    kept = f"{sum(map(found.frames, found.order))} frames until then are kept"
    if found.failure is not None:
        error = CutShort(f"{found.failure}; {kept}")
        error.partial = result
        raise error
    if found.interrupted or finishing.interrupted:
        raise Interrupted(result, f"interrupted; the {kept}")
    return result


def _goal(text: str | float | None) -> Goal | None:
    from deploy_magics.result.goals import current
    from deploy_magics.steps._pipeline_goal import parse_rate

    if text is not None:
        return parse_rate(text)
    return next((one for one in current() if one.quantity == "frames/s"), None)


def _nothing(found: Measured) -> DeployError | Interrupted:
    """Make what is raised where not one frame came through after the first."""
    if found.failure is not None:
        return DeployError(str(found.failure))
    return Interrupted(None, "interrupted before anything was measured")


def _result(
    found: Measured, model: Runnable, source: Source, setup: Setup, runtime: str, goal: Goal | None
) -> PipelineResult:
    from deploy_magics.result.goals import current
    from deploy_magics.result.marking import mark
    from deploy_magics.steps import _pipeline_tables as tables
    from deploy_magics.steps import _pipeline_words as words
    from deploy_magics.steps._pipeline_figures import Figures

    figures = Figures(found)
    # A goal of its own takes the place of the one that holds everywhere.
    others = [one for one in current() if one.quantity != "frames/s"]
    made = (tables.rates_table(figures), tables.stages_table(figures, goal))
    marked, goals = mark(made, [*others, *([goal] if goal is not None else [])])
    return PipelineResult(
        step="pipeline",
        headline=words.headline(model, figures, goal),
        tables=marked,
        samples=tables.samples(figures),
        facts=words.facts(found, figures, source, setup, runtime),
        notes=words.notes(found, figures, model, source, setup, goal),
        status="interrupted" if found.interrupted or found.failure is not None else "complete",
        meta=words.meta(found, figures, model, source, setup),
        charts=tables.charts(figures, goal),
        goals=goals,
    )


def _saved(result: PipelineResult, path: Path | None, force: bool) -> PipelineResult:
    """Save a result where that is asked for; a disk that is full by then costs the file, not the result."""
    if path is None:
        return result
    try:
        result.to_json(path, force=force)
    except (DeployError, OSError) as error:
        return replace(result, notes=(Note(f"could not be saved: {error}", "warning"), *result.notes))
    return result
