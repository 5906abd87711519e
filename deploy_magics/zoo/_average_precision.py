"""How good a detector is: average precision, over images of which the truth is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def overlaps(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Give the intersection over union of each box of ``a`` with each of ``b``: (A, 4) and (B, 4) to (A, B).

    Boxes are left, top, right, bottom; two that are both empty overlap by 0.

    Examples
    --------
    >>> import numpy as np
    >>> overlaps(np.array([[0.0, 0, 2, 2]]), np.array([[1.0, 0, 3, 2], [5, 5, 6, 6]])).round(3).tolist()
    [[0.333, 0.0]]
    """
    import numpy as np

    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    common = (high - low).clip(0).prod(-1)
    areas = [(boxes[:, 2:] - boxes[:, :2]).clip(0).prod(-1) for boxes in (a, b)]
    union = areas[0][:, None] + areas[1][None] - common
    shares = np.zeros(common.shape, np.result_type(common, np.float32))
    return np.asarray(np.divide(common, union, out=shares, where=union > 0))


def average_precision(
    found: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]],
    truths: Sequence[tuple[np.ndarray, np.ndarray]],
    *,
    overlap: float = 0.5,
) -> dict[int, float]:
    """Give the average precision of each class that is in the truth: the area under precision against recall.

    Parameters
    ----------
    found : sequence of (boxes, scores, classes)
        Image by image: (K, 4), (K,) and (K,), in any order. Give all down to a low score: what a threshold leaves out
        counts as missed.
    truths : sequence of (boxes, classes)
        Image by image: (T, 4) and (T,).
    overlap : float
        Least intersection over union of a right box.

    Returns
    -------
    dict of int to float
        From 0 to 1, by class.

    Notes
    -----
    As PASCAL VOC has it from 2010 on (Everingham et al. 2010, "The PASCAL visual object classes (VOC) challenge",
    section 4.2, and its development kit): over all images, detections by falling score; each belongs to the true box
    of its class that it overlaps most, and is wrong where it overlaps that too little or a better one has taken it.
    The precision at a recall is the largest at this or a higher recall, and the area is summed over all points and not
    over eleven.
    """
    import numpy as np

    if len(found) != len(truths):
        raise ValueError(f"detections of {len(found)} images, and the truth of {len(truths)}")
    for image, (boxes, box_scores, box_classes) in enumerate(found):
        if not len(boxes) == len(box_scores) == len(box_classes):
            counts = f"{len(boxes)} boxes, {len(box_scores)} scores and {len(box_classes)} classes"
            raise ValueError(f"image {image} has {counts}")
    result = {}
    for kind in sorted({int(kind) for _, classes in truths for kind in classes}):
        scores: list[float] = []
        right: list[bool] = []
        count = 0
        for (boxes, box_scores, box_classes), (true_boxes, true_classes) in zip(found, truths, strict=True):
            wanted = true_boxes[true_classes == kind]
            mine = np.flatnonzero(box_classes == kind)
            mine = mine[np.argsort(-box_scores[mine], kind="stable")]
            scores += box_scores[mine].tolist()
            right += _right(boxes[mine], wanted, overlap)
            count += len(wanted)
        order = np.argsort(-np.array(scores), kind="stable")
        hits = np.cumsum(np.array(right, bool)[order])
        precision = hits / np.arange(1, len(hits) + 1)
        envelope = np.maximum.accumulate(precision[::-1])[::-1]
        result[kind] = float((np.diff(hits, prepend=0) * envelope).sum() / count)
    return result


def mean_average_precision(
    found: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]],
    truths: Sequence[tuple[np.ndarray, np.ndarray]],
    *,
    overlap: float = 0.5,
) -> float:
    """Give the mean of :func:`average_precision` over the classes: mAP@0.5 with the default overlap.

    Examples
    --------
    >>> import numpy as np
    >>> truth = (np.array([[0.0, 0, 10, 10], [20, 20, 30, 30]]), np.array([0, 0]))
    >>> found = (np.array([[0.0, 0, 10, 9], [50, 50, 60, 60]]), np.array([0.9, 0.8]), np.array([0, 0]))
    >>> mean_average_precision([found], [truth])
    0.5
    """
    values = average_precision(found, truths, overlap=overlap).values()
    return sum(values) / len(values) if values else 0.0


def _right(boxes: np.ndarray, wanted: np.ndarray, overlap: float) -> list[bool]:
    """Tell of each box of an image, best first, whether it is the first on its true box."""
    if not len(wanted):
        return [False] * len(boxes)
    taken: set[int] = set()
    right = []
    for shares in overlaps(boxes, wanted):
        best = int(shares.argmax())
        hit = bool(shares[best] >= overlap) and best not in taken
        if hit:
            taken.add(best)
        right.append(hit)
    return right
