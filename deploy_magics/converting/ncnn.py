"""To ncnn by pnnx, in float32, and how that runs.

ncnn knows neither names nor a batch: inputs and outputs are counted (``in0``, ``out0``), and the first axis is dropped.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy_magics.converting._made import Made, Options, Port, Source, check_given
from deploy_magics.converting._said import reason
from deploy_magics.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnx import ModelProto

_TYPES = {"float32": "f32", "float16": "f16", "int32": "i32", "int64": "i64", "int8": "i8", "uint8": "u8"}
_MOST_AXES = 4


def convert(source: Source, folder: Path, stem: str, options: Options) -> Made:
    """Write ``.ncnn.param`` and ``.ncnn.bin``.

    Raises
    ------
    ModelError
        Where sizes other than the batch's are open, or pnnx leaves operators for which ncnn has no layer.
    """
    from importlib.metadata import version

    import onnx
    import pnnx

    model = onnx.load(source.path)
    sizes = ",".join(_size(model, name) for name in source.inputs)
    onnx.save(model, folder / "model.onnx")
    done = subprocess.run(
        [pnnx.EXEC_PATH, "model.onnx", f"inputshape={sizes}", "fp16=0"], cwd=folder, capture_output=True, text=True
    )
    param, weights = folder / "model.ncnn.param", folder / "model.ncnn.bin"
    if done.returncode != 0 or not param.exists() or not weights.exists():
        raise ModelError(f"pnnx cannot convert it: {reason(done)}")
    layers = [line.split() for line in param.read_text(encoding="utf-8").splitlines()[2:] if line.strip()]
    kinds = [layer[0] for layer in layers]
    # What ncnn has no layer for keeps the name of where it came from: dotted, "torch.topk", or ONNX's, as pnnx says.
    todo = {line.removeprefix("todo ").strip() for line in done.stdout.splitlines() + done.stderr.splitlines()}
    # Expressions are made of what stands around such operators, and come last.
    foreign = sorted({kind for kind in kinds if "." in kind or kind in todo}, key=lambda kind: ("." in kind, kind))
    if foreign:
        raise ModelError(f"ncnn has no layer for {', '.join(foreign)}")
    target = folder / f"{stem}.ncnn.param"
    weights.replace(folder / f"{stem}.ncnn.bin")
    param.replace(target)
    for rest in folder.iterdir():
        if not rest.name.startswith(f"{stem}.ncnn."):
            rest.unlink()
    blobs = {blob for layer in layers for blob in layer if re.fullmatch(r"out\d+", blob)}
    inputs, outputs = [(Port(""),) * count for count in (kinds.count("Input"), len(blobs))]
    notes = (
        f"ncnn counts inputs and outputs: in0 is {source.inputs[0]!r}, out0 is {source.outputs[0]!r}; no batch axis",
    )
    return Made(target.name, f"pnnx {version('pnnx')}", inputs, outputs, notes)


def load(path: Path, *, threads: int, options: Mapping[str, Any]) -> Session:
    """Load it, in a worker, held to float32: by itself ncnn keeps values in bfloat16 or float16 where it can.

    Parameters
    ----------
    path : Path
        The ``.param``; weights lie beside it.
    threads : int
        Threads to compute with.
    options : Mapping[str, Any]
        ``inputs`` and ``outputs``: names in order, by default its own. ``precision``: "bf16" or "f16" for less.

    Raises
    ------
    ModelError
        Where ncnn does not read it.
    """
    import ncnn

    net = ncnn.Net()
    net.opt.num_threads = threads
    precision = options.get("precision", "")
    for switch in ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic"):
        setattr(net.opt, switch, precision == "f16")
    net.opt.use_bf16_storage = precision == "bf16"
    if net.load_param(str(path)) != 0 or net.load_model(str(path.with_suffix(".bin"))) != 0:
        raise ModelError(f"ncnn does not read {path.name!r}")
    inputs, outputs = (tuple(options.get(key) or ()) for key in ("inputs", "outputs"))
    return Session(net, inputs or tuple(net.input_names()), outputs or tuple(net.output_names()), path.name)


class Session:
    """A loaded network; see :class:`deploy_magics.running.Session`. Items of a batch run one after another."""

    def __init__(self, net: Any, inputs: tuple[str, ...], outputs: tuple[str, ...], name: str) -> None:
        self._name = name
        self._net = net
        self._inputs = inputs
        self._names = outputs
        self._arrays: list[list[NDArray[Any]]] = []
        self._mats: list[list[Any]] = []
        self._results: list[list[Any]] = []

    def set_inputs(self, feeds: Mapping[str, NDArray[Any]]) -> None:
        """Place the inputs, their batch axis taken off."""
        import ncnn
        import numpy as np

        check_given(feeds, self._inputs, self._name)
        found = [feeds[name] for name in self._inputs]
        sizes = {len(array) if array.ndim else 0 for array in found}
        if len(sizes) != 1 or 0 in sizes or not all(2 <= array.ndim <= _MOST_AXES for array in found):
            shapes = ", ".join(str(array.shape) for array in found)
            raise ModelError(f"ncnn takes a batch of items of 1 to {_MOST_AXES - 1} axes, and not shapes {shapes}")
        kept = [array.astype(np.int32) if array.dtype == np.int64 else array for array in found]
        # A Mat shares the memory of its array, which is kept with it.
        self._arrays = [[np.array(array[item], order="C") for array in kept] for item in range(sizes.pop())]
        self._mats = [[ncnn.Mat(array) for array in arrays] for arrays in self._arrays]

    def run(self) -> None:
        """Run inference once."""
        self._results = [self._item(mats) for mats in self._mats]

    def outputs(self) -> dict[str, NDArray[Any]]:
        """Copy out the outputs, their batch axis put back."""
        import numpy as np

        by_output = zip(*self._results, strict=True)
        return {
            name: np.stack([np.array(mat) for mat in mats]) for name, mats in zip(self._names, by_output, strict=True)
        }

    def _item(self, mats: list[Any]) -> list[Any]:
        extractor = self._net.create_extractor()
        for place, mat in enumerate(mats):
            extractor.input(f"in{place}", mat)
        results = []
        for place, name in enumerate(self._names):
            failed, mat = extractor.extract(f"out{place}")
            if failed:
                raise ModelError(f"ncnn cannot compute the output {name!r}")
            results.append(mat)
        return results


def _size(model: ModelProto, name: str) -> str:
    """Give the size of an input as pnnx reads it, an open batch being one."""
    import onnx

    tensor = next(value.type.tensor_type for value in model.graph.input if value.name == name)
    for place, dim in enumerate(tensor.shape.dim):
        if not dim.HasField("dim_value"):
            if place:
                raise ModelError(f"ncnn needs sizes, and {name!r} leaves some open", hint="fix them with --shape")
            dim.dim_value = 1
    kind = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type).name
    if kind not in _TYPES:
        raise ModelError(f"ncnn takes no {kind}, as {name!r} is")
    return f"[{','.join(str(dim.dim_value) for dim in tensor.shape.dim)}]{_TYPES[kind]}"


__all__ = ["convert", "load"]
