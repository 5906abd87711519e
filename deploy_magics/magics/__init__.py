"""Steps as IPython magics.

Loading registers a name for each step and imports none of them; a step, its parser and its libraries come with its
first use.
"""

from __future__ import annotations

import warnings
from types import FunctionType
from typing import TYPE_CHECKING

from deploy_magics import steps
from deploy_magics.magics import _completion, _display
from deploy_magics.magics._config import DeployMagics
from deploy_magics.magics._run import MARK, make_magic

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["DeployMagics", "load_ipython_extension", "unload_ipython_extension"]


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register a line and cell magic for each step, their completion, and ``%config DeployMagics``."""
    unload_ipython_extension(shell)
    magics = DeployMagics(shell)
    shell.register_magics(magics)
    for name in steps.names():
        if _taken(shell, name):
            warnings.warn(f"%{name} is another magic here; use deploy_magics.{name}() instead", stacklevel=2)
            continue
        shell.magics_manager.register_function(make_magic(magics, name), magic_kind="line_cell", magic_name=name)
    _completion.install(shell)
    _display.install(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Take away what :func:`load_ipython_extension` added."""
    for table in shell.magics_manager.magics.values():
        # An attribute of one of IPython's own, asked for, would import it.
        for name in [name for name, one in table.items() if isinstance(one, FunctionType) and MARK in vars(one)]:
            del table[name]
    shell.configurables[:] = [one for one in shell.configurables if not isinstance(one, DeployMagics)]
    shell.magics_manager.registry.pop(DeployMagics.__name__, None)
    _completion.uninstall(shell)
    _display.uninstall(shell)


def _taken(shell: InteractiveShell, name: str) -> bool:
    return any(name in table for table in shell.magics_manager.magics.values())
