"""Rebuild a graph operator by operator, holding each tensor in the forms in which it is there by now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from deploy_magics.lowering import computes
from deploy_magics.lowering._link import BuildError

if TYPE_CHECKING:
    import numpy as np

    Array: TypeAlias = np.ndarray[Any, Any]

# A reduction with elementwise operators behind it, as TVM's fusion calls it (relax/op_attr_types.h, OpPatternKind).
_OUT_ELEMENTWISE_FUSABLE = 4


@dataclass
class Value:
    """A tensor in the forms in which it is there by now.

    ``parts`` are those of a tuple; ``pieces``, each blocked, lie one after the other along the channels. What fills up
    the last block is of magnitude ``most`` or less.
    """

    plain: Any = None
    blocked: Any = None
    channels: int = 0
    constant: Array | None = None
    parts: tuple[Value, ...] = ()
    pieces: tuple[Value, ...] = ()
    most: float = 0.0

    @property
    def is_blocked(self) -> bool:
        """Whether it is there in blocks, in one piece or in several."""
        return self.blocked is not None or bool(self.pieces)


class Rebuild:
    """One walk over a graph: a handler makes what it knows anew, and what has none is copied.

    Parameters
    ----------
    mod : tvm.IRModule
        As imported: function ``main``, static shapes, weights as constants.
    lanes : int
        Channels of a block.
    """

    def __init__(self, mod: Any, lanes: int) -> None:
        import tvm
        from tvm import relax

        rest = {name: func for name, func in mod.functions.items() if name.name_hint != "main"}
        self._main = mod["main"]
        self._builder = relax.BlockBuilder(tvm.IRModule(rest))
        self._lanes = lanes
        self._known: dict[Any, Value] = {}
        self._uses = _uses(self._main)
        self._handlers: dict[str, Callable[[Any], Value | None]] = {}

    def run(self) -> Any:
        from tvm import relax

        params = [relax.Var(param.name, param.ty) for param in self._main.params]
        self._known = {old: Value(plain=new) for old, new in zip(self._main.params, params, strict=True)}
        with self._builder.function("main", params, dict(self._main.attrs)):
            with self._builder.dataflow():
                for block in self._main.body.blocks:
                    for binding in block.bindings:
                        self._known[binding.var] = self._visit(binding.value)
                result = self._builder.emit_output(self._plain(self._value(self._main.body.body)))
            self._builder.emit_func_output(result)
        return self._builder.get()

    def _value(self, expr: Any) -> Value:
        from tvm import relax
        from tvm.ir import GenericConst

        if isinstance(expr, relax.Var):
            known: Value = self._known[expr]
            return known
        if isinstance(expr, GenericConst):
            return Value(plain=expr, constant=expr.value.numpy())
        if isinstance(expr, relax.Tuple):
            return Value(plain=relax.Tuple([self._plain(self._value(field)) for field in expr.fields]))
        return Value(plain=expr)

    def _plain(self, value: Value) -> Any:
        from tvm import relax

        if value.plain is None and value.is_blocked:
            self._blocked(value)
            value.plain = self._builder.emit_te(
                computes.unblock, value.blocked, channels=value.channels, primfunc_name_hint="unblock"
            )
        elif value.plain is None:
            value.plain = relax.const(value.constant)
        return value.plain

    def _blocked(self, value: Value) -> Any:
        if value.blocked is None and value.pieces:
            from tvm import relax

            value.blocked = self._builder.emit(relax.op.concat([piece.blocked for piece in value.pieces], axis=1))
        elif value.blocked is None:
            plain = self._plain(value)
            value.channels = int(plain.ty.shape.values[1])
            value.blocked = self._builder.emit_te(computes.block, plain, lanes=self._lanes, primfunc_name_hint="block")
        return value.blocked

    def _visit(self, expr: Any) -> Value:
        from tvm import relax

        if isinstance(expr, relax.TupleGetItem):
            whole = self._value(expr.tuple_value)
            if whole.parts:
                return whole.parts[int(expr.index)]
            return Value(plain=self._builder.emit(relax.TupleGetItem(self._plain(whole), expr.index)))
        if isinstance(expr, relax.If):
            raise BuildError("blocks of channels are not followed into branches (If)")
        if not isinstance(expr, relax.Call):
            return self._value(expr)
        handler = self._handlers.get(getattr(expr.op, "name", ""))
        made = handler(expr) if handler is not None else None
        return made if made is not None else self._copy(expr)

    def _copy(self, expr: Any) -> Value:
        from tvm import relax
        from tvm.ir import GenericConst

        tensors = (relax.Var, relax.Tuple, GenericConst)
        args = [self._plain(self._value(arg)) if isinstance(arg, tensors) else arg for arg in expr.args]
        return Value(plain=self._builder.emit(relax.Call(expr.op, args, expr.attrs, expr.ty_args)))

    def _emit(self, compute: Any, *args: Any, name: str, channels: int, **options: Any) -> Value:
        return Value(blocked=self._call(compute, *args, name=name, **options), channels=channels)

    def _call(self, compute: Any, *args: Any, name: str, **options: Any) -> Any:
        # Bound beforehand, since ``emit_te`` takes nothing but numbers, text and tensors.
        return self._builder.emit_te(
            partial(compute, **options),
            *args,
            primfunc_name_hint=name,
            primfunc_attrs={"op_pattern": _OUT_ELEMENTWISE_FUSABLE},
        )


def _uses(function: Any) -> Counter[Any]:
    """Count how often each variable is used; to be a result counts as a use."""
    from tvm import relax

    found: Counter[Any] = Counter()

    def look(expr: Any) -> None:
        if isinstance(expr, relax.Var):
            found[expr] += 1

    for block in function.body.blocks:
        for binding in block.bindings:
            relax.analysis.post_order_visit(binding.value, look)
    relax.analysis.post_order_visit(function.body.body, look)
    return found


def static_shape(expr: Any) -> list[int] | None:
    shape = getattr(expr.ty, "shape", None)
    values = getattr(shape, "values", None)
    if values is None:
        return None
    try:
        return [int(extent) for extent in values]
    except TypeError:
        return None
