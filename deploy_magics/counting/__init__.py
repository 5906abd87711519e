"""What a model costs: multiply-accumulates, FLOPs, parameters, memory traffic and the activation peak.

Pure Python on an ``onnx.ModelProto`` with inferred shapes; nothing native runs here and no weights are read. MACs are
multiply-accumulates, FLOPs = 2 x MACs plus what the convention adds, and every figure names its :class:`Convention`.
"""

from __future__ import annotations

from deploy_magics.counting.conventions import CONVENTIONS, Convention, ConventionName, convention
from deploy_magics.counting.count import Counts, NodeCount, count
from deploy_magics.counting.of_model import count_model

__all__ = ["CONVENTIONS", "Convention", "ConventionName", "Counts", "NodeCount", "convention", "count", "count_model"]
