"""Functions of JAX, in a worker: run, written as ONNX, and given to TensorFlow for TFLite."""

from __future__ import annotations

import inspect
import os
import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy_magics.converting._made import Kind, Options, Port, Source
from deploy_magics.converting.tensorflow import Opened, imported, name_dimensions, renamed, safe_names, traced
from deploy_magics.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_OPSET = 21


@dataclass(frozen=True)
class Packed:
    """A function and what it is called with.

    Attributes
    ----------
    function : callable
        Takes arrays by place.
    names : tuple of str
        What they are called.
    shapes : tuple of tuple of int
        Their sizes.
    dtypes : tuple of str
        Their types.
    """

    function: Callable[..., Any]
    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    dtypes: tuple[str, ...]


def pack(function: Any, names: Sequence[str], arrays: Sequence[NDArray[Any]], path: Path) -> None:
    """Write a function so that a worker can load it; nothing of JAX is imported.

    Raises
    ------
    ModelError
        Where it cannot be pickled.
    """
    import cloudpickle

    shapes, dtypes = tuple(array.shape for array in arrays), tuple(array.dtype.name for array in arrays)
    try:
        data = cloudpickle.dumps(Packed(function, tuple(names), shapes, dtypes))
    except Exception as error:  # noqa: BLE001 - whatever a user's function holds
        reason = " ".join(str(error).split())[:120]
        called = getattr(function, "__name__", type(function).__name__)
        raise ModelError(f"{called} cannot be sent to another process: {type(error).__name__}: {reason}") from None
    path.write_bytes(data)


def arguments(function: Any, count: int) -> list[str]:
    """Name the first arguments of a function.

    Examples
    --------
    >>> arguments(lambda image, scale: image, 2), arguments(max, 1)
    (['image', 'scale'], ['input_0'])
    """
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    places = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [parameter.name for parameter in parameters if parameter.kind in places]
    return names[:count] if len(names) >= count else [f"input_{place}" for place in range(count)]


def describe(path: str, kind: Kind) -> tuple[tuple[Port, ...], tuple[Port, ...], tuple[str, ...]]:
    """Tell inputs and outputs, and which of them were renamed; nothing is computed."""
    packed, by_name = _unpacked(path)
    found = _abstract(packed, by_name)
    outputs = tuple(Port(name, value.dtype.name, tuple(value.shape)) for name, value in found.items())
    return _inputs(packed), outputs, by_name.renamed


def load(path: Path, *, threads: int, options: Mapping[str, Any]) -> Session:
    """Load a function, in a worker: what it computes is what a conversion is held against.

    The file is that of ``options["source"]``, whatever ``path`` is: that is the model as others see it.
    """
    packed, by_name = _unpacked(options["source"].path)
    return Session(by_name, packed.names)


class Session:
    """A function that runs in this process; see :class:`deploy_magics.running.Session`."""

    def __init__(self, function: Callable[..., Mapping[str, Any]], names: Sequence[str]) -> None:
        import jax

        self._function = jax.jit(function)
        self._names = names
        self._given: list[Any] = []
        self._found: Mapping[str, Any] = {}

    def set_inputs(self, feeds: Mapping[str, NDArray[Any]]) -> None:
        """Place the inputs."""
        self._given = [feeds[name] for name in self._names]

    def run(self) -> None:
        """Run the function once."""
        import jax

        try:
            self._found = jax.block_until_ready(self._function(*self._given))
        except Exception as error:  # noqa: BLE001 - a user's function may raise anything
            raise ModelError(f"JAX cannot run it: {_said(error)}") from None

    def outputs(self) -> dict[str, NDArray[Any]]:
        """Copy out the outputs."""
        import numpy as np

        return {name: np.array(value) for name, value in self._found.items()}


