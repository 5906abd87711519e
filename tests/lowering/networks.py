"""Small convolutional networks for the tests of this room, put together from a list of layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save


@dataclass
class Network:
    """A network under construction; ``shape`` is that of its last tensor, without the batch."""

    shape: tuple[int, int, int]
    seed: int = 0
    nodes: list[Any] = field(default_factory=list)
    weights: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.input = self.shape
        self.rng = np.random.default_rng(self.seed)
        self.last = "x"

    def constant(self, *shape: int, low: float | None = None) -> str:
        values = self.rng.standard_normal(shape).astype(np.float32) / max(1, int(np.prod(shape[1:]))) ** 0.5
        return self.keep(np.abs(values) + low if low is not None else values)

    def keep(self, values: np.ndarray[Any, Any]) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def add(self, op: str, inputs: Sequence[str], **attributes: Any) -> str:
        self.last = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [self.last], **attributes))
        return self.last

    def conv(self, out: int, kernel: int, stride: int = 1, pad: int = 0, dilation: int = 1, groups: int = 1) -> None:
        channels, height, width = self.shape
        if groups in (0, channels):  # depthwise
            groups = out = channels
        elif channels % groups:
            groups = 1
        out = -(-out // groups) * groups
        reach = dilation * (kernel - 1) + 1
        if min(height, width) + 2 * pad < reach:
            return
        weight = self.constant(out, channels // groups, kernel, kernel)
        self.add(
            "Conv",
            [self.last, weight, self.constant(out)],
            strides=[stride] * 2,
            pads=[pad] * 4,
            dilations=[dilation] * 2,
            group=groups,
        )
        size = [(extent + 2 * pad - reach) // stride + 1 for extent in (height, width)]
        self.shape = (out, size[0], size[1])

    def transposed(self, out: int, kernel: int, stride: int, pad: int, more: int) -> None:
        channels, height, width = self.shape
        if max(height, width) > 16:
            return
        pad, more = min(pad, kernel - 1), min(more, stride - 1)
        how = {"strides": [stride] * 2, "pads": [0, pad, pad, 0], "output_padding": [more] * 2}
        self.add("ConvTranspose", [self.last, self.constant(channels, out, kernel, kernel), self.constant(out)], **how)
        size = [(extent - 1) * stride + kernel - pad + more for extent in (height, width)]
        self.shape = (out, size[0], size[1])

    def norm(self) -> None:
        channels = self.shape[0]
        params = [self.constant(channels) for _ in range(3)]
        self.add("BatchNormalization", [self.last, *params, self.constant(channels, low=0.5)])

    def clip(self) -> None:
        bounds = [self.keep(np.array(value, np.float32)) for value in (-0.25, 0.5)]
        self.add("Clip", [self.last, *bounds])

    def scale(self) -> None:
        self.add("Mul", [self.last, self.constant(self.shape[0], 1, 1)])
        self.add("Div", [self.last, self.constant(1, self.shape[0], 1, 1, low=1.0)])

    def pool(self, kind: str, pad: int = 0) -> None:
        channels, height, width = self.shape
        if min(height, width) < 3:
            return
        more = {"count_include_pad": 1} if kind == "AveragePool" else {}
        self.add(kind, [self.last], kernel_shape=[3, 3], strides=[2, 2], pads=[pad] * 4, **more)
        self.shape = (channels, (height + 2 * pad - 3) // 2 + 1, (width + 2 * pad - 3) // 2 + 1)

    def residual(self, op: str) -> None:
        before = self.last
        self.conv(self.shape[0], 3, pad=1)
        self.add(op, [self.last, before])

    def gate(self) -> None:
        """Weigh each channel by what the whole picture says of it, as a squeeze and excitation does."""
        before, channels = self.last, self.shape[0]
        self.add("GlobalAveragePool", [before])
        self.add("Conv", [self.last, self.constant(channels, channels, 1, 1)])
        self.add("Sigmoid", [self.last])
        self.add("Mul", [before, self.last])

    def concat(self, out: int) -> None:
        before, channels = self.last, self.shape[0]
        self.conv(out, 1)
        self.add("Concat", [before, self.last], axis=1)
        self.shape = (channels + self.shape[0], *self.shape[1:])

    def shuffle(self) -> None:
        channels, height, width = self.shape
        if channels % 2:
            return
        split = self.keep(np.array([1, 2, channels // 2, height, width], np.int64))
        joined = self.keep(np.array([1, channels, height, width], np.int64))
        self.add("Reshape", [self.last, split])
        self.add("Transpose", [self.last], perm=[0, 2, 1, 3, 4])
        self.add("Reshape", [self.last, joined])

    def classify(self) -> None:
        self.add("GlobalAveragePool", [self.last])
        self.add("Flatten", [self.last])
        self.add("Gemm", [self.last, self.constant(self.shape[0], 10), self.constant(10)])

    def save(self, path: Path) -> Path:
        self.add("Identity", [self.last])
        x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, *self.input])
        y = helper.make_tensor_value_info(self.last, TensorProto.FLOAT, None)
        graph = helper.make_graph(self.nodes, "network", [x], [y], self.weights)
        save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
        return path


def build(path: Path, shape: tuple[int, int, int], layers: Sequence[tuple[Any, ...]], seed: int) -> Path:
    """Write the network of these layers: each the name of a method above and its arguments."""
    network = Network(shape, seed)
    for name, *args in layers:
        if name in ("Relu", "Sigmoid"):
            network.add(name, [network.last])
        else:
            getattr(network, name)(*args)
    return network.save(path)
