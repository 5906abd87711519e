"""How ``%%postprocess`` comes to outputs, asks functions what they find in them, and times them."""

from __future__ import annotations

import inspect
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy_magics.errors import ArgumentError, VerificationError
from deploy_magics.functions import check_call, pack

if TYPE_CHECKING:
    from deploy_magics.arguments import FeedSource
    from deploy_magics.model import Model
    from deploy_magics.postprocessing import Anchors, Detections, Difference
    from deploy_magics.timing import Candidate

TIMEOUT_S = 300.0
SHARES = (0.001, 0.01, 0.05, 0.2, 0.5, 1.0)
THRESHOLDS = (0.01, 0.05, 0.1, 0.25, 0.5, 0.9)


@dataclass(frozen=True)
class Work:
    """Functions, ready to be sent to workers.

    Attributes
    ----------
    functions : dict of str to callable
        The functions by name.
    packed : bytes
        All of them, as they travel.
    anchors : Anchors or None
        What a detector of the zoo says of its rows.
    threshold : float
        Given to functions that have an argument of that name.
    """

    functions: Mapping[str, Callable[..., Any]]
    packed: bytes
    anchors: Anchors | None
    threshold: float

    def keywords(self, threshold: float | None = None) -> dict[str, dict[str, Any]]:
        """Give each function the arguments that it has by name."""
        at = self.threshold if threshold is None else threshold
        able: dict[str, Any] = {"threshold": at}
        if self.anchors is not None:
            able["anchors"] = self.anchors
        return {
            name: {key: value for key, value in able.items() if key in _arguments(function)}
            for name, function in self.functions.items()
        }

    def found(self, outputs: Any, threshold: float | None = None) -> dict[str, Detections]:
        """Ask all functions in a worker what they find."""
        from deploy_magics import workers

        found: dict[str, Detections] = workers.call(
            "deploy_magics.steps._postprocess_job:found_by",
            self.packed,
            outputs,
            self.keywords(threshold),
            name=", ".join(self.functions),
            timeout=TIMEOUT_S,
        )
        return found

    def candidates(self, outputs: Any, threshold: float | None = None) -> list[Candidate]:
        """Make what is timed of each function."""
        from deploy_magics.timing import Candidate

        return [
            Candidate(
                label=name,
                factory="deploy_magics.steps._postprocess_job:Call",
                args=(self.packed, name, keywords),
                inputs=outputs,
                imports=("numpy", "deploy_magics.postprocessing"),
            )
            for name, keywords in self.keywords(threshold).items()
        ]


def _arguments(function: Callable[..., Any]) -> list[str]:
    """Name the arguments after the first, which takes the outputs."""
    try:
        return list(inspect.signature(function).parameters)[1:]
    except (TypeError, ValueError):
        return []


def work(
    functions: Mapping[str, Callable[..., Any]], anchors: Anchors | None, threshold: float | None, by: str | None
) -> Work:
    """Check functions before anything runs, and make them ready.

    Raises
    ------
    ArgumentError
        Where one cannot be called with the outputs alone, or a threshold was given that none of them, or not all that
        are to be compared over thresholds, can take.
    """
    from deploy_magics.postprocessing.sigmoid import check_threshold

    if threshold is not None:
        check_threshold(threshold)
    if by not in (None, "share", "threshold"):
        raise ArgumentError(f"crossover is over share or threshold, not {by!r}")
    takes = [name for name, function in functions.items() if "threshold" in _arguments(function)]
    if threshold is not None and not takes:
        raise ArgumentError("no function has an argument threshold", hint="define f(outputs, threshold)")
    without = [name for name in functions if name not in takes]
    if by == "threshold" and without:
        hint = f"define {without[0]}(outputs, threshold)"
        raise ArgumentError(f"{', '.join(without)} cannot be given a threshold", hint=hint)
    made = Work(functions, b"", anchors, 0.25 if threshold is None else threshold)
    for name, keywords in made.keywords().items():
        check_call(name, partial(functions[name], **keywords), "outputs")
    return Work(functions, pack(functions), anchors, made.threshold)


def outputs_of(model: Model, data: FeedSource, threads: int) -> Any:
    """Run a model once in a worker and give its output, or its outputs by name where there are several."""
    from deploy_magics.running._run import run_once

    feeds = model.feeds(data)
    with model.file() as path:
        [outputs] = run_once(path, [feeds], threads=threads, timeout=TIMEOUT_S)
    return next(iter(outputs.values())) if len(outputs) == 1 else outputs


