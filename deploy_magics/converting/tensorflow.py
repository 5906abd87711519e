"""Keras models and TensorFlow's saved models, in a worker: opened as one function by names, run, written as ONNX."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy_magics.converting._made import Kind, Options, Port, Source
from deploy_magics.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_OPSET = 18
"""The newest that tf2onnx 1.17 writes."""


@dataclass(frozen=True)
class Opened:
    """A model as one function.

    Attributes
    ----------
    function : tf.function
        Takes tensors by place and gives a dict of them.
    inputs, outputs : tuple of Port
        What they are called, in order.
    keeps : object
        What owns the weights.
    package : module
        TensorFlow.
    renamed : tuple of str
        Names that TensorFlow does not allow and what they became, one line each.
    """

    function: Any
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    keeps: Any
    package: Any
    renamed: tuple[str, ...] = ()


def imported() -> Any:
    """Import TensorFlow: on the CPU, with few words, and as the backend of Keras."""
    os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1", KERAS_BACKEND="tensorflow")
    import tensorflow

    return tensorflow


def describe(path: str, kind: Kind) -> tuple[tuple[Port, ...], tuple[Port, ...], tuple[str, ...]]:
    """Tell the inputs and outputs of a model, and which of them were renamed."""
    found = opened(Source(path, kind, (), ()))
    return found.inputs, found.outputs, found.renamed


def opened(source: Source) -> Opened:
    """Open a Keras file or the folder of a saved model.

    Raises
    ------
    ModelError
        Where it is broken, needs classes that are not there, or does not tell its inputs.
    """
    tf = imported()
    if source.kind == "saved_model":
        owner, call, inputs = _of_folder(tf, source.path)
    else:
        owner, call, inputs = _of_keras(tf, source.path)
    names = safe_names([spec.name for spec in inputs])
    specs = [
        tf.TensorSpec(source.sizes.get(name, spec.shape), spec.dtype, name=name)
        for name, spec in zip(names, inputs, strict=True)
    ]
    found = traced(tf, call, specs, owner)
    return replace(found, renamed=(*renamed(names, [spec.name for spec in inputs]), *found.renamed))


def renamed(names: Sequence[str], old: Sequence[str]) -> tuple[str, ...]:
    """Say which names became others; the number that TensorFlow adds to a tensor is no part of a name."""
    pairs = zip(names, (re.sub(r":\d+$", "", str(name)) for name in old), strict=True)
    return tuple(f"{before!r} is called {after!r} there" for after, before in pairs if before != after)


def traced(tf: Any, call: Any, specs: Sequence[Any], owner: Any) -> Opened:
    """Make one function of what takes tensors by place and gives them by name.

    Raises
    ------
    ModelError
        Where it cannot be traced.
    """
    order: list[str] = []
    before: list[str] = []

    def named(*tensors: Any) -> dict[str, Any]:
        found = call(*tensors)
        order[:], before[:] = safe_names(found), list(found)
        return {name: tf.convert_to_tensor(found[old]) for name, old in zip(order, found, strict=True)}

    function = tf.function(named, input_signature=list(specs), autograph=False)
    try:
        outputs = function.get_concrete_function().structured_outputs
    except Exception as error:  # noqa: BLE001 - a model's own code may raise anything
        raise ModelError(f"TensorFlow cannot trace it: {_said(error)}") from None
    return Opened(
        function,
        tuple(_port(spec.name, spec) for spec in specs),
        tuple(_port(name, outputs[name]) for name in order),
        owner,
        tf,
        renamed(order, before),
    )


def safe_names(names: Sequence[str] | Mapping[str, Any]) -> list[str]:
    """Give names that TensorFlow allows for nodes, each once.

    Examples
    --------
    >>> safe_names(["my image:0", "<b>", "_b_", "x"])
    ['my_image', '_b_', '_b__1', 'x']
    """
    found: list[str] = []
    for name in names:
        base = re.sub(r"[^A-Za-z0-9_.]", "_", re.sub(r":\d+$", "", str(name))) or "_"
        others = (base if not number else f"{base}_{number}" for number in range(len(found) + 1))
        found.append(next(other for other in others if other not in found))
    return found


def load(path: Path, *, threads: int, options: Mapping[str, Any]) -> Session:
    """Load a model, in a worker: what it computes is what a conversion is held against.

    The file is that of ``options["source"]``, whatever ``path`` is: that is the model as others see it.
    """
    tf = imported()
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    return Session(opened(options["source"]))


class Session:
    """A function that runs in this process; see :class:`deploy_magics.running.Session`."""

    def __init__(self, found: Opened) -> None:
        self._opened = found
        self._given: list[Any] = []
        self._found: Mapping[str, Any] = {}

    def set_inputs(self, feeds: Mapping[str, NDArray[Any]]) -> None:
        """Place the inputs."""
        tf = self._opened.package
        self._given = [tf.convert_to_tensor(feeds[port.name], dtype=port.dtype) for port in self._opened.inputs]

    def run(self) -> None:
        """Run the model once."""
        try:
            self._found = self._opened.function(*self._given)
        except Exception as error:  # noqa: BLE001 - a model's own code may raise anything
            raise ModelError(f"TensorFlow cannot run it: {_said(error)}") from None

    def outputs(self) -> dict[str, NDArray[Any]]:
        """Copy out the outputs."""
        return {name: value.numpy() for name, value in self._found.items()}


def to_onnx(source: Source, target: Path, options: Options) -> str:
    """Write an ONNX file by tf2onnx; gives who made it.

    Keras' own ``export(format="onnx")`` calls tf2onnx as well, and neither takes saved models nor keeps the names of
    outputs; tf2onnx 1.17 works with NumPy 2 and protobuf 7 as it is.

    Raises
    ------
    ModelError
        Where tf2onnx cannot.
    """
    import onnx
    import tf2onnx

    found = opened(source)
    specs = found.function.input_signature
    try:
        model, _ = tf2onnx.convert.from_function(found.function, specs, opset=options.opset or _OPSET)
    except Exception as error:  # noqa: BLE001 - it raises anything
        raise ModelError(f"tf2onnx cannot convert it: {_said(error)}") from None
    name_dimensions(model, options.dynamic)
    onnx.save(model, str(target))
    return f"tf2onnx {tf2onnx.__version__.split('/')[0]}"


def name_dimensions(model: Any, dynamic: Mapping[str, Mapping[int, str]]) -> None:
    """Give open dimensions of inputs their names, in place of those that a converter made up."""
    for value in model.graph.input:
        for axis, name in dynamic.get(value.name, {}).items():
            value.type.tensor_type.shape.dim[axis].dim_param = name
    for value in model.graph.output:
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param:
                dim.ClearField("dim_param")


def _of_folder(tf: Any, path: str) -> tuple[Any, Any, list[Any]]:
    try:
        loaded = tf.saved_model.load(path)
    except Exception as error:  # noqa: BLE001 - a broken file raises anything
        raise ModelError(f"TensorFlow does not read this saved model: {_said(error)}") from None
    known = dict(loaded.signatures)
    if not known:
        raise ModelError(
            "this saved model has no signature, so its inputs are not known",
            hint="save it with tf.saved_model.save(model, folder, signatures=...)",
        )
    name = "serving_default" if "serving_default" in known else next(iter(known))
    if name != "serving_default" and len(known) > 1:
        raise ModelError(
            f"this saved model has the signatures {', '.join(sorted(known))}, and none called serving_default",
            hint="save it with one",
        )
    signature = known[name]
    given = signature.structured_input_signature[1]
    keys = list(given)

    def call(*tensors: Any) -> Any:
        return signature(**dict(zip(keys, tensors, strict=True)))

    inputs = [tf.TensorSpec(given[key].shape, given[key].dtype, name=key) for key in keys]
    return loaded, call, inputs


def _of_keras(tf: Any, path: str) -> tuple[Any, Any, list[Any]]:
    import keras

    try:
        model = keras.saving.load_model(path, compile=False)
    except Exception as error:  # noqa: BLE001 - a broken file raises anything
        # It quotes the whole configuration, and says what is wrong at the end.
        text = " ".join(str(error).rpartition("Exception encountered: ")[2].split())[:240] or type(error).__name__
        own = "Could not locate class" in text or "Lambda" in text
        hint = "load it where its code is defined, and give the model itself" if own else None
        raise ModelError(f"Keras does not read it: {text}", hint=hint) from None
    try:
        tensors = list(model.inputs or ())
    except (AttributeError, ValueError):
        tensors = []
    if not tensors:
        return _of_subclass(tf, model)
    in_a_row = isinstance(model, keras.Sequential)
    takes = tensors[0] if in_a_row else model.input
    if in_a_row:
        names = [model.layers[-1].name]
    else:
        names = list(model.output) if isinstance(model.output, Mapping) else list(model.output_names)

    def call(*given: Any) -> dict[str, Any]:
        found = model(keras.tree.pack_sequence_as(takes, list(given)), training=False)
        if isinstance(found, Mapping):
            return dict(found)
        return dict(zip(safe_names(names), keras.tree.flatten(found), strict=True))

    return model, call, [tf.TensorSpec(tensor.shape, tensor.dtype, name=tensor.name) for tensor in tensors]


def _of_subclass(tf: Any, model: Any) -> tuple[Any, Any, list[Any]]:
    """Open a model that is code and no graph of layers, by what Keras exports of it."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            model.export(folder, format="tf_saved_model", verbose=False)
        except Exception as error:  # noqa: BLE001 - a model's own code may raise anything
            raise ModelError(
                f"Keras does not know its inputs: {_said(error)}", hint="call it on an example, then save it again"
            ) from None
        return _of_folder(tf, folder)


def _port(name: str, spec: Any) -> Port:
    shape = None if spec.shape.rank is None else tuple(spec.shape.as_list())
    return Port(name, spec.dtype.name, shape)


def _said(error: BaseException) -> str:
    return " ".join(str(error).split())[:240] or type(error).__name__


__all__ = [
    "Opened",
    "Session",
    "describe",
    "imported",
    "load",
    "name_dimensions",
    "opened",
    "renamed",
    "safe_names",
    "to_onnx",
    "traced",
]
