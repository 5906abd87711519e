"""Forms that numba compiles on their first call, for which no good NumPy form exists: loops that end early."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from deploy_magics.errors import MissingPartError
from deploy_magics.postprocessing.anchors import Anchors
from deploy_magics.postprocessing.decode import corners, decode_fast, rows_of
from deploy_magics.postprocessing.detections import Detections
from deploy_magics.postprocessing.nms import Kept, checked, ranked
from deploy_magics.postprocessing.sigmoid import least_logit


def _numba() -> Any:
    try:
        return importlib.import_module("numba")
    except ImportError:
        raise MissingPartError("compiled forms need numba", hint="pip install 'deploy-magics[postprocess]'") from None


def decode_compiled(head: Any, threshold: float = 0.25, anchors: Anchors | None = None) -> Detections:
    """Decode in two compiled loops, one over objectness and one over its survivors; see ``decode_loop``.

    No row is copied. Falls back to ``decode_fast`` for heads that are not float32.

    Raises
    ------
    MissingPartError
        Where numba is not installed.
    ArgumentError
        As ``decode_loop`` does.
    """
    return _decode(head, threshold, anchors, parallel=False)


def decode_parallel(head: Any, threshold: float = 0.25, anchors: Anchors | None = None) -> Detections:
    """Decode as :func:`decode_compiled` does, the survivors of the first comparison shared among all cores.

    Starting threads takes longer than a few hundred survivors do. On two cores that other programs also used it did not
    even pay where all of 25,200 rows survived; ``%%postprocess ... --crossover share`` tells where it does elsewhere.
    """
    return _decode(head, threshold, anchors, parallel=True)


def _decode(head: Any, threshold: float, anchors: Anchors | None, *, parallel: bool) -> Detections:
    limit = least_logit(threshold)
    scan, rate = _scan(), _rate(parallel)
    rows = rows_of(head, 6, anchors)
    if rows.dtype != np.float32:
        return decode_fast(rows, threshold, anchors)
    survivors = scan(rows, limit)
    scores, classes = rate(rows, rows.view(np.int32), survivors)
    keep = scores > np.float32(threshold)
    if not keep.all():
        survivors, scores, classes = survivors[keep], scores[keep], classes[keep]
    return Detections(corners(rows[survivors, :4], anchors, survivors), scores, classes)


def nms_compiled(boxes: Any, scores: Any, iou: float = 0.45, classes: Any = None) -> Kept:
    """Suppress in one compiled loop, which ends at the first kept box that overlaps; see ``nms_loop``.

    Parameters
    ----------
    boxes, scores, iou
        As in ``nms_loop``.
    classes : numpy.ndarray of int, shape (n,), optional
        Numbers of the classes: boxes of different ones do not strike each other out. No box has to be moved for it.

    Raises
    ------
    MissingPartError
        Where numba is not installed.
    """
    box, score = checked(boxes, scores, iou)
    order = ranked(score)
    kind = np.zeros(len(score), np.int64) if classes is None else np.asarray(classes, np.int64)
    found: Kept = _greedy()(np.ascontiguousarray(box), kind, order, float(iou))
    return found


@lru_cache(maxsize=1)
def _scan() -> Callable[..., Any]:
    numba = _numba()

    @numba.njit
    def scan(rows, limit):  # type: ignore[no-untyped-def]
        found = np.empty(rows.shape[0], np.intp)
        count = 0
        for index in range(rows.shape[0]):
            # Written in any case and kept if it passes, so that there is no branch to mispredict.
            found[count] = index
            count += rows[index, 4] > limit
        return found[:count].copy()

    return scan  # type: ignore[no-any-return]


@lru_cache(maxsize=2)
def _rate(parallel: bool) -> Callable[..., Any]:
    numba = _numba()
    one, nan = np.float32(1), np.float32(np.nan)
    # NumPy's scalars, so that all stays in 32 bits.
    sign, rest, infinity, least = (np.int32(v) for v in (31, 0x7FFFFFFF, 0x7F800000, -(2**31)))

    @numba.njit(parallel=parallel)
    def rate(rows, bits, survivors):  # type: ignore[no-untyped-def]
        scores = np.empty(len(survivors), np.float32)
        classes = np.empty(len(survivors), np.int64)
        for place in numba.prange(len(survivors)):
            index = survivors[place]
            # The largest of floats as the largest of integers, which compilers vectorise: a float grows with its bits,
            # a negative one where all but its sign are turned round. The bits of NaN are, without the sign, above those
            # of infinity.
            most, magnitude = least, np.int32(0)
            for column in range(5, rows.shape[1]):
                value = bits[index, column]
                most = max(most, value ^ ((value >> sign) & rest))
                magnitude = max(magnitude, value & rest)
            kind = 0
            while bits[index, 5 + kind] ^ ((bits[index, 5 + kind] >> sign) & rest) != most:
                kind += 1
            best = rows[index, 5 + kind]
            if best == 0:
                # Of 0 and -0, which are equal floats and other bits, the first.
                kind = 0
                while rows[index, 5 + kind] != best:
                    kind += 1
            score = (one / (one + np.exp(-rows[index, 4]))) * (one / (one + np.exp(-best)))
            scores[place] = nan if magnitude > infinity else score
            classes[place] = kind
        return scores, classes

    return rate  # type: ignore[no-any-return]


@lru_cache(maxsize=1)
def _greedy() -> Callable[..., Any]:
    numba = _numba()

    @numba.njit
    def greedy(box, kind, order, iou):  # type: ignore[no-untyped-def]
        # The kept ones lie side by side, so that the inner loop reads on and on.
        kept = np.empty(len(order), np.intp)
        near = np.empty((len(order), 5))
        count = 0
        for index in order:
            x1, y1, x2, y2 = box[index, 0], box[index, 1], box[index, 2], box[index, 3]
            area = (x2 - x1) * (y2 - y1)
            stays = True
            if x1 == x1 and y1 == y1 and x2 == x2 and y2 == y2:
                # The last kept are the likeliest neighbours in score, the first in place; either order is right.
                for other in range(count):
                    width = min(x2, near[other, 2]) - max(x1, near[other, 0])
                    if not width > 0:
                        continue
                    height = min(y2, near[other, 3]) - max(y1, near[other, 1])
                    if not height > 0 or kind[kept[other]] != kind[index]:
                        continue
                    common = width * height
                    if common > iou * (area + near[other, 4] - common):
                        stays = False
                        break
            if stays:
                near[count, 0], near[count, 1], near[count, 2], near[count, 3] = x1, y1, x2, y2
                # A box with NaN has an area of NaN, with which no comparison holds.
                near[count, 4] = area + 0 * (x1 + y1 + x2 + y2) if not np.isfinite(area) else area
                kept[count] = index
                count += 1
        return kept[:count]

    return greedy  # type: ignore[no-any-return]
