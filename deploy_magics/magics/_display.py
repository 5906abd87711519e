"""A result is seen once, where its magic stands.

A magic shows its result itself, so that two magics in one cell are both seen, and returns it, so that ``_`` and
``x = %bench ...`` hold it. IPython's display hook would then show that of a cell's last line once more.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from deploy_magics.result import Result

if TYPE_CHECKING:
    from types import FrameType

    from IPython.core.interactiveshell import InteractiveShell

# What a magic showed last in the cell that runs, or silenced.
_shown: list[Result] = []


def install(shell: InteractiveShell) -> None:
    """Have results of magics shown once."""

    def show(result: Result) -> None:
        if any(result is one for one in _shown) and _in_display_hook(shell):
            return
        result._ipython_display_()

    assert shell.display_formatter is not None
    shell.display_formatter.ipython_display_formatter.for_type(Result, show)
    shell.events.register("post_execute", _shown.clear)


def uninstall(shell: InteractiveShell) -> None:
    """Undo :func:`install`."""
    assert shell.display_formatter is not None
    shell.display_formatter.ipython_display_formatter.pop(Result, None)
    with suppress(ValueError):
        shell.events.unregister("post_execute", _shown.clear)


def shown(result: Result) -> None:
    """Note that this result was shown, or silenced, by its magic."""
    _shown[:] = [result]


def _in_display_hook(shell: InteractiveShell) -> bool:
    """Tell whether the display hook asks, and not a call of ``display``."""
    hook = type(shell.displayhook).__call__.__code__
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code is hook:
            return True
        frame = frame.f_back
    return False
