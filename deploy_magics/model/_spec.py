"""What an input or output looks like, and how much of anything is allowed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

Dim = int | str | None
"""A dimension: its size, the name of a symbolic one, or None where nothing is known."""

DTYPES: dict[int, str] = {
    1: "float32",
    2: "uint8",
    3: "int8",
    4: "uint16",
    5: "int16",
    6: "int32",
    7: "int64",
    8: "string",
    9: "bool",
    10: "float16",
    11: "float64",
    12: "uint32",
    13: "uint64",
    14: "complex64",
    15: "complex128",
    16: "bfloat16",
    17: "float8e4m3fn",
    18: "float8e4m3fnuz",
    19: "float8e5m2",
    20: "float8e5m2fnuz",
    21: "uint4",
    22: "int4",
    23: "float4e2m1",
    24: "float8e8m0",
    25: "uint2",
    26: "int2",
}
"""Names by ``TensorProto.DataType``; NumPy's where it has the type."""


@dataclass(frozen=True)
class Limits:
    """How much a model from outside may take.

    Attributes
    ----------
    max_bytes : int
        Bytes that one file, one feed or one folded constant may take.
    """

    max_bytes: int = 2 * 2**30


@dataclass(frozen=True)
class TensorSpec:
    """An input or output.

    Attributes
    ----------
    name : str
        Its name in the model.
    dtype : str
        ``"float32"``, ``"int64"``, ``"string"`` ...; ``"sequence(float32)"`` and the like for what is no tensor.
    shape : tuple of int, str or None, optional
        A number is fixed, a string symbolic, None unknown; the whole is None where not even the rank is known.

    Examples
    --------
    >>> str(TensorSpec("x", "float32", ("N", 3, 224, 224)))
    'x: float32[N, 3, 224, 224]'
    """

    name: str
    dtype: str
    shape: tuple[Dim, ...] | None

    def __str__(self) -> str:
        inside = "..." if self.shape is None else ", ".join("?" if d is None else str(d) for d in self.shape)
        return f"{self.name}: {self.dtype}[{inside}]"


def spec_of(value: onnx.ValueInfoProto) -> TensorSpec:
    """Read a spec from what the model says of a value."""
    kind = value.type.WhichOneof("value")
    if kind != "tensor_type":
        return TensorSpec(value.name, _type_name(value.type), None)
    tensor = value.type.tensor_type
    shape = shape_of(tensor.shape.dim) if tensor.HasField("shape") else None
    return TensorSpec(value.name, DTYPES.get(tensor.elem_type, f"dtype {tensor.elem_type}"), shape)


def shape_of(dims: Iterable[onnx.TensorShapeProto.Dimension]) -> tuple[Dim, ...]:
    """Read the dimensions of a shape."""
    shape: list[Dim] = []
    for dim in dims:
        kind = dim.WhichOneof("value")
        shape.append(dim.dim_value if kind == "dim_value" else (dim.dim_param or None) if kind else None)
    return tuple(shape)


def _type_name(kind: onnx.TypeProto) -> str:
    which = kind.WhichOneof("value")
    if which == "sequence_type":
        return f"sequence({_type_name(kind.sequence_type.elem_type)})"
    if which == "optional_type":
        return f"optional({_type_name(kind.optional_type.elem_type)})"
    if which == "map_type":
        key = DTYPES.get(kind.map_type.key_type, str(kind.map_type.key_type))
        return f"map({key}, {_type_name(kind.map_type.value_type)})"
    if which == "sparse_tensor_type":
        return f"sparse({DTYPES.get(kind.sparse_tensor_type.elem_type, str(kind.sparse_tensor_type.elem_type))})"
    return DTYPES.get(kind.tensor_type.elem_type, str(kind.tensor_type.elem_type)) if which else "untyped"
