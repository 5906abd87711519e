"""Tab after a magic's name: its flags, their values, and the names of models."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy_magics.errors import DeployError

if TYPE_CHECKING:
    from types import SimpleNamespace

    from IPython.core.interactiveshell import InteractiveShell

    from deploy_magics.binding import Binding, Option, Resolver


def install(shell: InteractiveShell) -> None:
    """Complete after the magics' names, wherever in a line they stand (``x = %bench``)."""
    from deploy_magics.steps import names

    pattern = rf".*%{{1,2}}(?:{'|'.join(names())})\s"

    def complete(event: SimpleNamespace) -> list[str]:
        return completions(shell, event.text_until_cursor, event.symbol)

    shell.set_hook("complete_command", complete, re_key=pattern)  # type: ignore[no-untyped-call]


def uninstall(shell: InteractiveShell) -> None:
    """Undo :func:`install`."""
    hooks = shell.strdispatchers.get("complete_command")
    if hooks is None:
        return
    for key in [key for key, chain in hooks.regexs.items() if any(_ours(one) for _, one in chain.chain)]:
        del hooks.regexs[key]


def _ours(function: Any) -> bool:
    return getattr(function, "__module__", None) == __name__


def completions(shell: InteractiveShell, line: str, word: str) -> list[str]:
    """List what may stand at the end of a line.

    Parameters
    ----------
    shell : InteractiveShell
        The shell, for its variables.
    line : str
        The line up to the cursor.
    word : str
        Its end, as IPython cuts it: what is completed must begin with it.
    """
    from deploy_magics.binding import NOTEBOOK, Binding, Resolver
    from deploy_magics.steps import get

    found = re.search(r"%{1,2}(\w+)\s+(.*)$", line, re.DOTALL)
    if found is None:
        return []
    try:
        binding = Binding(get(found[1]).function, f"%{found[1]}", NOTEBOOK)
        return candidates(binding, Resolver(shell.user_ns), found[2], word)
    except DeployError:
        # A line that cannot be read yet has nothing to complete; it will say so when it is run.
        return []


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
        values = _values(option, resolver, word)
    elif last.startswith("-"):
        values = binding.flags()
    elif binding.model_option is not None:
        values = _models(resolver, word) + ([] if last else binding.flags())
    else:
        values = binding.flags()
    return [value for value in dict.fromkeys(values) if value.startswith(word)]


def _option(binding: Binding, flag: str) -> Option | None:
    return next((option for option in binding.options if option.flag == flag and not option.positional), None)


def _values(option: Option, resolver: Resolver, word: str) -> list[str]:
    if option.kind == "model":
        return _models(resolver, word)
    if option.choices:
        return list(option.choices)
    if option.name == "on":
        from deploy_magics import runtimes

        return runtimes.names()
    return _paths(word, "*") if option.kind in ("path", "value") else []


def _models(resolver: Resolver, word: str) -> list[str]:
    """List variables, networks and files; a name with spaces in the quotes it needs."""
    names = [*resolver.known(), *(_paths(word, "*.onnx") if word else [])]
    return [f"'{name}'" if " " in name else name for name in names]


def _paths(word: str, pattern: str) -> list[str]:
    """List the files and folders that a path may go on to."""
    typed = word.rpartition("/")[0] + "/" if "/" in word else ""
    folder = Path(typed).expanduser()
    try:
        found = [*folder.glob(pattern), *(one for one in folder.iterdir() if one.is_dir())]
    except OSError:
        return []
    return sorted({f"{typed}{one.name}{'/' if one.is_dir() else ''}" for one in found if not one.name.startswith(".")})
