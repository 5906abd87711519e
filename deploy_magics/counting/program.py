"""A model as linked operations and values, so that counting needs no names and no recursion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from deploy_magics.counting.dtypes import tensor_bytes

if TYPE_CHECKING:
    import onnx

Shape = tuple[int | str | None, ...]


class Uncountable(Exception):
    """Why a figure cannot be given; its text is shown to the user."""


@dataclass(eq=False, slots=True)
class Value:
    """A tensor: what is known of it, who makes it, who reads it.

    Attributes
    ----------
    name : str
        As the model has it.
    dtype : int
        ``onnx.TensorProto.DataType``; 0 where unknown or not a tensor.
    shape : tuple or None
        Dimensions; a str or None stands for one that is free, None for an unknown rank.
    body : Body or None
        Where it lives.
    producer : Op or None
        None for inputs and initialisers.
    uses : list of (Op, int)
        Operations that read it, with the position of the input; -1 where a subgraph of theirs gives it out.
    tensor : onnx.TensorProto, onnx.SparseTensorProto or None
        Its content, for initialisers and Constant nodes that hold a tensor.
    constant : bool
        Whether it is the same at every inference.
    is_output : bool
        Whether its body gives it out.
    """

    name: str
    dtype: int = 0
    shape: Shape | None = None
    body: Body | None = None
    producer: Op | None = None
    uses: list[tuple[Op, int]] = field(default_factory=list)
    tensor: Any = None
    constant: bool = False
    is_output: bool = False

    def dims(self) -> tuple[int, ...]:
        """Give the dimensions where all are known; raises Uncountable with the reason where not."""
        if self.shape is None:
            raise Uncountable(f"the shape of {self.name!r} is unknown")
        for dim in self.shape:
            if not isinstance(dim, int):
                raise Uncountable(f"a dimension of {self.name!r} is free" + (f" ({dim})" if dim else ""))
        return self.shape  # type: ignore[return-value]  # all of them are int, as just seen

    def numel(self) -> int:
        """Count its elements; raises Uncountable as :meth:`dims` does."""
        product = 1
        for dim in self.dims():
            product *= dim
        return product

    def nbytes(self) -> int:
        """Count its bytes; raises Uncountable where shape or type are unknown."""
        size = tensor_bytes(self.dtype, self.numel())
        if size is None:
            raise Uncountable(f"the type of {self.name!r} has no known size")
        return size

    def ints(self, limit: int = 1024) -> list[int] | None:
        """Read a small integer constant; None where it is not one, or its content is not at hand."""
        from onnx import TensorProto, numpy_helper

        tensor = self.tensor
        if not isinstance(tensor, TensorProto) or tensor.data_location == TensorProto.EXTERNAL:
            return None
        try:
            if self.numel() > limit:
                return None
            array = numpy_helper.to_array(tensor)
        except (Uncountable, ValueError, TypeError):
            return None
        return [int(item) for item in array.reshape(-1)] if array.dtype.kind in "iub" else None


@dataclass(eq=False, slots=True)
class Op:
    """One node, linked to its values.

    Attributes
    ----------
    proto : onnx.NodeProto
        The node.
    kind : str
        Operator type, with its domain unless that is ONNX's own: ``"Conv"``, ``"com.microsoft.FusedConv"``.
    inputs : list of Value or None
        None for an optional input left out.
    outputs : list of Value or None
        None for an optional output left out.
    body : Body
        Where it runs.
    bodies : list of Body
        Its subgraphs.
    captures : list of Value
        Values of its own body that its subgraphs read by name.
    """

    proto: onnx.NodeProto
    kind: str
    inputs: list[Value | None]
    outputs: list[Value | None]
    body: Body
    path: str
    attributes: dict[str, Any]
    bodies: list[Body] = field(default_factory=list)
    captures: list[Value] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The node's name, or that of its first output where it has none."""
        own = self.proto.name or next((f"{self.proto.op_type} -> {v.name}" for v in self.outputs if v), self.kind)
        return f"{self.path}{own}"

    def attribute(self, name: str, default: Any = None) -> Any:
        """Read an attribute as a Python value."""
        return self.attributes.get(name, default)

    def given(self, index: int) -> Value | None:
        """Give the input at a position, None where it is left out."""
        return self.inputs[index] if index < len(self.inputs) else None

    def source(self, index: int) -> Value:
        """Give an input that must be there; raises Uncountable where it is not."""
        value = self.given(index)
        if value is None:
            raise Uncountable(f"input {index} is missing")
        return value

    def result(self, index: int = 0) -> Value:
        """Give an output that must be there; raises Uncountable where it is not."""
        value = self.outputs[index] if index < len(self.outputs) else None
        if value is None:
            raise Uncountable(f"output {index} is missing")
        return value

    @property
    def foldable(self) -> bool:
        """Whether all that it makes is the same at every inference."""
        made = [value for value in self.outputs if value is not None]
        return bool(made) and all(value.constant for value in made)


@dataclass(eq=False, slots=True)
class Body:
    """Operations that run together: the main graph, or a subgraph.

    Attributes
    ----------
    name : str
        ``""`` for the main graph, else the attribute that holds it: ``"then_branch"``.
    owner : Op or None
        The operation that runs it.
    """

    name: str
    owner: Op | None
    ops: list[Op] = field(default_factory=list)
    inputs: list[Value] = field(default_factory=list)
    outputs: list[Value] = field(default_factory=list)
    constants: list[Value] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class Program:
    """A whole model, linked.

    Attributes
    ----------
    main : Body
        The main graph.
    bodies : list of Body
        All of them, an outer one before those inside it.
    """

    main: Body
    bodies: list[Body]

    def ops(self) -> Iterator[Op]:
        """Go through all operations as they would run: after an operation come those of its subgraphs."""
        stack = [iter(self.main.ops)]
        while stack:
            op = next(stack[-1], None)
            if op is None:
                stack.pop()
                continue
            yield op
            stack.extend(iter(body.ops) for body in reversed(op.bodies))

    def constants(self) -> Iterator[Value]:
        """Go through all initialisers and Constant nodes' tensors, each once."""
        for body in self.bodies:
            yield from body.constants
