"""Shapes of the values inside a model, inferred in a worker from the model without its weights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from deploy_magics.errors import DeployError
from deploy_magics.model._bind import Binding
from deploy_magics.model._spec import TensorSpec, shape_of
from deploy_magics.model._store import EXTERNAL, Store, all_tensors
from deploy_magics.model._wire import KEEP_BYTES

if TYPE_CHECKING:
    import onnx

TIMEOUT_S = 120.0
MEMORY_BYTES = 2 * 2**30


def inferred(
    skeleton: onnx.ModelProto, store: Store, inputs: Sequence[TensorSpec], binding: Binding
) -> tuple[onnx.ModelProto, str | None]:
    """Infer shapes.

    Parameters
    ----------
    skeleton : ModelProto
        The model without its large weights; not changed.
    store : Store
        Where small external weights are read from, which shapes may depend on.
    inputs : sequence of TensorSpec
        As bound.
    binding : Binding
        What the symbolic dimensions are bound to.

    Returns
    -------
    proto : ModelProto
        The skeleton with shapes.
    note : str, optional
        Why nothing could be inferred, where that is so; the proto then has what the file says.
    """
    from deploy_magics import workers

    start = type(skeleton)()
    start.CopyFrom(skeleton)
    _pull_in_small(start, store)
    said = {value.name: value for value in (*skeleton.graph.value_info, *skeleton.graph.output)}
    _set_inputs(start.graph, inputs)
    # What an exporter wrote was true of the sizes it exported with; infer it anew, and fall back on it.
    del start.graph.value_info[:]
    for output in start.graph.output:
        if output.type.HasField("tensor_type"):
            output.type.tensor_type.ClearField("shape")
    note = None
    try:
        data = workers.call(
            "deploy_magics.model._native:infer",
            start.SerializeToString(),
            name="shape inference",
            timeout=TIMEOUT_S,
            memory=workers.memory_bound(MEMORY_BYTES),
        )
        start.ParseFromString(data)
    except DeployError as error:
        note = f"shapes could not be inferred: {error.message}"
    _fall_back(start.graph, said, binding)
    return start, note


def fill_in(graph: onnx.GraphProto, seen: Mapping[str, tuple[int, tuple[int, ...]]]) -> None:
    """Write dtypes and shapes that values had in a run into a graph."""
    from onnx import helper

    known = {value.name: value for value in (*graph.value_info, *graph.output)}
    for name, (element, shape) in seen.items():
        value = known.get(name)
        if value is None:
            value = graph.value_info.add()
            value.name = name
        value.type.CopyFrom(helper.make_tensor_type_proto(element, shape))


def unknown_values(graph: onnx.GraphProto) -> list[str]:
    """List the values of the main graph whose shape is not known in numbers.

    A further output that nobody reads is passed over: inference knows nothing of Dropout's mask, and to run a large
    model for that alone would take seconds.
    """
    known = {value.name for value in (*graph.value_info, *graph.output) if _is_fixed(value)}
    read = {output.name for output in graph.output}
    pending = [graph]
    while pending:
        for node in pending.pop().node:
            read.update(node.input)
            for attribute in node.attribute:
                pending += [attribute.g, *attribute.graphs] if attribute.HasField("g") else attribute.graphs
    made = [
        name for node in graph.node for place, name in enumerate(node.output) if name and (place == 0 or name in read)
    ]
    return [name for name in made if name not in known]


def _is_fixed(value: onnx.ValueInfoProto) -> bool:
    if not value.type.HasField("tensor_type"):
        return value.type.WhichOneof("value") is not None
    tensor = value.type.tensor_type
    return tensor.HasField("shape") and all(isinstance(dim, int) for dim in shape_of(tensor.shape.dim))


def _pull_in_small(model: onnx.ModelProto, store: Store) -> None:
    for tensor in all_tensors(model):
        if tensor.data_location == EXTERNAL:
            place = store.place(tensor)
            if place and place.length <= KEEP_BYTES:
                data = store.read(tensor)
                tensor.ClearField("external_data")
                tensor.ClearField("data_location")
                tensor.raw_data = data or b""


def _set_inputs(graph: onnx.GraphProto, inputs: Iterable[TensorSpec]) -> None:
    specs = {spec.name: spec for spec in inputs}
    for value in graph.input:
        spec = specs.get(value.name)
        if spec is None or spec.shape is None or not value.type.HasField("tensor_type"):
            continue
        shape = value.type.tensor_type.shape
        del shape.dim[:]
        for dim in spec.shape:
            new = shape.dim.add()
            if isinstance(dim, int):
                new.dim_value = dim
            elif dim:
                new.dim_param = dim


def _fall_back(graph: onnx.GraphProto, said: dict[str, onnx.ValueInfoProto], binding: Binding) -> None:
    """Where nothing was inferred, keep what the file said, its symbols bound."""
    present = {value.name: value for value in (*graph.value_info, *graph.output)}
    for name, old in said.items():
        value = present.get(name)
        if value is None:
            value = graph.value_info.add()
            value.CopyFrom(old)
        elif not value.type.HasField("tensor_type") or not value.type.tensor_type.HasField("shape"):
            value.type.CopyFrom(old.type)
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param in binding.dims:
                dim.dim_value = binding.dims[dim.dim_param]
