"""What follows the model in an object detector, each operation as a reader would write it and at its best.

Raw outputs become :class:`Detections`: boxes are decoded and thresholded (``decode_...`` for heads with objectness,
``decode_dfl_...`` for those with distributions of distances), and overlapping ones suppressed (``nms_...``). All forms
of an operation take the same arguments and give the same detections; they differ in time. ``..._loop`` is plain Python
and the reference, ``..._simple`` computes everything with NumPy, ``..._fast`` computes only what is needed, and
``..._compiled`` needs numba (``pip install 'deploy-magics[postprocess]'``).

Only NumPy is imported here; numba, opencv and torchvision come with the first call of a form that needs them.
"""

from __future__ import annotations

from deploy_magics.postprocessing.anchors import Anchors
from deploy_magics.postprocessing.compiled import decode_compiled, decode_parallel, nms_compiled
from deploy_magics.postprocessing.decode import decode_fast, decode_loop, decode_simple
from deploy_magics.postprocessing.detections import Detections, Difference, compare
from deploy_magics.postprocessing.dfl import Points, decode_dfl_fast, decode_dfl_loop, decode_dfl_simple
from deploy_magics.postprocessing.draw import draw_dfl_head, draw_head
from deploy_magics.postprocessing.letterbox import Placement, letterbox, undo_letterbox
from deploy_magics.postprocessing.libraries import nms_opencv, nms_torchvision
from deploy_magics.postprocessing.nms import nms_by_class, nms_fast, nms_loop, nms_offset, nms_simple
from deploy_magics.postprocessing.sigmoid import inverse_sigmoid, sigmoid
from deploy_magics.postprocessing.topk import topk_fast, topk_simple

__all__ = [
    "Anchors",
    "Detections",
    "Difference",
    "Placement",
    "Points",
    "compare",
    "decode_compiled",
    "decode_dfl_fast",
    "decode_dfl_loop",
    "decode_dfl_simple",
    "decode_fast",
    "decode_loop",
    "decode_parallel",
    "decode_simple",
    "draw_dfl_head",
    "draw_head",
    "inverse_sigmoid",
    "letterbox",
    "nms_by_class",
    "nms_compiled",
    "nms_fast",
    "nms_loop",
    "nms_offset",
    "nms_opencv",
    "nms_simple",
    "nms_torchvision",
    "sigmoid",
    "topk_fast",
    "topk_simple",
    "undo_letterbox",
]
