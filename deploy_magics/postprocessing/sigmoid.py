"""The sigmoid, and the logit below which it stays under a threshold."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from deploy_magics.errors import ArgumentError

Array: TypeAlias = NDArray[Any]
Floats: TypeAlias = NDArray[np.float32]


def sigmoid(x: Array) -> Array:
    """Compute 1 / (1 + exp(-x)), without a warning where exp overflows and the result is 0.

    Floats keep their type; whole numbers, of which some have no negative, are taken as float64.

    Examples
    --------
    >>> sigmoid(np.float32([-1000, 0, 1000])).tolist()
    [0.0, 0.5, 1.0]
    """
    if x.dtype.kind != "f":
        x = x.astype(np.float64)
    with np.errstate(over="ignore"):
        found: Array = 1 / (1 + np.exp(-x))
    return found


def sigmoid_of(x: float) -> float:
    """Compute the sigmoid of one number, in the form that cannot overflow."""
    if x >= 0:
        return 1.0 / (1.0 + math.exp(-x))
    power = math.exp(x)
    return power / (1.0 + power)


def inverse_sigmoid(threshold: float) -> float:
    """Give the logit whose sigmoid is the threshold: -ln(1/t - 1).

    The sigmoid rises, so ``sigmoid(x) > t`` holds exactly where ``x > inverse_sigmoid(t)``: a threshold on scores
    becomes one on logits, and no exp is needed to test it.

    Raises
    ------
    ArgumentError
        Where the threshold is not inside (0, 1).

    Examples
    --------
    >>> inverse_sigmoid(0.5), round(inverse_sigmoid(0.25), 4)
    (0.0, -1.0986)
    """
    check_threshold(threshold)
    # The same as -ln(1/t - 1), and finite also where 1/t would overflow.
    return math.log(threshold) - math.log1p(-threshold)


def least_logit(threshold: float) -> np.float32:
    """Give a logit that is surely too low for the threshold, however its sigmoid is rounded.

    What passes it by a hair is tested again on its score, so that exactly the same rows are kept as by scores alone.
    """
    limit = inverse_sigmoid(threshold)
    # Towards 1 the sigmoid is flat: the last bits of a score, 2e-7, are ever more of a logit.
    return np.float32(limit - 1e-5 * (1.0 + abs(limit)) - 2e-7 / (1.0 - threshold))


def check_threshold(threshold: float, what: str = "threshold") -> None:
    """Refuse a threshold that is not inside (0, 1), in one line."""
    if not 0.0 < threshold < 1.0:
        hint = "scores are sigmoids" if what == "threshold" else "it is a share of an area"
        raise ArgumentError(f"{what} must be above 0 and below 1, not {threshold:g}", hint=hint)
