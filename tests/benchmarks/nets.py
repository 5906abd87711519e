"""The model that the trust benchmark measures, and one with 5 % more work."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, save

LAYERS = 20
CHANNELS = 48
SIZE = 24


def convolutions(path: Path, layers: int = LAYERS) -> Path:
    """Write a chain of equal 3x3 convolutions with random weights: about 2.5 ms on one core of a server.

    All layers have one shape and weights of their own, so that time follows their number: 21 layers make exactly 5 %
    more multiply-accumulates than 20, of the same kind. What does not grow with them, the change of memory layout at
    both ends and the final mean, is below 1 % of the time.
    """
    rng = np.random.default_rng(0)
    nodes, weights, last = [], [], "x"
    for index in range(layers):
        shape = (CHANNELS, CHANNELS, 3, 3)
        values = (rng.standard_normal(shape) * (2 / (CHANNELS * 9)) ** 0.5).astype(np.float32)
        weights.append(helper.make_tensor(f"w{index}", TensorProto.FLOAT, shape, values.tobytes(), raw=True))
        nodes.append(helper.make_node("Conv", [last, f"w{index}"], [f"c{index}"], kernel_shape=[3, 3], pads=[1] * 4))
        nodes.append(helper.make_node("Relu", [f"c{index}"], [f"r{index}"]))
        last = f"r{index}"
    nodes.append(helper.make_node("GlobalAveragePool", [last], ["y"]))
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, CHANNELS, SIZE, SIZE])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, CHANNELS, 1, 1])
    graph = helper.make_graph(nodes, "convolutions", [x], [y], weights)
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    return path
