"""Non-maximum suppression: of boxes that overlap, the one with the highest score stays.

The rule of all forms: boxes are taken by falling score, equal scores in their order; one is kept unless its overlap
with a box kept before is above the limit. Overlap is intersection over union, tested without a division as
``intersection > limit union`` in float64, so that all forms decide alike to the last bit. Boxes that are empty,
infinite or NaN overlap nothing, and a NaN score is not kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from deploy_magics.errors import ArgumentError
from deploy_magics.postprocessing.sigmoid import check_threshold

Kept: TypeAlias = NDArray[np.intp]
Form: TypeAlias = Callable[[Any, Any, float], Kept]
BLOCK = 64
# Beyond it, classes moved apart in float64 would cost a box more than a millionth of a pixel.
_FAR = 1e9


def checked(boxes: Any, scores: Any, iou: float) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Give boxes and scores as arrays of floats.

    Raises
    ------
    ArgumentError
        Where they are no numbers, shapes do not fit, or the limit is not inside (0, 1).
    """
    check_threshold(iou, "iou")
    try:
        box, score = np.asarray(boxes, np.float64), np.asarray(scores)
        # Scores are ranked by their negatives, which whole numbers do not all have.
        score = score if score.dtype.kind == "f" else score.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"boxes and scores are no numbers: {error}") from None
    if not box.size and not score.size:
        return np.empty((0, 4)), np.empty(0)
    if box.ndim != 2 or box.shape[1] != 4 or score.shape != (len(box),):
        raise ArgumentError(f"boxes and scores have shapes {box.shape} and {score.shape}", hint="give (n, 4) and (n,)")
    return box, score


def ranked(scores: NDArray[Any]) -> Kept:
    """Give indices by falling score, equal ones in their order, without those that are NaN."""
    order = np.argsort(-scores, kind="stable")
    # NaN comes last.
    bad = np.count_nonzero(scores != scores)
    return order[: len(order) - bad] if bad else order


def nms_loop(boxes: Any, scores: Any, iou: float = 0.45) -> Kept:
    """Suppress in plain Python: the reference.

    Parameters
    ----------
    boxes : numpy.ndarray of float, shape (n, 4)
        Left, top, right, bottom.
    scores : numpy.ndarray of float, shape (n,)
        Scores.
    iou : float
        Largest overlap of two boxes that both stay, inside (0, 1).

    Returns
    -------
    numpy.ndarray of int
        Indices of the boxes that stay, by falling score.

    Raises
    ------
    ArgumentError
        Where shapes do not fit, or the limit is not inside (0, 1).

    Examples
    --------
    >>> nms_loop([[0, 0, 10, 10], [1, 0, 11, 10], [20, 20, 30, 30]], [0.8, 0.9, 0.7]).tolist()
    [1, 2]
    """
    box, score = (array.tolist() for array in checked(boxes, scores, iou))
    kept: list[int] = []
    for index in sorted((i for i in range(len(score)) if score[i] == score[i]), key=lambda i: -score[i]):
        if not any(_overlap(box[index], box[other], iou) for other in kept):
            kept.append(index)
    return np.array(kept, np.intp)


def _overlap(a: list[float], b: list[float], iou: float) -> bool:
    if any(value != value for value in (*a, *b)):  # NaN
        return False
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if not (width > 0 and height > 0):
        return False
    common = width * height
    return common > iou * ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common)


def nms_simple(boxes: Any, scores: Any, iou: float = 0.45) -> Kept:
    """Suppress with NumPy, each kept box against all that are left; see :func:`nms_loop`."""
    box, score = checked(boxes, scores, iou)
    order = ranked(score)
    kept = []
    with np.errstate(invalid="ignore", over="ignore"):
        columns = with_areas(box)
        while len(order):
            first, order = order[0], order[1:]
            kept.append(first)
            order = order[~overlaps(columns[:, first], columns[:, order], iou)]
    return np.array(kept, np.intp)


