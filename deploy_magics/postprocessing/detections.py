"""Detections as one plain type, and whether two sets of them are the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deploy_magics.errors import ArgumentError


@dataclass(frozen=True, eq=False)
class Detections:
    """What was found in one image.

    Attributes
    ----------
    boxes : numpy.ndarray of float32, shape (n, 4)
        Left, top, right and bottom in pixels.
    scores : numpy.ndarray of float32, shape (n,)
        How sure each is, 0 to 1.
    classes : numpy.ndarray of int64, shape (n,)
        Numbers of the classes.

    Examples
    --------
    >>> found = Detections.of([[0, 0, 2, 2], [1, 1, 3, 3]], [0.9, 0.8], [0, 0])
    >>> boxes, scores, classes = found[[1]]
    >>> len(found), boxes.tolist()
    (2, [[1.0, 1.0, 3.0, 3.0]])
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    classes: NDArray[np.int64]

    @classmethod
    def of(cls, boxes: Any, scores: Any, classes: Any) -> Detections:
        """Make detections of anything array-like.

        Raises
        ------
        ArgumentError
            Where shapes do not fit one another, classes are no whole numbers, or a score is NaN.
        """
        try:
            made = [np.asarray(part) for part in (boxes, scores, classes)]
        except (TypeError, ValueError, RuntimeError) as error:  # a tensor on a device, or one with a gradient
            raise ArgumentError(f"detections are no arrays: {error}") from None
        box, score, kind = (
            part.reshape(0, 4) if place == 0 and not part.size else part for place, part in enumerate(made)
        )
        if box.ndim != 2 or box.shape[1] != 4 or score.shape != (len(box),) or kind.shape != (len(box),):
            shapes = " and ".join(str(part.shape) for part in made)
            raise ArgumentError(f"boxes, scores and classes have shapes {shapes}", hint="give (n, 4), (n,) and (n,)")
        for name, part in (("boxes", box), ("scores", score), ("classes", kind)):
            if part.size and part.dtype.kind not in "fiub":
                raise ArgumentError(f"{name} hold {part.dtype} and no numbers")
        if bad := int(np.isnan(score.astype(np.float64)).sum()):
            raise ArgumentError(
                f"{bad} of {len(score)} scores are NaN", hint="NaN > threshold is false: test that way round"
            )
        if not (np.abs(kind.astype(np.float64)) < 2.0**63).all() or not np.array_equal(kind, np.trunc(kind)):
            raise ArgumentError("classes are no whole numbers", hint="is it (boxes, scores, classes), in this order?")
        with np.errstate(over="ignore"):  # a box beyond float32 is one of infinity
            return cls(box.astype(np.float32), score.astype(np.float32), kind.astype(np.int64))

    @classmethod
    def none(cls) -> Detections:
        """Give no detections."""
        return cls(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.int64))

    def __len__(self) -> int:
        return len(self.scores)

    def __iter__(self) -> Iterator[NDArray[Any]]:
        return iter((self.boxes, self.scores, self.classes))

    def __getitem__(self, rows: Any) -> Detections:
        rows = np.asarray(rows)
        if rows.dtype.kind != "b":
            rows = rows.astype(np.intp)
        return Detections(self.boxes[rows], self.scores[rows], self.classes[rows])


@dataclass(frozen=True)
class Difference:
    """How two sets of detections differ.

    Attributes
    ----------
    missing, added : int
        Detections of the first that the second lacks, and the other way round.
    box_error : float
        Largest difference of a coordinate between detections that match, in pixels.
    score_error : float
        Largest difference of a score between those.
    first : str
        One of those that do not match, in words; "" where all do.
    """

    missing: int
    added: int
    box_error: float
    score_error: float
    first: str = ""

    @property
    def same(self) -> bool:
        """Whether each detection of one has its match in the other."""
        return not self.missing and not self.added


def compare(
    expected: Detections, found: Detections, *, score_tolerance: float = 1e-4, box_tolerance: float = 1e-2
) -> Difference:
    """Match detections one to one: same class, and score and box within tolerance. Their order does not matter.

    Parameters
    ----------
    expected, found : Detections
        The two sets.
    score_tolerance : float
        Largest difference of scores that match.
    box_tolerance : float
        Largest difference of coordinates that match, in pixels, or as a share of a coordinate above 1,000 pixels.

    Examples
    --------
    >>> a = Detections.of([[0, 0, 2, 2]], [0.9], [0])
    >>> compare(a, a[[]]).missing, compare(a, a).same
    (1, True)
    """
    one, other = _ordered(expected), _ordered(found)
    if len(one) == len(other):
        fits = (one.classes == other.classes) & _close(one, other, score_tolerance, box_tolerance)
    else:
        fits = np.zeros(len(one), bool)
    pairs = [(int(index), int(index)) for index in np.flatnonzero(fits)]
    free = np.ones(len(other), bool)
    free[[j for _, j in pairs]] = False
    lost: list[int] = []
    for index in range(len(one)):
        if index < len(fits) and fits[index]:
            continue
        able = np.flatnonzero(free & (other.classes == one.classes[index]))
        able = able[_close(one[[index] * len(able)], other[able], score_tolerance, box_tolerance)]
        if not len(able):
            lost.append(index)
            continue
        gaps = np.abs(other.boxes[able] - one.boxes[index])
        nearest = able[int(np.nan_to_num(gaps).max(1).argmin())]
        free[nearest] = False
        pairs.append((index, int(nearest)))
    rest = np.flatnonzero(free)
    mine, theirs = (np.array([pair[side] for pair in pairs], dtype=np.intp) for side in (0, 1))
    with np.errstate(invalid="ignore"):
        box_gap = np.nan_to_num(np.abs(one.boxes[mine] - other.boxes[theirs]))
        score_gap = np.nan_to_num(np.abs(one.scores[mine] - other.scores[theirs]))
    first = ""
    if lost:
        first = f"lacks {_said(one, lost[0])}"
    elif len(rest):
        first = f"adds {_said(other, int(rest[0]))}"
    return Difference(len(lost), len(rest), float(box_gap.max(initial=0.0)), float(score_gap.max(initial=0.0)), first)


def _ordered(some: Detections) -> Detections:
    """Sort by class, then score, then place, so that equal sets mostly lie side by side."""
    keys = (*some.boxes.T[::-1], -some.scores, some.classes)
    return some[np.lexsort(keys)]


def _close(one: Detections, other: Detections, score_tolerance: float, box_tolerance: float) -> NDArray[np.bool_]:
    a, b = one.boxes, other.boxes
    with np.errstate(invalid="ignore"):
        near = (one.scores == other.scores) | (np.abs(one.scores - other.scores) <= score_tolerance)
        limit = box_tolerance * np.maximum(1, np.abs(b) / 1000)
        boxes = (a == b) | (np.isfinite(b) & (np.abs(a - b) <= limit)) | (np.isnan(a) & np.isnan(b))
    found: NDArray[np.bool_] = near & boxes.all(1)
    return found


def _said(some: Detections, index: int) -> str:
    corners = ", ".join(f"{value:.1f}" for value in some.boxes[index])
    return f"class {some.classes[index]} with score {some.scores[index]:.4f} at ({corners})"
