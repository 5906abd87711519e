"""A model's file, opened: what all handles of the same content share."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from deploy_magics.errors import ModelError, WorkerError
from deploy_magics.model import _recognise, _structure, _wire
from deploy_magics.model._store import Store
from deploy_magics.model._text import quote, size
from deploy_magics.temporary import Folder

if TYPE_CHECKING:
    import onnx

PROTOBUF_BYTES = 2**31 - 1
"""Protobuf's own bound on a message; larger models keep their weights in files of their own."""

_TRY_FIRST_BYTES = 4 * 2**20
"""More structure than this is parsed in a worker first: two bytes of file can become a hundred of memory."""


class Opened:
    """A checked model file.

    Attributes
    ----------
    path : Path
        The file.
    skeleton : ModelProto
        The model without the data of its large weights.
    store : Store
        Where those lie.
    warnings : tuple of str
        What is odd but legal.
    folder : Folder, optional
        Keeps a temporary file alive.
    known : dict
        What was found out about it later: digest, checks, shapes.
    """

    def __init__(self, path: Path, *, called: str, bound: Collection[str] = (), folder: Folder | None = None) -> None:
        self.path = path
        self.folder = folder
        self.known: dict[Any, Any] = {}
        self.store = Store(path)
        with open_regular(path, called) as file:
            self._stamp = _stamp(os.fstat(file.fileno()))
            self.size = os.fstat(file.fileno()).st_size
            self.skeleton, self.structure_bytes = _read(file, path, self.size, called)
        try:
            self.warnings = _structure.check(self.skeleton, self.store, bound=bound)
        except ModelError as error:
            # "'a.onnx' has IR version 99", but "'a.onnx': weight 'w' has no dtype".
            joint = " " if error.message.startswith(("has ", "needs ", "declares ")) else ": "
            raise ModelError(f"{called}{joint}{error.message}", hint=error.hint) from None
        self.external_files = self.store.files
        self._stamps = {path: _stamp(path.stat()) for path in self.external_files}

    def unchanged(self) -> bool:
        """Tell whether the file and its external data are as they were when it was opened."""
        try:
            files = {self.path: self._stamp, **self._stamps}
            return all(_stamp(path.stat()) == stamp for path, stamp in files.items())
        except OSError:
            return False

    def require_unchanged(self) -> None:
        """Raise ModelError where the file changed since it was opened."""
        if not self.unchanged():
            raise ModelError(f"{quote(str(self.path), 100)} changed since it was opened", hint="open it again")

    @property
    def size_bytes(self) -> int:
        """Bytes of the file and its external data."""
        return self.size + sum(stamp[0] for stamp in self._stamps.values())

    @property
    def digest(self) -> str:
        """SHA-256 of the file, or of its digest and those of its external files where it has such."""
        if "digest" not in self.known:
            self.require_unchanged()
            own = _digest(self.path)
            if self.external_files:
                parts = [own, *(_digest(path) for path in self.external_files)]
                own = hashlib.sha256("\n".join(parts).encode()).hexdigest()
            self.known["digest"] = own
        found: str = self.known["digest"]
        return found

    def proto(self) -> onnx.ModelProto:
        """Parse the whole file, weights included; external data stay where they are."""
        import onnx

        self.require_unchanged()
        proto = onnx.ModelProto()
        proto.ParseFromString(self.path.read_bytes())
        return proto


def open_regular(path: Path, called: str) -> BinaryIO:
    """Open a file for reading, if it is one: never waits for a pipe, never reads a device.

    Raises
    ------
    ModelError
        Where it is a folder, a device, a pipe or socket, or may not be read.
    """
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        mode = os.fstat(handle).st_mode
    except PermissionError:
        raise ModelError(f"{called} may not be read by you", hint="check its permissions") from None
    except (OSError, ValueError) as error:
        if path.is_dir():  # Windows does not open folders.
            raise _is_no_model(called, *_recognise.folder(path)) from None
        raise ModelError(
            f"{called} cannot be opened: {getattr(error, 'strerror', None) or error}", hint="check the path"
        ) from None
    if stat.S_ISREG(mode):
        return os.fdopen(handle, "rb")
    os.close(handle)
    if stat.S_ISDIR(mode):
        raise _is_no_model(called, *_recognise.folder(path))
    raise _is_no_model(called, "no regular file but a device, pipe or socket", "give a model's file")


