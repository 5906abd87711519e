"""Where two models part: layer by layer, as wholes and each layer alone.

``align(reference, other, feeds)`` gives figures for every layer of the reference that has a counterpart; ``bisect``
finds the first one past a tolerance with a few runs.
"""

from __future__ import annotations

from deploy_magics.aligning.bisecting import bisect
from deploy_magics.aligning.engine import Settings, align
from deploy_magics.aligning.feeding import SAMPLES, samples
from deploy_magics.aligning.found import Alignment, LayerErrors, Stopped
from deploy_magics.aligning.matching import Matching, Pair, match
from deploy_magics.aligning.metrics import Errors, Histogram, Measuring

__all__ = [
    "SAMPLES",
    "Alignment",
    "Errors",
    "Histogram",
    "LayerErrors",
    "Matching",
    "Measuring",
    "Pair",
    "Settings",
    "Stopped",
    "align",
    "bisect",
    "match",
    "samples",
]
