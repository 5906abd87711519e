"""How far two computations of the same thing may lie apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

# Shares of an output's local range. A unit in the last place of float32 is 1.2e-7, of float16 9.8e-4, of bfloat16
# 7.8e-3 (2 ** -23, 2 ** -10, 2 ** -7); tfloat32 has as many bits as float16. Sums in another order, and weights scaled
# before instead of after a convolution, move a result of fifty layers by some units to some hundreds of them in float32
# (ResNet-50 with batch normalisation folded: 1e-6), and the few that fit in the narrow types. A real change is far
# larger: 0.98 on an output of 0 to 1 in a case seen.
TOLERANCES = {"float64": 1e-9, "float32": 1e-4, "tfloat32": 1e-2, "float16": 1e-2, "bfloat16": 5e-2, "float8": 0.15}
OTHER_KERNELS = 10.0
"""How many times the tolerance of one runtime is allowed between two. A face detector's 8,400 scores, sigmoids near
0.001, differ by 1.3e-7 between ONNX Runtime and TVM: float32's last place at 1, where the tolerance allows 1e-7."""
OTHER_KERNELS_NARROW = 2.0
"""The same for types whose tolerance is wide already: six networks in float16 differed by 2.2e-3 at most over five
runtimes, and where MobileNetV2 quantised to 8 bits is computed rightly, by one to two of its steps, 1.2e-2."""
QUANTISED = 1e-2
"""Where a model rounds to 8 bits inside, a difference in the last place may turn one step in 255 (4e-3) over."""
FLOOR = 1e-3
"""Least scale of what is computed from functions with values near 1, such as sigmoids: with float32's tolerance, a
difference below 1e-7, float32's last place at 1, is never held against a model."""

_FLOATS = {1: "float32", 10: "float16", 11: "float64", 16: "bfloat16", 17: "float8", 18: "float8", 19: "float8"}
_FLOATS[20] = "float8"
_QUANTISING = frozenset({"QuantizeLinear", "DynamicQuantizeLinear", "ConvInteger", "MatMulInteger"})
# These hand values on as they are; what they hand on, others computed.
_MOVING = frozenset(
    {
        "Cast",
        "CastLike",
        "Identity",
        "Reshape",
        "Flatten",
        "Squeeze",
        "Unsqueeze",
        "Transpose",
        "Concat",
        "Split",
        "Slice",
        "Gather",
        "GatherElements",
        "GatherND",
        "Expand",
        "Tile",
        "Pad",
        "Constant",
        "ConstantOfShape",
        "DequantizeLinear",
        "Shape",
        "Size",
        "Dropout",
        "DepthToSpace",
        "SpaceToDepth",
        "SplitToSequence",
        "SequenceAt",
        "SequenceConstruct",
        "ConcatFromSequence",
    }
)
_NEAR_ONE = frozenset(
    {
        "Sigmoid",
        "HardSigmoid",
        "Softmax",
        "LogSoftmax",
        "Tanh",
        "Erf",
        "Sin",
        "Cos",
        "Softsign",
        "LSTM",
        "GRU",
        "RNN",
    }
)
_THROUGH = _MOVING | {"Mul", "Add", "Sub", "Div", "Max", "Min", "Clip", "Where", "ReduceMax", "ReduceMean", "ReduceSum"}


def tolerance_of(model: onnx.ModelProto) -> tuple[float, str]:
    """Give the tolerance that a model's arithmetic asks for, and why.

    Returns
    -------
    tuple of float and str
        A share of an output's local range; the coarsest type in which the model computes.

    Notes
    -----
    The coarsest type that an operator computes in decides: a model may take and give float32 and compute in float16
    between. Weights that are only stored in a narrow type do not count; a cast of computed values to one does, since
    it rounds.
    """
    types = set(_computed(model))
    coarsest = max(types or {"float32"}, key=TOLERANCES.__getitem__)
    tolerance, why = TOLERANCES[coarsest], coarsest
    if tolerance < QUANTISED and any(_quantises(node) for nodes in _nodes(model) for node in nodes):
        return QUANTISED, "8-bit quantised"
    return tolerance, why


