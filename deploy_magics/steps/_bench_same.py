"""Whether what a runtime makes of a model by itself still computes what the model does, told beside its times.

A runtime that makes its own code of an ONNX file may make code of something else, and be fast at that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from deploy_magics.errors import DeployError
from deploy_magics.result import Note

if TYPE_CHECKING:
    from deploy_magics.running import Arrays, Runtime
    from deploy_magics.running.compiled import Runnable
    from deploy_magics.steps._bench_run import Setup

REFERENCE = "ort"


def unlike(
    models: Sequence[Runnable],
    paths: Sequence[Path],
    feeds: Sequence[Arrays],
    setup: Setup,
    tell: Callable[[float | None, str], None],
) -> list[Note]:
    """Run each model once on each runtime that converts it, and warn where it gives something else than ONNX Runtime.

    What ``%tvm_compile`` made was verified then, and is not looked at again.
    """
    notes = []
    for model, path, inputs, runtime in _converted(models, paths, feeds, setup):
        tell(None, f"comparing {model.name} on {runtime.name}")
        problem = _problem(path, inputs, runtime.name)
        if problem is not None:
            notes.append(Note(f"{model.name} on {runtime.name}: {problem}", "warning"))
    return notes


def _converted(
    models: Sequence[Runnable], paths: Sequence[Path], feeds: Sequence[Arrays], setup: Setup
) -> Iterator[tuple[Runnable, Path, Arrays, Runtime]]:
    for model, path, inputs in zip(models, paths, feeds, strict=True):
        for runtime in setup.runtimes:
            if runtime.name != REFERENCE and not hasattr(model, "runtime"):
                yield model, path, inputs, runtime


def _problem(path: Path, inputs: Arrays, runtime: str) -> str | None:
    from deploy_magics import verifying

    try:
        with closing(verifying.Reference.of(path, [inputs])) as reference:
            found = reference.compare_on(path, verifying.Running(runtime))
    except DeployError as error:
        return f"not compared with ONNX Runtime: {error.message}"
    if found.problems:
        return f"does not compute what ONNX Runtime computes, so its time means nothing: {found.problems[0]}"
    return None
