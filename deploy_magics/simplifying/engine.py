"""Which backend is asked, in what order, and what is said where none can."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy_magics import workers
from deploy_magics.errors import DeployError, ModelError, WorkerError
from deploy_magics.simplifying._job import Done
from deploy_magics.simplifying._refusal import Refused

_TITLES = {"onnxsim": "onnxsim", "ort": "ONNX Runtime"}
_PACKAGES = {"onnxsim": "onnxsim", "ort": "onnxruntime"}


JOB = "deploy_magics.simplifying._job:simplify"
"""What runs in the worker."""


@dataclass(frozen=True)
class Simplified:
    """What came of it.

    Attributes
    ----------
    path : Path
        The simplified file, its weights inside.
    backend : str
        Who did it, with its version: ``"onnxsim 0.8.1"``.
    seconds : float
        How long it took, failed tries included.
    before, after : int
        Bytes of the model with its weights inside.
    gained : bool
        Whether it has fewer nodes, fewer bytes, dimensions that were bound, or its nodes in the order that ONNX asks
        for.
    notes : tuple of str
        What a reader should know, one line each.
    """

    path: Path
    backend: str
    seconds: float
    before: int
    after: int
    gained: bool
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Try:
    backend: str
    fold: bool

    @property
    def name(self) -> str:
        return _TITLES[self.backend] + ("" if self.fold else " without folding")


def simplify_file(
    source: Path,
    folder: Path,
    *,
    shapes: Mapping[str, Sequence[int | str | None]] | None = None,
    max_growth: float = 1.5,
    max_bytes: int = 2**31 - 1,
    timeout: float = 300.0,
    memory: int | None = None,
    on_try: Callable[[str], None] = lambda name: None,
) -> Simplified:
    """Make a model smaller without changing what it computes.

    onnxsim does it; where it refuses, crashes or passes a bound, ONNX Runtime's own optimisation of the BASIC level is
    asked. Each runs in a worker process. Nothing is verified here: see :mod:`deploy_magics.verifying`.

    Parameters
    ----------
    source : Path
        An ONNX file; its external data lies where it says.
    folder : Path
        An empty folder, in which the result and whatever a worker leaves are written; the caller removes it.
    shapes : Mapping[str, sequence of int, str or None], optional
        Shapes of inputs in which dimensions are bound; others stay dynamic.
    max_growth : float
        The result may have at most so many times the bytes of the model; large constants stay unfolded for that.
    max_bytes : int
        The most that one folded constant may take.
    timeout : float
        Bound on each try, in seconds.
    memory : int, optional
        Bound on a worker's resident memory, in bytes.
    on_try : Callable[[str], None]
        Told the name of what is tried next.

    Returns
    -------
    Simplified
        Where the result lies and who made it.

    Raises
    ------
    ModelError
        Where none can; the line says what each of them said.
    """
    started = time.monotonic()
    said: list[str] = []
    # Where onnxsim runs out of memory or crashes, it is most often over a constant that it folds.
    waiting = [_Try("onnxsim", fold=True), _Try("ort", fold=True)]
    while waiting:
        attempt = waiting.pop(0)
        on_try(attempt.name)
        place = folder / attempt.name
        target = place / source.name
        try:
            place.mkdir()
            done: Done = workers.call(
                JOB,
                str(source),
                str(target),
                backend=attempt.backend,
                shapes={name: list(shape) for name, shape in (shapes or {}).items()},
                max_growth=max_growth,
                max_bytes=max_bytes,
                fold=attempt.fold,
                name=attempt.name,
                timeout=timeout,
                memory=memory,
                env={"OMP_NUM_THREADS": "1"},
            )
        except OSError as error:
            raise DeployError(f"cannot write in {str(folder)!r}: {error.strerror or error}") from None
        except Refused as refused:
            said.append(f"{attempt.name} refused: {refused.message}")
            if attempt == _Try("ort", fold=True):
                waiting.append(_Try("ort", fold=False))
        except WorkerError as failed:
            said.append(failed.message)
            if attempt.fold and not isinstance(failed, workers.WorkerTimeout):
                waiting.insert(0, _Try(attempt.backend, fold=False))
        else:
            return Simplified(
                path=target,
                backend=f"{_TITLES[attempt.backend]} {_version(attempt.backend)}",
                seconds=time.monotonic() - started,
                before=done.before,
                after=done.after,
                gained=done.gained,
                notes=(*said, *done.notes),
            )
    raise ModelError("; ".join(dict.fromkeys(said)), hint=_hint(said))


def _hint(said: Sequence[str]) -> str | None:
    if any("times the model" in line for line in said):
        return "the original is kept; allow more with --max-growth"
    if any("took longer than" in line for line in said):
        return "the original is kept; allow more with --timeout"
    if any("of memory" in line for line in said):
        return "the original is kept; allow more with --memory"
    return "the original is kept"


def _version(backend: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(_PACKAGES[backend])
    except PackageNotFoundError:
        return "of unknown version"


__all__ = ["Simplified", "simplify_file"]
