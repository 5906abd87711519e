"""Words to values, for the arguments whose text cyclopts does not know by itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args, get_origin

from deploy_magics.binding._functions import functions_of_file
from deploy_magics.binding._options import Option
from deploy_magics.binding.resolve import Resolver, entries, split_label
from deploy_magics.binding.words import Words
from deploy_magics.errors import ArgumentError, did_you_mean
from deploy_magics.functions import named


class Reader:
    """Reads the words of one line into the values of a step's arguments."""

    def __init__(self, words: Words, resolver: Resolver) -> None:
        self.words = words
        self.resolver = resolver

    def models(self, text: str) -> list[Any]:
        """Read the model or models of one word, which may be labelled: ``before=a.onnx``."""
        label, rest = split_label(text)
        kept = self.words.kept(rest)
        if kept is None:
            name, value = self.resolver.find(self.words.plain(rest))
        elif isinstance(kept.value, str):
            name, value = self.resolver.find(kept.value, variables=False)
        else:
            written = kept.source.strip("${} ")
            name, value = written if written.isidentifier() else None, kept.value
        return entries(value, label=label, name=name)

    def functions(self, option: Option, text: str) -> dict[str, Callable[..., Any]]:
        """Read functions: a Python file that defines them, or a variable that holds them."""
        kept = self.words.kept(text)
        value = kept.value if kept else self.resolver.value(text)
        return functions_of_file(value, option.names) if isinstance(value, str) else named(value, option.names)

    def value(self, text: str) -> Any:
        """Read what may be an object of the notebook or text."""
        kept = self.words.kept(text)
        return kept.value if kept else self.resolver.value(text)

    def items(self, option: Option, texts: Sequence[str]) -> tuple[Any, ...]:
        """Read comma-separated items, from one word or several."""
        found: list[Any] = []
        for text in texts:
            kept = self.words.kept(text)
            if kept is not None and isinstance(kept.value, list | tuple):
                found.extend(kept.value)
                continue
            pieces = [piece.strip() for piece in self.words.plain(text).split(",")]
            if not all(pieces):
                raise ArgumentError(f"{option.flag} has an empty item in {self.words.written(text)!r}")
            found.extend(_item(option, piece) for piece in pieces)
        return tuple(found)

    def shapes(self, option: Option, texts: Sequence[str]) -> dict[str, tuple[int | str, ...]]:
        """Read ``name=1x3x224x224`` bindings; a shape alone has the name ``""``, which is that of the only input."""
        found: dict[str, tuple[int | str, ...]] = {}
        for name, text in self._bindings(option, texts, example="input=1x3x224x224", unnamed=True):
            if not isinstance(text, str):
                found[name] = tuple(text)
                continue
            sizes = [size.strip() for size in re.split("[,x]", text)]
            if not all(re.fullmatch(r"\d+|\?|[A-Za-z_]\w*", size) for size in sizes):
                written = f"{name}=" if name else ""
                raise ArgumentError(
                    f"{option.flag} {written}{text} is no shape",
                    hint=f"write {written}1x3x224x224, ? for a free dimension",
                )
            found[name] = tuple(int(size) if size.isdigit() else size for size in sizes)
        return found

    def dims(self, option: Option, texts: Sequence[str]) -> dict[str, int]:
        """Read ``N=1`` bindings."""
        found: dict[str, int] = {}
        for name, text in self._bindings(option, texts, example="N=1"):
            if not re.fullmatch(r"\d+", str(text).strip()):
                raise ArgumentError(f"{option.flag} {name}={text} is no size", hint=f"write a whole number: {name}=1")
            found[name] = int(text)
        return found

    def _bindings(
        self, option: Option, texts: Sequence[str], *, example: str, unnamed: bool = False
    ) -> list[tuple[str, Any]]:
        pairs: list[tuple[str, Any]] = []
        for text in texts:
            kept = self.words.kept(text)
            if kept is not None and isinstance(kept.value, Mapping):
                pairs.extend((str(name), value) for name, value in kept.value.items())
                continue
            if unnamed and kept is not None and isinstance(kept.value, list | tuple):
                pairs.append(("", kept.value))
                continue
            # Names of inputs may hold "=", sizes never do.
            name, sign, rest = text.rpartition("=")
            if unnamed and not sign and re.search("[,x]", text):
                pairs.append(("", self.words.plain(text)))
                continue
            if not (sign and name and rest):
                raise ArgumentError(
                    f"{option.flag} takes a name and a size, not {self.words.written(text)!r}",
                    hint=f"for example {option.flag} {example}",
                )
            held = self.words.kept(rest)
            value = held.value if held and isinstance(held.value, list | tuple) else self.words.plain(rest)
            pairs.append((self.words.plain(name), value))
        names = [name for name, _ in pairs]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ArgumentError(f"{option.flag} binds {repr(twice[0]) if twice[0] else 'the only input'} twice")
        return pairs


def _item(option: Option, text: str) -> Any:
    kind = option.hint
    if option.choices and text not in option.choices:
        known = ", ".join(option.choices)
        raise ArgumentError(f"{option.flag} is of {known}, not {text!r}", hint=did_you_mean(text, option.choices))
    if kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            raise ArgumentError(f"{option.flag} needs {type_words(kind)}s, not {text!r}") from None
    return text


def type_words(kind: Any) -> str:
    """Say a type in words a reader knows.

    Examples
    --------
    >>> type_words(int)
    'a whole number'
    """
    from pathlib import Path

    parts = [part for part in get_args(kind) if part is not type(None)] if get_origin(kind) else [kind]
    words = {int: "a whole number", float: "a number", bool: "yes or no", Path: "a path", str: "a text"}
    return " or ".join(words.get(part, getattr(part, "__name__", str(part))) for part in parts)
