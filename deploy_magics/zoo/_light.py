"""Topologies that come with the onnx package, with random weights in place of their constants.

The package holds the networks of an early model zoo for its own tests, with every weight replaced by a node that makes
a constant array. Constant weights make every comparison of two models pass: here they become seeded initialisers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from deploy_magics.errors import DeployError
from deploy_magics.zoo import _draws
from deploy_magics.zoo._cache import made_in_worker
from deploy_magics.zoo._catalogue import ENTRIES

if TYPE_CHECKING:
    import numpy as np
    import onnx

    from deploy_magics.zoo._stream import Weight

# Ends of the branches of a residual network are scaled down, so that sums over many blocks keep their scale.
_RESIDUAL_GAIN = 0.3
# Large logits make one probability 1 and the rest 0, small ones make all of them the same; either hides what changed
# before the softmax. With this gain of the last layer the logits' standard deviation is between 0.5 and 2.
_LOGIT_GAIN = 0.25
# What moves values about or averages them, and mixes nothing across channels.
_PASSING = frozenset(
    {"AveragePool", "Concat", "Dropout", "GlobalAveragePool", "LRN", "MaxPool", "Reshape", "Transpose"}
)
# VGG-19 is the largest: 548 MiB, of which one tensor at a time is held.
_MEMORY = 1536 * 2**20


def filled(name: str) -> Path:
    """Give the cached ONNX file of a light topology, made in a worker the first time."""
    topology = _topology(name)
    sources = [topology, Path(__file__), Path(__file__).with_name("_draws.py"), Path(__file__).with_name("_stream.py")]
    return made_in_worker(name, sources, "deploy_magics.zoo._light:fill_to", _MEMORY)


def fill_to(name: str, path: str) -> None:
    """Write a light topology with seeded weights to a file; runs in a worker."""
    from deploy_magics.zoo._stream import about, write_with_weights

    model, weights = plan(name)
    write_with_weights(Path(path), model, weights, about(ENTRIES[name]))


def plan(name: str) -> tuple[onnx.ModelProto, list[Weight]]:
    """Give a topology without its constants, and how each of them is to be drawn."""
    import onnx
    from onnx import numpy_helper

    model = onnx.load(_topology(name))
    graph = model.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    kept = [node for node in graph.node if node.op_type != "ConstantOfShape"]
    used = {tensor for node in kept for tensor in node.input}
    shapes = {
        node.output[0]: tuple(int(length) for length in numpy_helper.to_array(constants[node.input[0]]))
        for node in graph.node
        if node.op_type == "ConstantOfShape"
    }
    # Short ones were left as they were trained; statistics of other weights than these would be no statistics.
    floats = [tensor for tensor in graph.initializer if tensor.data_type == onnx.TensorProto.FLOAT]
    shapes |= {tensor.name: tuple(tensor.dims) for tensor in floats}
    del graph.node[:]
    graph.node.extend(kept)
    del graph.initializer[:]
    graph.initializer.extend(constants[key] for key in constants if key in used and key not in shapes)
    inputs = [
        value
        for value in graph.input
        if value.name in used and value.name not in constants and value.name not in shapes
    ]
    del graph.input[:]
    graph.input.extend(inputs)
    graph.name = name
    # From IR 4 on a weight need not be listed as an input too, where a runtime may not fold it.
    model.ir_version = max(model.ir_version, 4)
    roles = _Roles(kept)
    return model, [
        (tensor, shape, partial(_draw, f"{name}/{tensor}", shape, *roles.role(tensor)))
        for tensor, shape in shapes.items()
        if tensor in used
    ]


class _Roles:
    """Finds what each constant is, by what reads it and by what comes before and after that."""

    def __init__(self, nodes: Iterable[onnx.NodeProto]) -> None:
        self.readers: dict[str, list[onnx.NodeProto]] = defaultdict(list)
        self.makers: dict[str, onnx.NodeProto] = {}
        for node in nodes:
            for tensor in node.input:
                self.readers[tensor].append(node)
            for tensor in node.output:
                self.makers[tensor] = node

    def role(self, tensor: str) -> tuple[str, float]:
        """Give how a constant is drawn, and the scale of it."""
        node = self.readers[tensor][0]
        if node.op_type in {"Unsqueeze", "Reshape"}:
            # An older framework's shapes: scale and shift kept apart from batch normalisation, dense weights of rank 4.
            return self.role(node.output[0])
        place = list(node.input).index(tensor)
        if node.op_type in {"Conv", "Gemm"}:
            if place == 2:
                return "shift", 0.05
            logits = self._reaches_softmax(node.output[0])
            return "weight", _LOGIT_GAIN if logits else 2.0 if self._rectified(node.input[0]) else 1.0
        if node.op_type == "BatchNormalization":
            gain = self._sum_gain(node.output[0])
            return (("scale", gain), ("shift", 0.1 * gain), ("shift", 0.1), ("variance", 1.0))[place - 1]
        if node.op_type == "Mul":
            return "scale", 1.0
        if node.op_type == "Add":
            return "shift", 0.1
        raise ValueError(f"no rule for input {place} of {node.op_type}")

    def _sum_gain(self, tensor: str) -> float:
        """Give the scale of a branch, such that a sum has about the scale of what it continues."""
        for reader in self.readers[tensor]:
            if reader.op_type == "Sum":
                branches = [self.makers[name].op_type for name in reader.input]
                # Where all are normalised, none is what was there before: they share alike.
                return _RESIDUAL_GAIN if "Relu" in branches else len(branches) ** -0.5
        return 1.0

    def _rectified(self, tensor: str) -> bool:
        """Whether a tensor's values went through a rectifier last, which halves their mean square."""
        node = self.makers.get(tensor)
        if node is None:
            return False
        return node.op_type == "Relu" or (node.op_type in _PASSING and self._rectified(node.input[0]))

    def _reaches_softmax(self, tensor: str) -> bool:
        """Whether a tensor's values are logits, but for what does not mix channels."""
        return any(
            node.op_type == "Softmax" or (node.op_type in {"Relu", *_PASSING} and self._reaches_softmax(node.output[0]))
            for node in self.readers.get(tensor, [])
        )


def _draw(seed: str, shape: tuple[int, ...], role: str, gain: float) -> np.ndarray:
    import numpy as np

    out = np.empty(shape, np.float32)
    if role == "weight":
        # Filters of Conv and rows of Gemm with transB, as all of these have it, lie along the first axis of any length.
        fan_in = out.size // next(length for length in shape if length > 1)
        return _draws.normal(out, seed, (gain / fan_in) ** 0.5)
    if role == "shift":
        return _draws.normal(out, seed, gain)
    if role == "scale":
        return _draws.uniform(out, seed, 0.8 * gain, 1.2 * gain)
    return _draws.uniform(out, seed, 0.8 * gain, 1.25 * gain)


def _topology(name: str) -> Path:
    spec = find_spec("onnx")
    if spec is None or spec.origin is None:
        raise DeployError(f"{name} needs the package 'onnx', which is not installed", hint="pip install onnx")
    path = Path(spec.origin).parent / "backend" / "test" / "data" / "light" / f"{name}.onnx"
    if not path.is_file():
        raise DeployError(
            f"this build of the onnx package does not bring {name}.onnx", hint="pip install --force-reinstall onnx"
        )
    return path
