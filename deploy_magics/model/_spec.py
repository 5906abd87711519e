"""What an input or output looks like, and how much of anything is allowed."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    import numpy as np
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
    27: "float6e2m3",
    28: "float6e3m2",
}
"""Names by ``TensorProto.DataType``; NumPy's where it has the type."""

_BITS = {
    **dict.fromkeys(("bool", "uint8", "int8", "float8e4m3fn", "float8e4m3fnuz", "float8e5m2", "float8e5m2fnuz"), 8),
    **dict.fromkeys(("uint16", "int16", "float16", "bfloat16"), 16),
    **dict.fromkeys(("uint32", "int32", "float32"), 32),
    **dict.fromkeys(("uint64", "int64", "float64", "complex64"), 64),
    **dict.fromkeys(("uint4", "int4", "float4e2m1"), 4),
    **dict.fromkeys(("uint2", "int2"), 2),
    "float8e8m0": 8,
    "complex128": 128,
}


def bytes_of(dtype: str, shape: Iterable[int]) -> int | None:
    """Give the bytes that a tensor takes; None for strings and other types without a fixed size.

    Four and two bit types are packed.

    Examples
    --------
    >>> bytes_of("float32", (1, 3, 224, 224)), bytes_of("int4", (3,)), bytes_of("string", (3,))
    (602112, 2, None)
    """
    bits = _BITS.get(dtype)
    return None if bits is None else (math.prod(shape) * bits + 7) // 8


def numpy_dtype(dtype: str) -> np.dtype[Any]:
    """Give NumPy's type of that name, from ml_dtypes for the narrow floats and integers.

    Raises
    ------
    TypeError
        Where there is none.
    """
    import numpy as np

    if dtype == "string":
        return np.dtype(object)
    try:
        plain: np.dtype[Any] = np.dtype(dtype)
        return plain
    except TypeError:
        import ml_dtypes

        names = {"float8e4m3fn": "float8_e4m3fn", "float8e4m3fnuz": "float8_e4m3fnuz", "float8e5m2": "float8_e5m2"}
        names |= {"float8e5m2fnuz": "float8_e5m2fnuz", "float8e8m0": "float8_e8m0fnu", "float4e2m1": "float4_e2m1fn"}
        names |= {"float6e2m3": "float6_e2m3fn", "float6e3m2": "float6_e3m2fn"}
        found = getattr(ml_dtypes, names.get(dtype, dtype), None)
        if found is None:
            raise
        narrow: np.dtype[Any] = np.dtype(found)
        return narrow


@dataclass(frozen=True)
class Limits:
    """How much a model from outside may take.

    Attributes
    ----------
    max_bytes : int
        Bytes that the inputs of one run, one weight that is read, or one folded constant may take.

    Notes
    -----
    Where none is given, ``Limits.default_max_bytes`` holds; in a notebook ``%config DeployMagics.max_bytes`` sets it.
    """

    default_max_bytes: ClassVar[int] = 2 * 2**30
    max_bytes: int = field(default_factory=lambda: Limits.default_max_bytes)


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

    @property
    def is_tensor(self) -> bool:
        """Whether it is a tensor: not a sequence, map, optional or something without a type."""
        return not self.dtype.endswith(")") and self.dtype != "untyped"

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
        if kind == "dim_value":
            # Runtimes take a negative size as unknown.
            shape.append(dim.dim_value if dim.dim_value >= 0 else None)
        else:
            shape.append(dim.dim_param or None)
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
