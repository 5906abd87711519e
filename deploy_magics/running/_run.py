"""Run a model for its outputs, in a worker, for those who verify rather than time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy_magics.running._preparing import open_session
from deploy_magics.running._registry import get, require_usable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from deploy_magics.running._protocol import Arrays
    from deploy_magics.running.operators import OperatorTime


def run_once(
    path: str | PathLike[str],
    feeds_list: Sequence[Mapping[str, NDArray[Any]]],
    *,
    runtime: str = "ort",
    threads: int = 1,
    options: Mapping[str, Any] | None = None,
    timeout: float = 120.0,
    memory: int | None = None,
) -> list[Arrays]:
    """Load a model in a worker process and run it once on each set of inputs.

    Parameters
    ----------
    path : path
        An ONNX file.
    feeds_list : sequence of mappings
        Sets of inputs, arrays by name.
    runtime : str
        Short name of the runtime.
    threads : int
        Threads inside one operator.
    options : Mapping[str, Any], optional
        The runtime's own options.
    timeout : float
        Bound on everything together, in seconds.
    memory : int, optional
        Bound on the worker's resident memory, in bytes.

    Returns
    -------
    list of dict[str, numpy.ndarray]
        Outputs by name, one dict for each set of inputs.

    Raises
    ------
    ModelError
        Where the model does not load or run, or an input does not fit.
    WorkerError
        Where the process crashed or passed a bound.
    MissingPartError, ArgumentError
        Where the runtime is not installed, or not known.
    """
    from deploy_magics import workers

    title = require_usable(runtime).title
    outputs: list[Arrays] = workers.call(
        "deploy_magics.running._run:_run_here",
        str(path),
        [dict(feeds) for feeds in feeds_list],
        runtime,
        threads,
        dict(options or {}),
        name=f"{title} on {Path(path).name!r}",
        timeout=timeout,
        memory=memory,
    )
    return outputs


def operator_times(
    path: str, runtime: str, threads: int, options: Mapping[str, Any], feeds: Mapping[str, NDArray[Any]], repeats: int
) -> tuple[OperatorTime, ...]:
    """Time a model's operators here in this process; the runtime must be able to."""
    from deploy_magics.running.operators import TellsOperators

    found = get(runtime)
    assert isinstance(found, TellsOperators)
    return found.operator_times(Path(path), feeds, threads=threads, repeats=repeats, options=options)


def _run_here(
    path: str, feeds_list: list[dict[str, NDArray[Any]]], runtime: str, threads: int, options: dict[str, Any]
) -> list[Arrays]:
    session = open_session(path, runtime, threads, options)
    results = []
    for feeds in feeds_list:
        session.set_inputs(feeds)
        session.run()
        results.append(session.outputs())
    return results
