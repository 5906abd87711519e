"""Edits of an ONNX model's interface and borders that are safe to check: sizes, names, cuts. They run in a worker."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy_magics.errors import DeployError, ModelError

if TYPE_CHECKING:
    import onnx

Shape = Sequence[int | str | None]


def bound_file(source: str, target: str, shapes: Mapping[str, Shape]) -> None:
    """Write a model with dimensions of its inputs given a size, and the shapes of all values found again.

    Raises
    ------
    ModelError
        Where it is too large to be held as one message.
    """
    from deploy_magics.converting.onnx_file import whole

    model = whole(Path(source), "give its dimensions a size")
    set_shapes(model, shapes)
    write(inferred(model), Path(target))


def set_shapes(model: onnx.ModelProto, shapes: Mapping[str, Shape]) -> None:
    """Give inputs other shapes; a symbol that gets a size gets it in the outputs too. Changes the model."""
    sizes: dict[str, int] = {}
    for value in model.graph.input:
        if value.name not in shapes or value.type.WhichOneof("value") != "tensor_type":
            continue
        shape = value.type.tensor_type.shape
        while len(shape.dim) < len(shapes[value.name]):
            shape.dim.add()
        for dim, size in zip(shape.dim, shapes[value.name], strict=False):
            if isinstance(size, int):
                if dim.dim_param:
                    sizes[dim.dim_param] = size
                dim.dim_value = size
            elif isinstance(size, str):
                dim.dim_param = size
            else:
                dim.Clear()
    for value in model.graph.output:
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param in sizes:
                dim.dim_value = sizes[dim.dim_param]


def inferred(model: onnx.ModelProto) -> onnx.ModelProto:
    """Find the shapes of all values again, those that the model told forgotten.

    Raises
    ------
    ModelError
        Where shapes contradict each other.
    """
    import onnx

    for graph in graphs(model.graph):
        del graph.value_info[:]
    try:
        return onnx.shape_inference.infer_shapes(model, data_prop=True)
    except Exception as error:  # noqa: BLE001 - its C++ part raises anything
        raise ModelError(f"its shapes do not fit together: {' '.join(str(error).split())[:240]}") from None


def write(model: onnx.ModelProto, path: Path) -> None:
    """Write a model in one file.

    Raises
    ------
    DeployError
        Where the disk refuses.
    """
    try:
        path.write_bytes(model.SerializeToString())
    except OSError as error:
        raise DeployError(f"cannot write {str(path)!r}: {error.strerror or error}") from None


def graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """Give a graph and those inside its nodes."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            inner: list[Any] = [attribute.g] if attribute.HasField("g") else []
            for each in (*inner, *attribute.graphs):
                yield from graphs(each)


__all__ = ["bound_file", "graphs", "inferred", "set_shapes", "write"]
