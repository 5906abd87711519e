"""A part of an ONNX model between tensors, and its borders changed. Runs in a worker."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from deploy_magics.converting.editing import Shape, graphs, inferred, set_shapes, write
from deploy_magics.errors import ModelError, did_you_mean

if TYPE_CHECKING:
    import onnx

STRIPS: dict[str, frozenset[str]] = {
    "transpose": frozenset({"Transpose"}),
    "cast": frozenset({"Cast"}),
    "reshape": frozenset({"Reshape", "Flatten", "Squeeze", "Unsqueeze"}),
    "qdq": frozenset({"QuantizeLinear", "DequantizeLinear"}),
    "softmax": frozenset({"Softmax"}),
    "identity": frozenset({"Identity"}),
}
"""What can be taken off the borders, and which operators that is. All take the tensor first, and constants besides."""

_NEAREST = 3
_IR_WITH_CONSTANTS = 4


@dataclass(frozen=True)
class Edit:
    """What is to be done, in this order.

    Attributes
    ----------
    shapes : mapping
        Shapes of the model's inputs.
    inputs, outputs : tuple of str
        Tensors between which the part lies; empty for the model's own.
    drop : tuple of str
        Inputs and outputs to leave out.
    strip : frozenset of str
        Operators to take off, as long as one stands at a border.
    at : frozenset of str
        At which borders: "inputs", "outputs".
    rename : mapping
        New names of inputs and outputs, by old name.
    batch : int, optional
        Size of the first dimension of every input of the part.
    """

    shapes: Mapping[str, Shape] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    strip: frozenset[str] = frozenset()
    at: frozenset[str] = frozenset({"inputs", "outputs"})
    rename: Mapping[str, str] = field(default_factory=dict)
    batch: int | None = None


@dataclass(frozen=True)
class Cut:
    """What came of it.

    Attributes
    ----------
    inputs, outputs : tuple of (str, str)
        Name in the original, and name now.
    before, after : int
        How many nodes there were and are.
    stripped : tuple of str
        What was taken off: ``"Transpose at input 'x'"``.
    notes : tuple of str
        What a reader should know, one line each.
    times : int
        How many of the original's batches one of the part's holds.
    """

    inputs: tuple[tuple[str, str], ...]
    outputs: tuple[tuple[str, str], ...]
    before: int
    after: int
    stripped: tuple[str, ...]
    notes: tuple[str, ...]
    times: int = 1


def cut(source: str, target: str, probe: str, edit: Edit) -> Cut:
    """Write an edited model, and the original with the tensors at the new borders among its outputs.

    Parameters
    ----------
    source : str
        The model's file.
    target : str
        The file to write.
    probe : str
        The file for the original that shows those tensors.
    edit : Edit
        What is to be done.

    Raises
    ------
    ModelError
        Where a name is unknown, or what is asked for is no part of the model.
    """
    from deploy_magics.converting.onnx_file import whole

    model = whole(Path(source), "cut it")
    told = {value.name: value for value in model.graph.value_info}
    set_shapes(model, edit.shapes)
    model = inferred(model)
    graph = model.graph
    weights = {each.name for each in graph.initializer} | {each.values.name for each in graph.sparse_initializer}
    own = [value.name for value in graph.input if value.name not in weights]
    known = {value.name: value for value in (*graph.value_info, *graph.input, *graph.output)}
    _add_told(known, told, sizes=not edit.shapes)
    made = {name: node for node in graph.node for name in node.output if name}
    for name in (*edit.inputs, *edit.outputs):
        if name not in made and name not in own:
            raise _unknown(name, [*own, *made], weights)
    _check_drop(edit.drop, own, [value.name for value in graph.output])
    inputs = [name for name in edit.inputs or own if name not in edit.drop]
    outputs = [name for name in edit.outputs or [value.name for value in graph.output] if name not in edit.drop]
    for what, names in (("inputs", inputs), ("outputs", outputs)):
        twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
        if twice is not None:
            raise ModelError(f"{twice!r} is named twice among the {what}")
    if not outputs:
        raise ModelError("no output would be left", hint="name some with --outputs")
    borders = list(inputs), list(outputs)
    stripped: list[str] = []
    if "inputs" in edit.at:
        inputs = [_forward(name, model, edit.strip, outputs, stripped) for name in inputs]
    if "outputs" in edit.at:
        outputs = [_backward(name, made, weights, inputs, edit.strip, stripped) for name in outputs]
    same = next((name for place, name in enumerate(outputs) if name in outputs[:place]), None)
    if same is not None:
        both = [repr(border) for border, name in zip(borders[1], outputs, strict=True) if name == same]
        raise ModelError(
            f"outputs {' and '.join(both)} would be one tensor, {same!r}", hint="--drop one of them, or strip less"
        )
    nodes, read = _between(graph, made, inputs, outputs, own)
    idle = [name for name in inputs if name not in read and name not in outputs]
    named = [name for name in idle if name in edit.inputs]
    if named:
        raise ModelError(f"{named[0]!r} does not lead to {', '.join(map(repr, outputs[:_NEAREST]))}")
    notes = [f"nothing depends on input {name!r} now; --drop {name} takes it out" for name in idle]
    _write_probe(model, known, inputs, outputs, Path(probe))
    part = _part(model, known, nodes, inputs, outputs)
    called = _names(part, edit.rename, (*zip(borders[0], inputs, strict=True), *zip(borders[1], outputs, strict=True)))
    _rename(part, called)
    new_inputs, new_outputs = ([called.get(name, name) for name in each] for each in (inputs, outputs))
    times = 1 if edit.batch is None else _set_batch(part, edit.batch)
    part = inferred(part)
    write(part, Path(target))
    return Cut(
        tuple(zip(inputs, new_inputs, strict=True)),
        tuple(zip(outputs, new_outputs, strict=True)),
        len(graph.node),
        len(part.graph.node),
        tuple(stripped),
        tuple(notes),
        times,
    )


def _check_drop(drop: Sequence[str], inputs: Sequence[str], outputs: Sequence[str]) -> None:
    for name in drop:
        if name not in inputs and name not in outputs:
            raise _unknown(name, [*inputs, *outputs], set(), "input or output")


def _unknown(name: str, known: Sequence[str], weights: Collection[str], what: str = "tensor") -> ModelError:
    if name in weights:
        return ModelError(f"{name!r} is a weight, which stays inside", hint="name what is computed")
    some = ", ".join(repr(each) for each in known[:_NEAREST])
    return ModelError(f"it has no {what} {name!r}", hint=did_you_mean(name, known) or f"it has {some} and others")


def _between(
    graph: onnx.GraphProto,
    made: Mapping[str, onnx.NodeProto],
    inputs: Sequence[str],
    outputs: Sequence[str],
    own: Sequence[str],
) -> tuple[list[onnx.NodeProto], set[str]]:
    """Find the nodes that outputs need when inputs are given, and the tensors those read."""
    wanted = list(outputs)
    read: set[str] = set()
    needed: set[int] = set()
    seen: set[str] = set(inputs)
    while wanted:
        name = wanted.pop()
        if name in seen:
            continue
        seen.add(name)
        if name in own:
            reader = next((node for node in graph.node if name in set(_reads(node)) and id(node) in needed), None)
            by = f"{reader.op_type} {reader.name!r}" if reader is not None else "an output"
            raise ModelError(
                f"{by} needs the input {name!r}, which would be cut off",
                hint="keep it among the --inputs, or cut where nothing needs it",
            )
        node = made.get(name)
        if node is None or id(node) in needed:
            continue
        needed.add(id(node))
        for each in _reads(node):
            read.add(each)
            wanted.append(each)
    return [node for node in graph.node if id(node) in needed], read


def _reads(node: onnx.NodeProto) -> Iterator[str]:
    """Give the names that a node reads, those among them that only the graphs inside it do."""
    yield from (name for name in node.input if name)
    for attribute in node.attribute:
        inner = [attribute.g] if attribute.HasField("g") else []
        for graph in (*inner, *attribute.graphs):
            for each in graphs(graph):
                for inside in each.node:
                    yield from (name for name in inside.input if name)
                yield from (value.name for value in each.output)


def _forward(
    name: str, model: onnx.ModelProto, strip: Collection[str], outputs: Sequence[str], stripped: list[str]
) -> str:
    """Follow an input past the operators that are taken off."""
    while name not in outputs:
        readers = [node for node in model.graph.node if name in set(_reads(node))]
        if len(readers) != 1 or readers[0].op_type not in strip or readers[0].input[0] != name:
            break
        stripped.append(f"{readers[0].op_type} at input {name!r}")
        name = readers[0].output[0]
    return name


def _backward(
    name: str,
    made: Mapping[str, onnx.NodeProto],
    weights: Collection[str],
    inputs: Sequence[str],
    strip: Collection[str],
    stripped: list[str],
) -> str:
    """Follow an output back past the operators that are taken off."""
    while name not in inputs and name in made and made[name].op_type in strip:
        before = made[name].input[0]
        if before in weights or before in inputs or before not in made:
            break
        stripped.append(f"{made[name].op_type} at output {name!r}")
        name = before
    return name


def _add_told(known: dict[str, onnx.ValueInfoProto], told: Mapping[str, onnx.ValueInfoProto], *, sizes: bool) -> None:
    """Believe what the file tells of values whose type inference does not find, as behind another domain's operator.

    Sizes are left out where the model's own have changed: what was told is of the old ones.
    """
    for name, value in told.items():
        if name not in known or known[name].type.WhichOneof("value") is None:
            known[name] = value
            if not sizes:
                for dim in value.type.tensor_type.shape.dim:
                    dim.Clear()


def _value(name: str, known: Mapping[str, onnx.ValueInfoProto]) -> onnx.ValueInfoProto:
    """Give a tensor's type."""
    value = known.get(name)
    if value is None or value.type.WhichOneof("value") is None:
        raise ModelError(f"the type of {name!r} could not be found, so it cannot be a border", hint="cut elsewhere")
    kind = value.type.WhichOneof("value")
    if kind != "tensor_type":
        what = str(kind).removesuffix("_type")
        raise ModelError(
            f"{name!r} is no tensor but a value of type {what}, which cannot be a border", hint="cut elsewhere"
        )
    return value


