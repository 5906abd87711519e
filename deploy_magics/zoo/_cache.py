"""The user's cache: where exported and fetched networks are kept."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from deploy_magics.errors import DeployError
from deploy_magics.files import whole_file
from deploy_magics.progress import progress

_STALE_S = 24 * 3600.0
_MAKE_S = 600.0


def cache_folder() -> Path:
    """Give the folder that networks are kept in; ``DEPLOY_MAGICS_CACHE`` overrides the platform's."""
    override = os.environ.get("DEPLOY_MAGICS_CACHE")
    if override:
        return Path(override).expanduser()
    import platformdirs

    return platformdirs.user_cache_path("deploy-magics")


def made_once(path: Path, make: Callable[[Path], object]) -> Path:
    """Give ``path``, made by ``make(temporary path)`` if it is not there yet; whole or not at all.

    Two processes that make it at once both do the work, and the later file, which is the same, takes the place of the
    earlier in one step.

    Raises
    ------
    DeployError
        Where the cache cannot be written.
    """
    if path.is_file():
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(path.parent, error) from None
    _sweep(path.parent)
    with whole_file(path, force=True) as part:
        make(part)
    return path


def made_in_worker(
    name: str, sources: Sequence[Path], target: str, memory: int, check: Callable[[], None] | None = None
) -> Path:
    """Give the cached ONNX file of a network that ``target(name, temporary path)`` makes in a worker.

    Parameters
    ----------
    name : str
        The network's name, and the file's.
    sources : sequence of Path
        Source files that decide what is made: when one changes, the file is made anew.
    target : str
        ``"package.module:function"``.
    memory : int
        What the worker can need at most, in bytes; where less is free, that bounds it.
    check : callable, optional
        Called first where the file is not there yet; raises where it cannot be made.
    """
    digest = hashlib.sha256(name.encode())
    for source in sources:
        digest.update(source.read_bytes())
    path = cache_folder() / "zoo" / digest.hexdigest()[:12] / f"{name}.onnx"

    def make(part: Path) -> None:
        if check is not None:
            check()
        from deploy_magics import workers

        with progress(f"making {name}, once"):
            bound = workers.memory_bound(memory)
            workers.call(target, name, str(part), name=f"making {name}", timeout=_MAKE_S, memory=bound)

    if path.is_file():
        return path
    made_once(path, make)
    _sweep_former(path)
    return path


def unwritable(path: Path, error: OSError) -> DeployError:
    """Say that the cache cannot be written, and how to put it elsewhere."""
    return DeployError(
        f"cannot write to the cache at {str(path)!r}: {error.strerror or error}",
        hint="free some space, or set DEPLOY_MAGICS_CACHE to a folder you may write to",
    )


def _sweep(folder: Path) -> None:
    """Remove what a process that was killed left half written a day or more ago."""
    for part in folder.glob(".*.part"):
        with contextlib.suppress(OSError):
            if time.time() - part.stat().st_mtime > _STALE_S:
                part.unlink()


def _sweep_former(path: Path) -> None:
    """Remove files of the same name that were made of other sources, a day or more ago.

    Younger ones stay: another version of this package may be at work with them.
    """
    for other in path.parent.parent.glob(f"*/{path.name}"):
        with contextlib.suppress(OSError):
            if other.parent != path.parent and time.time() - other.stat().st_mtime > _STALE_S:
                other.unlink()
                other.parent.rmdir()
