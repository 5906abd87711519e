"""From anything a user may call a model to an opened file."""

from __future__ import annotations

import os
import shutil
import stat
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy_magics.errors import ModelError
from deploy_magics.model import _compiled, _torch
from deploy_magics.model._opened import Opened
from deploy_magics.model._store import Store
from deploy_magics.model._text import nearest, plain, quote
from deploy_magics.model._write import naming, write
from deploy_magics.temporary import Folder

if TYPE_CHECKING:
    import onnx

_REMEMBERED = 8
# How many networks of the zoo a hint lists.
_LISTED = 8
_REMEMBERED_BYTES = 8 * 2**20
_recent: OrderedDict[tuple[Any, ...], Opened] = OrderedDict()


@dataclass(frozen=True)
class Found:
    """What an object turned out to be; the attributes are those of ``Model``."""

    opened: Opened
    name: str
    source: str
    path: Path | None = None
    module: object | None = None
    example_inputs: tuple[Any, ...] | None = None
    warnings: tuple[str, ...] = field(default=())


def find(obj: Any, shapes: Mapping[str, Sequence[int | str | None]] | None) -> Found:
    """Open a path, zoo name, ModelProto or torch module.

    Raises
    ------
    ModelError
        In one line, where it is none of these or cannot be used.
    """
    if isinstance(obj, str | os.PathLike):
        return _from_text(os.fspath(obj), bound=tuple(shapes or ()))
    if _torch.is_module(obj):
        return _from_module(obj, None, shapes)
    if isinstance(obj, tuple) and len(obj) == 2 and _torch.is_module(obj[0]):
        return _from_module(obj[0], obj[1], None)
    if _is_proto(obj):
        return Found(
            spill(obj, Store(None), "the ModelProto", bound=tuple(shapes or ())), _proto_name(obj), "ModelProto"
        )
    if _compiled.is_compiled_object(obj):
        raise ModelError(f"this is {_compiled.WHAT}", hint=_compiled.HINT)
    kind = type(obj).__name__
    raise ModelError(f"{'an' if kind[:1].lower() in 'aeiou' else 'a'} {kind} is no model", hint=_what_to_give(obj))


def spill(proto: onnx.ModelProto, store: Store, called: str, *, bound: Collection[str] = ()) -> Opened:
    """Write a proto to a temporary file and open that: from then on it is a file like any other."""
    folder = Folder()
    path = folder.path / "model.onnx"
    with naming(called):
        write(proto, store, path, external=False)
    return Opened(path, called=called, bound=bound, folder=folder)


def take(made: onnx.ModelProto | Path, store: Store, called: str, *, bound: Collection[str] = ()) -> Opened:
    """Open a proto, or a file that nobody else needs, at a temporary place of its own."""
    if not isinstance(made, Path):
        return spill(made, store, called, bound=bound)
    path, folder = made, Folder()
    own = folder.path / "model.onnx"
    with naming(called):
        shutil.move(path, own)
    return Opened(own, called=called, bound=bound, folder=folder)


def open_file(path: Path, called: str, bound: Collection[str] = ()) -> Opened:
    """Open a file, or give what is known of it already if it has not changed."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        found = None
    key = (path.absolute(), found and (found.st_size, found.st_mtime_ns, found.st_ino), tuple(sorted(bound)))
    known = _recent.get(key)
    if known is not None and known.unchanged():
        _recent.move_to_end(key)
        return known
    opened = Opened(path, called=called, bound=bound)
    if opened.structure_bytes > _REMEMBERED_BYTES:
        return opened
    _recent[key] = opened
    while len(_recent) > _REMEMBERED:
        _recent.popitem(last=False)
    return opened


def _from_text(text: str, bound: Collection[str]) -> Found:
    """Open what a path or zoo name means; a file of that name comes first."""
    if not isinstance(text, str):
        text = os.fsdecode(text)
    if not text.strip():
        raise ModelError("an empty name is no model", hint="give a path, a name of the zoo or a variable")
    try:
        path = Path(text).expanduser()
        mode: int | None = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        mode = None
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ModelError(f"{quote(text, 100)} cannot be opened: {reason}", hint="check the path") from None
    like_name = text == Path(text).name and "." not in text.strip(".")
    if mode is None or (stat.S_ISDIR(mode) and like_name):
        found = _from_zoo(text)
        if found is not None:
            return found
    if mode is None:
        raise ModelError(
            f"there is no file {quote(text, 100)}"
            if not like_name
            else f"there is no file and no network of the zoo named {quote(text)}",
            hint=_nearest(text, path),
        )
    return Found(open_file(path, quote(text, 100), bound), _utf8(path.stem), _utf8(text), path=path)


def _utf8(name: str) -> str:
    """Give a file's name as UTF-8 can write it: what it cannot becomes U+FFFD, else no result could be saved."""
    return os.fsencode(name).decode("utf-8", "replace") if not name.isprintable() else name


def _from_zoo(name: str) -> Found | None:
    from deploy_magics import zoo

    if name not in zoo.names():
        return None
    path = zoo.path(name)
    return Found(open_file(path, f"the zoo's {quote(name)}"), name, f"zoo: {name}", path=path)


def _nearest(text: str, path: Path) -> str:
    from deploy_magics import zoo

    try:
        siblings = [entry.name for entry, _ in zip(path.parent.iterdir(), range(10_000), strict=False)]
    except OSError:
        if path.parent != Path():
            return f"there is no folder {quote(str(path.parent), 100)} either"
        siblings = []
    near = nearest(path.name, [name for name in siblings if name.lower().endswith(".onnx")])
    if near is None:
        near = nearest(path.stem if path.suffix == ".onnx" else text, zoo.names())
    if near is not None or path.name != text or path.suffix == ".onnx":
        return near or "check the path"
    first, others = zoo.names()[:_LISTED], len(zoo.names()) - _LISTED
    return f"the zoo has {', '.join(first)} and {others} more: deploy_magics.zoo.names()"


def _from_module(module: Any, example: object, shapes: Mapping[str, Sequence[int | str | None]] | None) -> Found:
    folder = Folder()
    path = folder.path / "model.onnx"
    inputs, warnings = _torch.export(module, example, shapes, path)
    name = type(module).__name__
    opened = Opened(path, called=f"the export of {name}", folder=folder)
    return Found(opened, name, f"torch module {name}", module=module, example_inputs=inputs, warnings=warnings)


def _is_proto(obj: object) -> bool:
    descriptor = getattr(type(obj), "DESCRIPTOR", None)
    return getattr(descriptor, "full_name", None) == "onnx.ModelProto"


def _proto_name(proto: onnx.ModelProto) -> str:
    name = proto.graph.name
    return plain(name) if isinstance(name, str) and name else "model"


def _what_to_give(obj: object) -> str:
    kind = f"{type(obj).__module__}.{type(obj).__qualname__}"
    known = {
        "GraphProto": "give the ModelProto that holds the graph",
        "InferenceSession": "give the path that the session was made from",
        "ScriptModule": "give the torch module that it was made from",
        "ExportedProgram": "export it with torch.onnx.export(program, dynamo=True) and give the file",
        "ONNXProgram": "give its model_proto",
    }
    for end, hint in known.items():
        if kind.endswith(end):
            return hint
    if kind.startswith(("keras.", "tensorflow.", "tf_keras.")):
        return "%convert it --to onnx, and give that file"
    if isinstance(obj, list | dict | set):
        return "give one model at a time, or several as arguments of their own"
    return "give a path, a zoo name, an onnx.ModelProto, a torch module or a Model"


__all__ = ["Found", "find", "open_file", "spill"]
