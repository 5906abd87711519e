"""MNN on the CPU."""

from __future__ import annotations

from collections.abc import Mapping

from deploy_magics.running._converted import Converted
from deploy_magics.running._protocol import About


class Mnn(Converted):
    """MNN on the CPU at high precision, which is float32."""

    base = "mnn"
    called = "MNN"
    package = "MNN"
    modules = ("numpy", "MNN")
    suffixes = (".mnn",)
    variants: Mapping[str, str] = {"low": "low precision"}
    one_at_a_time = "MNN's Python package holds Python's lock while it runs, so that its instances take turns"
    about = About(
        loads="MNN's own (.mnn); ONNX, converted to it",
        threads="held to as many",
        precision="float32, held to it",
        install="pip install MNN",
    )
