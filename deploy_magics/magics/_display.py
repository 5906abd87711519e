"""A result is seen once, where its magic stands.

A magic shows its result itself, so that two magics in one cell are both seen, and returns it, so that ``_`` and
``x = %bench ...`` hold it. IPython's display hook would then show that of a cell's last line once more.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from deploy_magics.result import Result

if TYPE_CHECKING:
    from IPython.core.displayhook import DisplayHook
    from IPython.core.interactiveshell import InteractiveShell

# What magics showed, or silenced, in the cell that runs.
_shown: list[Result] = []


class ShownOnce:
    """Stands before IPython's display hook and keeps back what was shown already."""

    def __init__(self, hook: DisplayHook) -> None:
        self.hook = hook

    def __call__(self, result: Any = None) -> None:
        if any(result is one for one in _shown):
            self.hook.update_user_ns(result)  # type: ignore[no-untyped-call]
            self.hook.fill_exec_result(result)  # type: ignore[no-untyped-call]
        else:
            self.hook(result)


def install(shell: InteractiveShell) -> None:
    """Have results of magics shown once."""
    _replace(shell, ShownOnce(shell.displayhook))
    shell.events.register("post_execute", _shown.clear)


def uninstall(shell: InteractiveShell) -> None:
    """Undo :func:`install`."""
    if isinstance(shell.display_trap.hook, ShownOnce):
        _replace(shell, shell.display_trap.hook.hook)
    with suppress(ValueError):
        shell.events.unregister("post_execute", _shown.clear)


def shown(result: Result) -> None:
    """Note that this result was shown, or silenced, by its magic."""
    _shown.append(result)


def _replace(shell: InteractiveShell, hook: Any) -> None:
    # The cell that loads the extension runs with the hook it began with.
    if sys.displayhook is shell.display_trap.hook:
        sys.displayhook = hook
    shell.display_trap.hook = hook
