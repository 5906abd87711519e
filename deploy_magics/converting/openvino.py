"""To OpenVINO's intermediate representation, in float32 as the model is, and how that runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy_magics.converting._made import Made, Options, Port, Source, check_given
from deploy_magics.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def convert(source: Source, folder: Path, stem: str, options: Options) -> Made:
    """Write ``.xml`` and ``.bin``; weights keep their type, which OpenVINO would halve by itself."""
    from importlib.metadata import version

    import openvino

    # Read by the core, since its conversion tool reports to its maker.
    model = openvino.Core().read_model(source.path)
    target = folder / f"{stem}.xml"
    openvino.save_model(model, str(target), compress_to_fp16=False)
    written = openvino.Core().read_model(str(target))
    inputs = _ports(written.inputs, source.inputs)
    outputs = _ports(written.outputs, source.outputs)
    return Made(target.name, f"openvino {version('openvino')}", inputs, outputs)


def load(path: Path, *, threads: int, options: Mapping[str, Any]) -> Session:
    """Load it, in a worker, held to float32: by itself OpenVINO takes bfloat16 where the processor has it.

    Parameters
    ----------
    path : Path
        The ``.xml``.
    threads : int
        Threads to compute with.
    options : Mapping[str, Any]
        ``inputs`` and ``outputs``: names in order, by default its own. ``precision``: "bf16" or "f16" for less.

    Raises
    ------
    ModelError
        Where OpenVINO does not read it, or does not compute so on this processor.
    """
    import openvino

    precision = options.get("precision") or "f32"
    config = {
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": str(threads),
        # By itself it holds every session to the same core, also one that another process keeps busy.
        "ENABLE_CPU_PINNING": "NO",
        # By itself it rounds what meets int8 weights to int8, whatever the precision.
        "DYNAMIC_QUANTIZATION_GROUP_SIZE": "0",
    }
    core = openvino.Core()
    if precision != "f32" and {"bf16": "BF16", "f16": "FP16"}[precision] not in _capabilities(core):
        raise ModelError(f"OpenVINO does not compute in {precision} on this processor")
    try:
        compiled = core.compile_model(str(path), "CPU", config)
    except RuntimeError as error:
        raise ModelError(f"OpenVINO cannot load {path.name!r}: {_line(error)}") from None
    inputs = options.get("inputs") or tuple(port.any_name for port in compiled.inputs)
    outputs = options.get("outputs") or tuple(port.any_name for port in compiled.outputs)
    return Session(compiled, inputs, outputs, path.name)


def inputs_of(path: Path) -> tuple[Port, ...]:
    """Read what an ``.xml`` takes.

    Raises
    ------
    ModelError
        Where OpenVINO does not read it.
    """
    import openvino

    try:
        found = openvino.Core().read_model(str(path)).inputs
    except RuntimeError as error:
        raise ModelError(f"OpenVINO does not read {path.name!r}: {_line(error)}") from None
    return _ports(found, tuple(port.any_name for port in found))


def _capabilities(core: Any) -> list[str]:
    found: list[str] = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return found


def _line(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if not line.startswith(("Exception from ", "Check '"))]
    return " ".join(" ".join(lines).split())[:240]


class Session:
    """A compiled model; see :class:`deploy_magics.running.Session`."""

    def __init__(self, compiled: Any, inputs: tuple[str, ...], outputs: tuple[str, ...], name: str) -> None:
        self._name = name
        self._request = compiled.create_infer_request()
        self._inputs = dict(zip(inputs, compiled.inputs, strict=True))
        self._outputs = dict(zip(outputs, compiled.outputs, strict=True))
        self._texts: dict[Any, Any] = {}

    def set_inputs(self, feeds: Mapping[str, NDArray[Any]]) -> None:
        """Place the inputs in tensors of its own, so that a run copies nothing; text is passed at each run."""
        import openvino

        check_given(feeds, tuple(self._inputs), self._name)
        # A tensor of text that is placed once frees its memory twice.
        self._texts = {
            port: feeds[name].astype(str) for name, port in self._inputs.items() if feeds[name].dtype.kind in "OU"
        }
        try:
            for name, port in self._inputs.items():
                if port not in self._texts:
                    self._request.set_tensor(port, openvino.Tensor(feeds[name], shared_memory=False))
        except (RuntimeError, TypeError) as error:
            raise ModelError(f"OpenVINO cannot take these inputs of {self._name!r}: {_line(error)}") from None

    def run(self) -> None:
        """Run inference once."""
        try:
            self._request.infer(self._texts, share_outputs=True)
        except RuntimeError as error:
            raise ModelError(f"OpenVINO cannot run {self._name!r}: {_line(error)}") from None

    def outputs(self) -> dict[str, NDArray[Any]]:
        """Copy out the outputs."""
        return {name: _copy(self._request.get_tensor(port)) for name, port in self._outputs.items()}


def _copy(tensor: Any) -> NDArray[Any]:
    found: NDArray[Any]
    if tensor.get_element_type().get_type_name() == "string":
        found = tensor.str_data.astype(object)
    else:
        found = tensor.data.copy()
    return found


def _ports(found: Any, names: tuple[str, ...]) -> tuple[Port, ...]:
    """Read ports; of the several names that one may have, the one that is looked for."""
    result = []
    for place, port in enumerate(found):
        own = port.get_names()
        wanted = names[place] if place < len(names) else ""
        shape = port.get_partial_shape()
        dims = tuple(dim.get_length() if dim.is_static else None for dim in shape) if shape.rank.is_static else None
        name = wanted if wanted in own else min(own, default="")
        kind = port.get_element_type()
        dtype = "string" if kind.get_type_name() == "string" else str(kind.to_dtype())
        result.append(Port(name, dtype, dims))
    return tuple(result)


__all__ = ["convert", "inputs_of", "load"]
