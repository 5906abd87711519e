"""Models cut so that tensors from inside are outputs, and so that each layer is fed by itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deploy_magics.aligning.graphs import has_subgraphs, reads
from deploy_magics.errors import ModelError

if TYPE_CHECKING:
    import onnx

    from deploy_magics.model import Model


@dataclass(frozen=True)
class Fed:
    """A tensor from inside that becomes an input.

    Attributes
    ----------
    tensor : str
        As the model names it.
    name : str
        The input that stands for it.
    dtype : int
        ONNX's number of its type.
    shape : tuple of int or None
        Its dimensions; None where they differ from sample to sample.
    """

    tensor: str
    name: str
    dtype: int
    shape: tuple[int, ...] | None


def exposed(base: onnx.ModelProto, tensors: Sequence[str], *, cut: bool) -> onnx.ModelProto:
    """Give a model whose outputs are tensors from inside.

    Parameters
    ----------
    base : ModelProto
        The model; not changed. Weights may be absent.
    tensors : sequence of str
        What to give.
    cut : bool
        Take out what these tensors do not need, with onnx's extractor.

    Raises
    ------
    ModelError
        Where a tensor is not there, or the extractor does not take the model.
    """
    made = _copy(base)
    _require(made.graph, tensors)
    if cut and not has_subgraphs(made.graph):
        return _extracted(made, [value.name for value in _inputs(made.graph)], tensors)
    known = _values(made.graph)
    outputs = [_value(known, name) for name in tensors]
    del made.graph.output[:]
    made.graph.output.extend(outputs)
    return made


def frontier(base: onnx.ModelProto, matched: Iterable[str], targets: Sequence[str]) -> list[str]:
    """Name the matched tensors that the layers before these targets read, going back no further than to them."""
    stops = set(matched)
    makers = {name: node for node in base.graph.node for name in node.output if name}
    found: dict[str, None] = {}
    waiting, seen = list(targets), set(targets)
    while waiting:
        node = makers.get(waiting.pop())
        for name in reads(node) if node is not None else ():
            if name in stops:
                found[name] = None
            elif name not in seen:
                seen.add(name)
                waiting.append(name)
    return list(found)


def fed_alone(base: onnx.ModelProto, fed: Sequence[Fed], targets: Sequence[str]) -> onnx.ModelProto:
    """Give a model in which every layer reads inputs in place of what the layers before it gave.

    All layers are in one model, side by side, so that it is loaded and run once for all.

    Raises
    ------
    ModelError
        Where the extractor does not take the model.
    """
    import onnx

    made = _copy(base)
    _require(made.graph, targets)
    names = {each.tensor: each.name for each in fed}
    rename_reads(made.graph, names)
    inputs = [onnx.helper.make_tensor_value_info(each.name, each.dtype, each.shape) for each in fed]
    made.graph.input.extend(inputs)
    if has_subgraphs(made.graph):
        known = _values(made.graph)
        outputs = [_value(known, name) for name in targets]
        del made.graph.output[:]
        made.graph.output.extend(outputs)
        return made
    return _extracted(made, [value.name for value in _inputs(made.graph)], targets)


def free_names(base: onnx.ModelProto, tensors: Iterable[str]) -> dict[str, str]:
    """Find a name that is not in use for the input that stands for each tensor."""
    return unused(base, {tensor: f"fed_{index}" for index, tensor in enumerate(tensors)})


def unused(base: onnx.ModelProto, wanted: Mapping[str, str]) -> dict[str, str]:
    """Lengthen names until they are not in use."""
    used = {name for node in base.graph.node for name in (*node.input, *node.output)}
    used |= {value.name for value in base.graph.input}
    found = {}
    for key, name in wanted.items():
        while name in used:
            name += "_"
        used.add(name)
        found[key] = name
    return found


def dtype_of(base: onnx.ModelProto, tensor: str) -> int:
    """Give ONNX's number of a tensor's type; 0 where it is not known."""
    value = _values(base.graph).get(tensor)
    return int(value.type.tensor_type.elem_type) if value is not None else 0


def written(model: Model, proto: onnx.ModelProto) -> Model:
    """Give a handle of a cut model, with the weights of the whole one."""
    return model.with_proto(proto, source=f"{model.name}, cut")


def _extracted(made: onnx.ModelProto, inputs: Sequence[str], outputs: Sequence[str]) -> onnx.ModelProto:
    from onnx.utils import Extractor

    # The extractor refuses annotations, which describe tensors and compute nothing.
    del made.graph.quantization_annotation[:]
    known = _values(made.graph)
    made.graph.value_info.extend(_value(known, name) for name in outputs if name not in known)
    try:
        small = Extractor(made).extract_model(list(inputs), list(outputs))
    except (ValueError, AssertionError) as error:
        raise ModelError(f"the model cannot be cut: {' '.join(str(error).split()) or type(error).__name__}") from None
    needed = {name for node in small.graph.node for name in reads(node)}
    kept = [value for value in small.graph.input if value.name in needed]
    del small.graph.input[:]
    small.graph.input.extend(kept)
    return small


def rename_reads(graph: onnx.GraphProto, names: Mapping[str, str]) -> None:
    """Let nodes read other values, in subgraphs as well where they read from outside."""
    for node in graph.node:
        for place, name in enumerate(node.input):
            if name in names:
                node.input[place] = names[name]
        for attribute in node.attribute:
            for inner in [attribute.g] if attribute.HasField("g") else attribute.graphs:
                own = {name for each in inner.node for name in each.output} | {value.name for value in inner.input}
                rename_reads(inner, {name: new for name, new in names.items() if name not in own})


def _inputs(graph: onnx.GraphProto) -> list[onnx.ValueInfoProto]:
    weights = {tensor.name for tensor in graph.initializer}
    return [value for value in graph.input if value.name not in weights]


def _values(graph: onnx.GraphProto) -> dict[str, onnx.ValueInfoProto]:
    return {value.name: value for value in (*graph.value_info, *graph.input, *graph.output)}


def _value(known: Mapping[str, onnx.ValueInfoProto], name: str) -> Any:
    import onnx

    return known[name] if name in known else onnx.ValueInfoProto(name=name)


def _require(graph: onnx.GraphProto, tensors: Iterable[str]) -> None:
    made = {name for node in graph.node for name in node.output} | {value.name for value in graph.input}
    made |= {tensor.name for tensor in graph.initializer}
    for name in tensors:
        if name not in made:
            raise ModelError(f"the model has no tensor {name!r} to cut at")


def _copy(base: onnx.ModelProto) -> onnx.ModelProto:
    made = type(base)()
    made.CopyFrom(base)
    return made
