"""OpenVINO on the CPU."""

from __future__ import annotations

from collections.abc import Mapping

from deploy_magics.running._converted import Converted
from deploy_magics.running._protocol import About


class OpenVino(Converted):
    """OpenVINO on the CPU, held to float32, since by itself it takes bfloat16 where the processor has that."""

    base = "openvino"
    called = "OpenVINO"
    package = "openvino"
    modules = ("numpy", "openvino")
    suffixes = (".xml",)
    variants: Mapping[str, str] = {"bf16": "bfloat16", "f16": "float16"}
    about = About(
        loads="OpenVINO IR (.xml); ONNX, converted to it",
        threads="held to as many",
        precision="float32, held to it",
        install="pip install openvino",
    )
