"""What is called, and with what, while a module runs once."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

from deploy_magics.fusing import checking
from deploy_magics.fusing.nodes import SEVERAL_RANKS
from deploy_magics.fusing.trace import is_basic, run

Note = Callable[[nn.Module, tuple[Any, ...], dict[str, Any]], None]


@contextmanager
def watched(modules: Iterable[nn.Module], note: Note) -> Iterator[None]:
    """Have each call of some modules noted, with its positional and its named arguments."""
    handles = [module.register_forward_pre_hook(note, with_kwargs=True) for module in modules]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def ranks(root: nn.Module, inputs: tuple[Any, ...]) -> dict[int, set[int]]:
    """Tell how many dimensions each normalisation that takes several numbers of them is given, by its identity."""
    found: dict[int, set[int]] = {}

    def note(module: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        found.setdefault(id(module), set()).add((*given, *named.values())[0].dim())

    _run([part for part in root.modules() if isinstance(part, SEVERAL_RANKS)], note, root, inputs)
    return found


def argument_counts(root: nn.Module, inputs: tuple[Any, ...]) -> dict[str, int]:
    """Tell how many arguments each block is called with, by its place; not of those called in several ways, or by name.

    A stand-in for an argument that is left to its default would be taken for one that was given.
    """
    names = {id(part): name for name, part in root.named_modules() if name and not is_basic(part)}
    seen: dict[str, set[int]] = {}

    def note(module: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        seen.setdefault(names[id(module)], set()).add(-1 if named else len(given))

    _run([part for part in root.modules() if id(part) in names], note, root, inputs)
    return {name: min(counts) for name, counts in seen.items() if len(counts) == 1 and min(counts) >= 0}


def _run(modules: list[nn.Module], note: Note, root: nn.Module, inputs: tuple[Any, ...]) -> None:
    if not modules:
        return
    # A traced module prints where its code failed. What was seen until then is known; comparing will say what is wrong.
    with watched(modules, note), contextlib.redirect_stderr(io.StringIO()), contextlib.suppress(Exception):
        run(root, checking.fresh(inputs))
