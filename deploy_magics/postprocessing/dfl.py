"""From a head with distributions of distances to detections, as newer YOLOs have it.

There is no objectness. Each side of a box is a distribution over bins of distance, the softmax of as many logits, and
its mean is the distance in strides (distribution focal loss, Li et al. 2020, arXiv 2006.04388, section 3.2).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deploy_magics.errors import ArgumentError
from deploy_magics.postprocessing.decode import rows_of
from deploy_magics.postprocessing.detections import Detections
from deploy_magics.postprocessing.sigmoid import check_threshold, least_logit, sigmoid, sigmoid_of


@dataclass(frozen=True, eq=False)
class Points:
    """Where the rows of a head without anchors lie.

    Attributes
    ----------
    centres : numpy.ndarray of float32, shape (rows, 2)
        x and y in pixels.
    strides : numpy.ndarray of float32, shape (rows,)
        Pixels that a distance of 1 means.
    """

    centres: NDArray[np.float32]
    strides: NDArray[np.float32]

    @classmethod
    def of(cls, size: tuple[int, int] = (640, 640), strides: Sequence[int] = (8, 16, 32)) -> Points:
        """Lay out the cells of each stride, line by line, for an input of this height and width in pixels.

        Examples
        --------
        >>> len(Points.of((640, 640)))
        8400
        """
        centres, steps = [], []
        for stride in strides:
            if stride < 1 or size[0] % stride or size[1] % stride:
                raise ArgumentError(f"stride {stride} does not divide {size[0]}x{size[1]}")
            y, x = np.mgrid[: size[0] // stride, : size[1] // stride].astype(np.float32)
            centres.append((np.stack([x.ravel(), y.ravel()], axis=1) + np.float32(0.5)) * np.float32(stride))
            steps.append(np.full(x.size, stride, np.float32))
        return cls(np.concatenate(centres), np.concatenate(steps))

    def __len__(self) -> int:
        return len(self.strides)


def _rows(head: Any, points: Points, bins: int) -> NDArray[Any]:
    if bins < 2:
        raise ArgumentError(f"bins must be at least 2, not {bins}")
    return rows_of(head, 4 * bins + 1, points)


def decode_dfl_loop(head: Any, points: Points, threshold: float = 0.25, bins: int = 16) -> Detections:
    """Decode row by row in plain Python, every sigmoid and softmax computed: the reference.

    Parameters
    ----------
    head : numpy.ndarray of float, shape (rows, 4 bins + classes) or (1, rows, 4 bins + classes)
        Logits of the distances to the left, top, right and bottom, ``bins`` each, then class logits.
    points : Points
        Where the rows lie.
    threshold : float
        Least score, inside (0, 1).
    bins : int
        Bins of each distance.

    Returns
    -------
    Detections
        In the order of the rows; those with a NaN among the class logits are dropped.

    Raises
    ------
    ArgumentError
        Where the head has another shape, or the threshold is not inside (0, 1).
    """
    check_threshold(threshold)
    boxes, scores, classes = [], [], []
    for index, row in enumerate(_rows(head, points, bins).tolist()):
        distances = []
        for side in range(4):
            logits = row[side * bins : (side + 1) * bins]
            top = max(logits)
            powers = [math.exp(logit - top) if logit != top else 1.0 for logit in logits]
            distances.append(sum(number * power for number, power in enumerate(powers)) / sum(powers))
        found = [sigmoid_of(logit) for logit in row[4 * bins :]]
        best = math.nan if any(score != score for score in found) else max(found)
        if best > threshold:
            x, y = map(float, points.centres[index])
            left, top, right, bottom = (distance * float(points.strides[index]) for distance in distances)
            boxes.append((x - left, y - top, x + right, y + bottom))
            scores.append(best)
            classes.append(found.index(best))
    return Detections.of(boxes, scores, np.array(classes, np.int64))


def decode_dfl_simple(head: Any, points: Points, threshold: float = 0.25, bins: int = 16) -> Detections:
    """Decode with NumPy, sigmoid and softmax on everything; see :func:`decode_dfl_loop`."""
    check_threshold(threshold)
    rows = _rows(head, points, bins).astype(np.float32, copy=False)
    scores = sigmoid(rows[:, 4 * bins :])
    classes = scores.argmax(axis=1)
    best = scores[np.arange(len(rows)), classes]
    boxes = _boxes(rows[:, : 4 * bins], points.centres, points.strides, bins)
    keep = best > np.float32(threshold)
    return Detections(boxes[keep], best[keep], classes[keep])


def decode_dfl_fast(head: Any, points: Points, threshold: float = 0.25, bins: int = 16) -> Detections:
    """Decode only what can pass: class logits against the inverse sigmoid, the rest for survivors alone.

    See :func:`decode_dfl_loop`. Of 4 bins + classes exp a row, 4 bins + 1 remain a survivor.
    """
    rows = _rows(head, points, bins)
    logits = rows[:, 4 * bins :]
    # Which logits pass, and from them the rows: a flat search over few hits is faster than a maximum of each row.
    hits = np.flatnonzero(logits > least_logit(threshold)) // logits.shape[1]
    survivors = hits[np.flatnonzero(np.diff(hits, prepend=-1))]
    left = rows.take(survivors, axis=0).astype(np.float32, copy=False)
    classes = left[:, 4 * bins :].argmax(axis=1)
    scores = sigmoid(left[np.arange(len(left)), 4 * bins + classes])
    keep = scores > np.float32(threshold)
    if not keep.all():
        survivors, left, scores, classes = survivors[keep], left[keep], scores[keep], classes[keep]
    boxes = _boxes(left[:, : 4 * bins], points.centres[survivors], points.strides[survivors], bins)
    return Detections(boxes, scores, classes)


def _boxes(
    logits: NDArray[np.float32], centres: NDArray[np.float32], strides: NDArray[np.float32], bins: int
) -> NDArray[np.float32]:
    """Give corners: the mean of each side's distribution, in strides from the centre."""
    sides = logits.reshape(-1, 4, bins)
    with np.errstate(invalid="ignore"):
        powers = np.exp(sides - sides.max(axis=2, keepdims=True))
        distances = (powers @ np.arange(bins, dtype=np.float32)) / powers.sum(axis=2)
    distances *= strides[:, None]
    return np.concatenate([centres - distances[:, :2], centres + distances[:, 2:]], axis=1)
