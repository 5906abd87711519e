"""How runtimes are found: those built in, and those that other packages bring by entry point."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

from deploy_magics.errors import ArgumentError, DeployError, MissingPartError, did_you_mean
from deploy_magics.running._protocol import Runtime

GROUP = "deploy_magics.runtimes"
"""Entry-point group in which a package names its runtimes: ``mine = "my_package:MyRuntime"``."""

_BUILT_IN = {"ort": "deploy_magics.running.ort:OnnxRuntime", "tvm": "deploy_magics.running.tvm:Tvm"}


def names() -> list[str]:
    """List every runtime that is known, whether or not it can be used here.

    Examples
    --------
    >>> "ort" in names()
    True
    """
    return sorted({*_BUILT_IN, *(point.name for point in entry_points(group=GROUP))})


def available() -> list[str]:
    """List the runtimes that can be used here."""
    return [name for name in names() if _usable(name)]


def get(name: str) -> Runtime:
    """Find a runtime by its short name.

    Parameters
    ----------
    name : str
        One of :func:`names`.

    Returns
    -------
    Runtime
        The runtime, which may still say that it cannot be used here (:meth:`Runtime.why_not`).

    Raises
    ------
    ArgumentError
        Where there is none of that name.
    DeployError
        Where the package that brings it does not load.

    Examples
    --------
    >>> get("ort").title
    'ONNX Runtime'
    """
    if name in _BUILT_IN:
        module, _, attribute = _BUILT_IN[name].partition(":")
        return getattr(import_module(module), attribute)()  # type: ignore[no-any-return]
    for point in entry_points(group=GROUP):
        if point.name == name:
            return _load(point)
    known = names()
    raise ArgumentError(
        f"there is no runtime {name!r}", hint=did_you_mean(name, known) or f"there are: {', '.join(known)}"
    )


def require_usable(name: str) -> Runtime:
    """Find a runtime that can be used here.

    Raises
    ------
    MissingPartError
        Where it cannot; the line says why.
    ArgumentError
        Where there is none of that name.
    """
    runtime = get(name)
    MissingPartError.check(runtime.why_not())
    return runtime


def _load(point: EntryPoint) -> Runtime:
    try:
        found = point.load()
        return found() if isinstance(found, type) else found  # type: ignore[no-any-return]
    except Exception as error:  # whatever a foreign package raises while loading
        raise DeployError(
            f"the runtime {point.name!r} ({point.value}) does not load: {type(error).__name__}: {error}",
            hint="repair or remove the package that brings it",
        ) from error


def _usable(name: str) -> bool:
    try:
        return get(name).why_not() is None
    except DeployError:
        return False
