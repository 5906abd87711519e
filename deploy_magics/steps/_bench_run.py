"""What ``%bench`` measures: candidates made of models and runtimes, on the same inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy_magics.errors import ArgumentError
from deploy_magics.files import check_place
from deploy_magics.steps._bounds import check_amounts, check_counts

if TYPE_CHECKING:
    import numpy as np

    from deploy_magics.arguments import FeedSource
    from deploy_magics.running import Arrays, Runtime
    from deploy_magics.running.compiled import Runnable


@dataclass(frozen=True)
class Setup:
    """How a run was asked for; see :func:`deploy_magics.steps.bench.bench` for what each means.

    Attributes
    ----------
    runtimes : tuple[Runtime, ...]
        What each model runs on.
    """

    runtimes: tuple[Runtime, ...]
    threads: int
    batch: int | None
    frames: int | None
    instances: int
    processes: int
    precision: float
    budget: float
    seed: int

    @property
    def usable(self) -> list[Runtime]:
        """The runtimes that can be used here."""
        from deploy_magics.running import why_not

        return [runtime for runtime in self.runtimes if why_not(runtime) is None]


def check(threads: int, batch: int | None, precision: float, memory: float | None) -> None:
    """Refuse what cannot be meant, before anything is measured.

    Raises
    ------
    ArgumentError
        Which option, and what it takes.
    """
    check_counts(threads=threads, batch=batch)
    check_amounts(memory=memory)
    if not 0 < precision <= 100:
        raise ArgumentError(f"precision is in percent, above 0 and up to 100, not {precision:g}")


def check_output(path: Path | None, *, force: bool) -> None:
    """Refuse a file that could not be written in the end, before anything is measured.

    Raises
    ------
    DeployError
        Where it is a folder, or exists and ``force`` is not set, or there is no folder to hold it.
    """
    if path is not None:
        check_place(path, force=force)


def find_runtimes(on: Sequence[str]) -> tuple[Runtime, ...]:
    """Find the runtimes to measure on, each once; those that cannot be used here become rows that say so.

    Raises
    ------
    ArgumentError
        Where one is not known.
    MissingPartError
        Where none can be used here.
    """
    from deploy_magics.running import get, require_usable, why_not

    names = list(dict.fromkeys([on] if isinstance(on, str) else on))
    if not names:
        raise ArgumentError("there is no runtime to measure on", hint="for example --on ort")
    found = tuple({runtime.name: runtime for runtime in map(get, names)}.values())
    if all(why_not(runtime) is not None for runtime in found):
        require_usable(names[0])
    return found


def runs_on(model: Runnable, runtime: Runtime) -> bool:
    """Tell whether a model can be asked to run on a runtime: one that is made for a runtime runs there alone."""
    base = runtime.name.partition(":")[0]
    return getattr(model, "runtime", base) == base


def require_runtimes(models: Sequence[Runnable], runtimes: Sequence[Runtime]) -> None:
    """Refuse models that none of the runtimes runs.

    Raises
    ------
    ArgumentError
        In one line, with the runtime to add.
    """
    lost = [model for model in models if not any(runs_on(model, runtime) for runtime in runtimes)]
    if lost:
        needed = ",".join(dict.fromkeys(str(getattr(model, "runtime", "")) for model in lost))
        names = ", ".join(repr(model.name) for model in lost)
        what = f"{names} is made for a runtime and runs" if len(lost) == 1 else f"{names} are made for runtimes and run"
        have = [runtime.name for runtime in runtimes if len(lost) < len(models)]
        raise ArgumentError(f"{what} on {needed} alone", hint=f"add --on {','.join([needed, *have])}")


def same_feeds(models: Sequence[Runnable], source: FeedSource, batch: int | None) -> list[Arrays]:
    """Make each model's inputs; those of one name, type and shape hold the same values in all of them."""
    shared: dict[tuple[str, str, tuple[int, ...]], np.ndarray[Any, Any]] = {}
    found: list[Arrays] = []
    for model in models:
        feeds = model.feeds(source, batch=batch)
        found.append({n: shared.setdefault((n, str(a.dtype), a.shape), a) for n, a in feeds.items()})
    return found
