"""Operators that TVM's importer reads in a form that runs slowly, read in a form that fuses.

Its ``Clip`` becomes two opaque functions, and its ``Sum``, ``Max``, ``Min`` and ``Mean`` stack their inputs in memory
to reduce them again; none of these is fused with the convolution before it. Its ``Gather`` computes at run time which
of its indices are negative, and folding that takes a compilation for each operator. Weights behind a
``DequantizeLinear`` are no constants to it, so they could not be packed. Its ``Resize`` takes the ratio of the sizes
for the scale, which is another one where 7 rows become 3 by a scale of 0.5.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def fusing() -> Iterator[None]:
    """Have the importer use the converters here while the block lasts."""
    from tvm.relax.frontend.onnx import onnx_frontend

    clip, many, gather = onnx_frontend.Clip, onnx_frontend.MultiInputBase, onnx_frontend.Gather
    dequantize, resize = onnx_frontend.DequantizeLinear, onnx_frontend.Resize
    ours = {
        **{
            (dequantize, name): classmethod(_dequantize(vars(dequantize)[name].__func__))
            for name in vars(dequantize)
            if name.startswith("_impl_v")
        },
        (clip, "_impl_v1"): classmethod(_clip_of_attributes),
        (clip, "_impl_v11"): classmethod(_clip(clip._impl_v11)),
        (clip, "_impl_v13"): classmethod(_clip(clip._impl_v13)),
        (many, "_impl_v1"): classmethod(_pairwise(many._impl_v1.__func__)),
        (gather, "_impl_v13"): classmethod(_gather(gather._impl_v13.__func__)),
        (resize, "_impl_v18"): classmethod(_resize(resize._impl_v18.__func__)),
    }
    theirs = {place: vars(place[0])[place[1]] for place in ours}
    try:
        for (owner, name), converter in ours.items():
            setattr(owner, name, converter)
        yield
    finally:
        for (owner, name), converter in theirs.items():
            setattr(owner, name, converter)


def _clip_of_attributes(_: Any, builder: Any, inputs: Any, attrs: Any, params: Any) -> Any:
    low, high = (float(attrs.get(name, default)) for name, default in (("min", -math.inf), ("max", math.inf)))
    return _clipped(builder, inputs[0], low, high)


def _clip(theirs: Any) -> Any:
    def convert(_: Any, builder: Any, inputs: Any, attrs: Any, params: Any) -> Any:
        low, high = _bound(inputs, 1, -math.inf), _bound(inputs, 2, math.inf)
        if low is None or high is None or not str(inputs[0].ty.dtype).startswith("float"):
            return theirs(builder, inputs, attrs, params)
        return _clipped(builder, inputs[0], low, high)

    return convert


def _clipped(builder: Any, data: Any, low: float, high: float) -> Any:
    from tvm import relax

    # Where the limits cross, ONNX means the upper one.
    return builder.emit(relax.op.clip(data, min(low, high), high))


def _bound(inputs: Any, place: int, default: float) -> float | None:
    """Read a bound: the default where there is none or it is not a number; None where it is no constant."""
    from tvm.ir import GenericConst

    bound = inputs[place] if len(inputs) > place else None
    if bound is None:
        return default
    if not isinstance(bound, GenericConst):
        return None
    value = float(bound.value.numpy().reshape(()))
    return default if math.isnan(value) else value


def _pairwise(theirs: Any) -> Any:
    def convert(cls: Any, builder: Any, inputs: Any, attrs: Any, params: Any) -> Any:
        from tvm.ir import GenericConst

        given = [each for each in inputs if each is not None]
        if cls.binary_op is None or all(isinstance(each, GenericConst) for each in given):
            return theirs(cls, builder, inputs, attrs, params)
        return given[0] if len(given) == 1 else builder.normalize(cls._impl_dynamic(builder, given))

    return convert


def _gather(theirs: Any) -> Any:
    def convert(cls: Any, builder: Any, inputs: Any, attrs: Any, params: Any) -> Any:
        data, indices = inputs
        taken = _taken(data, indices, int(attrs.get("axis", 0)))
        return theirs(cls, builder, inputs, attrs, params) if taken is None else taken

    return convert


def _taken(data: Any, indices: Any, axis: int) -> Any:
    """Take at constant indices, the negative ones counted from the end here; None where that cannot be said now."""
    import numpy as np
    from tvm import relax, tirx
    from tvm.ir import GenericConst

    if not isinstance(indices, GenericConst) or isinstance(data, GenericConst | relax.ShapeExpr):
        return None
    shape = getattr(data.ty, "shape", None)
    if not isinstance(shape, relax.ShapeExpr) or not all(isinstance(extent, tirx.IntImm) for extent in shape):
        return None
    sizes = [int(extent) for extent in shape]
    axis %= len(sizes)
    places = indices.value.numpy().astype(np.int64)
    places = np.where(places < 0, places + sizes[axis], places)
    if places.size == 0 or places.min() < 0 or places.max() >= sizes[axis]:
        return None
    if places.size > 1:
        return relax.op.take(data, relax.const(places), axis)
    place = int(places.reshape(()))
    part = relax.op.strided_slice(data, [axis], [place], [place + 1])
    return relax.op.reshape(part, [*sizes[:axis], *places.shape, *sizes[axis + 1 :]])


def _dequantize(theirs: Any) -> Any:
    def convert(cls: Any, builder: Any, inputs: Any, attrs: Any, params: Any) -> Any:
        made = theirs(cls, builder, inputs, attrs, params)
        return _dequantized(made) or made

    return convert


def _dequantized(call: Any) -> Any:
    """Give the values where the operator's inputs are all constants; None otherwise."""
    import numpy as np
    from tvm import relax
    from tvm.ir import GenericConst

    data, scale, zero = call.args
    if not all(isinstance(each, GenericConst) for each in (data, scale, zero)):
        return None
    values = data.value.numpy()

    def along(constant: Any) -> Any:
        array = constant.value.numpy()
        if array.size == 1:
            return array.reshape(())
        shape = [1] * values.ndim
        shape[int(call.attrs.axis)] = array.size
        return array.reshape(shape)

    # Floats of 8 bits are not rounded to integers on the way.
    between = np.int32 if np.issubdtype(values.dtype, np.integer) else np.float32
    found = (values.astype(between) - along(zero).astype(between)) * along(scale)
    return relax.const(found.astype(str(call.attrs.out_dtype)))


