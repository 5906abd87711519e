"""Non-maximum suppression by well-kept libraries, where they are installed."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from deploy_magics.errors import MissingPartError
from deploy_magics.postprocessing.nms import Kept, checked


def nms_opencv(boxes: Any, scores: Any, iou: float = 0.45) -> Kept:
    """Suppress by opencv's ``NMSBoxes``, which takes left, top, width and height; see ``nms_loop``.

    A score of 0 is not kept, as it is by the others.

    Raises
    ------
    MissingPartError
        Where opencv is not installed.
    """
    try:
        cv2: Any = importlib.import_module("cv2")
    except ImportError:
        raise MissingPartError("nms_opencv needs opencv", hint="pip install opencv-python-headless") from None
    box, score = checked(boxes, scores, iou)
    if not len(box):
        return np.empty(0, np.intp)
    sizes = np.concatenate([box[:, :2], box[:, 2:] - box[:, :2]], axis=1)
    # Scores were tested before: 0 lets all others pass.
    return np.asarray(cv2.dnn.NMSBoxes(sizes, score.astype(np.float32), 0.0, iou), np.intp).reshape(-1)


def nms_torchvision(boxes: Any, scores: Any, classes: Any, iou: float = 0.45) -> Kept:
    """Suppress within each class by torchvision's ``batched_nms``, in float32; see ``nms_by_class``.

    Raises
    ------
    MissingPartError
        Where torchvision is not installed.
    """
    try:
        torch, ops = importlib.import_module("torch"), importlib.import_module("torchvision.ops")
    except ImportError:
        raise MissingPartError("nms_torchvision needs torchvision", hint="pip install torchvision") from None
    box, score = checked(boxes, scores, iou)
    parts = (box.astype(np.float32), score.astype(np.float32), np.asarray(classes, np.int64))
    found: Kept = ops.batched_nms(*map(torch.from_numpy, parts), iou).numpy().astype(np.intp)
    return found
