"""How runtimes are found: those built in, and those that other packages bring by entry point."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

from deploy_magics.errors import ArgumentError, DeployError, MissingPartError, did_you_mean
from deploy_magics.running._protocol import HasVariants, Runtime, TellsInputs

GROUP = "deploy_magics.runtimes"
"""Entry-point group in which a package names its runtimes: ``mine = "my_package:MyRuntime"``."""

_ROOM = "deploy_magics.running"
_BUILT_IN = {
    "ort": f"{_ROOM}.ort:OnnxRuntime",
    "openvino": f"{_ROOM}.openvino:OpenVino",
    "tvm": f"{_ROOM}.tvm:Tvm",
    "ncnn": f"{_ROOM}.ncnn:Ncnn",
    "mnn": f"{_ROOM}.mnn:Mnn",
    "litert": f"{_ROOM}.litert:LiteRt",
    "torch": f"{_ROOM}.torch:Torch",
}


def names() -> list[str]:
    """List every runtime that is known, whether or not it can be used here.

    Examples
    --------
    >>> "ort" in names()
    True
    """
    return list(dict.fromkeys([*_BUILT_IN, *sorted(point.name for point in entry_points(group=GROUP))]))


def variants() -> list[str]:
    """List the other ways in which runtimes can be asked to run, as ``runtime:variant``.

    Examples
    --------
    >>> "openvino:bf16" in variants()
    True
    """
    found = []
    for name in names():
        try:
            runtime = get(name)
        except DeployError:
            continue
        if isinstance(runtime, HasVariants):
            found += [f"{name}:{variant}" for variant in runtime.variants]
    return found


def reader_of(suffix: str) -> Runtime | None:
    """Find the runtime to which files of an ending belong; None where none tells what they take."""
    for name in names():
        try:
            runtime = get(name)
        except DeployError:
            continue
        if isinstance(runtime, TellsInputs) and suffix in runtime.suffixes:
            return runtime
    return None


def available() -> list[str]:
    """List the runtimes that can be used here."""
    return [name for name in names() if _usable(name)]


def get(name: str) -> Runtime:
    """Find a runtime by its short name.

    Parameters
    ----------
    name : str
        One of :func:`names`, or of :func:`variants`.

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
    base, _, variant = name.partition(":")
    runtime = _named(base)
    if not variant:
        return runtime
    known = runtime.variants if isinstance(runtime, HasVariants) else {}
    if variant not in known:
        there = f"there are: {', '.join(f'{base}:{each}' for each in known)}" if known else f"there is {base!r} alone"
        raise ArgumentError(f"{runtime.title} does not run as {variant!r}", hint=did_you_mean(variant, known) or there)
    assert isinstance(runtime, HasVariants)
    return _sound(runtime.varied(variant), name)


def why_not(runtime: Runtime) -> str | None:
    """Say in one line why a runtime cannot be used here, also where another package fails to say it; None if it can."""
    try:
        return runtime.why_not()
    except Exception as error:  # noqa: BLE001 - whatever a foreign package raises
        return f"{runtime.title} cannot say whether it runs here: {_gist(error)}; repair or remove its package"


def version(runtime: Runtime) -> str:
    """Give the version of a runtime's package; what it raised where it fails to say it."""
    try:
        return str(runtime.version())
    except Exception as error:  # noqa: BLE001 - whatever a foreign package raises
        return f"(unknown: {_gist(error)})"


def _gist(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"


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
    MissingPartError.check(why_not(runtime))
    return runtime


def _named(name: str) -> Runtime:
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


def _load(point: EntryPoint) -> Runtime:
    try:
        found = point.load()
        return _sound(found() if isinstance(found, type) else found, point.name)
    except Exception as error:  # whatever a foreign package raises while loading
        raise DeployError(
            f"the runtime {point.name!r} ({point.value}) does not load: {_gist(error)}",
            hint="repair or remove the package that brings it",
        ) from error


def _sound(runtime: Runtime, name: str) -> Runtime:
    """Read what a runtime says of itself once, so that one which cannot say it fails here and not in the middle."""
    for what in ("title", "modules", "suffixes", "variants", "arithmetic"):
        getattr(runtime, what, None)
    if runtime.name != name:
        raise ValueError(f"it calls itself {runtime.name!r}")
    return runtime


def _usable(name: str) -> bool:
    try:
        return why_not(get(name)) is None
    except DeployError:
        return False
