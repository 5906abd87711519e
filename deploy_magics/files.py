"""Files written whole or not at all, and never over another without being told to."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy_magics.errors import DeployError


@contextmanager
def whole_file(path: Path, *, force: bool = False) -> Iterator[Path]:
    """Give a temporary path beside ``path`` that takes its place if the body ends well, and vanishes if not.

    Raises
    ------
    DeployError
        Where the file exists and ``force`` is not set, its folder does not, or the disk refuses.
    """
    if path.exists() and not force:
        raise DeployError(f"{str(path)!r} exists and is left as it is", hint="add --force to overwrite it")
    if path.is_dir():
        raise DeployError(f"{str(path)!r} is a folder", hint="give a file's name")
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    except OSError as error:
        raise DeployError(f"cannot write {str(path)!r}: {error.strerror or error}") from None
    os.close(handle)
    part = Path(name)
    try:
        yield part
        # mkstemp makes files private; a result is meant to be read by whoever may read its folder.
        umask = os.umask(0)
        os.umask(umask)
        part.chmod(0o666 & ~umask)
        part.replace(path)
    except OSError as error:
        raise DeployError(f"cannot write {str(path)!r}: {error.strerror or error}") from None
    finally:
        part.unlink(missing_ok=True)


def write_whole(path: Path, data: bytes, *, force: bool = False) -> None:
    """Write bytes to a file, whole or not at all; see :func:`whole_file` for what it raises."""
    with whole_file(path, force=force) as part:
        part.write_bytes(data)
