"""Dynamic dimensions bound to numbers: by name, or input by input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from deploy_magics.errors import ModelError
from deploy_magics.model._spec import Dim, TensorSpec
from deploy_magics.model._text import listed, nearest, plain, quote

_LARGEST = 2**31 - 1
_NONE: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True)
class Binding:
    """What dynamic dimensions are bound to.

    Attributes
    ----------
    dims : mapping of str to int
        Symbolic dimensions by name.
    shapes : mapping of str to tuple
        Shapes of inputs, for dimensions that have no name and inputs without a known rank.
    """

    dims: Mapping[str, int] = field(default_factory=lambda: _NONE)
    shapes: Mapping[str, tuple[Dim, ...]] = field(default_factory=lambda: MappingProxyType({}))

    def __bool__(self) -> bool:
        return bool(self.dims or self.shapes)

    @property
    def key(self) -> tuple[object, ...]:
        """Something to remember results by."""
        return tuple(sorted(self.dims.items())), tuple(sorted((k, tuple(map(repr, v))) for k, v in self.shapes.items()))

    def merged(self, dims: Mapping[str, int], shapes: Mapping[str, tuple[Dim, ...]]) -> Binding:
        """Bind what is still free, and leave what is bound already."""
        both = dict(self.shapes)
        for name, added in shapes.items():
            own = both.get(name, (None,) * len(added))
            both[name] = tuple(new if old is None else old for old, new in zip(own, added, strict=True))
        return Binding({**dims, **self.dims}, both)

    def of(self, spec: TensorSpec) -> TensorSpec:
        """Give a spec as it is once the dimensions are bound."""
        shape, given = spec.shape, self.shapes.get(spec.name)
        if given is not None and (shape is None or len(given) == len(shape)):
            own = shape or (None,) * len(given)
            shape = tuple(
                new if isinstance(new, int) and old is None else old for old, new in zip(own, given, strict=True)
            )
        if shape is not None:
            shape = tuple(self.dims.get(dim, dim) if isinstance(dim, str) else dim for dim in shape)
        return TensorSpec(spec.name, spec.dtype, shape)


def bind(
    before: Binding,
    inputs: Sequence[TensorSpec],
    outputs: Sequence[TensorSpec],
    shapes: Mapping[str, Sequence[int | str | None]] | None,
    dims: Mapping[str, int] | None,
) -> Binding:
    """Bind more dimensions.

    Parameters
    ----------
    before : Binding
        What is bound already; may be bound anew.
    inputs, outputs : sequence of TensorSpec
        As the model has them, with nothing bound.
    shapes : mapping, optional
        Shapes by input, ``""`` for the only one; ``"?"``, None or the dimension's own name leaves one free.
    dims : mapping, optional
        Sizes by the name of a symbolic dimension.

    Raises
    ------
    ModelError
        For unknown names, and for sizes that contradict the model or each other.
    """
    new_dims: dict[str, int] = {}
    new_shapes: dict[str, tuple[Dim, ...]] = {}
    for name, shape in (shapes or {}).items():
        spec = _input(name, inputs)
        new_shapes[spec.name] = _shape(spec, tuple(shape), new_dims)
    symbols = {dim for spec in inputs for dim in spec.shape or () if isinstance(dim, str)}
    for name, size in (dims or {}).items():
        if name not in symbols:
            raise _unknown_dim(name, symbols, outputs)
        _put(new_dims, name, _size(size, f"dimension {quote(name)}"))
    return Binding({**before.dims, **new_dims}, {**before.shapes, **new_shapes})


def _input(name: str, inputs: Sequence[TensorSpec]) -> TensorSpec:
    for spec in inputs:
        if spec.name == name:
            return spec
    names = [spec.name for spec in inputs]
    if not name and names:
        if len(names) == 1:
            return inputs[0]
        raise ModelError(f"a shape without a name needs a model of one input; there are {listed(names, 5)}")
    raise ModelError(
        f"there is no input {quote(name)}",
        hint=nearest(name, names) or (f"its inputs are {listed(names, 5)}" if names else "it has no inputs"),
    )


def _shape(spec: TensorSpec, given: tuple[int | str | None, ...], dims: dict[str, int]) -> tuple[Dim, ...]:
    """Check a shape against the model's; collect in ``dims`` what it says of symbolic ones."""
    who = f"the shape of {quote(spec.name)}"
    own = spec.shape
    if own is not None and len(own) != len(given):
        raise ModelError(f"{who} has {len(own)} dimensions ({_brief(own)}), {len(given)} were given")
    result: list[Dim] = []
    for place, new in enumerate(given):
        old = own[place] if own is not None else None
        if new is None or new == "?" or (isinstance(new, str) and new == old):
            result.append(None)
            continue
        size = _size(new, f"{who}, dimension {place},")
        if isinstance(old, int) and old != size:
            raise ModelError(
                f"{who} is fixed to {old} in dimension {place}, not {size}", hint=f"the model has {_brief(own or ())}"
            )
        if isinstance(old, str):
            _put(dims, old, size)
        result.append(size)
    return tuple(result)


def _brief(shape: Sequence[Dim]) -> str:
    text = "x".join("?" if dim is None else plain(dim) for dim in shape[:6])
    return text if len(shape) <= 6 else f"{text}x..."


def _put(dims: dict[str, int], name: str, size: int) -> None:
    if dims.setdefault(name, size) != size:
        raise ModelError(f"dimension {quote(name)} cannot be both {dims[name]} and {size}")


def _size(value: object, what: str) -> int:
    try:
        size = int(value)  # type: ignore[call-overload]
    except (TypeError, ValueError, OverflowError):
        size = -1
    if isinstance(value, bool | float) or not 0 <= size <= _LARGEST:
        raise ModelError(f"{what} must be a number from 0 to {_LARGEST}, not {quote(value)}")
    return int(size)


def _unknown_dim(name: str, symbols: set[str], outputs: Sequence[TensorSpec]) -> ModelError:
    if any(name in (spec.shape or ()) for spec in outputs):
        return ModelError(f"dimension {quote(name)} is one of an output", hint="it follows from the inputs; bind those")
    if symbols:
        hint = nearest(name, symbols) or f"it has {listed(sorted(symbols), 5)}"
        return ModelError(f"there is no dynamic dimension {quote(name)}", hint=hint)
    return ModelError(f"there is no dynamic dimension {quote(name)}", hint="every dimension of its inputs is fixed")