def tolerance_on(arithmetic: str, tolerance: float, reason: str) -> tuple[float, str]:
    """Give the tolerance for what another runtime computes, and why.

    Ten times what one runtime is allowed, since another has other kernels: it sums in another order, and its
    exponentials differ in their last place. Twice in types narrower than float32, whose tolerance is wide already. More
    where it computes in a coarser type.

    Parameters
    ----------
    arithmetic : str
        The type in which it computes, where that is coarser than the model's: ``"bfloat16"``; else "".
    tolerance, reason : float, str
        As :func:`tolerance_of` gives them.

    Examples
    --------
    >>> tolerance_on("", 1e-4, "float32")
    (0.001, 'float32, other kernels')
    >>> tolerance_on("", 1e-2, "float16")
    (0.02, 'float16, other kernels')
    >>> tolerance_on("bfloat16", 1e-4, "float32")
    (0.05, 'bfloat16')
    """
    wider = min(1.0, (OTHER_KERNELS if tolerance <= TOLERANCES["float32"] else OTHER_KERNELS_NARROW) * tolerance)
    if arithmetic and TOLERANCES[arithmetic] > wider:
        return TOLERANCES[arithmetic], arithmetic
    return wider, f"{reason}, other kernels"


def stepped_outputs(model: onnx.ModelProto) -> frozenset[str]:
    """Name the outputs whose integers are steps of a quantised scale."""
    return _reaching(model.graph, _MOVING, _quantises)


def outputs_near_one(model: onnx.ModelProto) -> frozenset[str]:
    """Name the outputs that are made of functions with values near 1, so that far smaller ones are rounding."""
    return _reaching(model.graph, _THROUGH, lambda node: node.op_type in _NEAR_ONE)


def _quantises(node: onnx.NodeProto) -> bool:
    return node.op_type in _QUANTISING or node.op_type.startswith("QLinear")


def _reaching(
    graph: onnx.GraphProto, through: frozenset[str], wanted: Callable[[onnx.NodeProto], bool]
) -> frozenset[str]:
    """Name the outputs that a wanted node makes, or others that only hand its values on."""
    makers = {name: node for node in graph.node for name in node.output if name}
    found = set()
    for output in graph.output:
        waiting, seen = [output.name], {output.name}
        while waiting:
            node = makers.get(waiting.pop())
            if node is None:
                continue
            if wanted(node):
                found.add(output.name)
                break
            if node.op_type in through:
                new = [name for name in node.input if name not in seen]
                seen.update(new)
                waiting += new
    return frozenset(found)


def _computed(model: onnx.ModelProto) -> Iterator[str]:
    """Yield the floating-point types that operators compute in.

    Types pass from the first input of a floating-point type to the outputs, which holds for all operators of the
    standard but those that name a type; that needs no native code on the file.
    """
    types: dict[str, int] = {}
    fixed: set[str] = set()
    graphs = list(_graphs(model))
    for graph in graphs:
        for value in (*graph.value_info, *graph.output, *graph.input):
            types[value.name] = value.type.tensor_type.elem_type
        for tensor in graph.initializer:
            types[tensor.name] = tensor.data_type
            fixed.add(tensor.name)
    for nodes in _nodes(model):
        for node in nodes:
            kinds = [types[name] for name in node.input if types.get(name) in _FLOATS]
            named = next((each.i for each in node.attribute if each.name == "to"), 0)
            held = next((each.t.data_type for each in node.attribute if each.HasField("t")), 0)
            kind = named or held or (kinds[0] if kinds else 0)
            if node.op_type == "DequantizeLinear" and len(node.input) > 1:
                kind = types.get(node.input[1], kind)
            for name in node.output:
                if not types.get(name):
                    types[name] = kind
            still = node.op_type in _MOVING and all(name in fixed for name in node.input if name)
            if still:
                fixed.update(node.output)
            elif node.op_type not in _MOVING:
                # An output of whole numbers, such as of ArgMax, is computed in the type of what it is made from.
                made = [types[name] for name in node.output if types.get(name) in _FLOATS]
                yield from (_FLOATS[each] for each in made or kinds[:1])
            elif node.op_type == "Cast" and named in _FLOATS:
                yield _FLOATS[named]


def _nodes(model: onnx.ModelProto) -> Iterator[Iterable[onnx.NodeProto]]:
    for graph in _graphs(model):
        yield graph.node
    for function in model.functions:
        yield function.node


def _graphs(model: onnx.ModelProto) -> Iterator[onnx.GraphProto]:
    waiting = [model.graph]
    while waiting:
        graph = waiting.pop()
        yield graph
        for node in graph.node:
            for attribute in node.attribute:
                if attribute.HasField("g"):
                    waiting.append(attribute.g)
                waiting.extend(attribute.graphs)
