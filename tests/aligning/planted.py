"""Networks with errors planted into them: one weight tensor, or one weight, changed by 1 %."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import numpy_helper

from deploy_magics.model import Model

CHANGE = 1.01


def small(name: str, size: int) -> onnx.ModelProto:
    """Give a network of the zoo that takes smaller pictures: its layers and weights stay, and it runs in less time."""
    proto = onnx.ModelProto()
    proto.CopyFrom(Model.of(name).proto)
    for value in proto.graph.input:
        for place in (2, 3):
            value.type.tensor_type.shape.dim[place].dim_value = size
    del proto.graph.value_info[:]
    return proto


def weighted(proto: onnx.ModelProto) -> list[str]:
    """Name the nodes that have weights to change."""
    return [node.name for node in proto.graph.node if node.op_type in ("Conv", "Gemm")]


def spread(names: Sequence[str], count: int) -> list[str]:
    """Choose names from the first to the last, evenly."""
    return [names[round(place)] for place in np.linspace(0, len(names) - 1, count)]


def planted(proto: onnx.ModelProto, layers: Sequence[str], *, single: bool = False) -> onnx.ModelProto:
    """Change the weights of layers by 1 %: the whole tensor, or its largest weight only."""
    changed = onnx.ModelProto()
    changed.CopyFrom(proto)
    weights = {node.input[1] for node in changed.graph.node if node.name in layers}
    for tensor in changed.graph.initializer:
        if tensor.name in weights:
            array = numpy_helper.to_array(tensor).copy()
            if single:
                array.reshape(-1)[np.abs(array).argmax()] *= np.float32(CHANGE)
            else:
                array *= np.float32(CHANGE)
            tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
    return changed
