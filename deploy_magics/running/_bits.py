"""Whether a runtime that is asked for a coarser type computes in it, seen from what it gives."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy_magics.errors import DeployError
from deploy_magics.running._registry import get

if TYPE_CHECKING:
    from deploy_magics.running._protocol import Arrays


def same_bits(
    path: Path,
    runtimes: tuple[str, str],
    feeds: Arrays,
    threads: int,
    options: Mapping[str, Any],
    *,
    timeout: float = 300.0,
) -> bool:
    """Tell whether two runtimes give the same bits for a file; not so where the second does not run it.

    Raises
    ------
    ModelError
        Where the first does not run it.
    WorkerError
        Where the worker crashed or passed a bound.
    """
    from deploy_magics import workers

    same: bool = workers.call(
        "deploy_magics.running._bits:same_bits_here",
        str(path),
        runtimes,
        feeds,
        threads,
        dict(options),
        name=f"{runtimes[0]} on {path.name!r}",
        timeout=timeout,
        memory=workers.memory_bound(),
    )
    return same


def same_bits_here(
    path: str, runtimes: tuple[str, str], feeds: Arrays, threads: int, options: Mapping[str, Any]
) -> bool:
    """Compare the bits that two runtimes give in this process."""
    found: list[dict[str, bytes]] = []
    for name in runtimes:
        try:
            session = get(name).load(Path(path), threads=threads, options=options)
            session.set_inputs(feeds)
            session.run()
        except DeployError:
            if not found:
                raise
            return False
        found.append({key: array.tobytes() for key, array in session.outputs().items()})
    return found[0] == found[1]


__all__ = ["same_bits"]
