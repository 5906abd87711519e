"""Models made smaller without changing what they compute: onnxsim, or ONNX Runtime where that cannot.

All of it works on files and in worker processes, bounded in time, memory and growth.
"""

from __future__ import annotations

from deploy_magics.simplifying._graph import all_graphs
from deploy_magics.simplifying.engine import Simplified, simplify_file

__all__ = ["Simplified", "all_graphs", "simplify_file"]
