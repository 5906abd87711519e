"""A model written to a file: in one piece, or with its weights as external data where that has to be."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from deploy_magics.errors import ModelError
from deploy_magics.files import whole_file, write_whole
from deploy_magics.model._store import EXTERNAL, Store, all_tensors
from deploy_magics.model._text import first_line
from deploy_magics.model._wire import varint

if TYPE_CHECKING:
    import onnx

ONE_FILE_BYTES = 2**31 - 2**24
"""Weights that one file can hold: protobuf's bound on a message, with room for the structure."""

STREAM_BYTES = 32 * 2**20
"""More weights than this are written one at a time, so that they need not be in memory together."""

INLINE_BYTES = 1024
"""Smaller tensors stay in the model's file: shape inference reads them there."""

_ALIGNMENT = 4096
"""So that runtimes can map the data into memory; https://onnx.ai/onnx/repo-docs/ExternalData.html."""

_GRAPH, _INITIALIZER, _RAW_DATA = 7, 5, 9


def write(proto: onnx.ModelProto, store: Store, path: Path, *, external: bool, force: bool = False) -> None:
    """Write a model and, where asked or needed, its data in ``<name>.data`` beside it.

    Parameters
    ----------
    proto : ModelProto
        The model; not changed.
    store : Store
        Where data lie that are not in the proto.
    path : Path
        The file to write.
    external : bool
        Put weights into a file of their own even where one file could hold all.
    force : bool
        Overwrite.

    Raises
    ------
    ModelError
        Where data cannot be found.
    DeployError
        Where a file exists, or cannot be written; then neither is there.
    """
    weights = sum(_length(tensor, store) for tensor in proto.graph.initializer)
    if not external and weights < ONE_FILE_BYTES:
        with whole_file(path, force=force) as part, part.open("wb") as file:
            if weights < STREAM_BYTES:
                file.write(_serialised(_inlined(proto, store)))
            else:
                _stream(proto, store, file)
        return
    beside = path.with_name(path.name + ".data")
    if force and os.path.lexists(beside):
        _swap(proto, store, path, beside)
        return
    made: list[tuple[Path, int]] = []
    try:
        with whole_file(path, force=force) as part, whole_file(beside, force=force) as data_part:
            with data_part.open("wb") as file:
                slim = _externalised(proto, store, file, beside.name)
            part.write_bytes(_serialised(slim))
            made = [(path, part.stat().st_ino), (beside, data_part.stat().st_ino)]
    except BaseException:
        # The data's file is put in place first; without its model it is of no use. One that is not ours stays.
        if made and not _is(*made[0]) and _is(*made[1]):
            beside.unlink(missing_ok=True)
        raise


def _swap(proto: onnx.ModelProto, store: Store, path: Path, beside: Path) -> None:
    """Write a model and its data over others, in steps after each of which the model has the data it was written with.

    The data get a fresh name first, and the model that refers to it takes the place of the old one; only then are the
    old data replaced, and after them the model by one that refers to the lasting name.
    """
    fresh = path.with_name(f"{path.stem[:40]}.{secrets.token_hex(4)}.data")
    try:
        with whole_file(fresh) as part, part.open("wb") as file:
            slim = _externalised(proto, store, file, fresh.name)
        write_whole(path, _serialised(slim), force=True)
        # Nobody needs the old data any more. A second link would spare the copy, but ONNX opens no data that have two.
        beside.unlink()
        with whole_file(beside) as part:
            shutil.copyfile(fresh, part)
        for tensor in slim.graph.initializer:
            for entry in tensor.external_data:
                if entry.key == "location" and entry.value == fresh.name:
                    entry.value = beside.name
        write_whole(path, _serialised(slim), force=True)
    except BaseException:
        if path.is_file() and fresh.name.encode() in path.read_bytes():
            raise
        fresh.unlink(missing_ok=True)
        raise
    fresh.unlink(missing_ok=True)


def _is(path: Path, inode: int) -> bool:
    try:
        return path.stat().st_ino == inode
    except OSError:
        return False


def _length(tensor: onnx.TensorProto, store: Store) -> int:
    place = store.place(tensor)
    return place.length if place else len(tensor.raw_data)


