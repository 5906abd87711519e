"""What cyclopts complains of, in one line of this project's own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from deploy_magics.binding._convert import type_words
from deploy_magics.errors import ArgumentError, did_you_mean

if TYPE_CHECKING:
    from cyclopts import CycloptsError

    from deploy_magics.binding.words import Words


def translate(error: CycloptsError, *, command: str, flags: Iterable[str], words: Words) -> ArgumentError:
    """Say in one line what is wrong with the words of a line.

    Parameters
    ----------
    error : CycloptsError
        What the parser raised.
    command : str
        What was called, ``"%bench"``.
    flags : Iterable[str]
        The options there are.
    words : Words
        The line, whose marks are shown as they were written.
    """
    from cyclopts import CoercionError, MissingArgumentError, RepeatArgumentError, UnknownOptionError
    from cyclopts.exceptions import UnusedCliTokensError

    name = error.argument.name if error.argument is not None else ""
    keyword = getattr(getattr(error, "token", None), "keyword", None) or name
    if isinstance(error, UnknownOptionError):
        return _unknown(error.token.keyword or error.token.value, command, list(flags))
    if isinstance(error, MissingArgumentError):
        return ArgumentError(f"{error.keyword or name} needs a value", hint=f"{command} --help tells which")
    if isinstance(error, RepeatArgumentError):
        return ArgumentError(f"{keyword} is given twice")
    if isinstance(error, CoercionError) and error.argument is not None and error.token is not None:
        value, choices = words.written(error.token.value), error.argument.get_choices() or ()
        if choices:
            known = ", ".join(choices)
            return ArgumentError(f"{keyword} is one of {known}, not {value!r}", hint=did_you_mean(value, choices))
        return ArgumentError(f"{keyword} needs {type_words(error.argument.hint)}, not {value!r}")
    if isinstance(error, UnusedCliTokensError) and error.unused_tokens:
        extra = words.written(error.unused_tokens[0])
        return ArgumentError(f"{command} does not take {extra!r}", hint=f"{command} --help lists what it takes")
    error.verbose = False
    return ArgumentError(words.written(str(error)))


def _unknown(written: str, command: str, flags: list[str]) -> ArgumentError:
    flag = written.split("=", 1)[0]
    # One dash too few is more likely than another option of a near name.
    near = "-" + flag if "-" + flag in flags else None
    hint = f"did you mean {near!r}?" if near else did_you_mean(flag, flags)
    return ArgumentError(f"{command} has no option {flag!r}", hint=hint or f"{command} --help lists them")
