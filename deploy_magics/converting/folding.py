"""Constants of an ONNX model computed ahead, for converters that follow no shapes through a graph."""

from __future__ import annotations

from pathlib import Path

from deploy_magics.errors import ModelError


def fold_constants(source: Path, target: Path) -> None:
    """Write a model with all that depends on no input computed, in ONNX's own operators, by ONNX Runtime (level BASIC).

    https://onnxruntime.ai/docs/performance/model-optimizations/graph-optimizations.html

    Raises
    ------
    ModelError
        Where ONNX Runtime does not load it.
    """
    import onnxruntime

    onnxruntime.set_default_logger_severity(4)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(target)
    options.log_severity_level = 4
    try:
        onnxruntime.InferenceSession(str(source), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - its errors have no base of their own
        reason = " ".join(str(error).split())[:240]
        raise ModelError(f"ONNX Runtime cannot load {source.name!r}: {reason}") from None


__all__ = ["fold_constants"]
