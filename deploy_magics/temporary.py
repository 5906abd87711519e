"""Temporary folders that are gone when their user is, and at the latest when Python ends.

A kernel that was killed cannot clean up: the next one that makes such a folder removes what has no owner left. An owner
holds a lock on its folder, which the system takes away however the process ends.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import threading
import weakref
from pathlib import Path
from typing import Any

_PREFIX = "deploy-magics-folder-"
_OWNER = "owner"


class Folder:
    """A temporary folder that lives as long as this object."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(dir=_root()))
        self._remove = weakref.finalize(self, _remove, self.path, os.getpid())

    def close(self) -> None:
        """Remove it now; harmless when repeated."""
        self._remove()


_lock = threading.Lock()
_roots: dict[int, tuple[Path, int]] = {}


def _root() -> Path:
    """Make this process's own folder once, and sweep those that dead processes left."""
    with _lock:
        known = _roots.get(os.getpid())
        if known is None or not known[0].is_dir():
            _sweep(Path(tempfile.gettempdir()))
            path = Path(tempfile.mkdtemp(prefix=_PREFIX))
            # Locked before it has the name that a sweeper looks for.
            fresh = path / "new"
            handle = os.open(fresh, os.O_CREAT | os.O_RDWR | getattr(os, "O_CLOEXEC", 0), 0o600)
            _try_lock(handle)
            fresh.replace(path / _OWNER)
            known = _roots[os.getpid()] = (path, handle)
            weakref.finalize(_lock_keeper, _remove, path, os.getpid())
        return known[0]


class _Keeper:
    """Something that lives until Python ends, for the root's finaliser to hang on."""


_lock_keeper = _Keeper()


def _try_lock(handle: int) -> bool:
    """Lock a file without waiting; True where nobody else holds it or locks are not to be had."""
    try:
        import fcntl
    except ImportError:  # Windows: an open file cannot be removed there, which serves as well.
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _sweep(folder: Path) -> None:
    with contextlib.suppress(OSError):
        for path in folder.glob(_PREFIX + "*"):
            with contextlib.suppress(OSError):
                handle = os.open(path / _OWNER, os.O_RDWR)
                try:
                    orphan = _try_lock(handle)
                finally:
                    os.close(handle)
                if orphan:
                    shutil.rmtree(path, ignore_errors=True)


def _remove(path: Path, owner: int) -> Any:
    # A forked child ends too; what it inherited is not its own to remove.
    if os.getpid() == owner:
        shutil.rmtree(path, ignore_errors=True)
