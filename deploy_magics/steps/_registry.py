"""How steps are marked and found."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from deploy_magics.errors import ArgumentError, did_you_mean
from deploy_magics.result import Result

P = ParamSpec("P")
R = TypeVar("R", bound=Result)


@dataclass(frozen=True)
class Step:
    """A step as the magics, the shell and ``%deploy`` know it.

    Attributes
    ----------
    name : str
        Name of the function, the magic and the command.
    function : Callable
        The step itself.
    answers : str
        The question it answers, as ``%deploy`` lists it.
    workbook : str
        Stem of the workbook that teaches it.
    order : int
        Place in the flow.
    cell : bool
        Whether it also has a cell form, whose body's last expression is the model or the list of models; of a step that
        takes functions, the body defines them.
    """

    name: str
    function: Callable[..., Result]
    answers: str
    workbook: str
    order: int
    cell: bool


def step(*, answers: str, workbook: str, order: int, cell: bool = False) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Mark a function as the step of its module; see :class:`Step` for the arguments."""

    def mark(function: Callable[P, R]) -> Callable[P, R]:
        info = Step(function.__name__, function, answers, workbook, order, cell)
        function.__deploy_step__ = info  # type: ignore[attr-defined]
        return function

    return mark


def names() -> list[str]:
    """List the names of all steps without importing any.

    Examples
    --------
    >>> "_registry" in names()
    False
    """
    modules = pkgutil.iter_modules([str(Path(__file__).parent)])
    return sorted(module.name for module in modules if not module.name.startswith("_"))


def get(name: str) -> Step:
    """Import a step by its name.

    Raises
    ------
    ArgumentError
        Where there is none of that name.
    """
    if name not in names():
        raise ArgumentError(f"there is no step {name!r}", hint=did_you_mean(name, names()))
    function: Any = getattr(importlib.import_module(f"deploy_magics.steps.{name}"), name)
    found: Step = function.__deploy_step__
    return found


def all_steps() -> list[Step]:
    """Import every step, in the order of the flow."""
    return sorted((get(name) for name in names()), key=lambda found: (found.order, found.name))
