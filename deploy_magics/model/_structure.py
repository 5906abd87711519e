"""Is what parsed a model? Pure Python on the model without its weights; native checkers run in workers, elsewhere.

What no runtime can make sense of is an error; what some runtime may still run, or a person may still want to look at,
is a warning.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from deploy_magics.errors import ModelError
from deploy_magics.model._order import check_graph
from deploy_magics.model._spec import DTYPES, bytes_of
from deploy_magics.model._store import EXTERNAL, Store, all_tensors
from deploy_magics.model._text import listed, plain, quote, size

if TYPE_CHECKING:
    import onnx

MOST_PARTS = 1_000_000
"""Nodes and attributes at most, subgraphs included; the largest real graphs have 10^5 nodes."""

ENORMOUS = 2**40
"""Bytes that no tensor of a model takes."""

MOST_DIMS = 100
"""Dimensions of a tensor at most; runtimes stop far below."""

_AGAIN = "fetch or export it again"
_PYTHON_DOMAINS = ("com.microsoft", "com.ms.", "org.pytorch", "ai.onnx.contrib")


def check(model: onnx.ModelProto, store: Store, *, bound: Collection[str] = ()) -> tuple[str, ...]:
    """Check a model.

    Parameters
    ----------
    model : ModelProto
        Parsed, perhaps without its large weights.
    store : Store
        Where their data lie.
    bound : collection of str
        Inputs whose shape the user gives, so that the file's may be nonsense.

    Returns
    -------
    tuple of str
        Warnings, one line each.

    Raises
    ------
    ModelError
        In one line, where it cannot be used.
    """
    _versions(model)
    _names(model)
    _inputs(model.graph, bound)
    _tensors(model, store)
    functions = {(_domain(item.domain), item.name) for item in model.functions}
    warnings = _unknown_ops(model, functions)
    warnings += check_graph(model)
    weights = {tensor.name for tensor in model.graph.initializer}
    as_inputs = sum(value.name in weights for value in model.graph.input)
    if as_inputs and model.ir_version >= 4:
        warnings.append(f"{as_inputs} weights are also listed as inputs, so that runtimes may not fold them")
    for value in model.graph.output:
        shape = value.type.tensor_type.shape.dim
        if any(dim.dim_value < 0 for dim in shape):
            warnings.append(f"output {quote(value.name)} has a negative dimension, taken as unknown")
    return tuple(warnings)


def _versions(model: onnx.ModelProto) -> None:
    import onnx

    if not model.HasField("graph"):
        raise ModelError("has nothing of an ONNX model: no graph", hint=_AGAIN)
    if model.ir_version <= 0:
        raise ModelError("has no IR version, so it is no ONNX model or a damaged one", hint=_AGAIN)
    if not model.opset_import:
        raise ModelError("declares no opset, so it is truncated, damaged or older than ONNX 1.0", hint=_AGAIN)
    newest = onnx.helper.VERSION_TABLE[-1]
    if model.ir_version > onnx.IR_VERSION:
        raise ModelError(
            f"has IR version {model.ir_version}; the installed onnx {onnx.__version__} knows up to {onnx.IR_VERSION}",
            hint="upgrade onnx and onnxruntime, or export it for an older one",
        )
    known = {"ai.onnx": newest[2], "ai.onnx.ml": newest[3]}
    for opset in model.opset_import:
        domain = _domain(opset.domain)
        if opset.version > known.get(domain, opset.version):
            raise ModelError(
                f"needs opset {opset.version} of {domain}; the installed onnx {onnx.__version__} knows up to "
                f"{known[domain]}",
                hint="upgrade onnx and onnxruntime, or export it for an older opset",
            )
        if domain == "ai.onnx" and opset.version < 1:
            raise ModelError(f"declares opset {opset.version}, which there is not", hint=_AGAIN)


def _domain(name: Any) -> str:
    return name or "ai.onnx"


def _names(model: onnx.ModelProto) -> None:
    """Check that every name is text: protobuf gives bytes for what is not UTF-8."""

    def text(values: Iterable[Any], what: str) -> None:
        for value in values:
            if not isinstance(value, str):
                raise ModelError(f"the name of {what} is not UTF-8: {quote(value)}", hint=_AGAIN)

    text((model.producer_name, model.producer_version, model.domain, model.doc_string), "its producer")
    for pair in model.metadata_props:
        text((pair.key, pair.value), "a metadata entry")
    for opset in model.opset_import:
        text((opset.domain,), "an opset's domain")
    nodes: list[onnx.NodeProto] = []
    for function in model.functions:
        text((function.name, function.domain, function.overload, function.doc_string), "a function")
        text((*function.input, *function.output, *function.attribute), "a function's value")
        text((opset.domain for opset in function.opset_import), "an opset's domain")
        text((value.name for value in function.value_info), "a value")
        nodes.extend(function.node)
    graphs, count = [model.graph], 0
    while graphs or nodes:
        if graphs:
            graph = graphs.pop()
            text((graph.name, graph.doc_string), "a graph")
            text((tensor.name for tensor in graph.initializer), "a weight")
            text((tensor.values.name for tensor in graph.sparse_initializer), "a weight")
            for values in (graph.input, graph.output, graph.value_info):
                for value in values:
                    text((value.name,), "a value")
                    for dim in value.type.tensor_type.shape.dim:
                        text((dim.dim_param,), f"a dimension of {quote(value.name)}")
            nodes.extend(graph.node)
        for node in nodes:
            count += 1 + len(node.attribute)
            if count > MOST_PARTS:
                raise ModelError(
                    f"has more than {MOST_PARTS:,} nodes and attributes", hint="this is no model that could be run"
                )
            text((node.name, node.op_type, node.domain, node.overload, node.doc_string), "a node")
            text(node.input, "a value")
            text(node.output, "a value")
            for attribute in node.attribute:
                text((attribute.name, attribute.ref_attr_name, attribute.t.name), "an attribute")
                if attribute.HasField("g"):
                    graphs.append(attribute.g)
                graphs.extend(attribute.graphs)
        nodes = []


def _inputs(graph: onnx.GraphProto, bound: Collection[str]) -> None:
    weights = {tensor.name for tensor in graph.initializer}
    for value in graph.input:
        if value.name in weights:
            continue
        who = f"input {quote(value.name)}"
        kind = value.type.WhichOneof("value")
        if kind is None:
            raise ModelError(f"{who} has no type", hint="export the model again")
        if kind != "tensor_type":
            continue
        tensor = value.type.tensor_type
        if tensor.elem_type not in DTYPES:
            what = "no dtype" if not tensor.elem_type else f"dtype {tensor.elem_type}, which ONNX does not know"
            raise ModelError(f"{who} has {what}", hint="export the model again")
        fixed = [dim.dim_value for dim in tensor.shape.dim if dim.HasField("dim_value")]
        negative = [dim for dim in fixed if dim < 0]
        if negative and value.name not in bound:
            raise ModelError(
                f"{who} has a negative dimension: {negative[0]}", hint=f"give --shape {plain(value.name)}=..."
            )
        _not_enormous(who, DTYPES[tensor.elem_type], fixed)
    for value in graph.output:
        tensor = value.type.tensor_type
        if tensor.elem_type and tensor.elem_type not in DTYPES:
            raise ModelError(
                f"output {quote(value.name)} has dtype {tensor.elem_type}, which ONNX does not know",
                hint="export the model again",
            )


def _not_enormous(who: str, dtype: str, dims: Iterable[int]) -> None:
    positive = [dim for dim in dims if dim > 0]
    if len(positive) > MOST_DIMS:
        raise ModelError(f"{who} has {len(positive)} dimensions", hint=_AGAIN)
    needed = bytes_of(dtype, positive) or 0
    if needed > ENORMOUS:
        raise ModelError(f"{who} has enormous dimensions: {listed_dims(positive)} take {size(needed)}", hint=_AGAIN)


def listed_dims(dims: list[int]) -> str:
    """Write dimensions as ``1x3x224x224``, shortened where there are many."""
    text = "x".join(str(dim) for dim in dims[:6])
    return text if len(dims) <= 6 else f"{text}x..."


def _tensors(model: onnx.ModelProto, store: Store) -> None:
    for tensor in all_tensors(model):
        who = f"weight {quote(tensor.name)}"
        if tensor.data_type not in DTYPES:
            what = "no dtype" if not tensor.data_type else f"dtype {tensor.data_type}, which ONNX does not know"
            raise ModelError(f"{who} has {what}", hint=_AGAIN)
        dtype = DTYPES[tensor.data_type]
        if any(dim < 0 for dim in tensor.dims):
            raise ModelError(f"{who} has a negative dimension: {list(tensor.dims)[:8]}", hint=_AGAIN)
        _not_enormous(who, dtype, tensor.dims)
        if tensor.HasField("segment"):
            raise ModelError(f"{who} is split into segments, which no runtime reads", hint="export the model again")
        elsewhere = tensor.data_location == EXTERNAL
        if dtype == "string" and (elsewhere or tensor.HasField("raw_data")):
            raise ModelError(f"{who} has strings as raw bytes, which is not allowed", hint=_AGAIN)
        if elsewhere:
            place = store.place(tensor)
            held = place.length if place else None
        elif tensor.HasField("raw_data"):
            held = len(tensor.raw_data)
        else:
            _typed(tensor, dtype, who)
            continue
        needed = bytes_of(dtype, tensor.dims)
        if needed is not None and held is not None and held != needed:
            raise ModelError(
                f"{who} holds {held} bytes, and its shape {listed_dims(list(tensor.dims)) or 'of one number'} "
                f"of {dtype} needs {needed}",
                hint=_AGAIN,
            )


def _typed(tensor: onnx.TensorProto, dtype: str, who: str) -> None:
    """Check the number of values where they are not raw bytes."""
    count = 1
    for dim in tensor.dims:
        count *= dim
    if dtype in ("int4", "uint4", "float4e2m1"):
        count = (count + 1) // 2
    elif dtype in ("int2", "uint2"):
        count = (count + 3) // 4
    elif dtype.startswith("complex"):
        count *= 2
    elif dtype.startswith("float6e"):
        return
    field = {
        "float32": "float_data",
        "complex64": "float_data",
        "string": "string_data",
        "int64": "int64_data",
        "float64": "double_data",
        "complex128": "double_data",
        "uint32": "uint64_data",
        "uint64": "uint64_data",
    }.get(dtype, "int32_data")
    held = len(getattr(tensor, field))
    if held != count:
        raise ModelError(f"{who} holds {held} values of {dtype}, and its shape needs {count}", hint=_AGAIN)


def _unknown_ops(model: onnx.ModelProto, functions: set[tuple[str, str]]) -> list[str]:
    import onnx

    versions = {_domain(opset.domain): opset.version for opset in model.opset_import}
    unknown: dict[str, None] = {}
    undeclared: dict[str, None] = {}
    asked: set[tuple[str, str]] = set()
    for node in every_node(model):
        domain = _domain(node.domain)
        if (domain, node.op_type) in asked:
            continue
        asked.add((domain, node.op_type))
        if (domain, node.op_type) in functions or domain.startswith(_PYTHON_DOMAINS):
            continue
        if domain not in versions:
            undeclared[domain] = None
        plain = "" if domain == "ai.onnx" else domain
        try:
            onnx.defs.get_schema(node.op_type, max(1, min(versions.get(domain, 1), 2**31 - 1)), plain)
        except onnx.defs.SchemaError:
            unknown[node.op_type if not plain else f"{plain}:{node.op_type}"] = None
    warnings = []
    if unknown:
        ops = "op" if len(unknown) == 1 else "ops"
        warnings.append(f"unknown {ops} {listed(list(unknown))}: it can be inspected, but hardly run")
    if undeclared:
        warnings.append(f"declares no opset for {listed(list(undeclared))}, which its nodes use")
    return warnings


def every_node(model: onnx.ModelProto) -> Iterable[onnx.NodeProto]:
    """Give every node, those of subgraphs and functions included."""
    pending: list[Any] = [model.graph, *model.functions]
    while pending:
        for node in pending.pop().node:
            yield node
            for attribute in node.attribute:
                if attribute.HasField("g"):
                    pending.append(attribute.g)
                pending.extend(attribute.graphs)
