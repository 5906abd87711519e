"""The likeliest classes and their probabilities."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deploy_magics.errors import ArgumentError

Top = tuple[NDArray[np.intp], NDArray[np.float32]]


def topk_simple(logits: Any, k: int = 5) -> Top:
    """Give the k likeliest classes: softmax on all, all sorted.

    Parameters
    ----------
    logits : numpy.ndarray of float, shape (classes,) or (1, classes)
        What a classifier gives.
    k : int
        How many, 1 to the number of classes.

    Returns
    -------
    classes : numpy.ndarray of int, shape (k,)
        The likeliest first; of equal ones the lower number.
    probabilities : numpy.ndarray of float32, shape (k,)
        Their softmax.

    Raises
    ------
    ArgumentError
        Where the shape is another, k is out of range, or a logit is NaN.
    """
    line = _line(logits, k)
    powers = np.exp(line - line.max())
    probabilities = powers / powers.sum()
    order = np.argsort(-line, kind="stable")[:k]
    return order, probabilities[order]


def topk_fast(logits: Any, k: int = 5) -> Top:
    """Give the k likeliest classes: picked among logits, exp only where it can be seen; see :func:`topk_simple`.

    The softmax keeps the order, so the classes need no exp at all. Probabilities need the sum of all exp; but terms
    below ``eps / n`` of the largest do not change a float32 sum of n, so only logits within ln(n / eps) of the largest
    count.
    """
    line = _line(logits, k)
    n = len(line)
    # All that are at least the k-th largest, ties included; of few, a sort costs nothing.
    edge = np.partition(line, n - k)[n - k]
    able = np.flatnonzero(line >= edge)
    order = able[np.argsort(-line[able], kind="stable")[:k]]
    largest = line[order[0]]
    seen = line[line > largest - math.log(n / np.finfo(np.float32).eps)]
    with np.errstate(invalid="ignore"):
        probabilities = np.exp(line[order] - largest) / np.exp(seen - largest).sum()
    return order, probabilities


def _line(logits: Any, k: int) -> NDArray[np.float32]:
    array = np.asarray(logits)
    if array.ndim == 2 and len(array) == 1:
        array = array[0]
    if array.ndim != 1 or array.dtype.kind not in "fiu":
        raise ArgumentError(f"logits of {array.dtype} with shape {array.shape} are not one line of classes")
    if not 1 <= k <= len(array):
        raise ArgumentError(f"k must be 1 to {len(array)}, not {k}")
    line: NDArray[np.float32] = array.astype(np.float32, copy=False)
    # One pass tells of both: a sum with a NaN is NaN, and so is one with both infinities.
    if not np.isfinite(line.max()) or np.isnan(line).any():
        raise ArgumentError(
            "a logit is NaN or the largest is infinite", hint="the softmax of such a line means nothing"
        )
    return line
