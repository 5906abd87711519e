"""What tells a model compiled by ``%tvm_compile`` from any other library: it runs, and is not looked into."""

from __future__ import annotations

from pathlib import Path
from typing import Any

# Put together when this is imported, so that no file that holds this source holds the mark.
COMPILED_MARK = b"\x7fdeploy_magics" + b"\x00manifest\x00\xd9\x17\xe4\x9c"
"""Stands in the library or archive before the compiled model's description."""

WHAT = "a model compiled by TVM, which runs (%bench --on tvm, %tvm_run) and is not looked into"
HINT = "give the ONNX file it was made from"
_MAGICS = ((0, b"\x7fELF"), (0, b"\xcf\xfa\xed\xfe"), (0, b"\xca\xfe\xba\xbe"), (257, b"ustar"))
_CHUNK = 2**20


def is_compiled(head: bytes, path: Path) -> bool:
    """Tell whether a library or archive, given by its first bytes and its place, holds the mark."""
    if not any(head[at : at + len(magic)] == magic for at, magic in _MAGICS):
        return False
    kept = b""
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                if COMPILED_MARK in kept + chunk:
                    return True
                # It may lie across the seam.
                kept = chunk[1 - len(COMPILED_MARK) :]
    except OSError:
        pass
    return False


def is_compiled_object(obj: object) -> bool:
    """Tell whether an object is a compiled model, or the result of a step that made one."""
    # Asked of the class first: a result's property may say in an error of its own that it holds none.
    if hasattr(type(obj), "artefact"):
        return True
    return hasattr(obj, "artefact") or (hasattr(obj, "manifest") and hasattr(obj, "path"))


def model_in(obj: object) -> Any:
    """Give the model that a result holds; None where it holds none, or a compiled one."""
    return None if is_compiled_object(obj) else getattr(obj, "model", None)
