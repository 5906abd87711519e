"""What a compiled model says of itself: a manifest inside the library or archive, read without loading native code.

It is compiled in as a constant, so that it survives linking, stripping and copying, and is found by its mark among the
file's bytes, for whatever machine the code is made. An archive (``.tar``) is not compressed, so the same holds there.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from os import PathLike
from pathlib import Path
from typing import Any

from deploy_magics.errors import ArgumentError, DeployError, ModelError
from deploy_magics.lowering.target import Target
from deploy_magics.model import COMPILED_MARK

FORMAT = 1
SYMBOL = "deploy_magics_manifest"
"""Name of the constant in the library."""

_MARK = COMPILED_MARK
_MOST_JSON = 8 * 2**20
_MOST_FILE = 4 * 2**30
_CHUNK = 2**20
# ELF; Mach-O, for one architecture and for several.
_LIBRARIES = (b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
_TAR_AT, _TAR = 257, b"ustar"
SUFFIXES = (".so", ".dylib", ".tar")
"""What artefacts are called."""


@dataclass(frozen=True)
class Manifest:
    """What a compiled model is, and what it was made from.

    Attributes
    ----------
    model : mapping
        ``name``, ``digest`` (SHA-256 of the ONNX file) and ``source`` of the model.
    inputs, outputs : tuple of mapping
        ``name``, ``dtype`` and ``shape`` of each, in the order of the compiled function's arguments and results. The
        names are the ONNX model's.
    target : mapping
        A :class:`~deploy_magics.lowering.target.Target` in plain form; see :attr:`machine`.
    layout : str
        ``"blocked"`` or ``"plain"``.
    schedule : str
        ``"rule"``, ``"tuned"`` or ``"none"``.
    records : mapping or None
        Of a tuned one, how many ``trials`` and of which ``tasks`` it was made from.
    versions : mapping
        Of ``deploy_magics``, ``tvm`` and others.
    labels : mapping
        What the compiled functions are, for people, by name: ``{"fused_conv2d": "conv2d 3x3 64->64"}``.
    format : int
        Version of this description.
    """

    model: Mapping[str, str]
    inputs: tuple[Mapping[str, Any], ...]
    outputs: tuple[Mapping[str, Any], ...]
    target: Mapping[str, Any]
    layout: str
    schedule: str
    records: Mapping[str, Any] | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def machine(self) -> Target:
        """The machine it was made for."""
        return Target.from_plain(self.target)

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.model.get("name", "")

    def to_plain(self) -> dict[str, Any]:
        """Give it as JSON's own types; see :meth:`from_plain`."""
        plain: dict[str, Any] = asdict(self)
        plain["inputs"], plain["outputs"] = list(plain["inputs"]), list(plain["outputs"])
        return plain

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Manifest:
        """Read what :meth:`to_plain` gave.

        Raises
        ------
        ArgumentError
            Where it is something else, or was written by a later version.
        """
        if not isinstance(plain, Mapping) or type(plain.get("format")) is not int:
            raise ArgumentError("it holds no description")
        if plain["format"] > FORMAT:
            raise ArgumentError("it was made by a later version of deploy_magics")
        known = {each.name for each in fields(cls)}
        given = {key: value for key, value in plain.items() if key in known}
        try:
            given["inputs"], given["outputs"] = _specs(plain["inputs"]), _specs(plain["outputs"])
            made = cls(**given)
            for mapping in (made.model, made.versions, made.labels):
                if not all(isinstance(each, str) for each in (*mapping.keys(), *mapping.values())):
                    raise TypeError
            if not (isinstance(made.layout, str) and isinstance(made.schedule, str)):
                raise TypeError
            if made.records is not None and not isinstance(made.records, Mapping):
                raise TypeError
        except (KeyError, TypeError, ValueError, AttributeError):
            raise ArgumentError("its description is damaged") from None
        Target.from_plain(made.target)
        return made


