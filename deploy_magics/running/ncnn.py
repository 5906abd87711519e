"""ncnn on the CPU."""

from __future__ import annotations

from collections.abc import Mapping

from deploy_magics.running._converted import Converted
from deploy_magics.running._protocol import About


class Ncnn(Converted):
    """ncnn on the CPU, held to float32, since by itself it keeps values in 16 bits where the processor has them."""

    base = "ncnn"
    called = "ncnn"
    package = "ncnn"
    modules = ("numpy", "ncnn")
    suffixes = (".param",)
    variants: Mapping[str, str] = {"bf16": "bfloat16", "f16": "float16"}
    about = About(
        loads="ncnn's own (.ncnn.param); ONNX, converted by pnnx",
        threads="held to as many",
        precision="float32, held to it",
        install="pip install ncnn pnnx",
    )
