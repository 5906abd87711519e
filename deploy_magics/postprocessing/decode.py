"""From a head with objectness to detections: sigmoid, threshold, class, box.

A head has a row for each place a thing may be at: four numbers for the box, the logit of objectness, and a logit for
each class (YOLOv5, github.com/ultralytics/yolov5, ``models/yolo.py``). A row's score is
``sigmoid(objectness) sigmoid(largest class logit)``, and rows whose score is above the threshold are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deploy_magics.errors import ArgumentError
from deploy_magics.postprocessing.anchors import Anchors
from deploy_magics.postprocessing.detections import Detections
from deploy_magics.postprocessing.sigmoid import check_threshold, least_logit, sigmoid, sigmoid_of

HALF = np.float32(0.5)


def rows_of(head: Any, least: int, anchors: Any = None) -> NDArray[Any]:
    """Give a head as rows and columns, a batch of one taken off; a mapping of one output stands for that output.

    Raises
    ------
    ArgumentError
        Where it has another shape, fewer than ``least`` columns, or other rows than the anchors; where a mapping has
        several outputs.
    """
    if isinstance(head, Mapping):
        # What %%pipeline gives a function, and %%postprocess where a model has several outputs.
        if len(head) != 1:
            raise ArgumentError(f"{len(head)} outputs cannot be decoded at once", hint=f"take one: {', '.join(head)}")
        head = next(iter(head.values()))
    array = np.asarray(head)
    if array.ndim == 3 and len(array) == 1:
        array = array[0]
    if array.ndim != 2 or array.shape[1] < least or array.dtype.kind != "f":
        hint = "decode a batch item by item: head[0]" if array.ndim == 3 else f"give (rows, {least} or more columns)"
        raise ArgumentError(f"a head of {array.dtype} with shape {array.shape} cannot be decoded", hint=hint)
    if anchors is not None and len(anchors) != len(array):
        turned = "it lies on its side: swap its last two axes" if len(anchors) == array.shape[1] else None
        kind = type(anchors).__name__.lower()
        raise ArgumentError(f"the head has {len(array):,} rows and the {kind} {len(anchors):,}", hint=turned)
    return array


def decode_loop(head: Any, threshold: float = 0.25, anchors: Anchors | None = None) -> Detections:
    """Decode row by row in plain Python, the sigmoid on everything: the reference.

    Parameters
    ----------
    head : numpy.ndarray of float, shape (rows, 5 + classes) or (1, rows, 5 + classes)
        Box, objectness and class logits.
    threshold : float
        Least score, inside (0, 1).
    anchors : Anchors, optional
        What the rows stand for; without it a row's first four numbers are centre, width and height in pixels.

    Returns
    -------
    Detections
        In the order of the rows. Rows with a NaN among the logits are dropped: no comparison with NaN holds.

    Raises
    ------
    ArgumentError
        Where the head has another shape, or the threshold is not inside (0, 1).
    """
    check_threshold(threshold)
    boxes, scores, classes = [], [], []
    for index, row in enumerate(rows_of(head, 6, anchors).tolist()):
        objectness = sigmoid_of(row[4])
        best, kind = -1.0, -1
        for number, logit in enumerate(row[5:]):
            score = objectness * sigmoid_of(logit)
            if score != score:  # NaN
                best = score
                break
            if score > best:
                best, kind = score, number
        if best > threshold:
            x, y, width, height = row[:4]
            if anchors is not None:
                stride = float(anchors.strides[index])
                x = (2 * sigmoid_of(x) + float(anchors.cells[0, index])) * stride
                y = (2 * sigmoid_of(y) + float(anchors.cells[1, index])) * stride
                width = (2 * sigmoid_of(width)) ** 2 * float(anchors.sizes[0, index])
                height = (2 * sigmoid_of(height)) ** 2 * float(anchors.sizes[1, index])
            boxes.append((x - width / 2, y - height / 2, x + width / 2, y + height / 2))
            scores.append(best)
            classes.append(kind)
    return Detections.of(boxes, scores, np.array(classes, np.int64))


def decode_simple(head: Any, threshold: float = 0.25, anchors: Anchors | None = None) -> Detections:
    """Decode with NumPy, the sigmoid on everything, as most examples do; see :func:`decode_loop`."""
    check_threshold(threshold)
    rows = rows_of(head, 6, anchors).astype(np.float32, copy=False)
    probabilities = sigmoid(rows[:, 4:])
    scores = probabilities[:, 1:] * probabilities[:, :1]
    classes = scores.argmax(axis=1)
    best = scores[np.arange(len(rows)), classes]
    boxes = corners(rows[:, :4], anchors, None)
    keep = best > np.float32(threshold)
    return Detections(boxes[keep], best[keep], classes[keep])


def decode_fast(head: Any, threshold: float = 0.25, anchors: Anchors | None = None) -> Detections:
    """Decode only what can pass: the threshold is tested on logits, before any exp; see :func:`decode_loop`.

    A score is at most the sigmoid of objectness, and that is above t exactly where the logit is above -ln(1/t - 1). So
    one comparison of one column leaves the survivors. Of them the class is the argmax of logits, since the sigmoid
    keeps their order, and two exp a survivor give the score.

    Where classes are so sure that their sigmoids round to the same number, this form still tells them apart and
    :func:`decode_simple` does not.
    """
    rows = rows_of(head, 6, anchors)
    # The column is copied first, since a comparison of numbers that lie side by side is faster than the copy.
    survivors = (rows[:, 4].copy() > least_logit(threshold)).nonzero()[0]
    # One copy of whole rows: they are few, and what follows reads them side by side.
    left = rows.take(survivors, axis=0).astype(np.float32, copy=False)
    classes = left[:, 5:].argmax(axis=1)
    logits = np.empty((2, len(left)), np.float32)
    logits[0], logits[1] = left[:, 4], left[np.arange(len(left)), classes + 5]
    objectness, best = sigmoid(logits)
    scores = objectness * best
    keep = scores > np.float32(threshold)
    if not keep.all():
        survivors, left, scores, classes = survivors[keep], left[keep], scores[keep], classes[keep]
    return Detections(corners(left[:, :4], anchors, survivors), scores, classes)


def corners(raw: NDArray[np.float32], anchors: Anchors | None, rows: NDArray[np.intp] | None) -> NDArray[np.float32]:
    """Turn the first four columns of some rows into corners in pixels.

    Parameters
    ----------
    raw : numpy.ndarray of float32, shape (n, 4)
        The columns.
    anchors : Anchors or None
        What all rows stand for.
    rows : numpy.ndarray of int or None
        Which rows these are; None for all.
    """
    # Four long lines are worked on faster than many short ones.
    place = raw.T.copy()
    if anchors is not None:
        place = sigmoid(place)
        cells, strides, sizes = anchors.cells, anchors.strides, anchors.sizes
        if rows is not None:
            cells, strides, sizes = cells[:, rows], strides[rows], sizes[:, rows]
        place *= 2
        place[:2] += cells
        place[:2] *= strides
        place[2:] *= place[2:]
        place[2:] *= sizes
    half = place[2:] * HALF
    found = np.empty((len(raw), 4), np.float32)
    # A box as large as infinity has no corners but NaN, and that is no reason for a warning.
    with np.errstate(invalid="ignore", over="ignore"):
        np.subtract(place[:2], half, out=found.T[:2])
        np.add(place[:2], half, out=found.T[2:])
    return found
