"""Functions of a user: taken from what was given, checked, and sent to a worker.

Those of a notebook or of a file that is not importable belong to no module that a worker could import, so they travel
by value, with what they use, by cloudpickle (https://github.com/cloudpipe/cloudpickle).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from deploy_magics.errors import ArgumentError


def named(value: Any, names: Sequence[str] = ()) -> dict[str, Callable[..., Any]]:
    """Give functions by name.

    Parameters
    ----------
    value : mapping, sequence of callables, or callable
        Functions by name, or functions that are called by their own names.
    names : sequence of str
        Functions that must be there; empty for any two or more.

    Raises
    ------
    ArgumentError
        Where one is missing, is no function or is a coroutine, and where two would have the same name.

    Examples
    --------
    >>> list(named([len, max]))
    ['len', 'max']
    >>> named({"fast": len})
    Traceback (most recent call last):
    deploy_magics.errors.ArgumentError: 1 function is not enough...
    """
    pairs: list[tuple[str, Any]]
    if isinstance(value, Mapping):
        pairs = [(str(name), one) for name, one in value.items()]
    else:
        several = value if isinstance(value, list | tuple) else [value]
        pairs = [(_own_name(one), one) for one in several]
    found: dict[str, Callable[..., Any]] = {}
    for name, one in pairs:
        if not callable(one):
            raise ArgumentError(f"{name} is {type(one).__name__} and no function", hint="give functions by name")
        if inspect.iscoroutinefunction(one):
            raise ArgumentError(f"{name} is a coroutine", hint="define it with def and not with async def")
        if name in found and found[name] is not one:
            raise ArgumentError(f"two functions are called {name!r}", hint="give them as a dict: {'mine': ..., ...}")
        found[name] = one
    _check(found, names)
    return found


def _own_name(value: Any) -> str:
    name: str | None = getattr(value, "__name__", None)
    return name or f"a value of type {type(value).__name__}"


def _check(found: Mapping[str, Any], names: Sequence[str]) -> None:
    for name in names:
        if name not in found:
            listed = f"; there is {', '.join(found)}" if found else ""
            raise ArgumentError(f"there is no function {name!r}{listed}", hint=f"define {name}(...)")
    if names or len(found) > 1:
        return
    if not found:
        raise ArgumentError("there are no functions", hint="define two or more with def")
    raise ArgumentError(f"1 function is not enough: only {next(iter(found))}", hint="define another to compare it with")


def check_call(name: str, function: Callable[..., Any], *arguments: str) -> None:
    """See that a function can be called with so many arguments, without calling it.

    Parameters
    ----------
    name : str
        What it is called, for the message.
    function : callable
        The function; one whose signature cannot be read passes.
    *arguments : str
        What each argument stands for, as in ``"outputs"``.

    Raises
    ------
    ArgumentError
        Where it takes fewer or needs more.

    Examples
    --------
    >>> check_call("f", lambda outputs: None, "outputs", "context")
    Traceback (most recent call last):
    deploy_magics.errors.ArgumentError: f cannot be called as f(outputs, context)...
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        # Built in, or compiled: only a call can tell.
        return
    try:
        signature.bind(*arguments)
    except TypeError as error:
        listed = ", ".join(arguments)
        raise ArgumentError(
            f"{name} cannot be called as {name}({listed}): {error}", hint=f"define it as {name}({listed})"
        ) from None


def pack(functions: Mapping[str, Callable[..., Any]]) -> bytes:
    """Turn functions and what they use into bytes for a worker, where :func:`unpack` makes them again.

    Raises
    ------
    ArgumentError
        Where one uses what cannot leave this process: an open file, a lock, a generator.

    Examples
    --------
    >>> unpack(pack({"twice": lambda x: 2 * x}))["twice"](3)
    6
    """
    import cloudpickle

    try:
        # All at once, so that what they share stays shared.
        data: bytes = cloudpickle.dumps(dict(functions))
    except Exception as error:  # noqa: BLE001 - pickling runs code of whatever the functions hold
        guilty = next((name for name, one in functions.items() if not _travels(one)), next(iter(functions)))
        raise ArgumentError(
            f"{guilty} uses what cannot be sent to a worker: {str(error).splitlines()[0] if str(error) else error!r}",
            hint="open files, locks and the like inside the function",
        ) from None
    return data


def _travels(function: Callable[..., Any]) -> bool:
    import cloudpickle

    try:
        cloudpickle.dumps(function)
    except Exception:  # noqa: BLE001 - as above; what it was is told there
        return False
    return True


def unpack(data: bytes) -> dict[str, Callable[..., Any]]:
    """Make the functions again that :func:`pack` turned into bytes. Only for bytes of this program's own making."""
    import pickle

    found: dict[str, Callable[..., Any]] = pickle.loads(data)
    return found
