"""What matching has to know of a graph: its layers in order, and which of them optimisers draw together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

# One computation under several names.
_SAME = {
    "FusedConv": "Conv",
    "NhwcFusedConv": "Conv",
    "QLinearConv": "Conv",
    "Gemm": "MatMul",
    "FusedMatMul": "MatMul",
    "FusedGemm": "MatMul",
    "QGemm": "MatMul",
    "QLinearMatMul": "MatMul",
    "QLinearGlobalAveragePool": "ReduceMean",
    "GlobalAveragePool": "ReduceMean",
    "Flatten": "Reshape",
    "Squeeze": "Reshape",
    "Unsqueeze": "Reshape",
    "Dropout": "Identity",
}
# These give the sizes of what they read, whatever its values.
_SIZES = frozenset({"Shape", "Size"})
# These hand values on, up to rounding; optimisers put them in and take them out.
_CLEAR = frozenset({"Identity", "Cast", "QuantizeLinear", "DequantizeLinear"})
_LINEAR = frozenset({"Conv", "ConvTranspose", "MatMul"})
_RANDOM = frozenset(
    {"RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli"}
)
# With a constant, these are folded into the weights of what stands before.
_FOLDED = frozenset({"Mul", "Add", "Sub", "Div", "BatchNormalization"})


@dataclass(frozen=True)
class Layer:
    """An output of a node that depends on the model's inputs.

    Attributes
    ----------
    name : str
        The node's name, or that of its output where it has none; with a number for its second output and on.
    op : str
        Operator type.
    tensor : str
        The output.
    shape : tuple of int or None
        Dimensions of that, where all are known.
    """

    name: str
    op: str
    tensor: str
    shape: tuple[int, ...] | None


@dataclass
class Group:
    """Layers of which an optimiser makes one: a convolution with its normalisation, or one layer alone.

    Attributes
    ----------
    kind : str
        What it computes in the main.
    layers : list of Layer
        In order; the output of the last is what others see.
    hidden : bool
        Whether its result cannot be seen, since an activation is fused into the same node.
    source : str
        The one tensor that it reads and nothing else does; "" where that is not so.
    quantised : bool
        Whether others see its result in the range of a quantised tensor, as a rectifier would clip it.
    """

    kind: str
    layers: list[Layer] = field(default_factory=list)
    hidden: bool = False
    source: str = ""
    quantised: bool = False

    @property
    def last(self) -> Layer:
        """The layer whose output others see."""
        return self.layers[-1]

    @property
    def clear(self) -> bool:
        """Whether it only hands values on."""
        return self.kind in _CLEAR

    @property
    def ops(self) -> tuple[str, ...]:
        """Operator types, in order."""
        return tuple(layer.op for layer in self.layers)


def constants(graph: onnx.GraphProto) -> set[str]:
    """Name every value that does not depend on the values of the inputs.

    What is computed of their sizes alone is among them, but for a graph's outputs: an exporter may write hundreds of
    such nodes, which cannot be off by a rounding, and what they give is seen in the shape of the layer that reads it.
    """
    fixed = {tensor.name for tensor in graph.initializer} | {each.values.name for each in graph.sparse_initializer}
    sizes: set[str] = set()
    for node in ordered(graph):
        if all(name in fixed for name in node.input if name) and not _subgraphs(node):
            fixed.update(node.output)
        elif node.op_type in _SIZES or (
            all(name in fixed or name in sizes for name in node.input if name) and not _subgraphs(node)
        ):
            sizes.update(node.output)
    return fixed | (sizes - {value.name for value in graph.output})


def ordered(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """Give the nodes that outputs need, each after what it reads, in an order that follows from the structure alone.

    Two graphs of one structure give the same order, in whatever order their nodes are stored.
    """
    makers = {name: index for index, node in enumerate(graph.node) for name in node.output if name}
    found: list[onnx.NodeProto] = []
    state: dict[int, int] = {}
    stack = [makers[output.name] for output in reversed(graph.output) if output.name in makers]
    while stack:
        index = stack[-1]
        node = graph.node[index]
        if state.get(index) is None:
            state[index] = 1
            needed = [makers[name] for name in reads(node) if name in makers]
            stack += [each for each in reversed(needed) if each not in state]
            continue
        stack.pop()
        if state[index] == 1:
            state[index] = 2
            found.append(node)
    return found


def reads(node: onnx.NodeProto) -> Iterator[str]:
    """Name what a node reads, subgraphs included."""
    yield from (name for name in node.input if name)
    for graph in _subgraphs(node):
        for inner in graph.node:
            yield from reads(inner)


def has_subgraphs(graph: onnx.GraphProto) -> bool:
    """Tell whether a graph has branches or loops."""
    return any(_subgraphs(node) for node in graph.node)


def shapes(graph: onnx.GraphProto) -> dict[str, tuple[int, ...]]:
    """Give the shapes of values that are known in full."""
    found = {}
    for value in (*graph.value_info, *graph.output, *graph.input):
        kind = value.type.tensor_type
        if kind.HasField("shape") and all(dim.HasField("dim_value") for dim in kind.shape.dim):
            found[value.name] = tuple(dim.dim_value for dim in kind.shape.dim)
    return found


def by_chance(graph: onnx.GraphProto) -> list[str]:
    """Say which operators give other values at each run."""
    found = sorted({node.op_type for node in graph.node} & _RANDOM)
    return [f"{', '.join(found)} gives other values at each run, which are differences here"] if found else []


def groups(graph: onnx.GraphProto) -> list[Group]:
    """Give the layers of a graph in order, those together of which an optimiser makes one."""
    fixed, known = constants(graph), shapes(graph)
    readers = Counter(name for node in graph.node for name in reads(node))
    readers.update(output.name for output in graph.output)
    odd = _no_tensors(graph)
    clipped = {node.input[0] for node in graph.node if node.op_type == "QuantizeLinear"}
    clipped -= {name for node in graph.node if node.op_type != "QuantizeLinear" for name in reads(node)}
    taken: Counter[str] = Counter()
    found: list[Group] = []
    of_tensor: dict[str, Group] = {}
    for node in ordered(graph):
        # What has a name of the standard's but another domain may be anything.
        first, *others = [name for name in node.output if name] or [""]
        if not first or first in fixed or first in odd:
            continue
        tensor = first
        name = node.name or tensor
        taken[name] += 1
        name = name if taken[name] == 1 else f"{name} ({taken[name]})"
        layer = Layer(name, node.op_type, tensor, known.get(tensor))
        kind = _SAME.get(node.op_type, node.op_type.removeprefix("QLinear"))
        data = [each for each in node.input if each and each not in fixed]
        before = of_tensor.get(data[0]) if len(data) == 1 and readers[data[0]] == 1 else None
        if before is not None and before.last.tensor == data[0] and _joins(kind, before):
            before.layers.append(layer)
            before.quantised = before.quantised or _quantises(node)
            of_tensor[tensor] = before
            continue
        activation = next((each.s.decode() for each in node.attribute if each.name == "activation"), "")
        if activation and node.op_type.startswith(("Fused", "Nhwc")):
            found.append(Group(kind, [layer], hidden=True))
            kind = activation
        alone = data[0] if len(data) == 1 and readers[data[0]] == 1 else ""
        of_tensor[tensor] = Group(kind, [layer], source=alone, quantised=_quantises(node) or tensor in clipped)
        found.append(of_tensor[tensor])
        for each in others:
            # One that is read is compared on its own, so that what reads it is not blamed for it.
            if readers[each] and each not in odd:
                place = list(node.output).index(each) + 1
                second = Layer(f"{name}, output {place}", node.op_type, each, known.get(each))
                of_tensor[each] = Group(f"{kind}, output {place}", [second])
                found.append(of_tensor[each])
    return [group for group in found if not group.clear or len(group.layers) > 1]


def _quantises(node: onnx.NodeProto) -> bool:
    return node.op_type.startswith(("QuantizeLinear", "QLinear", "QGemm"))


def _no_tensors(graph: onnx.GraphProto) -> set[str]:
    """Name the values that are known to be sequences, maps or optional."""
    values = (*graph.value_info, *graph.output, *graph.input)
    return {value.name for value in values if value.type.WhichOneof("value") not in (None, "tensor_type")}


def _joins(kind: str, before: Group) -> bool:
    return kind in _CLEAR or (kind in _FOLDED and before.kind in _LINEAR)


def _subgraphs(node: onnx.NodeProto) -> Sequence[onnx.GraphProto]:
    return [graph for each in node.attribute for graph in ([each.g] if each.HasField("g") else [*each.graphs])]
