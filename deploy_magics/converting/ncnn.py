"""To ncnn by pnnx, in float32, and how that runs.

ncnn keeps no names: inputs and outputs are counted (``in0``, ``out0``). What they are called, and which have a batch
axis, stands in a file beside.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy_magics.converting._made import Made, Options, Port, Source, check_given
from deploy_magics.converting._opset import with_plain_softmax
from deploy_magics.converting._said import reason
from deploy_magics.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnx import ModelProto

_TYPES = {"float32": "f32", "float16": "f16", "int32": "i32", "int64": "i64", "int8": "i8", "uint8": "u8"}
_MOST_AXES = 4
_NO_BATCH = 233
"""As ncnn says that no axis is a batch."""


def convert(source: Source, folder: Path, stem: str, options: Options) -> Made:
    """Write ``.ncnn.param`` and ``.ncnn.bin``, and the names in ``.ncnn.json``.

    Raises
    ------
    ModelError
        Where sizes other than the batch's are open, or pnnx leaves operators for which ncnn has no layer.
    """
    from importlib.metadata import version

    import onnx
    import pnnx

    model = with_plain_softmax(onnx.load(source.path))
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
    usage = (folder / "model_ncnn.py").read_text(encoding="utf-8")
    weights.replace(folder / f"{stem}.ncnn.bin")
    param.replace(target)
    for rest in folder.iterdir():
        if not rest.name.startswith(f"{stem}.ncnn."):
            rest.unlink()
    blobs = {blob for layer in layers for blob in layer if re.fullmatch(r"out\d+", blob)}
    inputs, outputs = [(Port(""),) * count for count in (kinds.count("Input"), len(blobs))]
    if (len(inputs), len(outputs)) == (len(source.inputs), len(source.outputs)):
        _write_names(_names_beside(target), model, source, _batched(usage))
    first_in, first_out = source.inputs[0] if source.inputs else "", source.outputs[0]
    notes = (
        f"ncnn counts inputs and outputs: in0 is {first_in!r}, out0 is {first_out!r}; the .json file has them all",
    )
    return Made(target.name, f"pnnx {version('pnnx')}", inputs, outputs, notes)


def _batched(usage: str) -> dict[str, bool]:
    """Read from the program that pnnx writes for a try whether the first axis of an input or output is a batch."""
    ins = re.findall(r'ex\.input\("(\w+)", .*batch_index=(\d+)', usage)
    outs = re.findall(r'ex\.extract\("(\w+)"\)\s*\n.*batch_index=(\d+)', usage)
    # 233 stands for none.
    return {name: int(axis) == 0 for name, axis in [*ins, *outs]}


def _write_names(path: Path, model: ModelProto, source: Source, batched: Mapping[str, bool]) -> None:
    """Write down what ncnn does not keep: names, and which tensors have a batch axis."""
    import json

    import onnx

    known = {value.name: value.type.tensor_type for value in model.graph.input}
    told = {
        "inputs": [
            {
                "name": name,
                "blob": f"in{place}",
                "batch": batched.get(f"in{place}", True),
                "dtype": onnx.helper.tensor_dtype_to_np_dtype(known[name].elem_type).name,
                "shape": [dim.dim_value for dim in known[name].shape.dim],
            }
            for place, name in enumerate(source.inputs)
        ],
        "outputs": [
            {"name": name, "blob": f"out{place}", "batch": batched.get(f"out{place}", True)}
            for place, name in enumerate(source.outputs)
        ],
    }
    path.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def _names_beside(param: Path) -> Path:
    return param.with_suffix(".json")


def names_of(param: Path) -> dict[str, list[dict[str, Any]]]:
    """Read the inputs and outputs of a ``.param``: from the file beside it, else as ncnn counts them.

    Raises
    ------
    ModelError
        Where ncnn does not read it.
    """
    import json

    beside = _names_beside(param)
    if beside.is_file():
        try:
            told: dict[str, list[dict[str, Any]]] = json.loads(beside.read_text(encoding="utf-8"))
            return {
                side: [{**each, "name": str(each["name"])} for each in told[side]] for side in ("inputs", "outputs")
            }
        except (OSError, ValueError, KeyError, TypeError):
            raise ModelError(f"{beside.name!r} does not tell the names of an ncnn model", hint="remove it") from None
    import ncnn

    net = ncnn.Net()
    if net.load_param(str(param)) != 0:
        raise ModelError(f"ncnn does not read {param.name!r}")
    sides = {"inputs": net.input_names(), "outputs": net.output_names()}
    return {side: [{"name": n, "blob": n, "batch": True} for n in names] for side, names in sides.items()}


def inputs_of(path: Path) -> tuple[Port, ...]:
    """Read what a ``.param`` takes; only the file beside it tells types and sizes."""
    return tuple(
        Port(each["name"], str(each.get("dtype", "float32")), tuple(each["shape"]) if "shape" in each else None)
        for each in names_of(path)["inputs"]
    )


def load(path: Path, *, threads: int, options: Mapping[str, Any]) -> Session:
    """Load it, in a worker, held to float32: by itself ncnn keeps values in bfloat16 or float16 where it can.

    Parameters
    ----------
    path : Path
        The ``.param``; weights lie beside it.
    threads : int
        Threads to compute with.
    options : Mapping[str, Any]
        ``inputs`` and ``outputs``: names in order, by default those in the file beside it. ``precision``: "bf16" or
        "f16" for less.

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
    told = names_of(path)
    for side, blobs in told.items():
        names = options.get(side) or [blob["name"] for blob in blobs]
        if len(names) != len(blobs):
            raise ModelError(f"{path.name!r} has {len(blobs)} {side}, and the original {len(names)}")
        told[side] = [{**blob, "name": name} for name, blob in zip(names, blobs, strict=True)]
    return Session(net, told["inputs"], told["outputs"], path.name)