def _write_probe(
    model: onnx.ModelProto,
    known: Mapping[str, onnx.ValueInfoProto],
    inputs: Sequence[str],
    outputs: Sequence[str],
    path: Path,
) -> None:
    probe = type(model)()
    probe.CopyFrom(model)
    there = {value.name for value in (*model.graph.output, *model.graph.input)}
    for name in dict.fromkeys((*inputs, *outputs)):
        if name not in there:
            probe.graph.output.append(_value(name, known))
    write(probe, path)


def _part(
    model: onnx.ModelProto,
    known: Mapping[str, onnx.ValueInfoProto],
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[str],
    outputs: Sequence[str],
) -> onnx.ModelProto:
    """Copy what is kept, metadata included."""
    part = type(model)()
    part.CopyFrom(model)
    graph = part.graph
    for kept in (graph.node, graph.input, graph.output, graph.initializer, graph.sparse_initializer):
        del kept[:]
    del graph.quantization_annotation[:]
    graph.node.extend(nodes)
    read = {name for node in nodes for name in _reads(node)} | set(outputs)
    graph.initializer.extend(each for each in model.graph.initializer if each.name in read)
    graph.sparse_initializer.extend(each for each in model.graph.sparse_initializer if each.values.name in read)
    # Before version 4, weights are among the inputs, where they no longer stand.
    part.ir_version = max(part.ir_version, _IR_WITH_CONSTANTS)
    graph.input.extend(_value(name, known) for name in inputs)
    graph.output.extend(_value(name, known) for name in outputs)
    return part


