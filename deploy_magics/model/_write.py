"""A model written to a file: in one piece, or with its weights as external data where that has to be."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from deploy_magics.errors import DeployError, ModelError
from deploy_magics.files import whole_file
from deploy_magics.model._store import EXTERNAL, Store, all_tensors
from deploy_magics.model._text import first_line

if TYPE_CHECKING:
    import onnx

INLINE_BYTES = 1024
"""Smaller tensors stay in the model's file: shape inference reads them there."""

_ALIGNMENT = 4096
"""So that runtimes can map the data into memory; https://onnx.ai/onnx/repo-docs/ExternalData.html."""


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
    if not external:
        data = _in_one(proto, store)
        if data is not None:
            with whole_file(path, force=force) as part:
                part.write_bytes(data)
            return
    beside = path.with_name(path.name + ".data")
    existed = beside.exists()
    try:
        with whole_file(path, force=force) as part, whole_file(beside, force=force) as data_part:
            with data_part.open("wb") as file:
                slim = _externalised(proto, store, file, beside.name)
            part.write_bytes(_serialised(slim))
    except BaseException:
        # The data's file is put in place first; without its model it is of no use.
        if not existed and not path.exists():
            beside.unlink(missing_ok=True)
        raise


def _in_one(proto: onnx.ModelProto, store: Store) -> bytes | None:
    """Serialise with all data inside; None where protobuf cannot hold that much."""
    outside = [tensor for tensor in all_tensors(proto) if tensor.data_location == EXTERNAL]
    if outside:
        places = (store.place(tensor) for tensor in outside)
        if sum(place.length for place in places if place) > 2**31 - 2**20:
            return None
        copy = type(proto)()
        copy.CopyFrom(proto)
        for tensor in all_tensors(copy):
            data = store.read(tensor)
            if data is not None:
                tensor.ClearField("external_data")
                tensor.ClearField("data_location")
                tensor.raw_data = data
        proto = copy
    return _try_serialised(proto)


def _try_serialised(proto: onnx.ModelProto) -> bytes | None:
    from google.protobuf.message import EncodeError

    try:
        data: bytes = proto.SerializeToString(deterministic=True)
    except (EncodeError, ValueError) as error:
        if "UTF-8" in str(error):
            raise ModelError("a name in it is not UTF-8", hint="export the model again") from None
        # Both "too large" and "nested too deep" come this way, and only the first can be helped.
        weights = sum(len(tensor.raw_data) for tensor in all_tensors(proto))
        if weights > 2**30:
            return None
        raise ModelError(
            f"the model cannot be serialised: {first_line(error)}", hint="its subgraphs may be nested too deep"
        ) from None
    return data if len(data) < 2**31 else None


def _serialised(proto: onnx.ModelProto) -> bytes:
    data = _try_serialised(proto)
    if data is None:
        raise ModelError("the model is larger than 2 GB even without its weights")
    return data


def _externalised(proto: onnx.ModelProto, store: Store, file: BinaryIO, name: str) -> onnx.ModelProto:
    """Copy a model, its initialisers' data written to a file instead; one tensor at a time, to spare memory."""
    slim = type(proto)()
    _copy_but(proto, slim, "graph")
    _copy_but(proto.graph, slim.graph, "initializer")
    for tensor in proto.graph.initializer:
        other = slim.graph.initializer.add()
        data = store.read(tensor) if tensor.data_location == EXTERNAL else None
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
            entry = other.external_data.add()
            entry.key, entry.value = key, value
        other.data_location = EXTERNAL
        file.write(data)
    # Data of attributes and subgraphs stay inside: runtimes differ in whether they look for them elsewhere.
    for tensor in all_tensors(slim):
        if tensor.data_location == EXTERNAL and not _refers(tensor, name):
            data = store.read(tensor)
            tensor.ClearField("external_data")
            tensor.ClearField("data_location")
            tensor.raw_data = data or b""
    return slim


def _refers(tensor: onnx.TensorProto, name: str) -> bool:
    return any(entry.key == "location" and entry.value == name for entry in tensor.external_data)


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
    except DeployError:
        raise
