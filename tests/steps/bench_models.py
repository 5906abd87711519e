"""Small models for the tests of ``bench``, and a runtime that crashes."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper, save


def matmuls(path: Path, count: int = 4, width: int = 64, batch: int | str = 1) -> Path:
    """Write a chain of matrix products, so that work is in proportion to ``count``."""
    rng = np.random.default_rng(0)
    nodes, weights, last = [], [], "x"
    for index in range(count):
        values = rng.standard_normal((width, width)).astype(np.float32) / width**0.5
        weights.append(helper.make_tensor(f"w{index}", TensorProto.FLOAT, values.shape, values.tobytes(), raw=True))
        output = "y" if index == count - 1 else f"h{index}"
        nodes.append(helper.make_node("MatMul", [last, f"w{index}"], [output]))
        last = output
    infos = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, width]) for name in ("x", "y")]
    graph = helper.make_graph(nodes, "matmuls", infos[:1], infos[1:], weights)
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    return path


def unknown_op(path: Path) -> Path:
    """Write a model that may be looked at but not run."""
    infos = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    node = helper.make_node("Frobnicate", ["x"], ["y"], domain="made.up")
    graph = helper.make_graph([node], "g", infos[:1], infos[1:])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("made.up", 1)]
    save(helper.make_model(graph, opset_imports=opsets, ir_version=8), str(path))
    return path


class Session:
    def __init__(self, inner: Any, crash_at: int | None) -> None:
        self._inner = inner
        self._left = crash_at

    def set_inputs(self, feeds: Mapping[str, Any]) -> None:
        self._inner.set_inputs(feeds)

    def run(self) -> None:
        if self._left is not None:
            self._left -= 1
            if self._left < 0:
                os.kill(os.getpid(), signal.SIGABRT)
        self._inner.run()

    def outputs(self) -> Any:
        return self._inner.outputs()


class Fragile:
    """ONNX Runtime that aborts in the middle of models whose file is called so."""

    name = "fragile"
    title = "Fragile"
    modules = ("onnxruntime",)

    def why_not(self) -> str | None:
        return None

    def version(self) -> str:
        return "1"

    def load(self, path: Path, *, threads: int, options: Mapping[str, Any]) -> Session:
        from deploy_magics.running.ort import OnnxRuntime

        inner = OnnxRuntime().load(path, threads=threads, options=options)
        return Session(inner, 2000 if "crash" in path.name else None)