def _names(part: onnx.ModelProto, asked: Mapping[str, str], borders: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Decide what tensors at the borders are called: as asked, or as what stood there before something was taken off.

    Parameters
    ----------
    part : onnx.ModelProto
        The part, under the original's names.
    asked : mapping
        New names by old one.
    borders : sequence of (str, str)
        Name at the border before anything was taken off, and the tensor that is there now.
    """
    for old in asked:
        if all(old not in pair for pair in borders):
            raise _unknown(old, [border for border, _ in borders], set(), "input or output")
    result = {tensor: asked.get(border, asked.get(tensor, border)) for border, tensor in borders}
    kept = {name for graph in graphs(part.graph) for name in _all_names(graph)} - set(result)
    found: dict[str, str] = {}
    for tensor, name in result.items():
        was_asked = name in asked.values()
        if was_asked and (name in kept or name in found.values()):
            raise ModelError(f"{name!r} is the name of another tensor", hint="choose another")
        # Where the old name is still in use inside, the tensor keeps its own.
        found[tensor] = tensor if name in kept or name in found.values() else name
    return {old: new for old, new in found.items() if old != new}


def _rename(model: onnx.ModelProto, names: Mapping[str, str]) -> None:
    """Give tensors other names, wherever they are read."""
    for graph in graphs(model.graph):
        for node in graph.node:
            for values in (node.input, node.output):
                values[:] = [names.get(name, name) for name in values]
        for value in (*graph.input, *graph.output):
            value.name = names.get(value.name, value.name)


def _set_batch(part: onnx.ModelProto, batch: int) -> int:
    """Give all inputs another size of their first dimension; tells how many times the old one that is.

    Raises
    ------
    ModelError
        Where they have none or several, or the new one is no multiple.
    """
    old = 0
    for value in part.graph.input:
        dims = value.type.tensor_type.shape.dim
        size = dims[0].dim_value if dims else 0
        if not size:
            raise ModelError(f"the first dimension of {value.name!r} has no size yet", hint="give it one with --dim")
        if old and size != old:
            raise ModelError(f"the first dimensions of its inputs are {old} and {size}, so neither is the batch")
        old = size
    if not old or batch % old:
        raise ModelError(f"its batch is {old}, of which {batch} is no multiple, so the two could not be compared")
    for value in (*part.graph.input, *part.graph.output):
        dims = value.type.tensor_type.shape.dim
        if dims and dims[0].dim_value == old:
            dims[0].dim_value = batch
    return batch // old


def _all_names(graph: onnx.GraphProto) -> Iterator[str]:
    for node in graph.node:
        yield from (*node.input, *node.output)
    for value in (*graph.input, *graph.output, *graph.initializer):
        yield value.name


__all__ = ["STRIPS", "Cut", "Edit", "cut"]