def pack(manifest: Manifest) -> bytes:
    """Give a manifest as the bytes that are found again in a file: mark, length, check sum, JSON."""
    body = json.dumps(manifest.to_plain(), separators=(",", ":")).encode()
    return _MARK + len(body).to_bytes(4, "little") + zlib.crc32(body).to_bytes(4, "little") + body


def c_source(manifest: Manifest) -> str:
    """Give C source of a constant that holds a manifest, for the linker to put into a library."""
    data = pack(manifest)
    rows = (data[start : start + 24] for start in range(0, len(data), 24))
    text = "\n".join('    "' + "".join(f"\\{byte:03o}" for byte in row) + '"' for row in rows)
    return f'__attribute__((used, visibility("default"))) const unsigned char {SYMBOL}[{len(data) + 1}] =\n{text};\n'


def is_artefact(path: str | PathLike[str]) -> bool:
    """Whether a file is a compiled model, by its content. Loads nothing."""
    try:
        read_manifest(path)
    except DeployError:
        return False
    return True


def read_manifest(path: str | PathLike[str]) -> Manifest:
    """Read what a compiled model says of itself, without loading it.

    Raises
    ------
    ModelError
        In one line, where the file is not there or is no compiled model.
    """
    file = Path(path).expanduser()
    try:
        if not file.is_file():
            raise ModelError(f"{str(file)!r} is {'a folder' if file.is_dir() else 'not there'}", hint="check the path")
        if file.stat().st_size > _MOST_FILE:
            raise ModelError(f"{str(file)!r} is larger than any compiled model: {file.stat().st_size / 2**30:.1f} GiB")
        return _read(file)
    except OSError as error:
        raise ModelError(f"cannot read {str(file)!r}: {error.strerror or error}") from None


def _read(file: Path) -> Manifest:
    with file.open("rb") as stream:
        head = stream.read(_TAR_AT + len(_TAR))
        if head[:4] not in _LIBRARIES and head[_TAR_AT:] != _TAR:
            raise ModelError(f"{str(file)!r} is no compiled model", hint="make one with %tvm_compile")
        stream.seek(0)
        problem = None
        start, kept = 0, b""
        while chunk := stream.read(_CHUNK):
            window = kept + chunk
            at = window.find(_MARK)
            while at >= 0:
                back = stream.tell()
                found, problem = _at(stream, start + at, problem)
                if found is not None:
                    return found
                stream.seek(back)
                at = window.find(_MARK, at + 1)
            # A mark may lie across the seam.
            kept = window[-(len(_MARK) - 1) :]
            start += len(window) - len(kept)
    if problem is not None:
        raise ModelError(f"{str(file)!r} cannot be used as a compiled model: {problem}", hint="make it again")
    raise ModelError(f"{str(file)!r} is no artefact of %tvm_compile", hint="make one with %tvm_compile")


def _at(stream: Any, place: int, problem: str | None) -> tuple[Manifest | None, str | None]:
    """Read a manifest at a place in a file, or say what is wrong with it."""
    stream.seek(place + len(_MARK))
    size, check = (int.from_bytes(stream.read(4), "little") for _ in range(2))
    if size > _MOST_JSON:
        return None, problem or "its description is damaged"
    body = stream.read(size)
    if len(body) != size or zlib.crc32(body) != check:
        return None, problem or "its description is damaged"
    try:
        return Manifest.from_plain(json.loads(body)), None
    except ArgumentError as error:
        return None, error.message
    except (ValueError, RecursionError):
        return None, "its description is damaged"


def _specs(given: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    if not isinstance(given, list | tuple):
        raise TypeError
    specs = []
    for each in given:
        name, dtype, shape = each["name"], each["dtype"], each["shape"]
        if not (isinstance(name, str) and isinstance(dtype, str) and all(type(d) is int and d >= 0 for d in shape)):
            raise TypeError
        specs.append({"name": name, "dtype": dtype, "shape": list(shape)})
    return tuple(specs)
