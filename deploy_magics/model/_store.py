"""Where the bytes of a model's tensors lie: in the proto, left in the model's file, or in files beside it."""

from __future__ import annotations

import ntpath
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy_magics.errors import ModelError
from deploy_magics.model._spec import DTYPES, bytes_of, numpy_dtype
from deploy_magics.model._text import first_line, quote, size
from deploy_magics.model._wire import HERE

if TYPE_CHECKING:
    import numpy as np
    import onnx

EXTERNAL = 1
"""``TensorProto.EXTERNAL``."""

_TOGETHER = "keep the model and its data files together, as they were exported"

_BYTEWISE = frozenset(("bool", "bfloat16", "complex64", "complex128")) | {
    f"{kind}{bits}" for kind in ("float", "int", "uint") for bits in (8, 16, 32, 64)
}


@dataclass(frozen=True)
class Place:
    """A run of bytes in a file."""

    path: Path
    offset: int
    length: int


class Store:
    """Finds and reads the data of tensors.

    Parameters
    ----------
    path : Path, optional
        The model's file; None for a proto that came from none, whose tensors must hold their data.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._sizes: dict[str, tuple[Path, int]] = {}

    @property
    def files(self) -> tuple[Path, ...]:
        """The external files found so far."""
        return tuple(sorted({found for found, _ in self._sizes.values()}))

    def place(self, tensor: onnx.TensorProto) -> Place | None:
        """Find where a tensor's data lie; None where they are in the proto.

        Raises
        ------
        ModelError
            Where they lie outside the model's folder, or there is nothing, or too little, at that place.
        """
        if tensor.data_location != EXTERNAL:
            return None
        entries = {entry.key: entry.value for entry in tensor.external_data}
        who = f"weight {quote(tensor.name)}"
        if self.path is None:
            raise ModelError(
                f"{who} is external data, and a ModelProto does not say in which folder",
                hint="give the model's path, or load it with onnx.load(path)",
            )
        location = entries.get("location", "")
        offset = _number(entries.get("offset") or "0", f"{who} has an external offset of")
        given = entries.get("length")
        if location == HERE:
            return Place(self.path, offset, int(given or 0))
        path, available = self._external(location, who)
        if offset > available:
            raise _short(who, location, f"begins at byte {offset}", available)
        needed = _needed(tensor, who)
        length = needed if given in (None, "") else _number(str(given), f"{who} has an external length of")
        if length is None:
            length = available - offset
        if offset + length > available:
            raise _short(who, location, f"ends at byte {offset + length}", available)
        if needed is not None and length < needed:
            raise ModelError(
                f"{who} needs {size(needed)}, and its external data in {quote(location)} are {size(length)}",
                hint="export the model again",
            )
        return Place(path, offset, length if needed is None else needed)

    def read(self, tensor: onnx.TensorProto) -> bytes | None:
        """Read a tensor's data from the file they lie in; None where they are in the proto.

        Raises
        ------
        ModelError
            As :meth:`place` does, and where the file became shorter meanwhile.
        """
        place = self.place(tensor)
        if place is None:
            return None
        try:
            with place.path.open("rb") as file:
                file.seek(place.offset)
                data = file.read(place.length)
        except OSError as error:
            raise ModelError(f"cannot read {quote(str(place.path), 100)}: {error.strerror or error}") from None
        if len(data) != place.length:
            raise ModelError(f"{quote(str(place.path), 100)} changed since the model was opened", hint="open it again")
        return data

    def array(self, tensor: onnx.TensorProto) -> np.ndarray[Any, Any]:
        """Give a tensor's values, read straight into the array where they lie in a file.

        Raises
        ------
        ModelError
            As :meth:`read` does, and where the values do not make an array.
        """
        import numpy as np

        place = self.place(tensor)
        dtype = DTYPES.get(tensor.data_type, "")
        if place is None or dtype not in _BYTEWISE:
            return to_array(tensor, self.read(tensor))
        kind = numpy_dtype(dtype)
        try:
            raw = np.fromfile(place.path, np.uint8, place.length, offset=place.offset)
        except OSError as error:
            raise ModelError(f"cannot read {quote(str(place.path), 100)}: {error.strerror or error}") from None
        if raw.size != place.length:
            raise ModelError(f"{quote(str(place.path), 100)} changed since the model was opened", hint="open it again")
        return raw.view(kind).reshape(tuple(tensor.dims))

    def _external(self, location: str, who: str) -> tuple[Path, int]:
        """Find an external file and its size; only regular files in the model's own folder count."""
        if location in self._sizes:
            return self._sizes[location]
        assert self.path is not None
        text = location if isinstance(location, str) else repr(location)
        if not text or not isinstance(location, str) or "\0" in text:
            raise ModelError(f"{who} is external data without the name of a file", hint="export the model again")
        where = f"{who} is external data in {quote(text, 80)}"
        if text.startswith(("/", "\\")) or ntpath.splitdrive(text)[0]:
            raise ModelError(f"{where}, an absolute path; it is not read", hint=_TOGETHER)
        base = self.path.parent
        try:
            real = Path(os.path.realpath(base / text))
            # A model that is itself a symbolic link, as in a download cache, has its data beside what it points to.
            homes = {Path(os.path.realpath(base)), Path(os.path.realpath(self.path)).parent}
            inside = any(real.is_relative_to(home) for home in homes)
            if not inside:
                how = "through '..'" if ".." in Path(text).parts else "through a symbolic link"
                raise ModelError(f"{where}, outside the model's folder {how}; it is not read", hint=_TOGETHER)
            found = (base / text).stat()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            if isinstance(error, FileNotFoundError | NotADirectoryError):
                raise ModelError(f"{where}, which is missing", hint=_TOGETHER) from None
            raise ModelError(f"{where}, which cannot be read: {reason}", hint=_TOGETHER) from None
        if not stat.S_ISREG(found.st_mode):
            raise ModelError(f"{where}, which is no regular file", hint=_TOGETHER)
        self._sizes[location] = (base / text, found.st_size)
        return self._sizes[location]


