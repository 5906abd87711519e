"""A runtime as another package would bring it: it converts a model to NumPy arrays once, and multiplies matrices."""

from __future__ import annotations

import numpy as np

from deploy_magics.errors import ModelError
from deploy_magics.running import About, Prepared


class Numpy:
    name = "numpy"
    title = "NumPy"
    modules = ("numpy",)
    takes = "onnx"
    suffixes = (".npz",)
    about = About("chains of MatMul", "as many as BLAS takes", "the model's own", "pip install numpy")

    def why_not(self):
        return None

    def version(self):
        return np.__version__

    def prepare(self, source, folder, *, threads):
        import onnx

        graph = onnx.load(source.path).graph
        for node in graph.node:
            if node.op_type != "MatMul":
                raise ModelError(f"NumPy here knows no {node.op_type}")
        known = {each.name: onnx.numpy_helper.to_array(each) for each in graph.initializer}
        np.savez(folder / "model.npz", **{node.output[0]: known[node.input[1]] for node in graph.node})
        return Prepared(str(folder / "model.npz"), {"input": source.inputs[0], "outputs": source.outputs})

    def load(self, path, *, threads, options):
        return Session(dict(np.load(path)), **options)


class Session:
    def __init__(self, weights, input, outputs):
        self.weights, self.input, self.names = weights, input, outputs

    def set_inputs(self, feeds):
        self.x = feeds[self.input]

    def run(self):
        self.values, last = {}, self.x
        for name, weight in self.weights.items():
            self.values[name] = last = last @ weight

    def outputs(self):
        return {name: self.values[name] for name in self.names}
