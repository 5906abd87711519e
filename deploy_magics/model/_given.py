"""Inputs that were given: an ``.npz`` or ``.npy`` file, a mapping or a function; checked against the model."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy_magics.errors import ModelError
from deploy_magics.model._opened import open_regular
from deploy_magics.model._spec import TensorSpec, numpy_dtype
from deploy_magics.model._text import listed, nearest, plain, quote, size

if TYPE_CHECKING:
    import numpy as np

Header = tuple[tuple[int, ...], Any]


def given(source: Any, inputs: Sequence[TensorSpec], most_bytes: int) -> dict[str, np.ndarray[Any, Any]]:
    """Take inputs from a file, a function or a mapping; what a function raises is its author's own and passes."""
    if isinstance(source, str | os.PathLike):
        return from_file(Path(source).expanduser(), inputs, most_bytes)
    return from_mapping(source() if callable(source) else source, inputs, most_bytes)


def from_file(path: Path, inputs: Sequence[TensorSpec], most_bytes: int) -> dict[str, np.ndarray[Any, Any]]:
    """Read inputs from a file that NumPy saved.

    Names, shapes and dtypes are checked by the arrays' headers before any is read. A single array without a name
    (``.npy``, or ``arr_0`` in an ``.npz``) goes to a model's single input. Nothing pickled is loaded.

    Raises
    ------
    ModelError
        In one line, where the file is not such a file or its arrays do not fit.
    """
    called = quote(str(path), 100)
    try:
        if path.is_dir():
            raise ModelError(f"{called} is a folder", hint="give an .npz file")
        path.stat()
    except (OSError, ValueError):
        raise ModelError(f"there is no data file {called}", hint="check the path") from None
    with open_regular(path, called) as file:
        start = file.read(6)
        file.seek(0)
        if start == b"\x93NUMPY":
            name = _only_name(inputs, called)
            return {name: _array(file, os.fstat(file.fileno()).st_size, name, inputs, called, most_bytes)}
        if not start.startswith(b"PK"):
            raise ModelError(f"{called} is no .npz file", hint="save it with numpy.savez(path, name=array)")
        try:
            with zipfile.ZipFile(file) as archive:
                members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
                if list(members) == ["arr_0"] and len(inputs) == 1:
                    members = {inputs[0].name: members["arr_0"]}
                check_names(members, inputs, called)
                feeds = {}
                for name, info in members.items():
                    with archive.open(info) as member:
                        feeds[name] = _array(member, info.file_size, name, inputs, called, most_bytes)
                return feeds
        except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, RuntimeError) as error:
            raise ModelError(f"{called} is broken: {error}", hint="save it again") from None


def _array(
    file: Any, available: int, name: str, inputs: Sequence[TensorSpec], called: str, most_bytes: int
) -> np.ndarray[Any, Any]:
    """Read one array, after its header was found to fit the model and the file."""
    import numpy as np

    spec = next(spec for spec in inputs if spec.name == name)
    try:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, kind = read(file)
        if kind.hasobject:
            raise ModelError(
                f"{called} holds Python objects for {quote(name)}, which are not loaded",
                hint="save numbers, or strings as a fixed-width array",
            )
        count = 1
        for dim in shape:
            count *= int(dim)
        if count * kind.itemsize > most_bytes:
            raise ModelError(
                f"{quote(name)} in {called} takes {size(count * kind.itemsize)}, and {size(most_bytes)} are allowed",
                hint="raise DeployMagics.max_bytes",
            )
        if count * kind.itemsize > available:
            raise ModelError(f"{quote(name)} in {called} is truncated", hint="save it again")
        _fits(spec, tuple(shape), np.dtype(kind), called)
        data = bytearray(file.read(count * kind.itemsize))
        array: np.ndarray[Any, Any] = np.frombuffer(data, kind, count).reshape(shape, order="F" if fortran else "C")
    except (ValueError, TypeError, SyntaxError, EOFError, OverflowError) as error:
        reason = " ".join(str(error).split())[:120]
        raise ModelError(f"{quote(name)} in {called} is no array: {reason}", hint="save it again") from None
    return _strings(array) if spec.dtype == "string" else array


