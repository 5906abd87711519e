"""How a backend says no."""

from __future__ import annotations

import re

from deploy_magics.errors import DeployError

_LONGEST = 200


class Refused(DeployError):
    """A backend did not take a model; the next may."""


def one_line(error: BaseException) -> str:
    """Give the first sentence of a library's error, without the places in its source."""
    text = " ".join(str(error).split()) or type(error).__name__
    text = re.sub(r"^\[ONNXRuntimeError\] : \d+ : [A-Z_]+ : ", "", text)
    text = re.sub(r"^Load model from \S+ failed:\s*", "", text)
    text = re.sub(r"\S*/onnxruntime/\S+:\d+ \S+ ?(\([^)]*\) )?", "", text)
    text = re.split(r"\s==> Context", text)[0].strip()
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