def all_tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """Give every tensor of a model: initialisers and attributes, subgraphs and functions included."""
    nodes: list[onnx.NodeProto] = []
    graphs = [model.graph]
    for function in model.functions:
        nodes.extend(function.node)
    while graphs or nodes:
        if graphs:
            graph = graphs.pop()
            yield from graph.initializer
            for sparse in graph.sparse_initializer:
                yield sparse.values
                yield sparse.indices
            nodes.extend(graph.node)
        for node in nodes:
            for attribute in node.attribute:
                if attribute.HasField("t"):
                    yield attribute.t
                yield from attribute.tensors
                if attribute.HasField("g"):
                    graphs.append(attribute.g)
                graphs.extend(attribute.graphs)
        nodes.clear()


def to_array(tensor: onnx.TensorProto, data: bytes | None) -> np.ndarray[Any, Any]:
    """Make a NumPy array of a tensor and the data that were read for it.

    Raises
    ------
    ModelError
        Where its values do not make one.
    """
    import numpy as np
    from onnx import TensorProto, numpy_helper

    try:
        if DTYPES.get(tensor.data_type) == "string":
            strings = [text.decode("utf-8", "replace") for text in tensor.string_data]
            return np.array(strings, dtype=object).reshape(tuple(tensor.dims))
        if data is not None:
            tensor = TensorProto(name=tensor.name, data_type=tensor.data_type, dims=tensor.dims, raw_data=data)
        return numpy_helper.to_array(tensor)
    except (ValueError, TypeError, OverflowError, KeyError) as error:
        raise ModelError(
            f"weight {quote(tensor.name)} cannot be read: {first_line(error, 120)}", hint="export the model again"
        ) from None


def _needed(tensor: onnx.TensorProto, who: str) -> int | None:
    if any(dim < 0 for dim in tensor.dims):
        raise ModelError(f"{who} has a negative dimension: {list(tensor.dims)[:8]}", hint="export the model again")
    return bytes_of(DTYPES.get(tensor.data_type, ""), tensor.dims)


def _number(text: str, what: str) -> int:
    # ONNX Runtime takes digits alone; int() would take "1_6", " 0 " and the digits of other scripts as well.
    if isinstance(text, str) and len(text) < 20 and text.isascii() and text.isdigit():
        return int(text)
    raise ModelError(f"{what} {quote(text)}, which cannot be", hint="export the model again")


def _short(who: str, location: str, where: str, available: int) -> ModelError:
    return ModelError(
        f"{who} {where} of {quote(location, 80)}, which is too short: it has {available} bytes",
        hint="the file is truncated; fetch or export it again",
    )