def _inlined(proto: onnx.ModelProto, store: Store) -> onnx.ModelProto:
    """Copy a model, external data pulled in; the model itself where there are none."""
    if all(tensor.data_location != EXTERNAL for tensor in all_tensors(proto)):
        return proto
    copy = type(proto)()
    copy.CopyFrom(proto)
    _pull_in(copy, store)
    return copy


def _pull_in(model: onnx.ModelProto, store: Store) -> None:
    for tensor in all_tensors(model):
        data = store.read(tensor)
        if data is not None:
            tensor.ClearField("external_data")
            tensor.ClearField("data_location")
            tensor.raw_data = data


def _stream(proto: onnx.ModelProto, store: Store, file: BinaryIO) -> None:
    """Write a model's initialisers one at a time, after everything else; the order of fields has no meaning."""
    rest = type(proto)()
    _copy_but(proto, rest, "graph")
    _copy_but(proto.graph, rest.graph, "initializer")
    _pull_in(rest, store)
    graph = _serialised(rest.graph)
    rest.ClearField("graph")
    heads = []
    for tensor in proto.graph.initializer:
        head = type(tensor)()
        _copy_but(tensor, head, "raw_data", "external_data", "data_location")
        body = _serialised(head)
        if tensor.HasField("raw_data") or tensor.data_location == EXTERNAL:
            body += varint(_RAW_DATA << 3 | 2) + varint(_length(tensor, store))
        heads.append(body)
    lengths = [len(h) + _length(t, store) for h, t in zip(heads, proto.graph.initializer, strict=True)]
    tag = varint(_INITIALIZER << 3 | 2)
    whole = len(graph) + sum(len(tag) + len(varint(length)) + length for length in lengths)
    file.write(_serialised(rest) + varint(_GRAPH << 3 | 2) + varint(whole) + graph)
    for head, length, tensor in zip(heads, lengths, proto.graph.initializer, strict=True):
        file.write(tag + varint(length) + head)
        file.write(store.read(tensor) or tensor.raw_data)


def _serialised(message: Any) -> bytes:
    from google.protobuf.message import EncodeError

    try:
        data: bytes = message.SerializeToString(deterministic=True)
    except (EncodeError, ValueError) as error:
        if "UTF-8" in str(error):
            raise ModelError("a name in it is not UTF-8", hint="export the model again") from None
        raise ModelError(
            f"the model cannot be serialised: {first_line(error)}",
            hint="its subgraphs may be nested too deep, or it is larger than 2 GB without its weights",
        ) from None
    return data


def _externalised(proto: onnx.ModelProto, store: Store, file: BinaryIO, name: str) -> onnx.ModelProto:
    """Copy a model, its initialisers' data written to a file instead; one tensor at a time, to spare memory."""
    slim = type(proto)()
    _copy_but(proto, slim, "graph")
    _copy_but(proto.graph, slim.graph, "initializer")
    # Data of attributes and subgraphs stay inside: runtimes differ in whether they look for them elsewhere.
    _pull_in(slim, store)
    for tensor in proto.graph.initializer:
        other = slim.graph.initializer.add()
        data = store.read(tensor)
        if data is None and not tensor.HasField("raw_data"):
            other.CopyFrom(tensor)
            continue
        _copy_but(tensor, other, "raw_data", "external_data", "data_location")
        data = tensor.raw_data if data is None else data
        if len(data) < INLINE_BYTES:
            other.raw_data = data
            continue
        file.seek(-file.tell() % _ALIGNMENT, 1)
        for key, value in (("location", name), ("offset", str(file.tell())), ("length", str(len(data)))):
            other.external_data.add(key=key, value=value)
        other.data_location = EXTERNAL
        file.write(data)
    return slim


def _copy_but(source: Any, target: Any, *names: str) -> None:
    """Copy a message's fields except some."""
    for descriptor, value in source.ListFields():
        if descriptor.name in names:
            continue
        if descriptor.is_repeated:
            getattr(target, descriptor.name).MergeFrom(value)
        elif descriptor.message_type is not None:
            getattr(target, descriptor.name).CopyFrom(value)
        else:
            setattr(target, descriptor.name, value)


@contextlib.contextmanager
def naming(called: str) -> Iterator[None]:
    """Put the model's name before what goes wrong inside."""
    try:
        yield
    except ModelError as error:
        raise ModelError(f"{called}: {error.message}", hint=error.hint) from None
