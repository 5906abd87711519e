"""What a runner does: it loads a candidate's library, and times its function."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from deploy_magics.lowering import threads as pool
from deploy_magics.lowering._tvm import tvm
from deploy_magics.lowering._words import gist
from deploy_magics.tuning.job import Arrays, Failed, Ran

REPEATS = 5
REPEAT_S = 0.006
"""Time that a repeat lasts at least; a burst of another program is longer, and so falls into one repeat or two."""
HOPELESS = 1.6
"""What takes so many times as long as the best is not timed at length."""

_arguments: dict[Arrays, list[Any]] = {}
_MOST_KEPT = 4


def prepare(threads: int) -> None:
    """Import TVM, and have code run on so many threads."""
    tvm()
    pool.use(threads)


def run(path: str, arrays: Arrays, best: float | None = None) -> Ran | Failed:
    """Time a candidate; one that is much slower than the best gets one short look."""
    began = time.perf_counter()
    try:
        library = tvm().runtime.load_module(path)
        function = library["main"]
        arguments = arguments_for(arrays)
        function(*arguments)
        once = min(_call(function, arguments) for _ in range(2))
        if best is not None and once > HOPELESS * best:
            return Ran((min(once, _call(function, arguments)),), time.perf_counter() - began)
        times = _times(library, arguments, once, REPEATS)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with it, it is a failed trial
        return Failed(f"cannot be run: {gist(error)}")
    finally:
        Path(path).unlink(missing_ok=True)
    return Ran(times, time.perf_counter() - began)


def compare(paths: Sequence[str], arrays: Arrays, rounds: int) -> tuple[tuple[float, ...], ...] | Failed:
    """Time several candidates in turn, so that what disturbs one disturbs all; the times of each."""
    try:
        libraries = [tvm().runtime.load_module(path) for path in paths]
        arguments = arguments_for(arrays)
        once = []
        for library in libraries:
            library["main"](*arguments)
            once.append(_call(library["main"], arguments))
        found: list[list[float]] = [[] for _ in paths]
        for turn in range(rounds):
            # The other way round every second time: what comes first finds other caches.
            order = range(len(paths)) if turn % 2 == 0 else reversed(range(len(paths)))
            for place in order:
                found[place] += _times(libraries[place], arguments, once[place], 1)
    except Exception as error:  # noqa: BLE001
        return Failed(f"cannot be run: {gist(error)}")
    finally:
        for path in paths:
            Path(path).unlink(missing_ok=True)
    return tuple(tuple(times) for times in found)


def arguments_for(arrays: Arrays) -> list[Any]:
    """Give arguments for a function: small random numbers, the same ones for every candidate of a task."""
    if arrays not in _arguments:
        while len(_arguments) >= _MOST_KEPT:
            _arguments.pop(next(iter(_arguments)))
        rng = np.random.default_rng(0)
        _arguments[arrays] = [tvm().runtime.tensor(values(rng, shape, dtype)) for shape, dtype in arrays]
    return _arguments[arrays]


def values(rng: np.random.Generator, shape: Sequence[int], dtype: str) -> np.ndarray[Any, Any]:
    """Draw an array; whole numbers are zero, since they may be places in another one.

    Examples
    --------
    >>> values(np.random.default_rng(0), (2, 3), "int64").tolist()
    [[0, 0, 0], [0, 0, 0]]
    """
    if dtype.startswith("float"):
        return rng.random(tuple(shape), dtype="float32").astype(dtype)
    return np.zeros(tuple(shape), dtype=dtype)


def _call(function: Any, arguments: Sequence[Any]) -> float:
    began = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - began


def _times(library: Any, arguments: Sequence[Any], once: float, repeats: int) -> tuple[float, ...]:
    """Time a function; the calls of a repeat follow one another without Python between them."""
    number = max(1, min(10_000, round(REPEAT_S / max(once, 1e-7))))
    timed = library.time_evaluator("main", tvm().cpu(), number=number, repeat=repeats)
    return tuple(float(seconds) for seconds in timed(*arguments).results)
