"""What a simplifier has to leave as it was: interface, metadata, names. Kept before, put back after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from deploy_magics.simplifying import _graph

if TYPE_CHECKING:
    import onnx

Shape = Sequence[int | str | None]

_FIRST_IR_WITH_CONSTANTS = 4


@dataclass
class Frame:
    """A model without its nodes and weights, and what :func:`restore` has to know of those.

    Attributes
    ----------
    head : onnx.ModelProto
        Everything but the nodes, initialisers and functions.
    bound : bool
        Whether dimensions were given a size, so that old shapes of inner values no longer hold.
    repaired : bool
        Whether its nodes were put in order.
    node_names : set of str
        Names that nodes had.
    described : set of str
        Values of which the model told type and shape.
    notes : list of str
        What was done, one line each.
    """

    head: onnx.ModelProto
    bound: bool
    repaired: bool
    node_names: set[str]
    described: set[str]
    notes: list[str] = field(default_factory=list)


def prepare(model: onnx.ModelProto, shapes: Mapping[str, Shape]) -> Frame:
    """Make a model one that simplifiers take: in order, its weights constants, its dimensions bound.

    Parameters
    ----------
    model : onnx.ModelProto
        Changed in place.
    shapes : Mapping[str, sequence]
        Shapes of inputs by name, where some dimension was bound.
    """
    notes = []
    repaired = bool(_graph.sort(model.graph))
    if repaired:
        notes.append("its nodes were not in the order that ONNX asks for, and are now")
    bound = bind(model.graph, shapes)
    freed = _graph.free_inputs(model.graph)
    if freed:
        notes.append(
            f"{freed} {'weight' if freed == 1 else 'weights'} listed as {'an input' if freed == 1 else 'inputs'} "
            f"{'is a constant' if freed == 1 else 'are constants'} now"
        )
    frame = Frame(
        head=_head(model),
        bound=bound,
        repaired=repaired,
        node_names={node.name for graph in _graph.all_graphs(model.graph) for node in graph.node if node.name},
        described={value.name for graph in _graph.all_graphs(model.graph) for value in graph.value_info},
        notes=notes,
    )
    if bound:
        for graph in _graph.all_graphs(model.graph):
            del graph.value_info[:]
    _please_checker(model)
    return frame


def _please_checker(model: onnx.ModelProto) -> None:
    """Mend what ONNX's checker refuses and no runtime minds; :func:`restore` takes back what is no gain."""
    if model.graph.initializer:
        # Older ones may not have constants that are no inputs.
        model.ir_version = max(model.ir_version, _FIRST_IR_WITH_CONSTANTS)
    model.graph.name = model.graph.name or "graph"
    if not all(_is_typed(value) for value in model.graph.output):
        _infer_outputs(model)
    for graph in _graph.all_graphs(model.graph):
        for node in graph.node:
            if node.domain == "ai.onnx":
                node.domain = ""


def _is_typed(value: onnx.ValueInfoProto) -> bool:
    kind = value.type.WhichOneof("value")
    return kind is not None and (kind != "tensor_type" or value.type.tensor_type.HasField("shape"))


def _infer_outputs(model: onnx.ModelProto) -> None:
    """Give outputs the type and shape that the model does not tell, where they can be found."""
    import onnx

    try:
        inferred = onnx.shape_inference.infer_shapes(model)
    except Exception:  # noqa: BLE001 - it raises whatever its C++ part did; the checker will say what is missing
        return
    for value, found in zip(model.graph.output, inferred.graph.output, strict=True):
        if not _is_typed(value) and _is_typed(found):
            value.type.CopyFrom(found.type)


