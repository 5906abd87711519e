"""Small constants that a model computes: conditions of an If, trip counts of a Loop.

Only numbers, truth values and sizes of known shapes are followed, through the few operations of which exporters make
such values, and only while they stay small. Everything else is unknown, which is always a sound answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from deploy_magics.counting.program import Op, Value

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

MAX_ELEMENTS = 1024
MAX_STEPS = 1024
"""A chain of more operations than this is not followed."""


class _Unknown(Exception):
    pass


def known_integer(value: Value | None) -> int | None:
    """Give the one number or truth value that a tensor holds at every inference; None where it is not known.

    Examples
    --------
    >>> from onnx import TensorProto, helper
    >>> known_integer(Value("n", tensor=helper.make_tensor("n", TensorProto.INT64, [1], [5]), constant=True))
    5
    >>> known_integer(Value("x")) is None
    True
    """
    array = _evaluate(value) if value is not None else None
    if array is None or array.size != 1:
        return None
    item = array.reshape(-1)[0]
    return None if item is None or item != item or abs(item) == float("inf") else int(item)


def _evaluate(wanted: Value) -> Array | None:
    """Compute a value from what it is made of; the walk has its own stack, since chains may be long."""
    known: dict[Value, Array | None] = {}
    stack, steps = [wanted], 0
    while stack:
        value = stack[-1]
        if value in known:
            stack.pop()
            continue
        steps += 1
        if steps > MAX_STEPS:
            return None
        op = value.producer
        if op is None or op.kind == "Constant":
            known[value] = _stored(value)
            continue
        rule = _RULES.get(op.kind)
        if rule is None or op.outputs[:1] != [value]:
            known[value] = None
            continue
        # Of these two the shape counts alone.
        needed = [] if op.kind in ("Shape", "Size") else [source for source in op.inputs if source is not None]
        missing = [source for source in needed if source not in known]
        if missing:
            if len(stack) + len(missing) > MAX_STEPS:
                return None
            stack.extend(missing)
            continue
        known[value] = _apply(rule, op, [None if source is None else known.get(source) for source in op.inputs])
    return known[wanted]


def _apply(rule: Callable[[Op, list[Any]], Any], op: Op, given: list[Array | None]) -> Array | None:
    import numpy as np

    if op.kind not in ("Shape", "Size") and any(
        array is None for array, source in zip(given, op.inputs, strict=True) if source is not None
    ):
        return None
    try:
        with np.errstate(all="ignore"):
            made = np.asarray(rule(op, given))
    except (_Unknown, TypeError, ValueError, IndexError, OverflowError):
        return None
    return made if made.size <= MAX_ELEMENTS and made.dtype.kind in "iubfO" else None


def _stored(value: Value) -> Array | None:
    import numpy as np
    from onnx import TensorProto, numpy_helper

    tensor = value.tensor
    if isinstance(tensor, TensorProto):
        size = 1
        for dim in tensor.dims:
            size *= dim
        if size > MAX_ELEMENTS or tensor.data_location == TensorProto.EXTERNAL:
            return None
        try:
            array = numpy_helper.to_array(tensor)
        except (ValueError, TypeError, KeyError, OverflowError):
            return None
        return array if array.dtype.kind in "iubf" else None
    if tensor is None and value.producer is not None:
        for name, dtype in (("value_int", np.int64), ("value_ints", np.int64), ("value_float", np.float32)):
            content = value.producer.attribute(name)
            if content is not None:
                return np.asarray(content, dtype)
    return None


def _dims(op: Op) -> list[int | None]:
    shape = op.source(0).shape
    if shape is None:
        raise _Unknown
    return [dim if isinstance(dim, int) else None for dim in shape]


def _array(numbers: list[int | None]) -> Array:
    import numpy as np

    # An unknown dimension stays None: picking another one out is fine, and computing with it fails.
    return np.array(numbers, np.int64 if None not in numbers else object)


def _shape(op: Op, given: list[Any]) -> Array:
    return _array(_dims(op)[slice(op.attribute("start", 0), op.attribute("end"))])


def _size(op: Op, given: list[Any]) -> Any:
    import numpy as np

    product = 1
    for dim in _dims(op):
        if dim is None:
            raise _Unknown
        product *= dim
    return np.int64(product)


def _cast(op: Op, given: list[Any]) -> Array:
    import numpy as np
    from onnx import helper

    dtype = np.dtype(helper.tensor_dtype_to_np_dtype(op.attribute("to", 0)))
    if dtype.kind not in "iubf" or any(item is None for item in given[0].reshape(-1)):
        raise _Unknown
    cast: Array = given[0].astype(dtype)
    return cast


def _axes(op: Op, given: list[Any]) -> tuple[int, ...] | None:
    axes = op.attribute("axes") if len(given) < 2 or given[1] is None else given[1].reshape(-1)
    return None if axes is None else tuple(int(axis) for axis in axes)


def _squeeze(op: Op, given: list[Any]) -> Array:
    import numpy as np

    squeezed: Array = np.squeeze(given[0], _axes(op, given))
    return squeezed


def _unsqueeze(op: Op, given: list[Any]) -> Array:
    import numpy as np

    return np.expand_dims(given[0], _axes(op, given) or ())


def _reshape(op: Op, given: list[Any]) -> Array:
    target = [int(dim) for dim in given[1].reshape(-1)]
    if 0 in target:  # copies a dimension, or stands for itself
        raise _Unknown
    shaped: Array = given[0].reshape(target)
    return shaped


def _gather(op: Op, given: list[Any]) -> Array:
    return given[0].take(given[1].astype(int), axis=op.attribute("axis", 0))  # type: ignore[no-any-return]


def _slice(op: Op, given: list[Any]) -> Array:
    if given[0].ndim != 1 or len(given) < 3:
        raise _Unknown
    step = int(given[4].reshape(-1)[0]) if len(given) > 4 and given[4] is not None else 1
    start, end = (int(array.reshape(-1)[0]) for array in given[1:3])
    if step < 1:
        raise _Unknown
    return given[0][start:end:step]  # type: ignore[no-any-return]


def _concat(op: Op, given: list[Any]) -> Array:
    import numpy as np

    return np.concatenate(given, axis=op.attribute("axis", 0))


def _reduced(name: str) -> Callable[[Op, list[Any]], Any]:
    def rule(op: Op, given: list[Any]) -> Any:
        axes = _axes(op, given)
        if axes == () or (axes is None and op.attribute("noop_with_empty_axes", 0)):
            raise _Unknown
        return getattr(given[0], name)(axis=axes, keepdims=bool(op.attribute("keepdims", 1)))

    return rule


def _divide(op: Op, given: list[Any]) -> Any:
    import numpy as np

    above, below = given
    if not np.all(below):
        raise _Unknown
    if above.dtype.kind == "f":
        return above / below
    # Integers are rounded towards zero.
    return (np.abs(above) // np.abs(below)) * (np.sign(above) * np.sign(below))


def _modulo(op: Op, given: list[Any]) -> Any:
    import numpy as np

    above, below = given
    if not np.all(below):
        raise _Unknown
    return np.fmod(above, below) if op.attribute("fmod", 0) else np.mod(above, below)


def _folded(name: str) -> Callable[[Op, list[Any]], Any]:
    def rule(op: Op, given: list[Any]) -> Any:
        import numpy as np

        compute: np.ufunc = getattr(np, name)
        if compute.nin == 1:
            return compute(given[0])
        made = given[0]
        for other in given[1:]:
            made = compute(made, other)
            if made.size > MAX_ELEMENTS:
                raise _Unknown
        return made

    return rule


_RULES: dict[str, Callable[[Op, list[Any]], Any]] = {
    "Identity": lambda op, given: given[0],
    "Shape": _shape,
    "Size": _size,
    "Cast": _cast,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Reshape": _reshape,
    "Gather": _gather,
    "Slice": _slice,
    "Concat": _concat,
    "Div": _divide,
    "Mod": _modulo,
    "ReduceProd": _reduced("prod"),
    "ReduceSum": _reduced("sum"),
    "ReduceMax": _reduced("max"),
    "ReduceMin": _reduced("min"),
    **{
        kind: _folded(name)
        for kind, name in {
            "Add": "add",
            "Sub": "subtract",
            "Mul": "multiply",
            "Max": "maximum",
            "Min": "minimum",
            "Neg": "negative",
            "Abs": "abs",
            "Floor": "floor",
            "Ceil": "ceil",
            "Not": "logical_not",
            "And": "logical_and",
            "Or": "logical_or",
            "Xor": "logical_xor",
            "Equal": "equal",
            "Less": "less",
            "LessOrEqual": "less_equal",
            "Greater": "greater",
            "GreaterOrEqual": "greater_equal",
        }.items()
    },
}
