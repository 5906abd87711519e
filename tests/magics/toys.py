"""Toy steps, quick and harmless, that stand in for the real ones where it is the magics that are tested."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from deploy_magics.arguments import AModel, Dims, FeedSource, Functions, FunctionsArgument, Names, OutputPath, Shapes
from deploy_magics.errors import ArgumentError, Interrupted
from deploy_magics.progress import progress
from deploy_magics.result import Column, Result, Row, Table
from deploy_magics.steps._registry import Step

if TYPE_CHECKING:
    import numpy as np


class ToyResult(Result):
    """What the toys give."""


def _name(model: object) -> str:
    return str(model[0]) if isinstance(model, tuple) else str(model)


def _result(step: str, models: tuple[object, ...], **meta: object) -> ToyResult:
    rows = tuple(Row({"model": _name(model)}) for model in models)
    table = Table(columns=(Column("model", "model", kind="text"),), rows=rows)
    return ToyResult(
        step, f"{step} saw {', '.join(map(_name, models))}", tables=(table,), meta={"models": models, **meta}
    )


def toy(
    *models: AModel,
    on: Names = ("ort",),
    threads: int = 1,
    precision: float = 2.0,
    by: Literal["node", "op"] = "op",
    force: bool = False,
    shape: Shapes = None,
    dim: Dims = None,
    data: FeedSource | None = None,
    expected: np.ndarray | None = None,
) -> ToyResult:
    """Look at models, and do nothing to them.

    Parameters
    ----------
    *models : ModelLike
        Models to look at.
    on : sequence of str
        Runtimes, the first of which counts.
    threads : int
        Threads for each.
    precision : float
        How sure to be, in percent.
    by : {"node", "op"}
        What ``rows`` are.
    force : bool
        Whether to insist.
    shape, dim : mapping
        Sizes.
    data : FeedSource
        Inputs.
    expected : array
        Outputs.

    Examples
    --------
    >>> toy("resnet50").step
    'toy'

    In a notebook::

        %toy before=resnet50 after=slim --threads 2 -o kept

    From files::

        %toy before=a.onnx after=b.onnx
    """
    if threads < 1:
        raise ArgumentError("threads must be 1 or more")
    return _result(
        "toy",
        models,
        on=on,
        threads=threads,
        precision=precision,
        by=by,
        force=force,
        shape=shape,
        dim=dim,
        data=data,
    )


def slow(*models: AModel, seconds: float = 30.0, mark: Path | None = None) -> ToyResult:
    """Take its time, and keep what it has when stopped.

    Parameters
    ----------
    *models : ModelLike
        Anything.
    seconds : float
        How long, in seconds.
    mark : path
        File to make once it has begun.
    """
    if mark is not None:
        mark.touch()
    end = time.monotonic() + seconds
    try:
        with progress("slow") as tracker:
            while time.monotonic() < end:
                time.sleep(0.01)
                tracker.update(1 - (end - time.monotonic()) / seconds)
    except KeyboardInterrupt:
        partial = _result("slow", models)
        partial.status = "interrupted"
        raise Interrupted(partial, "interrupted; what was measured is kept") from None
    return _result("slow", models)


def write(*models: AModel, output: Annotated[str | Path | None, OutputPath()] = None) -> ToyResult:
    """Say where to write.

    Parameters
    ----------
    *models : ModelLike
        Anything.
    output : path
        Where.
    """
    return _result("write", models, output=output)


def always(*models: AModel, output: Annotated[str | Path | None, OutputPath(always=True)] = None) -> ToyResult:
    """Say where to write, which must be said.

    Parameters
    ----------
    *models : ModelLike
        Anything.
    output : path
        Where.
    """
    return _result("always", models, output=output)


def compare(functions: Functions, model: AModel | None = None, *, times: int = 1) -> ToyResult:
    """Compare functions.

    Parameters
    ----------
    functions : mapping of str to callable
        What to compare.
    model : ModelLike
        Where their arguments come from.
    times : int
        How often.
    """
    models = () if model is None else (model,)
    return _result("compare", models, functions=functions, times=times, values=[f() for f in functions.values()])


def ends(
    functions: Annotated[Mapping[str, Callable[..., Any]], FunctionsArgument(("begin", "end"))], model: AModel
) -> ToyResult:
    """Run what begins and what ends."""
    return _result("ends", (model,), functions=functions)


def plain() -> ToyResult:
    """Take nothing."""
    return _result("plain", ())


TOYS = {
    "toy": Step("toy", toy, "What is it?", "00_start_here", 10, True),
    "slow": Step("slow", slow, "How long does it take?", "00_start_here", 20, True),
    "compare": Step("compare", compare, "Which?", "", 40, True),
    "ends": Step("ends", ends, "From where to where?", "", 50, True),
    "write": Step("write", write, "Where to?", "", 60, False),
    "always": Step("always", always, "Where to?", "", 70, False),
    "plain": Step("plain", plain, "Does it run?", "", 30, False),
}


REGISTRY = {
    "names": lambda: sorted(TOYS),
    "get": TOYS.__getitem__,
    "all_steps": lambda: sorted(TOYS.values(), key=lambda step: step.order),
}


def install() -> None:
    """Put the toys in the place of the real steps, in this process."""
    import deploy_magics.steps
    from deploy_magics.steps import _registry

    for module in (_registry, deploy_magics.steps):
        for name, value in REGISTRY.items():
            setattr(module, name, value)
