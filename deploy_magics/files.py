"""Files written whole or not at all, and never over another without being told to."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from deploy_magics.errors import DeployError


@contextmanager
def whole_file(path: Path, *, force: bool = False) -> Iterator[Path]:
    """Give a temporary path beside ``path`` that takes its place if the body ends well, and vanishes if not.

    The bytes are on the disk before the name is, so that a power cut leaves the old file or the new one.

    Raises
    ------
    DeployError
        Where the file exists and ``force`` is not set, also when it appeared while the body ran; where its folder does
        not exist, or the disk refuses.
    """
    if path.is_dir():
        raise _folder(path)
    if os.path.lexists(path) and not force:
        raise _exists(path)
    # A short name of its own, since the file's may be as long as the system allows.
    part = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        # Made with the permissions of any new file, which is meant to be read by whoever may read its folder.
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    except OSError as error:
        raise _refused(path, error) from None
    try:
        yield part
        settle(part)
        if force:
            part.replace(path)
        else:
            _place(part, path)
        _settle_folder(path.parent)
    except OSError as error:
        raise _refused(path, error) from None
    finally:
        part.unlink(missing_ok=True)


def check_place(path: Path, *, force: bool = False) -> None:
    """Refuse a file that could not be written, before the work whose result it is to hold.

    Raises
    ------
    DeployError
        Where it is a folder, or exists and ``force`` is not set, or there is no folder to hold it or it may not be
        written to.
    """
    if path.is_dir():
        raise _folder(path)
    if os.path.lexists(path) and not force:
        raise _exists(path)
    if not path.parent.is_dir():
        raise DeployError(f"cannot write {str(path)!r}: there is no folder {str(path.parent)!r}")
    if not os.access(path.parent, os.W_OK):
        raise DeployError(f"cannot write {str(path)!r}: nothing may be written to {str(path.parent)!r}")


def write_whole(path: Path, data: bytes, *, force: bool = False) -> None:
    """Write bytes to a file, whole or not at all; see :func:`whole_file` for what it raises."""
    with whole_file(path, force=force) as part:
        part.write_bytes(data)


def safe_name(name: str) -> str:
    """Make a name from a model one that is safe as a file's.

    Examples
    --------
    >>> safe_name("a/b <i>'s")
    'a_b _i__s'
    """
    kept = "".join(c if c.isalnum() or c in "._- " else "_" for c in name).strip(" .")
    return kept[:100] or "model"


def settle(path: Path) -> None:
    """Wait until a file's bytes are on the disk.

    Raises
    ------
    OSError
        Where the disk refuses.
    """
    # Windows settles only what is open for writing.
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _settle_folder(folder: Path) -> None:
    """Ask for the name to be on the disk as well; not every system can be asked that, and the file is whole anyway."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _place(part: Path, path: Path) -> None:
    """Give a file its name unless that is taken by now."""
    try:
        os.link(part, path)
        return
    except FileExistsError:
        raise _exists(path) from None
    except OSError:
        # No links on this file system (a memory stick): claim the name with an empty file and replace that.
        pass
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    except FileExistsError:
        raise _exists(path) from None
    try:
        part.replace(path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _exists(path: Path) -> DeployError:
    return DeployError(f"{str(path)!r} exists and is left as it is", hint="add --force to overwrite it")


def _folder(path: Path) -> DeployError:
    return DeployError(f"{str(path)!r} is a folder", hint="give a file's name")


def _refused(path: Path, error: OSError) -> DeployError:
    return DeployError(f"cannot write {str(path)!r}: {error.strerror or error}")
