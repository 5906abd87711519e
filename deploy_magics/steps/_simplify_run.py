"""One model through simplification: run the original, simplify, run the result, compare."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deploy_magics.errors import ModelError
from deploy_magics.files import safe_name

if TYPE_CHECKING:
    from deploy_magics.arguments import FeedSource
    from deploy_magics.model import Model
    from deploy_magics.simplifying import Simplified
    from deploy_magics.verifying import Verification

MOST_BYTES = 2**31 - 1


@dataclass(frozen=True)
class Options:
    """How to simplify; see :func:`deploy_magics.steps.simplify.simplify` for what each means."""

    data: FeedSource | None
    tolerance: float | None
    max_growth: float
    timeout: float
    memory: int | None


@dataclass(frozen=True)
class Outcome:
    """What came of one model.

    Attributes
    ----------
    original, model : Model
        Before and after; the same handle where there was nothing to gain.
    done : Simplified
        By whom and in what time.
    verification : Verification
        How far the two lie apart.
    """

    original: Model
    model: Model
    done: Simplified
    verification: Verification

    @property
    def changed(self) -> bool:
        """Whether anything was gained."""
        return self.done.gained


def run(model: Model, options: Options, tell: Callable[[float, str], None]) -> Outcome:
    """Simplify one model and hold the result against the original; see :func:`_run` for what it raises."""
    from deploy_magics import workers

    try:
        return _run(model, options, tell)
    except workers.WorkerTimeout as error:
        raise type(error)(error.message, hint="the original is kept; allow more with --timeout") from None
    except workers.WorkerOutOfMemory as error:
        raise type(error)(error.message, hint="the original is kept; allow more with --memory") from None


def _run(model: Model, options: Options, tell: Callable[[float, str], None]) -> Outcome:
    """Simplify one model and hold the result against the original.

    Parameters
    ----------
    model : Model
        The original.
    options : Options
        How.
    tell : Callable[[float, str], None]
        Told the share done and what is done next.

    Raises
    ------
    ModelError
        Where the original does not run, so that nothing could be verified, or no backend can simplify it.
    VerificationError
        Where the result computes something else.
    WorkerError
        Where running either of the two crashes or passes a bound.
    """
    from deploy_magics import verifying, workers
    from deploy_magics.simplifying import simplify_file
    from deploy_magics.temporary import Folder

    if model.size_bytes > MOST_BYTES:
        size = f"{model.size_bytes / 2**30:.1f} GiB"
        raise ModelError(f"with its weights the model has {size}; 2 GiB is the most that can be simplified")
    memory = options.memory or workers.memory_bound()
    running = verifying.Running(timeout=options.timeout, memory=memory, threads=_threads())
    tell(0.0, "running the original")
    inputs = verifying.inputs_for(model, data=options.data)
    reference = verifying.Reference.of(model, inputs, running=running)
    with closing(reference), closing(Folder()) as folder, model.file() as path:
        done = simplify_file(
            path,
            folder.path,
            shapes={spec.name: spec.shape for spec in model.inputs if spec.shape is not None},
            max_growth=options.max_growth,
            max_bytes=model.limits.max_bytes,
            timeout=options.timeout,
            memory=memory,
            on_try=lambda name: tell(0.2, name),
        )
        tell(0.7, "running the result")
        found = reference.compare(done.path, tolerance=options.tolerance)
        found.require(f"the model that {done.backend} made")
        smaller = _load(model, done)
    return Outcome(model, smaller, done, found)


def _load(model: Model, done: Simplified) -> Model:
    """Take the result into a handle of its own; the original stays where nothing was gained."""
    if not done.gained:
        return model
    made = model.with_proto(done.path, source=f"{model.source}, simplified by {done.backend}")
    return made.renamed(f"{model.name}_simplified")


def _threads() -> int:
    import os

    return max(1, min(4, os.cpu_count() or 1))


def output_paths(models: Sequence[Model], output: str | Path, *, force: bool, suffix: str = "simplified") -> list[Path]:
    """Decide where each result is written, and refuse before any work is done.

    A folder (one that exists, or written with a slash at its end, or any path where there are several models) gets
    ``<name>_<suffix>.onnx``.

    Raises
    ------
    DeployError
        Where a file exists and ``force`` is not set, a folder does not exist, or two models would get one file.
    """
    from deploy_magics.errors import ArgumentError, DeployError

    target = Path(output).expanduser()
    as_folder = target.is_dir() or str(output).endswith(("/", "\\")) or len(models) > 1
    folder = target if as_folder else target.parent
    if not folder.is_dir():
        raise DeployError(f"there is no folder {str(folder)!r}", hint="make it first")
    if not as_folder and target.suffix != ".onnx":
        raise ArgumentError(f"the result is an ONNX file, {target.name!r} is not named so", hint="end it in .onnx")
    paths = [folder / f"{safe_name(model.name)}_{suffix}.onnx" if as_folder else target for model in models]
    twice = next((path for index, path in enumerate(paths) if path in paths[:index]), None)
    if twice is not None:
        raise ArgumentError(f"two models would be written to {str(twice)!r}", hint="give them labels: a=... b=...")
    for path in paths:
        if path.exists() and not force:
            raise DeployError(f"{str(path)!r} exists and is left as it is", hint="add --force to overwrite it")
    return paths
