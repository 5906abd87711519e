"""What Tab offers: flags, their values, and names of models."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from deploy_magics.binding.resolve import COMPILED_SUFFIXES

if TYPE_CHECKING:
    from deploy_magics.binding._binding import Binding
    from deploy_magics.binding._options import Option
    from deploy_magics.binding.resolve import Resolver


def candidates(binding: Binding, resolver: Resolver, text: str, word: str) -> list[str]:
    """List what may stand at the end of the words of one step.

    Parameters
    ----------
    binding : Binding
        The step.
    resolver : Resolver
        What names of models there are.
    text : str
        The words up to the cursor.
    word : str
        The end of them that is replaced; IPython begins it after the last space, quote, comma or equals sign.
    """
    *before, last = re.split(r"\s+", text)
    option = None
    if last.startswith("--") and "=" in last:
        option = _option(binding, last.split("=", 1)[0])
    elif before:
        option = _option(binding, before[-1])
    if option is not None and option.kind != "flag":
        offered = _quoted(values(option, resolver, word))
    elif last.startswith("-"):
        offered = binding.flags()
    elif binding.model_option is not None:
        offered = _quoted(models(resolver, word, binding.model_option)) + ([] if last else binding.flags())
    else:
        offered = binding.flags()
    return [value for value in dict.fromkeys(offered) if value.startswith(word)]


def _option(binding: Binding, flag: str) -> Option | None:
    if flag == "-o":
        return binding.output_option
    return next((option for option in binding.options if option.flag == flag and not option.positional), None)


def values(option: Option, resolver: Resolver, word: str) -> list[str]:
    """List the values an option may take, as far as they are known."""
    if option.kind == "model":
        return models(resolver, word, option)
    if option.kind == "functions":
        return _paths(word, "*.py")
    if option.choices:
        return list(option.choices)
    if option.name == "on":
        from deploy_magics import running

        return [*running.names(), *running.variants()]
    return _paths(word, "*") if option.kind in ("path", "value") else []


def models(resolver: Resolver, word: str, option: Option) -> list[str]:
    """List variables, networks of the zoo and files."""
    suffixes = (".onnx", *(COMPILED_SUFFIXES if option.compiled else ()))
    return [*resolver.known(compiled=option.compiled), *(_paths(word, *(f"*{s}" for s in suffixes)) if word else [])]


def _quoted(names: list[str]) -> list[str]:
    """Put a name with spaces in the quotes that a magic's line needs; a shell quotes by itself."""
    return [f"'{name}'" if " " in name else name for name in names]


def _paths(word: str, *patterns: str) -> list[str]:
    """List the files and folders that a path may go on to."""
    typed = word.rpartition("/")[0] + "/" if "/" in word else ""
    folder = Path(typed).expanduser()
    try:
        files = [one for pattern in patterns for one in folder.glob(pattern)]
        found = [*files, *(one for one in folder.iterdir() if one.is_dir())]
    except OSError:
        return []
    return sorted({f"{typed}{one.name}{'/' if one.is_dir() else ''}" for one in found if not one.name.startswith(".")})
