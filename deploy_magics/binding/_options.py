"""What a step's signature says about each of its arguments."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from deploy_magics.arguments import (
    CommaList,
    DimBindings,
    FunctionsArgument,
    ModelArgument,
    OutputPath,
    ShapeBindings,
)

Kind = Literal["model", "functions", "list", "shapes", "dims", "path", "flag", "choice", "text", "value"]
_KINDS: dict[type, Kind] = {
    ModelArgument: "model",
    FunctionsArgument: "functions",
    CommaList: "list",
    ShapeBindings: "shapes",
    DimBindings: "dims",
    OutputPath: "path",
}
_SCALARS = (int, float, str, bool, Path, type(None))


@dataclass(frozen=True)
class Option:
    """One argument of a step.

    Attributes
    ----------
    name : str
        Its name in Python.
    kind : str
        How it is read from text: ``"model"``, ``"functions"``, ``"list"`` (comma separated), ``"shapes"``, ``"dims"``,
        ``"path"``, ``"flag"``, ``"choice"``, ``"text"`` (what the type says) or ``"value"`` (text, or an object of the
        notebook).
    hint : type
        Type that its text is converted to.
    parameter : inspect.Parameter
        As the signature has it.
    choices : tuple[str, ...]
        The values it may take, where there are few.
    compiled : bool
        Of a model: whether it may be a compiled one.
    names : tuple[str, ...]
        Of functions: those that must be there.
    always : bool
        Of a path: whether the step always writes, so that a bare name after ``-o`` is that path.
    """

    name: str
    kind: Kind
    hint: Any
    parameter: inspect.Parameter
    choices: tuple[str, ...] = ()
    compiled: bool = False
    names: tuple[str, ...] = ()
    always: bool = False

    @property
    def flag(self) -> str:
        """How it is written: ``"--max-growth"``."""
        return "--" + self.name.replace("_", "-")

    @property
    def variadic(self) -> bool:
        """Whether it takes all words that are not options."""
        return self.parameter.kind is inspect.Parameter.VAR_POSITIONAL

    @property
    def positional(self) -> bool:
        """Whether it is given by place."""
        return self.parameter.kind is not inspect.Parameter.KEYWORD_ONLY

    @property
    def required(self) -> bool:
        """Whether it must be given; of models given by place, one at least must."""
        return (self.variadic and self.kind == "model") or (
            not self.variadic and self.default is inspect.Parameter.empty
        )

    @property
    def default(self) -> Any:
        """Its default; ``inspect.Parameter.empty`` where there is none."""
        return self.parameter.default


def read_options(function: Callable[..., Any]) -> tuple[Option, ...]:
    """Read the signature of a step."""
    signature = inspect.signature(function)
    scope = _Lenient(getattr(function, "__globals__", {}))
    return tuple(
        _option(parameter, _evaluate(parameter.annotation, scope))
        for parameter in signature.parameters.values()
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD
    )


def _option(parameter: inspect.Parameter, annotation: Any) -> Option:
    hint = annotation
    marks: tuple[Any, ...] = ()
    for part in _unions(annotation):
        if get_origin(part) is typing.Annotated:
            marks = marks or part.__metadata__
    while get_origin(hint) is typing.Annotated:
        hint = hint.__origin__
    for mark in marks:
        kind = _KINDS.get(type(mark))
        if kind is not None:
            item = getattr(mark, "of", str)
            choices = tuple(map(str, get_args(item))) if get_origin(item) is Literal else ()
            compiled = bool(getattr(mark, "compiled", False))
            names = tuple(getattr(mark, "names", ()))
            always = bool(getattr(mark, "always", False))
            own = item if kind == "list" else hint
            return Option(parameter.name, kind, own, parameter, choices, compiled, names, always)
    kind, hint, choices = _unmarked(hint)
    return Option(parameter.name, kind, hint, parameter, choices)


def _unmarked(hint: Any) -> tuple[Kind, Any, tuple[str, ...]]:
    if hint is bool:
        return "flag", bool, ()
    parts = [part for part in _unions(hint) if part is not type(None)]
    if all(get_origin(part) is Literal for part in parts):
        return "choice", hint, tuple(str(value) for part in parts for value in get_args(part))
    if all(part is str or part is Path or (get_origin(part) or part) is PathLike for part in parts):
        is_path = any(part is not str for part in parts)
        return ("path", Path, ()) if is_path else ("text", str, ())
    if all(part in _SCALARS or get_origin(part) is Literal for part in parts):
        return "text", hint, ()
    if all(get_origin(part) in (list, tuple, Sequence) and _simple(part) for part in parts):
        return "list", next(arg for arg in get_args(parts[0]) if arg is not Ellipsis), ()
    return "value", Any, ()


def _simple(part: Any) -> bool:
    return all(arg in _SCALARS or arg is Ellipsis for arg in get_args(part))


def _unions(hint: Any) -> list[Any]:
    return list(get_args(hint)) if get_origin(hint) in (typing.Union, types.UnionType) else [hint]


class _Lenient(Mapping[str, Any]):
    """A module's names, in which one that only a type checker imports is Any."""

    def __init__(self, scope: Mapping[str, Any]) -> None:
        self._scope = scope

    def __getitem__(self, name: str) -> Any:
        if name in self._scope:
            return self._scope[name]
        import builtins

        return getattr(builtins, name, Any)

    def __iter__(self) -> Iterator[str]:
        return iter(self._scope)

    def __len__(self) -> int:
        return len(self._scope)


def _evaluate(annotation: Any, scope: _Lenient) -> Any:
    """Turn an annotation into a type; one that means something only to a type checker becomes Any."""
    if annotation is inspect.Parameter.empty:
        return Any
    while isinstance(annotation, str):
        try:
            annotation = eval(annotation, {}, scope)
        except (TypeError, AttributeError):
            # An alias written as text joined to another type, or an attribute of a name known to checkers only.
            return Any
    return annotation
