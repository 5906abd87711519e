"""What the tests of this room do in a worker."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy_magics.runtimes.tvm import Tvm


def operator_labels(path: str, feeds: Mapping[str, Any]) -> list[str]:
    """Time the operators of an ONNX file by TVM; give their labels, each with a time above zero."""
    found = Tvm().operator_times(Path(path), feeds, repeats=3)
    assert all(each.median > 0 for each in found)
    return [each.name for each in found]
