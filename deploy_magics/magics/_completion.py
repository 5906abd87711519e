"""Tab after a magic's name: its flags, their values, and the names of models."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from deploy_magics.errors import DeployError

if TYPE_CHECKING:
    from types import SimpleNamespace

    from IPython.core.interactiveshell import InteractiveShell


def install(shell: InteractiveShell) -> None:
    """Complete after the magics' names, wherever in a line they stand (``x = %bench``)."""
    from deploy_magics.steps import names

    pattern = rf".*%{{1,2}}(?:{'|'.join(names())})\s"

    # IPython binds the function to the shell.
    def complete(shell: InteractiveShell, event: SimpleNamespace) -> list[str]:
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
    from deploy_magics.binding import NOTEBOOK, Binding, Resolver, candidates
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
