"""Sizes and names of ONNX's element types, without importing onnx."""

from __future__ import annotations

from deploy_magics.model._spec import DTYPES, bytes_of

FLOATS = frozenset(number for number, name in DTYPES.items() if "float" in name or name.startswith("complex"))
"""Numbers (``onnx.TensorProto.DataType``) of the types that a weight may have."""


def dtype_name(dtype: int) -> str:
    """Name an element type as NumPy or ml_dtypes would.

    Examples
    --------
    >>> dtype_name(1), dtype_name(8), dtype_name(99)
    ('float32', 'string', 'type 99')
    """
    return DTYPES.get(dtype) or (f"type {dtype}" if dtype else "unknown")


def tensor_bytes(dtype: int, elements: int) -> int | None:
    """Count the bytes of a packed tensor; None where its type has no fixed size.

    Examples
    --------
    >>> tensor_bytes(1, 10), tensor_bytes(22, 3), tensor_bytes(8, 3)
    (40, 2, None)
    """
    return bytes_of(DTYPES.get(dtype, ""), (elements,))
