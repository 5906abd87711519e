"""LiteRT, which was TensorFlow Lite, on the CPU."""

from __future__ import annotations

from typing import Literal

from deploy_magics.converting import TARGETS
from deploy_magics.running._converted import Converted
from deploy_magics.running._protocol import About


class LiteRt(Converted):
    """LiteRT on the CPU, with its XNNPACK kernels: TFLite files, and torch modules that are converted to one."""

    base = "litert"
    format = "tflite"
    called = "LiteRT"
    package = "ai-edge-litert"
    modules = ("numpy", "ai_edge_litert.interpreter")
    takes: Literal["onnx", "torch"] = "torch"
    suffixes = (".tflite",)
    instead = f"{TARGETS['tflite'].instead}; then give the .tflite file"
    """What to do with a model that holds no torch module."""
    about = About(
        loads="TFLite (.tflite); torch modules, converted by litert-torch",
        threads="held to as many",
        precision="the file's own",
        install="pip install ai-edge-litert",
    )
