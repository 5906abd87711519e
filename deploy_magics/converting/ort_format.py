"""To ONNX Runtime's own format, which its build for phones and microcontrollers loads without a protobuf parser."""

from __future__ import annotations

from pathlib import Path

from deploy_magics.converting._made import Made, Options, Port, Source
from deploy_magics.errors import ModelError

_DTYPES = {"float": "float32", "double": "float64"}


def convert(source: Source, folder: Path, stem: str, options: Options) -> Made:
    """Write an ``.ort`` file, optimised as far as it stays the same on every processor (level EXTENDED).

    https://onnxruntime.ai/docs/performance/model-optimizations/ort-format-models.html
    """
    from importlib.metadata import version

    import onnxruntime

    onnxruntime.set_default_logger_severity(4)
    target = folder / f"{stem}.ort"
    chosen = onnxruntime.SessionOptions()
    chosen.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    chosen.optimized_model_filepath = str(target)
    chosen.add_session_config_entry("session.save_model_format", "ORT")
    onnxruntime.InferenceSession(source.path, chosen, providers=["CPUExecutionProvider"])
    written = onnxruntime.InferenceSession(str(target), providers=["CPUExecutionProvider"])
    inputs, outputs = ([_port(each) for each in specs] for specs in (written.get_inputs(), written.get_outputs()))
    return Made(target.name, f"onnxruntime {version('onnxruntime')}", tuple(inputs), tuple(outputs))


def _dtype(kind: str) -> str:
    """Give a type as a model's input or output tells it.

    Examples
    --------
    >>> _dtype("tensor(float)"), _dtype("seq(tensor(int64))")
    ('float32', 'sequence(int64)')
    """
    for outer, called in (("seq(", "sequence"), ("optional(", "optional")):
        if kind.startswith(outer):
            return f"{called}({_dtype(kind.removeprefix(outer).removesuffix(')'))})"
    inner = kind.removeprefix("tensor(").removesuffix(")")
    return _DTYPES.get(inner, inner)


def inputs_of(path: Path) -> tuple[Port, ...]:
    """Read what an ``.ort`` takes.

    Raises
    ------
    ModelError
        Where ONNX Runtime does not read it.
    """
    import onnxruntime

    onnxruntime.set_default_logger_severity(4)
    try:
        found = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"]).get_inputs()
    except Exception as error:  # noqa: BLE001 - its errors have no base of their own
        reason = " ".join(str(error).split())[:240]
        raise ModelError(f"ONNX Runtime does not read {path.name!r}: {reason}") from None
    return tuple(_port(spec) for spec in found)


def _port(spec: object) -> Port:
    shape = getattr(spec, "shape", None)
    return Port(
        str(getattr(spec, "name", "")),
        _dtype(str(getattr(spec, "type", ""))),
        None if shape is None else tuple(dim if isinstance(dim, int) else None for dim in shape),
    )


__all__ = ["convert", "inputs_of"]
