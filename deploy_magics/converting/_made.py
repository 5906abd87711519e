"""What is asked of a conversion and what comes of it: plain data that travels to a worker and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from deploy_magics.errors import ModelError

Exporter = Literal["auto", "dynamo", "torchscript"]
Kind = Literal["onnx", "torch", "keras", "saved_model", "jax"]


@dataclass(frozen=True)
class Options:
    """How to convert.

    Attributes
    ----------
    opset : int, optional
        Version of the ONNX operators that is wanted; None for the one it has, or torch's usual one.
    external : bool
        Whether weights of an ONNX file go into a file beside it.
    exporter : {"auto", "dynamo", "torchscript"}
        Which of torch's exporters makes an ONNX file of a module.
    dynamic : mapping
        Dimensions that stay open, by input and axis: ``{"x": {0: "N"}}``.
    """

    opset: int | None = None
    external: bool = False
    exporter: Exporter = "auto"
    dynamic: Mapping[str, Mapping[int, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Source:
    """What is converted.

    Attributes
    ----------
    path : str
        An ONNX file; a torch module or JAX function with what it is called with, pickled; a Keras file; or a saved
        model's folder.
    kind : {"onnx", "torch", "keras", "saved_model", "jax"}
        Which of these.
    inputs, outputs : tuple of str
        Names, in order.
    known : tuple of str
        Inputs that the model has; a module may have arguments besides, on which nothing depends.
    sizes : mapping
        Shapes of inputs, None for a dimension that stays open; empty for those that they have.
    """

    path: str
    kind: Kind
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    known: tuple[str, ...] = ()
    sizes: Mapping[str, tuple[int | None, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Port:
    """An input or output of what was made, as that tells it.

    Attributes
    ----------
    name : str
        Its name; "" where the format keeps none.
    dtype : str
        As in :class:`deploy_magics.model.TensorSpec`; "" where it is not told.
    shape : tuple of int or None, optional
        Its dimensions, None for an open one; None where the format does not tell.
    """

    name: str
    dtype: str = ""
    shape: tuple[int | None, ...] | None = None


@dataclass(frozen=True)
class Made:
    """What a converter wrote.

    Attributes
    ----------
    main : str
        Name of the file or folder that is to be loaded, in the folder that was given.
    by : str
        Who made it, with the version: ``"openvino 2026.4.1"``.
    inputs, outputs : tuple of Port
        As they were read back from what was written.
    notes : tuple of str
        What a reader should know, one line each.
    renamed : mapping
        Names that the format does not allow, and what they became.
    fixes : bool
        Whether open dimensions of inputs were given sizes, since the converter leaves none open.
    """

    main: str
    by: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    notes: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    fixes: bool = False


def check_given(feeds: Mapping[str, object], names: Sequence[str], model: str) -> None:
    """Raise ModelError where an input that a model has was not given."""
    absent = [name for name in names if name not in feeds]
    if absent:
        raise ModelError(f"{model!r} has the inputs {', '.join(names)}; not given: {', '.join(absent)}")


__all__ = ["Exporter", "Kind", "Made", "Options", "Port", "Source", "check_given"]
