"""``%%postprocess``: the code after the model, the same detections in less time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from deploy_magics.arguments import AModel, Dims, FeedSource, Functions, OutputPath, Shapes
from deploy_magics.errors import ArgumentError, DeployError, Interrupted
from deploy_magics.files import check_place
from deploy_magics.result import Note, Table
from deploy_magics.steps._registry import step
from deploy_magics.steps.bench import BenchResult, saved


@dataclass
class PostprocessResult(BenchResult):
    """How fast functions find the same detections, each timed call in :attr:`samples`."""

    def detections(self, name: str) -> int:
        """Give how many detections a function found."""
        return int(self._number(name, "found"))

    @property
    def crossover(self) -> Table:
        """Times over the share of survivors or the threshold; raises DeployError where that was not asked for."""
        if len(self.tables) < 2:
            raise DeployError("no crossover was measured", hint="ask for it with --crossover share")
        return self.tables[1]


@step(answers="Which code after the model is faster, at the same detections?", workbook="10_postprocessing", order=70,
      cell=True)  # fmt: skip
def postprocess(
    functions: Functions,
    model: AModel | None = None,
    *,
    outputs: FeedSource | None = None,
    data: FeedSource | None = None,
    threshold: float | None = None,
    crossover: Literal["share", "threshold"] | None = None,
    score_tolerance: float = 1e-4,
    box_tolerance: float = 1e-2,
    threads: int = 1,
    processes: int = 5,
    precision: float = 2.0,
    budget: float = 5.0,
    seed: int = 0,
    save: Annotated[str | Path | None, OutputPath()] = None,
    force: bool = False,
    shape: Shapes = None,
    dim: Dims = None,
) -> PostprocessResult:
    """Time functions that turn a model's outputs into detections, after they were seen to find the same.

    Each function is called as ``f(outputs)`` with the real output of the model, or a dict of outputs by name where it
    has several, and returns boxes (n, 4), scores (n,) and classes (n,), or ``postprocessing.Detections``. All must find
    what the first one finds, in any order; a difference is an error, and nothing is timed. Then they are timed as
    ``%bench`` times models: in fresh processes, in short bursts that take turns.

    Parameters
    ----------
    functions
        Two or more functions, by name. In the cell form its body defines them; those of the library are named by its
        last expression. Arguments ``threshold`` and ``anchors`` are given to functions that have them; ``anchors`` for
        detectors of the zoo.
    model
        Whose outputs they work on: a path, zoo name, notebook variable, ModelProto or torch module.
    outputs
        Outputs in place of a model: an ``.npz`` file, an array, or arrays by name.
    data
        The model's inputs: an ``.npz`` file, arrays by name, or a function that returns them. By default random, and
        for the zoo's ``shapes`` a picture.
    threshold
        Least score, above 0 and below 1, for functions with an argument of that name; 0.25 by default.
    crossover
        Also measure over the ``share`` of rows above the threshold, on heads drawn in the shape of the model's, or over
        the ``threshold``, and say where a function is no longer faster than the first.
    score_tolerance
        Largest difference of scores that count as the same.
    box_tolerance
        Largest difference of coordinates that count as the same, in pixels.
    threads
        Threads of the model's run, which is not timed.
    processes
        Fresh processes of each function, at least 2.
    precision
        Stop when the 95 % interval of each ratio is narrower than this, in percent.
    budget
        Stop after this many seconds of measuring in any case; a crossover may take three times as long on top.
    seed
        Seed of random inputs and of the order of bursts.
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
    PostprocessResult
        Latencies in ms, ratios with intervals, detections found. ``.ratio("fast")``, ``.verdict("fast")`` and
        ``.p50("fast")`` give single figures, ``.crossover`` the times over shares or thresholds.

    Raises
    ------
    ArgumentError
        Where a function is missing, cannot be called so, or gives no detections.
    VerificationError
        Where one finds something else than the first.
    Interrupted
        On an interrupt; what was measured is kept.

    Examples
    --------
    Two functions of one's own::

        %%postprocess detector.onnx
        def simple(outputs): ...
        def fast(outputs): ...

    Those of the library, and where the optimised form stops paying::

        %%postprocess shapes --threshold 0.5 --crossover share
        from deploy_magics.postprocessing import decode_fast, decode_simple
        decode_simple, decode_fast

    In a shell, on outputs of a board::

        deploy-magics postprocess mine.py --outputs outputs.npz
    """
    from deploy_magics.functions import named
    from deploy_magics.model import Model
    from deploy_magics.progress import progress
    from deploy_magics.steps import _bench_run as bench_runs
    from deploy_magics.steps import _postprocess_result as results
    from deploy_magics.steps import _postprocess_run as runs
    from deploy_magics.timing import Finishing

    given = named(functions)
    path = Path(save).expanduser() if save is not None else None
    bench_runs.check(threads, None, precision, None)
    if processes < 2:
        raise ArgumentError(f"processes must be at least 2, not {processes}")
    if not budget > 0:
        raise ArgumentError(f"budget is in seconds, above 0, not {budget:g}")
    for name, value in (("score_tolerance", score_tolerance), ("box_tolerance", box_tolerance)):
        if not 0 <= value < float("inf"):
            raise ArgumentError(f"{name} must be 0 or more, not {value:g}")
    if path is not None:
        check_place(path, force=force)
    if (model is None) == (outputs is None):
        raise ArgumentError("give a model or outputs, and not both", hint="for example %%postprocess shapes")
    if outputs is not None and data is not None:
        raise ArgumentError("data are inputs of a model, and outputs were given")
    handle = None if model is None else Model.of(model, shapes=shape, dims=dim)
    work = runs.work(given, None if handle is None else runs.anchors_of(handle), threshold, crossover)
    setup = bench_runs.Setup((), 1, None, None, 1, processes, precision, budget, seed)
    with progress(f"postprocess: {', '.join(given)}") as tracker:
        tracker.update(0.0, "the model's outputs")
        if handle is None:
            inputs, array = None, runs.given_outputs(outputs)
        else:
            inputs = runs.usual_data(handle, seed) if data is None else data
            array = runs.outputs_of(handle, inputs, threads)
        tracker.update(0.0, "what each function finds")
        found = work.found(array)
        gaps = runs.same(found, score_tolerance, box_tolerance)
        places = [] if crossover is None else runs.points(array, crossover, work.threshold, seed)
        for place, head, at in places:
            runs.same(work.found(head, at), score_tolerance, box_tolerance, f" at {crossover} {place:g}")
        share = 1.0 if crossover is None else 0.4
        measured, interrupted = results.timed(
            work.candidates(array), setup, lambda done, detail: tracker.update(share * done, detail)
        )
        lines: list[results.Point] = []
        try:
            for index, (place, head, at) in enumerate(() if interrupted else places):
                tracker.update(share + (1 - share) * index / len(places), f"{crossover} {place:g}")
                point, interrupted = results.timed(work.candidates(head, at), results.brief(setup, len(places)))
                if interrupted:
                    break
                lines.append(results.Point(place, point))
        except KeyboardInterrupt:
            interrupted = True
        # What was measured must not be lost to a key pressed while it is put together.
        with Finishing() as finishing:
            name = "given outputs" if handle is None else handle.name
            result = results.make(measured, found, gaps, array, name, setup, work, crossover, lines)
            if isinstance(inputs, int):
                result.notes = (
                    Note(f"the model's inputs are random, seed {inputs}; give some with --data"),
                    *result.notes,
                )
            if interrupted:
                result.status = "interrupted"
            result = saved(result, path, force)
    if interrupted or finishing.interrupted:
        raise Interrupted(result, "interrupted; what was measured until then is kept")
    return result