def _read(file: BinaryIO, path: Path, length: int, called: str) -> tuple[onnx.ModelProto, int]:
    """Parse a file without its large weights, and give the size of that; or say what it is instead."""
    import onnx
    from google.protobuf.message import DecodeError

    head = file.read(_recognise.HEAD_BYTES)
    known = _recognise.foreign(head, path, length)
    if known:
        raise _is_no_model(called, *known)
    if length > PROTOBUF_BYTES:
        what, hint = _recognise.otherwise(head, path)
        if head[:1] == b"\x08":
            what, hint = "more than an ONNX file can be", "export it with its weights as external data"
        raise _is_no_model(called, f"{what} ({size(length)})", hint)
    proto = onnx.ModelProto()
    try:
        data = _wire.skeleton(file, length, keep=_wire.KEEP_BYTES)
        if len(data) > _TRY_FIRST_BYTES:
            _try_first(data, called)
        try:
            proto.ParseFromString(data)
        except DecodeError:
            raise _wire.diagnose(data) from None
    except _wire.Malformed as malformed:
        raise _why(malformed, head, path, called) from None
    except OSError as error:
        raise ModelError(f"{called} cannot be read: {error.strerror or error}") from None
    if not proto.HasField("graph") or proto.ir_version <= 0:
        what, hint = _recognise.otherwise(head, path)
        reason = "no graph in it" if not proto.HasField("graph") else "no IR version in it"
        raise _is_no_model(called, f"{what} ({reason})" if what == "no ONNX model" else what, hint)
    return proto, len(data)


def _why(malformed: _wire.Malformed, head: bytes, path: Path, called: str) -> ModelError:
    if malformed.reason == "deep":
        return ModelError(
            f"{called} is nested too deep: subgraphs in subgraphs, beyond the about 30 that protobuf reads",
            hint="flatten its If and Loop nodes",
        )
    if malformed.reason == "large":
        return ModelError(f"{called} is too large to be a model: {malformed.detail}", hint="fetch or export it again")
    what, hint = _recognise.otherwise(head, path)
    if what == "no ONNX model" and begins_like_one(head):
        if malformed.reason == "truncated":
            return ModelError(f"{called} is truncated: {malformed.detail}", hint="fetch or export it again")
        return ModelError(f"{called} is damaged: {malformed.detail}", hint="fetch or export it again")
    return _is_no_model(called, what, hint)


def begins_like_one(head: bytes) -> bool:
    """Tell whether the first field is a model's: its IR version, producer, graph or opset.

    Examples
    --------
    >>> begins_like_one(bytes([8, 9, 18, 7])), begins_like_one(b"hello")
    (True, False)
    """
    try:
        number, wire, _, _ = _wire.head(head[:20])
    except _wire.Malformed:
        return False
    return (number, wire) == (1, 0) or (number in (2, 3, 4, 6, 7, 8) and wire == 2)


def _is_no_model(called: str, what: str, hint: str) -> ModelError:
    return ModelError(f"{called} is {what}", hint=hint)


def _try_first(data: bytes, called: str) -> None:
    """Parse in a worker, so that a file made to fill the memory fills that one's."""
    from deploy_magics import workers

    try:
        workers.call("deploy_magics.model._native:parse", data, name="parsing", timeout=30, memory=2**30)
    except WorkerError as error:
        raise ModelError(f"{called} cannot be parsed: {error}", hint="fetch or export it again") from None
    except ModelError:
        return  # The parser here will refuse it as well, and the reason is looked for there.


def _stamp(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_size, found.st_mtime_ns, found.st_ino


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
