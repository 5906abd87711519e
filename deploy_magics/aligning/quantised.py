"""Quantised tensors shown as the numbers that they stand for, so that they can be held against a model in float."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy_magics.aligning import cutting
from deploy_magics.aligning.graphs import reads

if TYPE_CHECKING:
    import onnx

# Where each operator has the scale and the zero point of what it gives, among its inputs.
_PLACES = {
    "QuantizeLinear": 1,
    "QLinearConv": 6,
    "QLinearMatMul": 6,
    "QLinearAdd": 6,
    "QLinearMul": 6,
    "QLinearConcat": 0,
    "QLinearSigmoid": 3,
    "QLinearLeakyRelu": 3,
    "QLinearSoftmax": 3,
    "QLinearAveragePool": 3,
    "QLinearGlobalAveragePool": 3,
    "QLinearReduceMean": 3,
    "QGemm": 7,
}
# These move the integers of their first input and keep what they stand for.
_MOVES = frozenset({"MaxPool", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Slice", "Gather", "Split"})


@dataclass(frozen=True)
class Scale:
    """Names of the values that say what integers stand for.

    Attributes
    ----------
    scale, zero : str
        As the model names them; zero is "" for none.
    attributes : tuple
        What QuantizeLinear says besides: the axis, where there is a scale a channel.
    after : bool
        Whether the tensor is in float, and nothing reads it but what quantises it so: the others see it clipped.
    """

    scale: str
    zero: str
    attributes: tuple[onnx.AttributeProto, ...] = ()
    after: bool = False


def scales(graph: onnx.GraphProto) -> dict[str, Scale]:
    """Give the scale of every tensor whose maker tells it, or all readers of which tell the same."""
    found = _of_readers(graph)
    for node in graph.node:
        place = _PLACES.get(node.op_type)
        if node.op_type == "DynamicQuantizeLinear":
            found[node.output[0]] = Scale(node.output[1], node.output[2])
        elif place is not None and len(node.input) > place and node.output:
            zero = node.input[place + 1] if len(node.input) > place + 1 else ""
            own = _besides(node) if node.op_type == "QuantizeLinear" else ()
            found[node.output[0]] = Scale(node.input[place], zero, own)
        elif node.op_type in _MOVES and node.input and node.input[0] in found:
            scale = found[node.input[0]]
            if not scale.attributes and not scale.after:
                found.update({name: scale for name in node.output if name})
    return found


def _of_readers(graph: onnx.GraphProto) -> dict[str, Scale]:
    said: dict[str, list[Scale | None]] = {}
    for node in graph.node:
        for place, name in enumerate(reads(node)):
            quantises = node.op_type == "QuantizeLinear" and place == 0
            zero = node.input[2] if len(node.input) > 2 else ""
            said.setdefault(name, []).append(Scale(node.input[1], zero, _besides(node), True) if quantises else None)
    outputs = {value.name for value in graph.output}
    return {
        name: each[0]
        for name, each in said.items()
        if name not in outputs and each[0] is not None and all(other == each[0] for other in each)
    }


def _besides(node: onnx.NodeProto) -> tuple[onnx.AttributeProto, ...]:
    return tuple(each for each in node.attribute if each.name in ("axis", "block_size"))


def shown(base: onnx.ModelProto, tensors: Iterable[str]) -> tuple[onnx.ModelProto, dict[str, str]]:
    """Let a model hold the numbers that quantised tensors stand for, by turning them into these and back.

    Going there and back changes no integer: ``(q - zero) * scale / scale + zero`` is within a last place of ``q``.

    Parameters
    ----------
    base : ModelProto
        The model; not changed.
    tensors : iterable of str
        Which; those that are not quantised are passed over.

    Returns
    -------
    tuple
        The model, and the tensor in float for each that has one.
    """
    import onnx

    known = scales(base.graph)
    wanted = [name for name in dict.fromkeys(tensors) if name in known]
    if not wanted:
        return base, {}
    made = type(base)()
    made.CopyFrom(base)
    floats = cutting.unused(base, {name: f"{name} in float" for name in wanted})
    backs = cutting.unused(base, {name: f"{name} in integers" for name in wanted})
    # What reads them reads what came back, so that it can be fed in float.
    cutting.rename_reads(made.graph, {name: floats[name] if known[name].after else backs[name] for name in wanted})
    nodes = list(made.graph.node)
    del made.graph.node[:]
    for node in nodes:
        made.graph.node.append(node)
        for name in node.output:
            if name not in floats:
                continue
            scale = known[name]
            besides = [each for each in (scale.scale, scale.zero) if each]
            there, back = (floats[name], backs[name])
            steps = [("DequantizeLinear", name, there), ("QuantizeLinear", there, back)]
            if scale.after:
                steps = [("QuantizeLinear", name, back), ("DequantizeLinear", back, there)]
            for kind, source, target in steps:
                added = onnx.helper.make_node(kind, [source, *besides], [target])
                added.attribute.extend(scale.attributes)
                made.graph.node.append(added)
    _type_of(made.graph, floats, onnx.TensorProto.FLOAT)
    return made, floats


def _type_of(graph: onnx.GraphProto, floats: Mapping[str, str], kind: int) -> None:
    """Say the types and sizes of what was added."""
    values = {value.name: value for value in (*graph.value_info, *graph.input, *graph.output)}
    for name, new in floats.items():
        value = graph.value_info.add()
        if name in values:
            value.CopyFrom(values[name])
        value.name = new
        value.type.tensor_type.elem_type = kind


__all__ = ["Scale", "scales", "shown"]
