"""What ``%convert`` takes besides ONNX and torch: Keras models, TensorFlow's saved models and functions of JAX.

They are told by content, or by class without importing what defines it, and are opened in workers only.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy_magics import workers
from deploy_magics.converting._made import Kind, Port, Source
from deploy_magics.converting._targets import TENSORFLOW, missing
from deploy_magics.errors import ArgumentError, MissingPartError, ModelError
from deploy_magics.model import framework

_ROOM = "deploy_magics.converting"
_WHAT = {"keras": "a Keras model", "saved_model": "a TensorFlow saved model", "jax": "a JAX function"}


@dataclass(frozen=True)
class Origin:
    """A model in the framework that it was written in.

    Attributes
    ----------
    name : str
        What it is called.
    kind : {"keras", "saved_model", "jax"}
        What it is.
    path : str
        Where a worker finds it.
    inputs, outputs : tuple of Port
        What it takes and gives.
    renamed : tuple of str
        Names that TensorFlow does not allow and what they became, one line each.
    """

    name: str
    kind: Kind
    path: str
    inputs: tuple[Port, ...] = ()
    outputs: tuple[Port, ...] = ()
    renamed: tuple[str, ...] = ()

    @property
    def what(self) -> str:
        """What it is, for people."""
        return _WHAT[self.kind]

    @property
    def opener(self) -> str:
        """What runs it, ``"package.module:function"``."""
        return f"{_module(self.kind)}:load"

    @property
    def called(self) -> str:
        """Who runs it, for people."""
        return "JAX" if self.kind == "jax" else "TensorFlow"


def origin_of(
    given: Any, folder: Path, *, shapes: Mapping[str, Sequence[int | str | None]] | None = None, data: Any = None
) -> Origin | None:
    """Find what a model was written in, and lay it where a worker can open it.

    Parameters
    ----------
    given : object
        Whatever a user calls a model; a pair ``(label, model)`` labels it.
    folder : Path
        An empty folder of its own, which lives as long as the origin is used.
    shapes : mapping, optional
        Shapes of the inputs of a JAX function, which are then float32.
    data : mapping or path, optional
        Arrays by name, which tell shapes and types of those inputs as well.

    Returns
    -------
    Origin, optional
        None where it is an ONNX model, a torch module or nothing known, which others tell.

    Raises
    ------
    MissingPartError
        Where the framework is not installed.
    ModelError
        Where it cannot be sent to a worker, or the inputs of a function are not known.
    """
    label, value = given if _labelled(given) else (None, given)
    if isinstance(value, str | os.PathLike):
        path = Path(os.fspath(value)).expanduser()
        path = path.parent if path.name == "saved_model.pb" else path
        kind = framework(path)
        if kind is None:
            return None
        _require(kind)
        return Origin(label or path.resolve().stem, kind, _laid(path, kind, folder))  # type: ignore[arg-type]
    if _is_keras(value):
        _require("keras")
        return Origin(label or str(value.name), *_saved(value, folder))
    function, example = value if _is_pair(value) else (value, None)
    if not _is_function(function):
        return None
    _require("jax")
    arrays = _arrays(function, example, shapes, data)
    from deploy_magics.converting.jax import pack

    path = folder / "function.pickle"
    pack(function, list(arrays), list(arrays.values()), path)
    return Origin(label or getattr(function, "__name__", "function").strip("<>"), "jax", str(path))


def describe(origin: Origin, *, timeout: float, memory: int | None) -> Origin:
    """Open it in a worker, and tell what it takes and gives.

    Raises
    ------
    ModelError
        Where it cannot be opened.
    WorkerError
        Where that crashes or passes a bound.
    """
    inputs, outputs, renamed = workers.call(
        f"{_module(origin.kind)}:describe",
        origin.path,
        origin.kind,
        name=f"reading {origin.name!r}",
        timeout=timeout,
        memory=memory,
    )
    return Origin(origin.name, origin.kind, origin.path, inputs, outputs, renamed)


def source_of(origin: Origin, sizes: Mapping[str, tuple[int | None, ...]]) -> Source:
    """Give it as what is converted, with inputs of these sizes."""
    names, outputs = (tuple(port.name for port in side) for side in (origin.inputs, origin.outputs))
    return Source(origin.path, origin.kind, names, outputs, names, dict(sizes))


def _module(kind: str) -> str:
    return f"{_ROOM}.{'jax' if kind == 'jax' else 'tensorflow'}"


def _require(kind: str) -> None:
    what = _WHAT[kind]
    MissingPartError.check(
        missing(f"{what[0].upper()}{what[1:]}", ("jax" if kind == "jax" else "tensorflow", TENSORFLOW))
    )


def _labelled(given: Any) -> bool:
    return isinstance(given, tuple) and len(given) == 2 and isinstance(given[0], str)


def _laid(path: Path, kind: str, folder: Path) -> str:
    """Give a file the ending by which Keras knows it, whatever it is called."""
    if kind == "saved_model":
        return str(path.absolute())
    with path.open("rb") as file:
        suffix = ".keras" if file.read(2) == b"PK" else ".h5"
    link = folder / f"model{suffix}"
    link.symlink_to(path.absolute())
    return str(link)


def _is_keras(value: Any) -> bool:
    kinds = {(kind.__module__.split(".")[0], kind.__name__) for kind in type(value).__mro__}
    return bool(kinds & {("keras", "Model"), ("tf_keras", "Model")})


def _saved(model: Any, folder: Path) -> tuple[Kind, str]:
    """Save a model of the notebook; one with code of the user's own as a saved model, which needs none of it."""
    layers = [model, *getattr(model, "_flatten_layers", lambda: ())()]
    try:
        if any(_is_own(type(layer)) for layer in layers):
            path = folder / "saved"
            model.export(str(path), format="tf_saved_model", verbose=False)
            return "saved_model", str(path)
        path = folder / "model.keras"
        model.save(str(path))
    except Exception as error:  # noqa: BLE001 - a user's layer may raise anything
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"Keras cannot save {model.name!r}: {type(error).__name__}: {reason}") from None
    return "keras", str(path)


