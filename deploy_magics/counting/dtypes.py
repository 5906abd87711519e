"""Sizes and names of ONNX's element types, without importing onnx."""

from __future__ import annotations

_TYPES: dict[int, tuple[str, int]] = {
    1: ("float32", 32),
    2: ("uint8", 8),
    3: ("int8", 8),
    4: ("uint16", 16),
    5: ("int16", 16),
    6: ("int32", 32),
    7: ("int64", 64),
    9: ("bool", 8),
    10: ("float16", 16),
    11: ("float64", 64),
    12: ("uint32", 32),
    13: ("uint64", 64),
    14: ("complex64", 64),
    15: ("complex128", 128),
    16: ("bfloat16", 16),
    17: ("float8e4m3fn", 8),
    18: ("float8e4m3fnuz", 8),
    19: ("float8e5m2", 8),
    20: ("float8e5m2fnuz", 8),
    21: ("uint4", 4),
    22: ("int4", 4),
    23: ("float4e2m1", 4),
    24: ("float8e8m0", 8),
    25: ("uint2", 2),
    26: ("int2", 2),
}
"""``onnx.TensorProto.DataType`` to name and bits (onnx.proto, enum DataType); 8 is string, which has no fixed size."""

FLOATS = frozenset({1, 10, 11, 14, 15, 16, 17, 18, 19, 20, 23, 24})


def dtype_name(dtype: int) -> str:
    """Name an element type as NumPy or ml_dtypes would.

    Examples
    --------
    >>> dtype_name(1), dtype_name(8), dtype_name(99)
    ('float32', 'string', 'type 99')
    """
    if dtype in _TYPES:
        return _TYPES[dtype][0]
    return {0: "unknown", 8: "string"}.get(dtype, f"type {dtype}")


def tensor_bytes(dtype: int, elements: int) -> int | None:
    """Count the bytes of a packed tensor; None where its type has no fixed size.

    Examples
    --------
    >>> tensor_bytes(1, 10), tensor_bytes(22, 3), tensor_bytes(8, 3)
    (40, 2, None)
    """
    if dtype not in _TYPES:
        return None
    return (elements * _TYPES[dtype][1] + 7) // 8