def _resize(theirs: Any) -> Any:
    def convert(cls: Any, builder: Any, inputs: Any, attrs: Any, params: Any) -> Any:
        scales = _uneven(inputs)
        return theirs(cls, builder, inputs, attrs, params) if scales is None else _resized(inputs[0], scales, attrs)

    return convert


def _uneven(inputs: Any) -> list[float] | None:
    """Give the scales of a Resize that are not the ratio of the sizes; None where they are, or are not known."""
    from tvm import relax, tirx
    from tvm.ir import GenericConst

    given = inputs[2] if len(inputs) > 2 else None
    shape = getattr(inputs[0].ty, "shape", None)
    if not isinstance(given, GenericConst) or not isinstance(shape, relax.ShapeExpr):
        return None
    scales = [float(each) for each in given.value.numpy().ravel()]
    if len(scales) != len(shape) or not all(isinstance(extent, tirx.IntImm) for extent in shape):
        return None
    made = [scale * int(extent) for scale, extent in zip(scales, shape, strict=True)]
    return scales if any(abs(each - math.floor(each + 1e-4)) > 1e-4 for each in made) else None


def _resized(data: Any, scales: list[float], attrs: Any) -> Any:
    """Resize by one product with a matrix a dimension, which holds what ONNX's own implementation weighs by."""
    import numpy as np
    import onnx
    from onnx.reference import ReferenceEvaluator
    from tvm import relax

    given = {name: value for name, value in attrs.items() if name not in ("axes", "tvm_custom")}
    node = onnx.helper.make_node("Resize", ["x", "", "scales"], ["y"], **given)
    last = len(scales) - 1
    for axis, scale in enumerate(scales):
        size = int(data.ty.shape[axis])
        if scale == 1:
            continue
        [matrix] = ReferenceEvaluator(node).run(
            None, {"x": np.eye(size, dtype=np.float32), "scales": np.array([1, scale], np.float32)}
        )
        order = [place for place in range(last + 1) if place != axis] + [axis]
        turned = data if axis == last else relax.op.permute_dims(data, order)
        product = relax.op.matmul(turned, relax.const(np.asarray(matrix, str(data.ty.dtype))))
        back = [*range(axis), last, *range(axis, last)]
        data = product if axis == last else relax.op.permute_dims(product, back)
        data = relax.BlockBuilder.current().normalize(data)
    return data