def to_onnx(source: Source, target: Path, options: Options) -> str:
    """Write an ONNX file by jax2onnx; gives who made it.

    tf2onnx does not take what TensorFlow holds of a JAX function, which is StableHLO as a whole.

    Raises
    ------
    ModelError
        Where jax2onnx cannot.
    """
    from importlib.metadata import version

    import onnx

    packed, by_name = _unpacked(source.path)
    import jax2onnx

    names = list(_abstract(packed, by_name))
    try:
        model = jax2onnx.to_onnx(
            lambda *given: tuple(by_name(*given).values()), inputs=_specs(packed), opset=options.opset or _OPSET
        )
    except Exception as error:  # noqa: BLE001 - it raises anything
        raise ModelError(f"jax2onnx cannot convert it: {_said(error)}") from None
    if len(model.graph.input) != len(packed.names) or len(model.graph.output) != len(names):
        raise ModelError("jax2onnx left out an input or output, on which nothing depends")
    _rename(model, dict(zip([value.name for value in model.graph.input], packed.names, strict=True)))
    _rename(model, dict(zip([value.name for value in model.graph.output], names, strict=True)))
    name_dimensions(model, options.dynamic)
    onnx.save(model, str(target))
    return f"jax2onnx {version('jax2onnx')}"


def opened(source: Source) -> Opened:
    """Give the function to TensorFlow, as one of its own."""
    tf = imported()
    packed, by_name = _unpacked(source.path)
    from jax.experimental import jax2tf

    specs = [
        tf.TensorSpec(shape, port.dtype, name=port.name)
        for shape, port in zip(packed.shapes, _inputs(packed), strict=True)
    ]
    return traced(tf, jax2tf.convert(by_name), specs, None)


class _ByName:
    """A function that gives its results by names, and once it was traced knows these in order, and which are new."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self.names: list[str] = []
        self.renamed: tuple[str, ...] = ()

    def __call__(self, *given: Any) -> dict[str, Any]:
        import jax

        found = self._function(*given)
        if isinstance(found, Mapping) and all(hasattr(value, "dtype") for value in found.values()):
            self.names = safe_names(found)
            self.renamed = renamed(self.names, list(found))
            return dict(zip(self.names, found.values(), strict=True))
        leaves = jax.tree.leaves(found)
        self.names = [f"output_{place}" for place in range(len(leaves))]
        return dict(zip(self.names, leaves, strict=True))


def _unpacked(path: str) -> tuple[Packed, _ByName]:
    """Load a function, and what gives its results by names."""
    os.environ["JAX_PLATFORMS"] = "cpu"
    import jax

    # Sums in full float32, as the other side computes.
    jax.config.update("jax_default_matmul_precision", "highest")
    with Path(path).open("rb") as file:
        packed: Packed = pickle.load(file)

    return packed, _ByName(packed.function)


def _specs(packed: Packed) -> list[Any]:
    import jax

    pairs = zip(packed.shapes, packed.dtypes, strict=True)
    return [jax.ShapeDtypeStruct(shape, jax.dtypes.canonicalize_dtype(dtype)) for shape, dtype in pairs]


def _inputs(packed: Packed) -> tuple[Port, ...]:
    return tuple(
        Port(name, spec.dtype.name, tuple(spec.shape)) for name, spec in zip(packed.names, _specs(packed), strict=True)
    )


def _abstract(packed: Packed, by_name: _ByName) -> dict[str, Any]:
    """Trace it without computing anything."""
    import jax

    try:
        found: dict[str, Any] = jax.eval_shape(by_name, *_specs(packed))
    except Exception as error:  # noqa: BLE001 - a user's function may raise anything
        raise ModelError(f"JAX cannot trace it: {_said(error)}") from None
    if not found:
        raise ModelError("it gives no arrays")
    # JAX orders a dict by name; the order that counts is that of the function.
    return {name: found[name] for name in by_name.names}


def _rename(model: Any, names: Mapping[str, str]) -> None:
    """Rename inputs or outputs; a value inside that has a new name already gets another."""
    inner = {name for node in model.graph.node for name in (*node.input, *node.output)}
    inner |= {tensor.name for tensor in model.graph.initializer}
    moved = {new: f"{new}__inner" for new in names.values() if new in inner and new not in names}
    every = {**moved, **names}
    for node in model.graph.node:
        node.input[:] = [every.get(name, name) for name in node.input]
        node.output[:] = [every.get(name, name) for name in node.output]
    graph = model.graph
    for value in (*graph.input, *graph.output, *graph.value_info, *graph.initializer):
        value.name = every.get(value.name, value.name)


def _said(error: BaseException) -> str:
    return " ".join(str(error).split())[:240] or type(error).__name__


__all__ = ["Packed", "Session", "arguments", "describe", "load", "opened", "pack", "to_onnx"]
