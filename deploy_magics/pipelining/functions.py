"""The two functions that a user writes: whether they are there and can be called as the pipeline calls them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from deploy_magics.errors import ArgumentError
from deploy_magics.functions import check_call, named

NAMES = ("preprocess", "postprocess")


@dataclass(frozen=True)
class Functions:
    """What stands before the model and after it.

    Attributes
    ----------
    preprocess : callable
        Takes an item of the data; gives the model's inputs, alone or in a pair with what ``postprocess`` needs to know.
    postprocess : callable
        Takes the outputs by name and the other half of that pair, None where there was none.
    takes_context : bool
        Whether ``postprocess`` takes the second argument; one that needs it not may leave it out.
    """

    preprocess: Callable[..., Any]
    postprocess: Callable[..., Any]
    takes_context: bool


def check_functions(given: Mapping[str, Callable[..., Any]]) -> Functions:
    """Find the two functions among those given; others are helpers of theirs and are passed over.

    Raises
    ------
    ArgumentError
        Where one is missing, or cannot take what it will be given; one line.

    Examples
    --------
    >>> check_functions({"preprocess": lambda item: item, "postprocess": lambda outputs: outputs}).takes_context
    False
    """
    found = named(given, NAMES)
    before, after = (found[name] for name in NAMES)
    for name, one in zip(NAMES, (before, after), strict=True):
        if inspect.isgeneratorfunction(one):
            raise ArgumentError(f"{name} yields", hint="return one value for each item")
    check_call("preprocess", before, "item")
    takes = _takes_one_only(after)
    if not takes:
        check_call("postprocess", after, "outputs", "context")
    return Functions(before, after, not takes)


def _takes_one_only(function: Callable[..., Any]) -> bool:
    """Tell whether a function can be called with the outputs and not with the context too."""
    try:
        check_call("postprocess", function, "outputs", "context")
    except ArgumentError:
        try:
            check_call("postprocess", function, "outputs")
        except ArgumentError:
            return False
        return True
    return False