def _is_own(kind: type) -> bool:
    return kind.__module__.split(".")[0] not in ("keras", "tf_keras") or kind.__name__ == "Lambda"


def _is_pair(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and _is_function(value[0])


def _is_function(value: Any) -> bool:
    """Tell a function; only those of JAX are models. A partial application, or what ``jax.jit`` gives, is one too."""
    kind = type(value)
    if inspect.isclass(value) or not callable(value):
        return False
    return inspect.isroutine(value) or (kind.__module__.split(".")[0], kind.__name__) in (
        ("functools", "partial"),
        ("jaxlib", "PjitFunction"),
    )


def _arrays(function: Any, example: Any, shapes: Any, data: Any) -> dict[str, Any]:
    """Find what a function is called with, by names."""
    import numpy as np

    from deploy_magics.converting.jax import arguments

    called = getattr(function, "__name__", "the function").strip("<>")
    if example is None and data is not None and not shapes:
        example = _read(data)
    if example is None:
        return _of_shapes(called, function, shapes)
    if isinstance(example, Mapping):
        found = dict(example)
    else:
        items = list(example) if isinstance(example, tuple | list) else [example]
        found = dict(zip(arguments(function, len(items)), items, strict=True))
    for name, value in found.items():
        if not hasattr(value, "dtype") and not isinstance(value, int | float | bool):
            raise ModelError(
                f"argument {name!r} of {called} is a {type(value).__name__}, and inputs are arrays",
                hint=f"bind it first: functools.partial({called}, {name})",
            )
    return {name: np.asarray(value) for name, value in found.items()}


def _of_shapes(called: str, function: Any, shapes: Any) -> dict[str, Any]:
    import numpy as np

    from deploy_magics.converting.jax import arguments

    if not shapes:
        raise ModelError(
            f"the inputs of {called} are not known",
            hint=f"give --shape name=1x28x28x1, --data, or a pair ({called}, (array, ...))",
        )
    names = arguments(function, len(shapes))
    made = {}
    for place, (name, shape) in enumerate(shapes.items()):
        if not all(isinstance(size, int) for size in shape):
            raise ArgumentError(f"--shape of {called}: the sizes of a JAX function are fixed", hint="give numbers only")
        made[name or names[place]] = np.broadcast_to(np.float32(0), tuple(shape))
    ordered = names if set(names) == set(made) else made
    return {name: made[name] for name in ordered}


def _read(data: Any) -> Any:
    """Give arrays by name from what ``--data`` names; a seed tells nothing of shapes."""
    import numpy as np

    if isinstance(data, int):
        return None
    if isinstance(data, str | os.PathLike):
        try:
            found = np.load(Path(os.fspath(data)).expanduser(), allow_pickle=False)
        except (OSError, ValueError) as error:
            raise ModelError(f"{str(data)!r} is no .npz file: {' '.join(str(error).split())[:120]}") from None
        return {name: found[name] for name in found.files} if hasattr(found, "files") else (found,)
    return data() if callable(data) else data


__all__ = ["Origin", "describe", "origin_of", "source_of"]