def with_areas(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give boxes by columns, their areas as a fifth; that of a box turned inside out is 0."""
    columns = np.empty((5, len(boxes)))
    columns[:4] = boxes.T
    sides = np.maximum(columns[2:4] - columns[:2], 0)
    np.multiply(sides[0], sides[1], out=columns[4])
    return columns


def overlaps(a: NDArray[np.float64], b: NDArray[np.float64], iou: float) -> NDArray[np.bool_]:
    """Tell which pairs of boxes, given as :func:`with_areas` does, overlap more than the limit; shapes broadcast."""
    width = np.minimum(a[2], b[2]) - np.maximum(a[0], b[0])
    height = np.minimum(a[3], b[3]) - np.maximum(a[1], b[1])
    np.maximum(width, 0, out=width)
    np.maximum(height, 0, out=height)
    common = np.multiply(width, height, out=width)
    union = a[4] + b[4] - common
    # NaN compares false: what has one overlaps nothing.
    found: NDArray[np.bool_] = common > np.multiply(union, iou, out=union)
    return found


def nms_fast(boxes: Any, scores: Any, iou: float = 0.45) -> Kept:
    """Suppress with NumPy in blocks: 64 settle among themselves, then all that stay strike out the rest at once.

    See :func:`nms_loop`. The pairs are those of :func:`nms_simple`, in a tenth of the calls of NumPy, whose cost is
    what counts with arrays this small. Within a block, each box's victims are the bits of one integer.
    """
    box, score = checked(boxes, scores, iou)
    order = ranked(score)
    kept = []
    with np.errstate(invalid="ignore", over="ignore"):
        columns = with_areas(box[order])
        while len(order):
            block = columns[:, :BLOCK]
            hits = np.packbits(overlaps(block[:, :, None], block[:, None, :], iou), axis=1, bitorder="little")
            victims = [int.from_bytes(line, "little") for line in hits]
            struck, stay = 0, []
            for place, bits in enumerate(victims):
                if not struck >> place & 1:
                    stay.append(place)
                    struck |= bits
            kept.append(order[stay])
            order, rest = order[BLOCK:], columns[:, BLOCK:]
            if len(order):
                left = ~overlaps(block[:, stay, None], rest[:, None, :], iou).any(axis=0)
                order, columns = order[left], rest[:, left]
    return np.concatenate(kept) if kept else np.empty(0, np.intp)


def nms_by_class(boxes: Any, scores: Any, classes: Any, iou: float = 0.45, form: Form = nms_fast) -> Kept:
    """Suppress within each class, class by class.

    Parameters
    ----------
    boxes, scores, iou
        As in :func:`nms_loop`.
    classes : numpy.ndarray of int, shape (n,)
        Numbers of the classes; boxes of different ones do not strike each other out.
    form : callable
        The form for each class.

    Returns
    -------
    numpy.ndarray of int
        Indices of the boxes that stay, by falling score over all classes.
    """
    box, score = checked(boxes, scores, iou)
    kind = _classes(classes, len(score))
    kept = [
        rows[form(box[rows], score[rows], iou)] for rows in (np.flatnonzero(kind == one) for one in np.unique(kind))
    ]
    found = np.sort(np.concatenate(kept)) if kept else np.empty(0, np.intp)
    return found[ranked(score[found])]


def nms_offset(boxes: Any, scores: Any, classes: Any, iou: float = 0.45, form: Form = nms_fast) -> Kept:
    """Suppress within each class in one go: classes are moved so far apart that they cannot overlap.

    See :func:`nms_by_class`. The move is in float64, and where boxes are so large that it would cost them precision, as
    with a coordinate of 1e30, classes are treated one by one instead.
    """
    box, score = checked(boxes, scores, iou)
    kind = _classes(classes, len(score))
    if not len(box):
        return np.empty(0, np.intp)
    low, high = box.min(), box.max()
    _, place = np.unique(kind, return_inverse=True)
    # Plain floats, which become infinite or NaN without a warning.
    apart = (float(high) - float(low) + 1) * int(place.max())
    if not apart + abs(float(low)) < _FAR:
        return nms_by_class(box, score, kind, iou, form)
    # Only differences of coordinates count, so where the moved boxes lie does not matter.
    return form(box + ((high - low + 1) * place)[:, None], score, iou)


def _classes(classes: Any, count: int) -> NDArray[Any]:
    kind = np.asarray(classes)
    if kind.shape != (count,):
        raise ArgumentError(f"{count} boxes have classes of shape {kind.shape}", hint=f"give ({count},)")
    return kind
