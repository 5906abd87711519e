"""What runs in workers: native parsers, checkers, shape inference and runtimes, on files from outside."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy_magics.errors import ModelError
from deploy_magics.model._text import first_line


def parse(data: bytes) -> int:
    """Parse a model and give its size, to find out whether that is safe."""
    import onnx
    from google.protobuf.message import DecodeError

    try:
        proto = onnx.ModelProto()
        proto.ParseFromString(data)
        return int(proto.ByteSize())
    except DecodeError:
        raise ModelError("no model") from None


def checker(path: str) -> str | None:
    """Give what ONNX's checker has against a model, in one line; None where it has nothing."""
    import onnx

    try:
        onnx.checker.check_model(path)
    except Exception as error:  # noqa: BLE001 - it raises whatever its C++ part did
        return first_line(error)
    return None


def loads(path: str) -> str | None:
    """Give what ONNX Runtime has against loading a model, in one line; None where it loads."""
    try:
        _session(path)
    except Exception as error:  # noqa: BLE001 - its errors share no base class
        return first_line(error)
    return None


def infer(skeleton: bytes) -> bytes:
    """Infer the shapes of a model without its large weights; give it back with what was found."""
    import onnx

    try:
        found = onnx.shape_inference.infer_shapes(skeleton, check_type=False, strict_mode=False, data_prop=True)
    except Exception as error:  # noqa: BLE001 - it raises whatever its C++ part did
        # Propagating the data of shapes is where it most often fails.
        try:
            found = onnx.shape_inference.infer_shapes(skeleton)
        except Exception:  # noqa: BLE001
            raise ModelError(first_line(error)) from None
    return bytes(found.SerializeToString())


def observe(path: str, names: list[str], feeds: Mapping[str, Any]) -> dict[str, tuple[int, tuple[int, ...]]]:
    """Run a model, and give dtype (``TensorProto.DataType``) and shape that values inside it had."""
    import onnx

    model = onnx.load(path, load_external_data=False)
    present = {output.name for output in model.graph.output}
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names if name not in present)
    options = _options()
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(Path(path).parent))
    try:
        session = _session(model.SerializeToString(), options)
        if any(array.dtype.hasobject for array in feeds.values()):
            # Strings have no OrtValues in Python, and narrow floats are nothing else there.
            arrays = zip(names, session.run(names, dict(feeds)), strict=True)
            return {name: (_element(array), tuple(array.shape)) for name, array in arrays if hasattr(array, "dtype")}
        values = session.run_with_ort_values(names, {name: _ort_value(array) for name, array in feeds.items()})
    except Exception as error:  # noqa: BLE001 - its errors share no base class
        raise ModelError(first_line(error)) from None
    return {
        name: (value.element_type(), tuple(value.shape()))
        for name, value in zip(names, values, strict=True)
        if value.is_tensor()
    }


def _element(array: Any) -> int:
    import onnx

    string = int(onnx.TensorProto.STRING)
    return string if array.dtype.hasobject else int(onnx.helper.np_dtype_to_tensor_dtype(array.dtype))


def _ort_value(array: Any) -> Any:
    import onnx
    import onnxruntime as ort

    if array.dtype.isbuiltin == 1:
        return ort.OrtValue.ortvalue_from_numpy(array)
    # NumPy has no name for these types, nor has ONNX Runtime for ml_dtypes'.
    kind = onnx.helper.np_dtype_to_tensor_dtype(array.dtype)
    return ort.OrtValue.ortvalue_from_numpy_with_onnx_type(array, kind)


def run(path: str, feeds: Mapping[str, Any]) -> dict[str, Any]:
    """Run a model once on ONNX Runtime, unoptimised, and give its outputs by name."""
    try:
        session = _session(path)
        names = [output.name for output in session.get_outputs()]
        values = session.run(names, dict(feeds))
    except Exception as error:  # noqa: BLE001 - its errors share no base class
        raise ModelError(f"it does not run: {first_line(error)}", hint="inspect says what looks odd about it") from None
    return dict(zip(names, values, strict=True))


def _options() -> Any:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    options.add_session_config_entry("session.disable_prepacking", "1")
    return options


def _session(model: str | bytes, options: Any = None) -> Any:
    import onnxruntime as ort

    return ort.InferenceSession(model, options or _options(), providers=["CPUExecutionProvider"])
