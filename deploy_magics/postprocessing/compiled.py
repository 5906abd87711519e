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

_BLOCKS = 16


def _numba() -> Any:
    try:
        return importlib.import_module("numba")
    except ImportError:
        raise MissingPartError("compiled forms need numba", hint="pip install 'deploy-magics[postprocess]'") from None


def decode_compiled(head: Any, threshold: float = 0.25, anchors: Anchors | None = None) -> Detections:
    """Decode in one compiled pass: a row is left as soon as it cannot pass; see ``decode_loop``.

    Nothing is copied but what is kept. Falls back to ``decode_fast`` for heads that are not float32.

    Raises
    ------
    MissingPartError
        Where numba is not installed.
    ArgumentError
        As ``decode_loop`` does.
    """
    return _decode(head, threshold, anchors, parallel=False)


def decode_parallel(head: Any, threshold: float = 0.25, anchors: Anchors | None = None) -> Detections:
    """Decode as :func:`decode_compiled` does, blocks of rows on all cores.

    Starting the threads takes longer than 25,200 rows of few survivors; it pays where many survive.
    """
    return _decode(head, threshold, anchors, parallel=True)


def _decode(head: Any, threshold: float, anchors: Anchors | None, *, parallel: bool) -> Detections:
    limit = least_logit(threshold)
    scan = _scan(parallel)
    rows = rows_of(head, 6, anchors)
    if rows.dtype != np.float32:
        return decode_fast(rows, threshold, anchors)
    # Pages that are never written cost nothing.
    places = np.empty(len(rows), np.intp)
    raw, scores = np.empty((len(rows), 4), np.float32), np.empty(len(rows), np.float32)
    classes = np.empty(len(rows), np.int64)
    if parallel:
        blocks = min(_BLOCKS, max(1, len(rows)))
        counts = np.zeros(blocks, np.intp)
        scan(rows, rows.view(np.int32), limit, np.float32(threshold), raw, scores, classes, places, counts)
        starts = np.arange(blocks) * len(rows) // blocks
        chosen = np.concatenate([np.arange(a, a + n) for a, n in zip(starts, counts, strict=True)])
        return Detections(corners(raw[chosen], anchors, places[chosen]), scores[chosen], classes[chosen])
    found = scan(rows, rows.view(np.int32), limit, np.float32(threshold), raw, scores, classes, places)
    # Copies, since a view of few would keep the memory of all.
    return Detections(corners(raw[:found], anchors, places[:found]), scores[:found].copy(), classes[:found].copy())


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


@lru_cache(maxsize=2)
def _scan(parallel: bool) -> Callable[..., Any]:
    numba = _numba()
    one = np.float32(1)
    # NumPy's scalars, so that all stays in 32 bits.
    SIGN, REST, INFINITY = np.int32(31), np.int32(0x7FFFFFFF), np.int32(0x7F800000)  # noqa: N806

    @numba.njit(inline="always")
    def row(rows, bits, index, limit, threshold, raw, scores, classes, places, place):  # type: ignore[no-untyped-def]
        objectness = rows[index, 4]
        if not objectness > limit:
            return place
        # The largest of floats as the largest of integers, which compilers vectorise: a float grows with its bits, a
        # negative one where all but its sign are turned round. The bits of NaN, without the sign, are above infinity's.
        most, magnitude = np.int32(-(2**31)), np.int32(0)
        for column in range(5, rows.shape[1]):
            value = bits[index, column]
            most = max(most, value ^ ((value >> SIGN) & REST))
            magnitude = max(magnitude, value & REST)
        if magnitude > INFINITY:
            return place
        kind = 0
        while bits[index, 5 + kind] ^ ((bits[index, 5 + kind] >> SIGN) & REST) != most:
            kind += 1
        best = rows[index, 5 + kind]
        if not best > limit:
            return place
        if best == 0:
            # Of 0 and -0, which are equal floats and other bits, the first.
            kind = 0
            while rows[index, 5 + kind] != best:
                kind += 1
        score = (one / (one + np.exp(-objectness))) * (one / (one + np.exp(-best)))
        if not score > threshold:
            return place
        for column in range(4):
            raw[place, column] = rows[index, column]
        scores[place], classes[place], places[place] = score, kind, index
        return place + 1

    if not parallel:

        @numba.njit
        def serial(rows, bits, limit, threshold, raw, scores, classes, places):  # type: ignore[no-untyped-def]
            place = 0
            for index in range(rows.shape[0]):
                place = row(rows, bits, index, limit, threshold, raw, scores, classes, places, place)
            return place

        return serial  # type: ignore[no-any-return]

    @numba.njit(parallel=True)
    def blocked(rows, bits, limit, threshold, raw, scores, classes, places, counts):  # type: ignore[no-untyped-def]
        blocks = counts.shape[0]
        for block in numba.prange(blocks):
            begin, end = block * rows.shape[0] // blocks, (block + 1) * rows.shape[0] // blocks
            place = begin
            for index in range(begin, end):
                place = row(rows, bits, index, limit, threshold, raw, scores, classes, places, place)
            counts[block] = place - begin

    return blocked  # type: ignore[no-any-return]


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
