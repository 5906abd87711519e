"""The functions that Python code defines at its top level: a cell's body or a file."""

from __future__ import annotations

import ast
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from deploy_magics.errors import ArgumentError
from deploy_magics.functions import named


def defined(tree: ast.Module, namespace: Mapping[str, Any]) -> dict[str, Callable[..., Any]]:
    """Give the functions that code defines at its top level, in their order.

    Parameters
    ----------
    tree : ast.Module
        The code, which has run.
    namespace : Mapping[str, Any]
        Where it ran. What a decorator made of a function counts as the function; names that begin with an underscore
        are helpers and are left out.
    """
    names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return {name: namespace[name] for name in names if name in namespace and not name.startswith("_")}


def with_named(node: ast.expr | None, value: Any, found: dict[str, Callable[..., Any]]) -> dict[str, Any]:
    """Add the functions that the last expression names to those that were defined.

    Parameters
    ----------
    node : ast.expr or None
        The expression.
    value : object
        Its value: a function, a list or tuple of functions, or a dict of them by name.
    found : dict of str to callable
        The functions that were defined. One of them named again is taken once; another of the same name is called as it
        was written, ``postprocessing.decode_fast``.
    """
    if node is None or value is None:
        return dict(found)
    known = {id(one) for one in found.values()}
    more: dict[str, Any] = dict(found)
    for name, one in _pairs(node, value, found):
        if id(one) in known:
            continue
        if name in more and more[name] is not one:
            raise ArgumentError(f"two functions are called {name!r}", hint="give them as a dict: {'mine': ..., ...}")
        more[name] = one
    return more


def _pairs(node: ast.expr, value: Any, taken: Mapping[str, Any]) -> list[tuple[str, Any]]:
    if isinstance(value, Mapping):
        return [(str(name), one) for name, one in value.items()]
    parts = node.elts if isinstance(node, ast.List | ast.Tuple) else [node]
    several = list(value) if isinstance(value, list | tuple) else [value]
    written = [ast.unparse(part) for part in parts] if len(parts) == len(several) else [""] * len(several)
    own = [getattr(one, "__name__", "") for one in several]
    return [
        (name if name and name not in taken else text or name or type(one).__name__, one)
        for name, text, one in zip(own, written, several, strict=True)
    ]


def functions_of_file(path: str, names: Sequence[str]) -> dict[str, Callable[..., Any]]:
    """Run a Python file and give the functions it defines at its top level.

    Raises
    ------
    ArgumentError
        Where it is no readable Python file, raises, or lacks a function.
    """
    place = Path(path).expanduser()
    if place.suffix != ".py":
        raise ArgumentError(f"{path!r} is no Python file", hint="give a file.py that defines the functions")
    try:
        source = place.read_text(encoding="utf-8")
        tree = ast.parse(source, filename=str(place))
        code = compile(tree, str(place), "exec", dont_inherit=True)
    except OSError as error:
        raise ArgumentError(f"{path!r} cannot be read: {error.strerror or error}", hint="check the path") from None
    except (SyntaxError, ValueError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        raise ArgumentError(f"{path!r}{line} is not Python: {getattr(error, 'msg', error)}") from None
    # In no table of modules, so that its functions travel to workers by value.
    module = ModuleType(f"functions_of_{place.stem}")
    module.__file__ = str(place)
    try:
        exec(code, module.__dict__)
    except Exception as error:  # noqa: BLE001 - the user's own code may raise anything
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(place)]
        where = f", line {lines[-1]}," if lines else ""
        raise ArgumentError(f"{path!r}{where} raised {type(error).__name__}: {error}") from None
    return named(defined(tree, module.__dict__), names)
