"""Several files and folders that belong together, put in place all or none."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from deploy_magics.errors import DeployError
from deploy_magics.files import check_place, settle


def check(paths: Sequence[Path], *, force: bool = False) -> None:
    """Refuse places that could not be written, before any work.

    Raises
    ------
    DeployError
        Where one exists and ``force`` is not set, or it is a folder that is no Core ML package, or nothing may be
        written there.
    """
    for path in paths:
        if path.is_dir() and not path.is_symlink() and _replaceable(path):
            if not force:
                raise _exists(path)
            continue
        check_place(path, force=force)


def place(pairs: Sequence[tuple[Path, Path]], *, force: bool = False) -> None:
    """Copy what was made to where it belongs: all of it, or nothing where one part cannot be.

    Parameters
    ----------
    pairs : sequence of (Path, Path)
        What was made, and where it goes; files or folders.
    force : bool
        Replace what is there. Until all is in place, that is kept under another name beside.

    Raises
    ------
    DeployError
        Where something exists, or the disk refuses; then all is as it was.
    """
    check([target for _, target in pairs], force=force)
    parts: list[Path] = []
    kept: list[tuple[Path, Path]] = []
    placed: list[Path] = []
    target = pairs[0][1] if pairs else Path()
    try:
        for source, target in pairs:
            part = target.with_name(f".{secrets.token_hex(8)}.part")
            parts.append(part)
            _copy(source, part)
        for part, (_, target) in zip(parts, pairs, strict=True):
            if force and os.path.lexists(target):
                old = target.with_name(f".{secrets.token_hex(8)}.old")
                target.rename(old)
                kept.append((old, target))
            _name(part, target)
            placed.append(target)
    except BaseException as error:
        for path in placed:
            _remove(path)
        for old, path in kept:
            with suppress(OSError):
                old.rename(path)
        if isinstance(error, OSError):
            raise DeployError(f"cannot write {str(target)!r}: {error.strerror or error}") from None
        raise
    finally:
        for part in parts:
            _remove(part)
    for old, _ in kept:
        _remove(old)


def _copy(source: Path, part: Path) -> None:
    """Copy, and wait until the bytes are on the disk."""
    if source.is_dir():
        shutil.copytree(source, part, copy_function=shutil.copyfile)
        for file in part.rglob("*"):
            if file.is_file():
                settle(file)
        return
    shutil.copyfile(source, part)
    settle(part)


def _name(part: Path, target: Path) -> None:
    """Give a file or folder its name unless that is taken by now."""
    if part.is_dir():
        # Made first, since that fails where the name is taken; an empty folder may be replaced by another.
        try:
            target.mkdir()
        except FileExistsError:
            raise _exists(target) from None
        part.rename(target)
        return
    try:
        os.link(part, target)
    except FileExistsError:
        raise _exists(target) from None
    except OSError:
        # No links on this file system: claim the name, then replace what claims it.
        try:
            os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        except FileExistsError:
            raise _exists(target) from None
        part.replace(target)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _replaceable(path: Path) -> bool:
    """Tell whether a folder is one that a conversion makes, so that ``--force`` may replace it."""
    return path.suffix == ".mlpackage" and (path / "Manifest.json").is_file()


def _exists(path: Path) -> DeployError:
    return DeployError(f"{str(path)!r} exists and is left as it is", hint="add --force to overwrite it")


__all__ = ["check", "place"]
