"""Writes an ONNX file with its weights one at a time, so that no copy of all of them is held."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from deploy_magics import __version__

if TYPE_CHECKING:
    import numpy as np
    import onnx

    from deploy_magics.zoo._catalogue import Entry

# Field numbers of onnx.proto; 2 is the wire type of anything that has a length.
_MODEL_GRAPH = (7 << 3) | 2
_GRAPH_INITIALIZER = (5 << 3) | 2
_TENSOR_RAW_DATA = (9 << 3) | 2

Weight = tuple[str, tuple[int, ...], Callable[[], "np.ndarray"]]


def about(entry: Entry) -> dict[str, str]:
    """Give the metadata of a file that holds seeded weights."""
    return {
        "name": entry.name,
        "title": entry.title,
        "source": entry.source,
        "weights": "random, seeded by name (He et al. 2015); not trained",
        "producer": f"deploy_magics {__version__}",
    }


def write_with_weights(
    path: Path, model: onnx.ModelProto, weights: Iterable[Weight], metadata: Mapping[str, str]
) -> None:
    """Write a model whose float32 initialisers are made one after the other.

    Parameters
    ----------
    path : Path
        The file; overwritten.
    model : onnx.ModelProto
        All but the initialisers that follow; its ``metadata_props`` are replaced.
    weights : iterable of (name, shape, make)
        ``make()`` gives the float32 array of that shape.
    metadata : mapping
        The file's ``metadata_props``.

    Notes
    -----
    A protobuf message is its fields one after the other, so the graph is its own bytes followed by one initialiser a
    field, with the length of it all in front. A file of 528 MiB takes the memory of its largest tensor.
    """
    import numpy as np
    import onnx

    graph = model.graph.SerializeToString()
    head = onnx.ModelProto()
    head.CopyFrom(model)
    head.ClearField("graph")
    onnx.helper.set_model_props(head, dict(metadata))
    planned = [(make, *_header(name, shape)) for name, shape, make in weights]
    length = len(graph) + sum(len(header) + size for _, header, size in planned)
    with path.open("wb") as file:
        file.write(head.SerializeToString())
        file.write(_varint(_MODEL_GRAPH) + _varint(length) + graph)
        for make, header, size in planned:
            values = np.ascontiguousarray(make(), dtype="<f4")
            if values.nbytes != size:
                raise ValueError(f"a weight has {values.nbytes} bytes where {size} were announced")
            file.write(header)
            file.write(values.data)


def _header(name: str, shape: tuple[int, ...]) -> tuple[bytes, int]:
    """Give the bytes of an initialiser up to its raw data, and the raw data's length."""
    import onnx

    size = 4
    for length in shape:
        size *= length
    tensor = onnx.TensorProto(name=name, dims=shape, data_type=onnx.TensorProto.FLOAT).SerializeToString()
    tensor += _varint(_TENSOR_RAW_DATA) + _varint(size)
    return _varint(_GRAPH_INITIALIZER) + _varint(len(tensor) + size) + tensor, size


def _varint(value: int) -> bytes:
    """Encode a non-negative integer as protobuf does.

    >>> _varint(300).hex()
    'ac02'
    """
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
