"""ONNX Runtime's own offline optimisation, as it runs in a worker."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from deploy_magics.simplifying._refusal import Refused, one_line

if TYPE_CHECKING:
    import onnx

_SEVERITY_FATAL = 4
# Pad_Fusion moves a Pad with zeros into the MaxPool behind it, which pads with minus infinity: other results wherever a
# window holds negative values only (seen in 1.31.1).
_WRONG = ("Pad_Fusion",)


def run(source: Path, optimised: Path, *, fold: bool) -> onnx.ModelProto:
    """Optimise a prepared file.

    The level is BASIC: what comes above replaces standard operators by ONNX Runtime's own, or lays data out for this
    processor.

    Parameters
    ----------
    source : Path
        An ONNX file, its weights inside.
    optimised : Path
        Where ONNX Runtime writes.
    fold : bool
        Whether to fold constants.

    Raises
    ------
    Refused
        Where ONNX Runtime does not take the model.
    """
    import onnx
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(optimised)
    options.intra_op_num_threads = 1
    options.log_severity_level = _SEVERITY_FATAL
    onnxruntime.set_default_logger_severity(_SEVERITY_FATAL)
    disabled = [*_WRONG] if fold else [*_WRONG, "ConstantFolding"]
    try:
        onnxruntime.InferenceSession(
            str(source), options, providers=["CPUExecutionProvider"], disabled_optimizers=disabled
        )
        return onnx.load(str(optimised))
    except Exception as error:  # noqa: BLE001 - its errors have no base of their own
        raise Refused(one_line(error)) from None