def bind(graph: onnx.GraphProto, shapes: Mapping[str, Shape]) -> bool:
    """Write bound dimensions into the inputs, and into the outputs where they have the same symbol."""
    symbols: dict[str, int] = {}
    changed = False
    for value in graph.input:
        if value.name not in shapes or value.type.WhichOneof("value") != "tensor_type":
            continue
        tensor = value.type.tensor_type
        while len(tensor.shape.dim) < len(shapes[value.name]):
            tensor.shape.dim.add()
        for dim, size in zip(tensor.shape.dim, shapes[value.name], strict=False):
            if isinstance(size, int) and not (dim.HasField("dim_value") and dim.dim_value == size):
                if dim.dim_param:
                    symbols[dim.dim_param] = size
                dim.dim_value = size
                changed = True
    for value in (*graph.input, *graph.output):
        if value.type.WhichOneof("value") == "tensor_type":
            for dim in value.type.tensor_type.shape.dim:
                if dim.dim_param in symbols:
                    dim.dim_value = symbols[dim.dim_param]
    return changed


def restore(model: onnx.ModelProto, frame: Frame) -> None:
    """Put back what a simplifier changed beside the computation, and take out what it added.

    Simplifiers add notes of their own to the metadata, names to nodes that had none, and the shape of every inner
    value; on a small model that is more than they save.
    """
    head = frame.head
    _copy(head, model, ("producer_name", "producer_version", "domain", "doc_string", "model_version"))
    _copy(head, model, ("metadata_props", "training_info"))
    _copy(head.graph, model.graph, ("name", "doc_string", "metadata_props"))
    _restore_interface(model.graph, frame)
    _restore_opsets(model, head)
    _graph.drop_unused(model.graph)
    _graph.pack(model.graph)
    present: set[str] = set()
    for graph in _graph.all_graphs(model.graph):
        present.update(name for node in graph.node for name in node.output)
        present.update(tensor.name for tensor in graph.initializer)
        for node in graph.node:
            if node.name not in frame.node_names:
                node.ClearField("name")
        for index in reversed(range(len(graph.value_info))):
            if graph.value_info[index].name not in frame.described:
                del graph.value_info[index]
    present.update(value.name for value in model.graph.input)
    del model.graph.quantization_annotation[:]
    model.graph.quantization_annotation.extend(
        note for note in head.graph.quantization_annotation if note.tensor_name in present
    )


def _restore_interface(graph: onnx.GraphProto, frame: Frame) -> None:
    """Give inputs and outputs their old type, shape and text; with dimensions bound, take what is newly known."""
    known = {value.name: value for value in graph.output}
    del graph.input[:]
    graph.input.extend(frame.head.graph.input)
    outputs = []
    for value in frame.head.graph.output:
        found = known.get(value.name)
        better = frame.bound and found is not None and found.type.tensor_type.HasField("shape")
        outputs.append(found if better and found is not None else value)
    copies = type(graph)(output=outputs)
    del graph.output[:]
    graph.output.extend(copies.output)


def _restore_opsets(model: onnx.ModelProto, head: onnx.ModelProto) -> None:
    """Drop the operator sets that were imported and are not used; ONNX Runtime imports all of its own."""
    before = {entry.domain for entry in head.opset_import}
    used = {node.domain for graph in _graph.all_graphs(model.graph) for node in graph.node}
    used.update(node.domain for function in model.functions for node in function.node)
    for index in reversed(range(len(model.opset_import))):
        domain = model.opset_import[index].domain
        if domain not in before and domain not in used:
            del model.opset_import[index]


def _head(model: onnx.ModelProto) -> onnx.ModelProto:
    """Copy a model without what makes it large."""
    head = type(model)()
    for part, value in model.ListFields():
        if part.name not in ("graph", "functions"):
            _put(head, part.name, value)
    for part, value in model.graph.ListFields():
        if part.name not in ("node", "initializer", "sparse_initializer", "value_info"):
            _put(head.graph, part.name, value)
    return head


def _copy(source: Any, target: Any, parts: Iterable[str]) -> None:
    """Give fields of a message the value they have in another, absent ones included."""
    present = {part.name: value for part, value in source.ListFields()}
    for name in parts:
        target.ClearField(name)
        if name in present:
            _put(target, name, present[name])


def _put(message: Any, name: str, value: Any) -> None:
    if hasattr(value, "MergeFrom"):  # a message, or several
        getattr(message, name).MergeFrom(value)
    else:
        setattr(message, name, value)
