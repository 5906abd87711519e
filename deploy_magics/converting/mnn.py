"""To MNN by its own converter, in float32, and how that runs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy_magics.converting._made import Made, Options, Port, Source, check_given
from deploy_magics.converting._opset import with_plain_softmax
from deploy_magics.converting._said import reason
from deploy_magics.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray


_DTYPES = {"dtype.float": "float32", "dtype.int": "int32", "dtype.uint8": "uint8", "dtype.int8": "int8"}


def convert(source: Source, folder: Path, stem: str, options: Options) -> Made:
    """Write a ``.mnn``.

    The converter ends its process on some models, so it has one of its own.

    Raises
    ------
    ModelError
        Where it cannot, with the line in which it says so.
    """
    from importlib.metadata import version

    import onnx

    # The converter runs in a folder of its own.
    path = Path(source.path).resolve()
    given = onnx.load(path)
    plain = with_plain_softmax(given)
    if plain is not given:
        path = folder / "model.onnx"
        onnx.save(plain, path)
    target = folder / f"{stem}.mnn"
    # Its command line, MNN.tools.mnnconvert, runs pip when it is imported, and reports to its maker.
    code = "import sys, MNN, _tools; _tools.mnnconvert(['mnnconvert', *sys.argv[1:]])"
    names = ["-f", "ONNX", "--modelFile", str(path), "--MNNModel", str(target), "--bizCode", "deploy_magics"]
    done = subprocess.run([sys.executable, "-c", code, *names], cwd=folder, capture_output=True, text=True)
    if done.returncode != 0 or not target.exists():
        raise ModelError(f"MNN cannot convert it: {reason(done)}")
    try:
        info = _module(target, [], [], 1).get_info()
    except ModelError:
        raise _unreadable(source) from None
    (folder / "model.onnx").unlink(missing_ok=True)
    inputs, outputs = (tuple(Port(name) for name in info[key]) for key in ("inputNames", "outputNames"))
    return Made(target.name, f"MNN {version('MNN')}", inputs, outputs)


def _unreadable(source: Source) -> ModelError:
    """Say what MNN wrote and does not read: its converter takes quantisation, and leaves nothing of it."""
    import onnx

    graph = onnx.load(source.path, load_external_data=False).graph
    kinds = sorted({node.op_type for node in graph.node} & {"QuantizeLinear", "DequantizeLinear"})
    if not kinds:
        return ModelError("MNN converts it, and does not read what it wrote")
    return ModelError(
        f"MNN converts it, and does not read what it wrote: it loses {' and '.join(kinds)}",
        hint="give the model before it was quantised",
    )


def load(path: Path, *, threads: int, options: Mapping[str, Any]) -> Session:
    """Load it, in a worker, at high precision, which is float32.

    Parameters
    ----------
    path : Path
        The ``.mnn``.
    threads : int
        Threads to compute with.
    options : Mapping[str, Any]
        ``inputs`` and ``outputs``: names in order, by default its own. ``precision``: "low" for less.
    """
    precision = options.get("precision") or "high"
    inputs, outputs = (tuple(options.get(key) or ()) for key in ("inputs", "outputs"))
    if not inputs or not outputs:
        info = _module(path, [], [], 1).get_info()
        inputs, outputs = inputs or tuple(info["inputNames"]), outputs or tuple(info["outputNames"])
    return Session(_module(path, inputs, outputs, threads, precision), inputs, outputs, path.name)


def inputs_of(path: Path) -> tuple[Port, ...]:
    """Read what a ``.mnn`` takes.

    Raises
    ------
    ModelError
        Where MNN does not read it.
    """
    info = _module(path, [], [], 1).get_info()
    return tuple(
        Port(name, _DTYPES.get(str(value.dtype), "float32"), tuple(size if size > 0 else None for size in value.shape))
        for name, value in zip(info["inputNames"], info["inputs"], strict=True)
    )


def _module(path: Path, inputs: Sequence[str], outputs: Sequence[str], threads: int, precision: str = "high") -> Any:
    from MNN import nn

    runtime = nn.create_runtime_manager(({"precision": precision, "backend": "CPU", "numThread": threads},))
    try:
        return nn.load_module_from_file(str(path), list(inputs), list(outputs), runtime_manager=runtime)
    except (SystemError, RuntimeError):
        raise ModelError(f"MNN does not read {path.name!r}") from None


class Session:
    """A loaded module; see :class:`deploy_magics.running.Session`."""

    def __init__(self, module: Any, inputs: tuple[str, ...], outputs: tuple[str, ...], name: str) -> None:
        self._name = name
        self._module = module
        self._inputs = inputs
        self._names = outputs
        self._placed: list[Any] = []
        self._results: list[Any] = []

    def set_inputs(self, feeds: Mapping[str, NDArray[Any]]) -> None:
        """Place the inputs."""
        import numpy as np
        from MNN import expr

        check_given(feeds, self._inputs, self._name)
        kinds = {"float32": expr.float, "int32": expr.int, "uint8": expr.uint8, "int8": expr.int8}
        self._placed = []
        for name in self._inputs:
            array = feeds[name]
            if array.dtype == np.int64:
                array = array.astype(np.int32)
            if array.dtype.name not in kinds:
                raise ModelError(f"MNN takes no {array.dtype}, as {name!r} is")
            placed = expr.placeholder(list(array.shape), expr.NCHW, kinds[array.dtype.name])
            placed.write(np.ascontiguousarray(array))
            self._placed.append(placed)

    def run(self) -> None:
        """Run inference once; results are there when they are read."""
        found = self._module.forward(self._placed)
        self._results = list(found) if isinstance(found, list | tuple) else [found]
        for result in self._results:
            try:
                result.read()
            except SystemError:
                raise ModelError("MNN does not compute one of its outputs") from None

    def outputs(self) -> dict[str, NDArray[Any]]:
        """Copy out the outputs.

        Raises
        ------
        ModelError
            Where there are more or fewer than it was loaded for.
        """
        import numpy as np
        from MNN import expr

        if len(self._results) != len(self._names):
            raise ModelError(f"MNN gives {len(self._results)} tensors where {len(self._names)} are expected")
        arrays = (np.array(expr.convert(result, expr.NCHW).read()) for result in self._results)
        return dict(zip(self._names, arrays, strict=True))


__all__ = ["convert", "inputs_of", "load"]
