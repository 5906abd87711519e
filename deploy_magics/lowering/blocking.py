"""Channel-blocked layouts for a whole graph: tensors of (N, C, H, W) become (N, C/L, H, W, L).

``L`` is the width of a vector register, so that a convolution computes L output channels with one instruction and
reads its weights, packed in advance, one vector after the other. A tensor stays blocked from operator to operator;
where one does not take it so, it is brought back, and what needed no change is left as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import prod
from typing import TYPE_CHECKING, Any, TypeAlias

from deploy_magics.lowering import _filling, computes, packing
from deploy_magics.lowering._rebuild import Rebuild, Value, static_shape

if TYPE_CHECKING:
    import numpy as np

    Array: TypeAlias = np.ndarray[Any, Any]

_UNARY = (
    *("nn.relu", "nn.relu6", "nn.leakyrelu", "nn.gelu", "nn.gelu_tanh", "nn.silu", "nn.softplus", "clip", "sigmoid"),
    *("tanh", "abs", "negative", "exp", "erf", "floor", "ceil", "round", "sin", "cos", "square"),
)
_BINARY = ("add", "subtract", "multiply", "divide", "maximum", "minimum")
# Fused with what comes after it but with no convolution before it, as TVM's fusion calls it (relax/op_attr_types.h).
_INJECTIVE = 2
_REDUCTIONS = ("mean", "max", "min", "sum")
# With fewer input channels than this share of a block, most of a blocked input would be filling.
_LEAST_FILLED = 0.5


def blocked(mod: Any, lanes: int) -> Any:
    """Give the module with its convolutions, and what lies between them, in blocked layouts.

    Parameters
    ----------
    mod : tvm.IRModule
        As imported: function ``main``, static shapes, weights as constants.
    lanes : int
        Channels of a block.
    """
    from tvm import relax

    return relax.transform.DeadCodeElimination()(_Blocking(mod, lanes).run())


class _Blocking(Rebuild):
    """The operators that take tensors in blocks."""

    def __init__(self, mod: Any, lanes: int) -> None:
        super().__init__(mod, lanes)
        handlers: dict[str, Callable[[Any], Value | None]] = {
            "nn.conv2d": self._convolution,
            "nn.conv2d_transpose": self._transposed,
            "nn.batch_norm": self._batch_norm,
            "nn.max_pool2d": self._pool,
            "nn.avg_pool2d": self._pool,
            "nn.pad": self._pad,
            "matmul": self._matmul,
            "reshape": self._reshape,
            "permute_dims": self._transpose,
            "concat": self._concat,
            "quantize": self._requantised,
            "dequantize": self._requantised,
            **dict.fromkeys(_UNARY, self._unary),
            **dict.fromkeys(_BINARY, self._binary),
            **dict.fromkeys(_REDUCTIONS, self._reduction),
        }
        self._handlers = {f"relax.{name}": handler for name, handler in handlers.items()}

    def _convolution(self, expr: Any) -> Value | None:
        from tvm import relax

        attrs, data, weight = expr.attrs, self._value(expr.args[0]), self._value(expr.args[1]).constant
        layouts = (attrs.data_layout, attrs.kernel_layout, attrs.out_layout)
        if weight is None or weight.ndim != 4 or layouts != ("NCHW", "OIHW", "NCHW") or str(weight.dtype) != "float32":
            return None
        window = computes.Window.of(attrs)
        groups, (out, into) = int(attrs.groups), weight.shape[:2]
        lanes = self._lanes
        if into == 1 and out == groups > 1:
            packed = relax.const(packing.pack_depthwise(weight, lanes))
            return self._emit(
                computes.depthwise, self._blocked(data), packed, name="depthwise", channels=out, window=window
            )
        if groups > 1 and (into % lanes or out // groups % lanes):
            source = self._blocked(data) if data.is_blocked else self._plain(data)
            packed = relax.const(packing.pack_groups(weight, lanes, groups))
            options = {"window": window, "groups": groups, "channels": out}
            return Value(plain=self._call(computes.grouped, source, packed, name="conv2d", **options))
        pieces = self._pieces_of(expr.args[0]) if groups == 1 else ()
        if pieces:
            return self._convolution_of_pieces(pieces, weight, window)
        few = groups == 1 and not data.is_blocked and into < _LEAST_FILLED * lanes
        packed = relax.const(packing.pack_convolution(weight, lanes, into if few else lanes))
        source = self._plain(data) if few else self._blocked(data)
        return self._emit(
            computes.convolution, source, packed, name="conv2d", channels=out, window=window, groups=groups
        )

    def _transposed(self, expr: Any) -> Value | None:
        """Convolve once for all phases of a transposed convolution, and put these side by side."""
        from tvm import relax

        attrs, data, weight = expr.attrs, self._value(expr.args[0]), self._value(expr.args[1]).constant
        layouts = (attrs.data_layout, attrs.kernel_layout, attrs.out_layout)
        given, made = static_shape(expr.args[0]), static_shape(expr)
        if weight is None or weight.ndim != 4 or layouts != ("NCHW", "IOHW", "NCHW") or str(weight.dtype) != "float32":
            return None
        if given is None or made is None or int(attrs.groups) != 1 or any(int(each) != 1 for each in attrs.dilation):
            return None
        stride = [int(each) for each in attrs.strides]
        before, size = [int(each) for each in attrs.padding[:2]], made[2:]
        kernels = packing.by_phase(weight, stride)
        ends = [(extent - 1 + cut) // step for extent, cut, step in zip(size, before, stride, strict=True)]
        past = [end + 1 - extent for end, extent in zip(ends, given[2:], strict=True)]
        above, left = (each - 1 for each in kernels.shape[2:])
        window = computes.Window((1, 1), (above, left, max(0, past[0]), max(0, past[1])), (1, 1))
        packed = relax.const(packing.pack_convolution(kernels, self._lanes, self._lanes))
        phases = self._call(computes.convolution, self._blocked(data), packed, name="conv2d", window=window)
        spread = partial(computes.spread, channels=made[1], stride=stride, before=before, size=size)
        return Value(plain=self._builder.emit_te(spread, phases, primfunc_name_hint="spread"))

    def _convolution_of_pieces(self, pieces: tuple[Value, ...], weight: Array, window: computes.Window) -> Value:
        """Convolve tensors that lie side by side without putting them together: each with its weights, and add."""
        from tvm import relax

        total, begin = None, 0
        for piece in pieces:
            packed = packing.pack_convolution(weight[:, begin : begin + piece.channels], self._lanes, self._lanes)
            begin += piece.channels
            made = self._call(computes.convolution, piece.blocked, relax.const(packed), name="conv2d", window=window)
            total = made if total is None else self._builder.emit(relax.op.add(made, total))
        return Value(blocked=total, channels=len(weight))

    def _pieces_of(self, expr: Any) -> tuple[Value, ...]:
        """Give what a tensor is put together from, where nobody else needs it in one piece."""
        value = self._value(expr)
        if value.blocked is not None or value.plain is not None or self._uses[expr] > 1:
            return ()
        return value.pieces

    def _batch_norm(self, expr: Any) -> Value | None:
        """Take a normalisation with constants apart: one factor and one addend a channel."""
        from tvm import relax

        data = self._value(expr.args[0])
        constants = [each for arg in expr.args[1:5] if (each := self._value(arg).constant) is not None]
        if not data.is_blocked or int(expr.attrs.axis) != 1 or len(constants) < 4:
            return None
        gamma, beta, mean, variance = constants
        factor = 1.0 / (variance + float(expr.attrs.epsilon)) ** 0.5
        if expr.attrs.scale:
            factor = factor * gamma
        addend = -mean * factor + (beta if expr.attrs.center else 0.0)
        whole = self._blocked(data)
        dtype = str(whole.ty.dtype)
        scaled = self._builder.emit(relax.op.multiply(whole, self._per_channel(factor.astype(dtype))))
        made = self._builder.emit(relax.op.add(scaled, self._per_channel(addend.astype(dtype))))
        normalised = Value(blocked=made, channels=data.channels)
        return Value(parts=(normalised, Value(constant=mean), Value(constant=variance)))

    def _per_channel(self, values: Array, fill: float = 0.0) -> Any:
        from tvm import relax

        return relax.const(packing.pack_channels(values, self._lanes, fill))

    def _fits(self, channels: int, most: float) -> bool:
        """Tell whether filling of this magnitude can be multiplied with zero."""
        return channels % self._lanes == 0 or most < _filling.LIMIT

    def _unary(self, expr: Any) -> Value | None:
        from tvm import relax

        value = self._value(expr.args[0])
        if not value.is_blocked:
            return None
        bounds = tuple(float(each.value) for each in expr.args[1:])
        most = _filling.unary(expr.op.name.removeprefix("relax."), expr.attrs, bounds, value.most)
        if not self._fits(value.channels, most):
            return None
        made = relax.Call(expr.op, [self._blocked(value), *expr.args[1:]], expr.attrs, expr.ty_args)
        return Value(blocked=self._builder.emit(made), channels=value.channels, most=most)

    def _requantised(self, expr: Any) -> Value | None:
        """Go to integers, or back, by one scale for all channels."""
        from tvm import relax

        value, *scales = [self._value(arg) for arg in expr.args]
        if not value.is_blocked or any(each.constant is None or each.constant.size > 1 for each in scales):
            return None
        scalars = [relax.const(each.constant.reshape(())) for each in scales]  # type: ignore[union-attr]
        made = relax.Call(expr.op, [self._blocked(value), *scalars], expr.attrs, expr.ty_args)
        most = _filling.INTEGERS
        if expr.op.name == "relax.dequantize":
            most = 2.0 * most * abs(float(scalars[0].value.numpy()))
        if not self._fits(value.channels, most):
            return None
        return Value(blocked=self._builder.emit(made), channels=value.channels, most=most)

    def _binary(self, expr: Any) -> Value | None:
        from tvm import relax

        values = [self._value(arg) for arg in expr.args]
        shape = static_shape(expr)
        if shape is None or len(shape) != 4 or not any(value.is_blocked for value in values):
            return None
        divides = expr.op.name.endswith("divide")
        if divides and values[1].constant is None and shape[1] % self._lanes:
            return None  # the filling would be divided by zero
        parts = [self._operand(value, shape[1], fill=1.0 if divides else 0.0) for value in values]
        if any(part is None for part in parts):
            return None
        (left, _), (right, divisor) = (_magnitudes(value) for value in values)
        most = _filling.binary(expr.op.name.removeprefix("relax."), left, right, divisor=divisor)
        if not self._fits(shape[1], most):
            return None
        varying = [static_shape(arg) for arg, value in zip(expr.args, values, strict=True) if value.constant is None]
        if shape[2:] != [1, 1] and any(each is not None and each[2:] == [1, 1] for each in varying):
            made = self._across(expr.op.name.rpartition(".")[2], parts)
        else:
            made = self._builder.emit(relax.Call(expr.op, parts, expr.attrs))
        return Value(blocked=made, channels=shape[1], most=most)

    def _across(self, name: str, parts: Sequence[Any]) -> Any:
        """Combine a tensor with one that has a single value a channel, in a function of its own.

        Behind a squeeze and excitation it would be fused with the convolution of the single values, as many times as
        there are places.
        """
        from tvm import topi

        return self._builder.emit_te(
            getattr(topi, name), *parts, primfunc_name_hint=name, primfunc_attrs={"op_pattern": _INJECTIVE}
        )

    def _operand(self, value: Value, channels: int, fill: float) -> Any:
        """Give one side of an elementwise operator as it lines up with blocked tensors; None if it cannot."""
        from tvm import relax

        if value.constant is not None:
            if value.constant.size == 1:
                return relax.const(value.constant.reshape(()))
            shape = (1,) * (4 - value.constant.ndim) + value.constant.shape
            if shape != (1, channels, 1, 1):
                return None
            return self._per_channel(value.constant.reshape(-1), fill)
        if value.is_blocked:
            return self._blocked(value) if value.channels == channels else None
        shape = static_shape(value.plain)
        return self._blocked(value) if shape is not None and len(shape) == 4 and shape[1] == channels else None

    def _reduction(self, expr: Any) -> Value | None:
        """Reduce over rows and columns, as global pooling does."""
        from tvm import relax

        value, attrs = self._value(expr.args[0]), expr.attrs
        if not value.is_blocked or attrs.axis is None or sorted(int(axis) % 4 for axis in attrs.axis) != [2, 3]:
            return None
        whole, kind = self._blocked(value), expr.op.name.split(".")[-1]
        places = prod(static_shape(whole)[2:4]) if kind == "sum" else 1  # type: ignore[index]
        if not self._fits(value.channels, value.most * places):
            return None
        reduced = self._builder.emit(getattr(relax.op, kind)(whole, axis=[2, 3], keepdims=True))
        kept = Value(blocked=reduced, channels=value.channels, most=value.most * places)
        if attrs.keepdims:
            return kept
        return Value(plain=self._builder.emit(relax.op.reshape(self._plain(kept), expr.ty.shape)))

    def _pool(self, expr: Any) -> Value | None:
        value = self._value(expr.args[0])
        if not value.is_blocked or expr.attrs.layout != "NCHW":
            return None
        pieces = self._pieces_of(expr.args[0])
        if pieces:
            made = tuple(
                Value(blocked=self._pooled(expr, each.blocked), channels=each.channels, most=each.most)
                for each in pieces
            )
            return Value(pieces=made, channels=value.channels, most=value.most)
        return Value(blocked=self._pooled(expr, self._blocked(value)), channels=value.channels, most=value.most)

    def _pooled(self, expr: Any, data: Any) -> Any:
        from tvm import topi

        attrs = expr.attrs
        pads, sizes, strides, dilation = (
            [int(each) for each in of] for of in (attrs.padding, attrs.pool_size, attrs.strides, attrs.dilation)
        )
        kind = expr.op.name.split(".")[-1].partition("_")[0]
        return self._builder.emit_te(
            topi.nn.pool2d,
            data,
            sizes,
            strides,
            dilation,
            pads,
            kind,
            bool(attrs.ceil_mode),
            f"NCHW{self._lanes}c",
            bool(attrs.count_include_pad),
            primfunc_name_hint=f"{kind}_pool2d",
        )

    def _pad(self, expr: Any) -> Value | None:
        from tvm import topi

        value, attrs = self._value(expr.args[0]), expr.attrs
        widths = [int(each) for each in attrs.pad_width]
        if not value.is_blocked or str(attrs.pad_mode) != "constant" or len(widths) != 8 or any(widths[:4]):
            return None
        fill = self._value(expr.args[1]).constant if len(expr.args) > 1 else None
        if fill is None or not self._fits(value.channels, most := max(value.most, abs(float(fill.reshape(()))))):
            return None
        made = self._builder.emit_te(
            topi.nn.pad,
            self._blocked(value),
            [0, 0, widths[4], widths[6], 0],
            [0, 0, widths[5], widths[7], 0],
            float(fill.reshape(())),
            primfunc_name_hint="pad",
        )
        return Value(blocked=made, channels=value.channels, most=most)

    def _matmul(self, expr: Any) -> Value | None:
        """Pack the weights of a product with a constant."""
        from tvm import relax

        left, right = self._value(expr.args[0]), self._value(expr.args[1]).constant
        shape = static_shape(expr.args[0])
        if right is None or right.ndim != 2 or str(right.dtype) != "float32" or shape is None or len(shape) < 2:
            return None
        rows = self._plain(left)
        if len(shape) > 2:
            rows = self._builder.emit(relax.op.reshape(rows, (-1, shape[-1])))
        width = int(right.shape[1])
        packed = relax.const(packing.pack_matrix(right, self._lanes))
        product = self._call(computes.matrix_product, rows, packed, name="matmul", width=width)
        if len(shape) > 2:
            product = self._builder.emit(relax.op.reshape(product, (*shape[:-1], width)))
        return Value(plain=product)

    def _reshape(self, expr: Any) -> Value | None:
        value, shape = self._value(expr.args[0]), static_shape(expr)
        if value.constant is None or shape is None:
            return None
        return Value(constant=value.constant.reshape(shape))

    def _transpose(self, expr: Any) -> Value | None:
        value, axes = self._value(expr.args[0]), expr.attrs.axes
        if value.constant is None:
            return None
        import numpy as np

        order = None if axes is None else [int(axis) for axis in axes]
        return Value(constant=np.ascontiguousarray(value.constant.transpose(order)))

    def _concat(self, expr: Any) -> Value | None:
        """Put channels together block by block, where each but the last tensor ends with a whole block."""
        from tvm import relax

        shape, tuple_ = static_shape(expr), expr.args[0]
        if shape is None or len(shape) != 4 or not isinstance(tuple_, relax.Tuple) or int(expr.attrs.axis) % 4 != 1:
            return None
        fields = [field for field in tuple_.fields if static_shape(field)[1]]  # type: ignore[index]
        values = [self._value(field) for field in fields]
        channels = [static_shape(field)[1] for field in fields]  # type: ignore[index]
        if not any(value.is_blocked for value in values) or any(each % self._lanes for each in channels[:-1]):
            return None
        for value in values:
            self._blocked(value)
        return Value(pieces=tuple(values), channels=shape[1], most=values[-1].most)


def _magnitudes(value: Value) -> tuple[float, float]:
    """Give bounds on what stands beside filling: the largest magnitude, and the least one to divide by."""
    if value.constant is None:
        return value.most, 0.0
    if value.constant.size > 1:
        return 0.0, 1.0
    size = abs(float(value.constant.reshape(())))
    return size, size