def from_mapping(given: Any, inputs: Sequence[TensorSpec], most_bytes: int) -> dict[str, np.ndarray[Any, Any]]:
    """Check inputs that were given by name.

    Numbers and lists take the model's dtype; arrays must have it already.

    Raises
    ------
    ModelError
        In one line, where names, dtypes or shapes do not fit.
    """
    import numpy as np

    if not isinstance(given, Mapping):
        raise ModelError(
            f"inputs were given as {type(given).__name__}", hint="give arrays by name: {'input': array}, or a seed"
        )
    check_names(given, inputs, "the data")
    feeds = {}
    for spec in inputs:
        value = given[spec.name]
        detach = getattr(value, "detach", None)
        try:
            if callable(detach):  # a torch tensor
                value = detach().cpu().numpy()
            if not spec.is_tensor:
                feeds[spec.name] = value
                continue
            if not hasattr(value, "dtype"):
                value = np.asarray(value, numpy_dtype(spec.dtype))
            array = np.asarray(value)
        except (ValueError, TypeError, OverflowError, RuntimeError) as error:
            reason = " ".join(str(error).split())[:120]
            raise ModelError(f"the data for {quote(spec.name)} are no {spec.dtype} array: {reason}") from None
        _fits(spec, array.shape, array.dtype, "the data")
        if array.nbytes > most_bytes:
            raise ModelError(
                f"the data for {quote(spec.name)} take {size(array.nbytes)}, and {size(most_bytes)} are allowed",
                hint="raise DeployMagics.max_bytes",
            )
        feeds[spec.name] = _strings(array) if spec.dtype == "string" else array
    return feeds


def check_names(given: Mapping[str, Any], inputs: Sequence[TensorSpec], where: str) -> None:
    """Raise ModelError where names of inputs are missing, or there are others."""
    names = [spec.name for spec in inputs]
    extra = [str(name) for name in given if name not in names]
    missing = [name for name in names if name not in given]
    if extra:
        hint = nearest(extra[0], missing or names)
        raise ModelError(
            f"{where} has {listed(extra)}, which is no input of the model"
            if len(extra) == 1
            else f"{where} has {listed(extra)}, which are no inputs of the model",
            hint=hint or (f"its inputs are {listed(names, 5)}" if names else "it has no inputs"),
        )
    if missing:
        raise ModelError(f"{where} lacks {'input' if len(missing) == 1 else 'inputs'} {listed(missing, 5)}")


def _fits(spec: TensorSpec, shape: tuple[int, ...], kind: np.dtype[Any], where: str) -> None:
    wanted = numpy_dtype(spec.dtype)
    string = spec.dtype == "string" and kind.kind in "OUST"
    if kind != wanted and not string:
        raise ModelError(
            f"{where} has {kind} for {quote(spec.name)}, and the model wants {spec.dtype}",
            hint=f"convert it with .astype('{spec.dtype}')",
        )
    own = spec.shape
    if own is None:
        return
    if len(own) != len(shape) or any(isinstance(a, int) and a != b for a, b in zip(own, shape, strict=True)):
        raise ModelError(
            f"{where} has shape {'x'.join(map(str, shape[:8])) or 'of one number'} for {quote(spec.name)}, and "
            f"the model wants {'x'.join('?' if dim is None else plain(dim) for dim in own[:8]) or 'one number'}"
        )


def _strings(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return array.astype(str).astype(object)


def _only_name(inputs: Sequence[TensorSpec], called: str) -> str:
    if len(inputs) == 1:
        return inputs[0].name
    raise ModelError(
        f"{called} is one array without a name, and the model has {len(inputs)} inputs",
        hint="save them by name with numpy.savez(path, name=array)",
    )
