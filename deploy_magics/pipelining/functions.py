"""The two functions that a user writes: are they there, and can they be called as the pipeline calls them?"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from deploy_magics.errors import ArgumentError, did_you_mean

PREPROCESS, POSTPROCESS = "preprocess", "postprocess"
_FORMS = {PREPROCESS: "preprocess(item)", POSTPROCESS: "postprocess(outputs, context)"}


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
    """Find the two functions among those given.

    Others are helpers of theirs and are passed over.

    Raises
    ------
    ArgumentError
        Where one is missing, or cannot take what it will be given; one line.

    Examples
    --------
    >>> check_functions({"preprocess": lambda item: item, "postprocess": lambda outputs: outputs}).takes_context
    False
    """
    for name, form in _FORMS.items():
        if name not in given:
            near = [other for other in given if other not in _FORMS]
            hint = did_you_mean(name, near) or f"define {form}"
            raise ArgumentError(f"the pipeline has no function {name!r}", hint=hint)
        if not callable(given[name]):
            raise ArgumentError(f"{name} is no function but {type(given[name]).__name__}", hint=f"define {form}")
        if inspect.iscoroutinefunction(given[name]) or inspect.isgeneratorfunction(given[name]):
            raise ArgumentError(f"{name} must return its value, and neither await nor yield", hint=f"define {form}")
    before, after = given[PREPROCESS], given[POSTPROCESS]
    if not _takes(before, 1):
        raise ArgumentError(f"preprocess{_signature(before)} cannot be called with one item", hint="preprocess(item)")
    if not (_takes(after, 2) or _takes(after, 1)):
        text = f"postprocess{_signature(after)} can be called neither with (outputs, context) nor with (outputs)"
        raise ArgumentError(text, hint=_FORMS[POSTPROCESS])
    return Functions(before, after, _takes(after, 2))


def _takes(function: Callable[..., Any], count: int) -> bool:
    try:
        inspect.signature(function).bind(*range(count))
    except TypeError:
        return False
    except ValueError:  # a built-in that does not tell
        return True
    return True


def _signature(function: Callable[..., Any]) -> str:
    return str(inspect.signature(function))