class Session:
    """A loaded network; see :class:`deploy_magics.running.Session`.

    Parameters
    ----------
    net : ncnn.Net
        The network.
    inputs, outputs : sequence of dict
        ``name``, ``blob`` and whether the first axis is a ``batch``, for each in order.
    name : str
        Its file, for error lines.
    """

    def __init__(
        self, net: Any, inputs: Sequence[Mapping[str, Any]], outputs: Sequence[Mapping[str, Any]], name: str
    ) -> None:
        self._net = net
        self._inputs = inputs
        self._outputs = outputs
        self._name = name
        self._mats: list[tuple[str, Any]] = []
        self._results: list[Any] = []

    def set_inputs(self, feeds: Mapping[str, NDArray[Any]]) -> None:
        """Place the inputs."""
        import ncnn
        import numpy as np

        check_given(feeds, [each["name"] for each in self._inputs], self._name)
        mats = []
        for each in self._inputs:
            array = np.ascontiguousarray(feeds[each["name"]])
            if array.dtype == np.int64:
                array = array.astype(np.int32)
            axes = array.ndim - each["batch"]
            if not 1 <= axes <= _MOST_AXES or 0 in array.shape:
                shape = "x".join(map(str, array.shape)) or "without dimensions"
                raise ModelError(f"ncnn takes up to {_MOST_AXES} axes beside a batch, and {each['name']!r} is {shape}")
            # Its own memory: ncnn computes in place, and a Mat of an array shares that array's.
            mats.append((each["blob"], ncnn.Mat(array, batch_index=0 if each["batch"] else _NO_BATCH).clone()))
        self._mats = mats

    def run(self) -> None:
        """Run inference once."""
        extractor = self._net.create_extractor()
        for blob, mat in self._mats:
            extractor.input(blob, mat)
        self._results = []
        for each in self._outputs:
            failed, mat = extractor.extract(each["blob"])
            if failed:
                raise ModelError(f"ncnn cannot compute the output {each['name']!r} of {self._name!r}")
            self._results.append(mat)

    def outputs(self) -> dict[str, NDArray[Any]]:
        """Copy out the outputs."""
        import numpy as np

        return {
            each["name"]: np.array(mat.numpy(batch_index=0 if each["batch"] else _NO_BATCH))
            for each, mat in zip(self._outputs, self._results, strict=True)
        }


def _size(model: ModelProto, name: str) -> str:
    """Give the size of an input as pnnx reads it, an open batch being one; the model is changed so."""
    import onnx

    tensor = next(value.type.tensor_type for value in model.graph.input if value.name == name)
    for place, dim in enumerate(tensor.shape.dim):
        if not dim.HasField("dim_value"):
            if place:
                raise ModelError(f"ncnn needs sizes, and {name!r} leaves some open", hint="fix them with --shape")
            dim.dim_value = 1
    if not tensor.shape.dim:
        raise ModelError(f"ncnn takes no input without dimensions, as {name!r} is")
    kind = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type).name
    if kind not in _TYPES:
        raise ModelError(f"ncnn takes no {kind}, as {name!r} is")
    return f"[{','.join(str(dim.dim_value) for dim in tensor.shape.dim)}]{_TYPES[kind]}"


__all__ = ["convert", "inputs_of", "load", "names_of"]
