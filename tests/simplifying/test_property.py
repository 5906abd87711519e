"""Random graphs compute the same after simplification, by either backend."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deploy_magics.workers import Worker
from tests.simplifying.graphs import floats, model, node, save, value, weight


class Builder:
    """Grows a graph whose values all have the shape N x 4 x 6 x 6."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.weights: list[Any] = []
        self.values = ["x"]

    def new(self) -> str:
        return f"v{len(self.nodes)}"

    def add(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        name = self.new()
        self.nodes.append(node(kind, inputs, [name], **attributes))
        return name

    def constant(self, array: Any) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(weight(name, array))
        return name

    def grow(self, kind: str, first: int, second: int, seed: int) -> None:
        a, b = self.values[first % len(self.values)], self.values[second % len(self.values)]
        self.values.append(getattr(self, kind)(a, b, seed))

    def conv(self, a: str, b: str, seed: int) -> str:
        inputs = [a, self.constant(floats(seed, 4, 4, 3, 3) / 4)]
        inputs += [self.constant(floats(seed + 1, 4))] * (seed % 2)
        return self.add("Conv", inputs, pads=[1, 1, 1, 1])

    def batch_norm(self, a: str, b: str, seed: int) -> str:
        parts = [floats(seed, 4), floats(seed + 1, 4), floats(seed + 2, 4), abs(floats(seed + 3, 4)) + 0.1]
        return self.add("BatchNormalization", [a, *map(self.constant, parts)])

    def unary(self, a: str, b: str, seed: int) -> str:
        return self.add(("Relu", "Sigmoid", "Tanh", "Identity", "Neg", "Dropout", "Abs")[seed % 7], [a])

    def binary(self, a: str, b: str, seed: int) -> str:
        return self.add(("Add", "Mul", "Sub", "Max", "Min")[seed % 5], [a, b])

    def scale(self, a: str, b: str, seed: int) -> str:
        shape = ((1,), (1, 4, 1, 1), (6,), (4, 1, 1))[seed % 4]
        values = np.full(shape, seed % 3, np.float32) if seed % 2 else floats(seed, *shape)
        return self.add(("Mul", "Add", "Sub", "Div")[seed % 3], [a, self.constant(values)])

    def folded(self, a: str, b: str, seed: int) -> str:
        base = self.add("ConstantOfShape", [self.constant(np.array([1, 4, 1, 1], np.int64))])
        return self.add("Add", [a, self.add("Exp", [self.add("Add", [base, self.constant(floats(seed, 4, 1, 1))])])])

    def transposed(self, a: str, b: str, seed: int) -> str:
        order = [(0, 1, 3, 2), (0, 2, 3, 1), (0, 3, 1, 2), (0, 1, 2, 3)][seed % 4]
        inner = self.add("Transpose", [a], perm=list(order))
        return self.add("Transpose", [inner], perm=[order.index(axis) for axis in range(4)])

    def reshaped(self, a: str, b: str, seed: int) -> str:
        shape = self.add("Shape", [a])
        size = self.add("Gather", [shape, self.constant(np.array([0], np.int64))])
        rest = self.constant(np.array([-1, 6], np.int64))
        flat = self.add("Reshape", [a, self.add("Concat", [size, rest], axis=0)])
        return self.add("Reshape", [flat, shape])

    def joined(self, a: str, b: str, seed: int) -> str:
        both = self.add("Concat", [a, b], axis=1)
        ends = [self.constant(np.array([n], np.int64)) for n in (seed % 5, seed % 5 + 4, 1)]
        return self.add("Slice", [both, *ends])

    def padded(self, a: str, b: str, seed: int) -> str:
        pads = self.constant(np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64))
        wide = self.add("Pad", [a, pads])
        if seed % 2:
            return self.add("MaxPool", [wide], kernel_shape=[3, 3])
        return self.add("Conv", [wide, self.constant(floats(seed, 4, 4, 3, 3) / 4)])

    def clipped(self, a: str, b: str, seed: int) -> str:
        return self.add("Clip", [a, self.constant(np.float32(-1)), *([self.constant(np.float32(1))] * (seed % 2))])


KINDS = [name for name in vars(Builder) if not name.startswith("_") and name not in ("new", "add", "constant", "grow")]
STEP = st.tuples(st.sampled_from(KINDS), st.integers(0, 9), st.integers(0, 9), st.integers(0, 1000))


@st.composite
def graphs(draw: st.DrawFn) -> onnx.ModelProto:
    builder = Builder()
    for kind, first, second, seed in draw(st.lists(STEP, min_size=1, max_size=8)):
        builder.grow(kind, first, second, seed)
    chosen = draw(st.lists(st.sampled_from(builder.values), min_size=1, max_size=2, unique=True))
    outputs = [value(name, ["N", 4, 6, 6]) for name in chosen if name != "x"] or [value(builder.values[-1], None)]
    order = draw(st.sampled_from([builder.nodes, builder.nodes[::-1]]))
    return model(order, [value("x", ["N", 4, 6, 6])], outputs, builder.weights)


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker("property test") as started:
        yield started


@pytest.mark.parametrize("backend", ["onnxsim", "ort"])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(proto=graphs())
def test_a_random_graph_computes_the_same(worker: Worker, backend: str, proto: onnx.ModelProto) -> None:
    feeds = [{"x": floats(seed, batch, 4, 6, 6)} for seed, batch in ((0, 1), (1, 3))]
    with tempfile.TemporaryDirectory() as name:
        source, target = save(proto, Path(name) / "before.onnx"), Path(name) / "after.onnx"
        worker.call(
            "deploy_magics.simplifying._job:simplify",
            str(source),
            str(target),
            backend=backend,
            shapes={},
            max_growth=10.0,
        )
        run = "deploy_magics.running._run:_run_here"
        before, after = (
            worker.call(run, str(path), feeds, "ort", 1, {"optimize": "none"}) for path in (source, target)
        )
        changed = onnx.load(str(target))
    assert changed.graph.output == proto.graph.output
    assert changed.graph.input == proto.graph.input
    assert len(changed.graph.node) <= len(proto.graph.node)
    for output in before[0]:
        for one, two in zip(before, after, strict=True):
            np.testing.assert_allclose(two[output], one[output], rtol=1e-4, atol=1e-4 * max(1e-3, np.ptp(one[output])))