def usual_data(model: Model, seed: int) -> FeedSource:
    """Give a picture with something in it to the detector that was trained, and a seed for noise to others."""
    if _in_zoo(model) != "shapes":
        return seed
    from deploy_magics import zoo

    images, _ = zoo.shapes(1, first=seed)
    return {"input": zoo.detector("shapes").prepare(images)}


def _in_zoo(model: Model) -> str:
    """Give the name that a model has in the zoo, whatever it is labelled; "" for others."""
    return model.source.removeprefix("zoo: ") if model.source.startswith("zoo: ") else ""


def anchors_of(model: Model) -> Anchors | None:
    """Give the anchors of a detector of the zoo; of others nothing is known."""
    from deploy_magics import zoo
    from deploy_magics.postprocessing import Anchors
    from deploy_magics.zoo._detectors import DETECTORS

    if (name := _in_zoo(model)) not in DETECTORS:
        return None
    known = zoo.detector(name)
    return Anchors.of((known.size, known.size), known.strides, known.anchors)


def given_outputs(source: Any) -> Any:
    """Take outputs from an ``.npz`` file, an array, arrays by name, or a function that gives them.

    Raises
    ------
    ArgumentError
        Where it is none of these, or they are empty.
    """
    import numpy as np

    value = _read(Path(source).expanduser()) if isinstance(source, str | Path) else source
    value = value() if callable(value) else value
    arrays = {str(k): np.asarray(v) for k, v in value.items()} if isinstance(value, Mapping) else {"": value}
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiub":
            raise ArgumentError(
                f"outputs are arrays of numbers and not {type(array).__name__}",
                hint="save them with numpy.savez(path, name=array)",
            )
        if not array.size:
            raise ArgumentError(f"the output {name!r} of shape {array.shape} is empty")
    if not arrays:
        raise ArgumentError("there are no outputs", hint="save them with numpy.savez(path, name=array)")
    return next(iter(arrays.values())) if len(arrays) == 1 else arrays


def _read(path: Path) -> Any:
    import numpy as np

    try:
        read = np.load(path, allow_pickle=False)
        return dict(read) if isinstance(read, np.lib.npyio.NpzFile) else read
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        reason = "is not there" if isinstance(error, FileNotFoundError) else "is no .npz file of numbers"
        raise ArgumentError(f"{str(path)!r} {reason}", hint="save outputs with numpy.savez(path, name=array)") from None


def same(
    found: Mapping[str, Detections], score_tolerance: float, box_tolerance: float, at: str = ""
) -> dict[str, Difference]:
    """Compare all with the first.

    Raises
    ------
    VerificationError
        With all that differ and how, where one does.
    """
    from deploy_magics.postprocessing import compare

    (first, expected), *others = found.items()
    gaps = {
        name: compare(expected, other, score_tolerance=score_tolerance, box_tolerance=box_tolerance)
        for name, other in others
    }
    wrong = [
        f"{name} lacks {gap.missing} of its {len(expected)} and adds {gap.added} (it {gap.first})"
        for name, gap in gaps.items()
        if not gap.same
    ]
    if wrong:
        raise VerificationError(f"not the same as {first} finds{at}: {'; '.join(wrong)}", hint="nothing was timed")
    return gaps


def points(outputs: Any, by: str, at: float, seed: int) -> list[tuple[float, Any, float]]:
    """Give what a crossover is measured at: the share in % or threshold, outputs, and threshold.

    Over the share, heads are drawn in the shape of the outputs, since a real one has the share it has.

    Raises
    ------
    ArgumentError
        Where the outputs are no single head whose share can be set.
    """
    from deploy_magics.postprocessing import draw_head

    if by == "threshold":
        return [(threshold, outputs, threshold) for threshold in THRESHOLDS]
    shape = [] if isinstance(outputs, Mapping) else list(outputs.shape)
    if len(shape) == 3 and shape[0] == 1:
        shape.pop(0)
    if len(shape) != 2 or shape[1] < 6:
        raise ArgumentError(
            "the share of survivors can be set for one output (rows, 5 + classes)", hint="use --crossover threshold"
        )
    rows, columns = shape
    return [(100 * share, draw_head(rows, columns - 5, share, at, seed).reshape(outputs.shape), at) for share in SHARES]
