"""Options that magics and the shell add to a step's own, and what ``-o`` means where a step writes something."""

from __future__ import annotations

import keyword
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from deploy_magics.binding._options import Option
from deploy_magics.binding.words import Words
from deploy_magics.errors import ArgumentError


@dataclass(frozen=True)
class Extra:
    """An option that magics or the shell add to every step's own.

    Attributes
    ----------
    name : str
        Key in :attr:`Call.extras`; ``"keep"`` takes the name of a variable.
    flags : tuple[str, ...]
        How it is written.
    metavar : str
        What stands for its value in the help; "" for a flag.
    help : str
        One sentence.
    """

    name: str
    flags: tuple[str, ...]
    metavar: str
    help: str

    def beside(self, output: Option | None) -> Extra:
        """Tell in the help what it also means in a step that writes."""
        if self.name != "keep" or output is None:
            return self
        if output.always:
            return replace(self, metavar="PATH", help=f"Short for {output.flag}; where that is given as well, {_KEPT}.")
        return replace(self, help=f"{self.help[:-1]}; a path, with a / or a dot in it, is {output.flag}.")


_KEPT = "the variable of the notebook in which to keep the result"
HELP = (Extra("help", ("--help", "-h"), "", "Show this text."),)
NOTEBOOK = (Extra("keep", ("-o",), "NAME", "Keep the result in this variable of the notebook."), *HELP)
SHELL = (
    Extra("goals", ("--goals",), "TEXT", "Mark who meets targets: 'latency_p99 < 20 ms, size < 5 MiB'."),
    Extra("json", ("--json",), "FILE", "Save the result in this file, which load_result reads."),
    Extra("force", ("--force",), "", "Overwrite the file."),
    *HELP,
)
GROUPS = {NOTEBOOK: "In a notebook", SHELL: "In a shell"}


def read_extra(extra: Extra, words: Words, output: Option | None, _: Any, tokens: Sequence[Any]) -> str:
    """Read an extra's value; of ``-o`` the name of a variable, or what a step that writes takes for a path."""
    text = words.plain(tokens[0].value)
    named = text.isidentifier() and not keyword.iskeyword(text)
    path = output is not None and (output.always or _is_path(text))
    if extra.name == "keep" and not named and not (path and text):
        raise ArgumentError(f"{extra.flags[0]} needs the name of a variable, not {text!r}")
    return text


def place_output(values: dict[str, Any], extras: dict[str, Any], output: Option | None) -> None:
    """Take what ``-o`` was given for the step's output where it is a path, or where the step can do nothing without.

    What files there are makes no difference: the same line means the same everywhere.
    """
    text = extras.get("keep")
    if output is None or text is None or not (_is_path(text) or (output.always and output.name not in values)):
        return
    if output.name in values:
        raise ArgumentError(f"-o {text} and {output.flag} both say where to write", hint="leave one out")
    values[output.name] = expanded(extras.pop("keep"))


def expanded(value: Any) -> Any:
    """Put the home folder in for ``~``, as a shell would."""
    return type(value)(Path(value).expanduser()) if str(value).startswith("~") else value


def _is_path(text: str) -> bool:
    return any(sign in text for sign in "/\\.")


__all__ = ["GROUPS", "HELP", "NOTEBOOK", "SHELL", "Extra", "expanded", "place_output", "read_extra"]
