"""Torch modules with fewer operators that compute the same: branches merged, normalisations folded.

Works on the graph that tracing gives, and never by the name of a class. Imports torch.
"""

from __future__ import annotations

from deploy_magics.fusing.census import Census, census
from deploy_magics.fusing.engine import Fused, fuse_module, require_evaluation
from deploy_magics.fusing.nodes import Done, Left

__all__ = ["Census", "Done", "Fused", "Left", "census", "fuse_module", "require_evaluation"]
