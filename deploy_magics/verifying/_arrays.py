"""How far two arrays lie apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_NARROW = ("bfloat16", "float8", "float4", "int4", "uint4", "int2", "uint2")


@dataclass(frozen=True)
class Difference:
    """One output of two models, over all inputs tried.

    Attributes
    ----------
    name : str
        The output.
    dtype : str
        Its type in the original.
    max_abs : float
        Largest absolute difference, where both are finite; NaN for text.
    scale : float
        What differences are related to: the range (largest less smallest finite value) of the original's output over
        all inputs; where that is 0, its largest magnitude; at least the ``floor`` that :func:`difference` was given.
    max_rel : float
        ``max_abs / scale``.
    cosine : float
        Cosine of the angle between the two, over all finite values; NaN for text.
    exact : bool
        Whether nothing but equality will do: integers, truth values and text.
    unequal : int
        Values that differ at all; for text and truth values the only measure.
    values : int
        How many values were compared.
    flips : int
        Rows (all but the last axis) in which the largest value stands elsewhere; -1 where that means nothing.
    constant : bool
        Whether the original gives the same for every input of one size, so that the comparison proves nothing.
    problem : str
        Why the two cannot be compared value by value, or are plainly different: shape, type, NaN in other places; ""
        for none.
    """

    name: str
    dtype: str
    max_abs: float = 0.0
    scale: float = 1.0
    max_rel: float = 0.0
    cosine: float = 1.0
    exact: bool = False
    unequal: int = 0
    values: int = 0
    flips: int = -1
    constant: bool = False
    problem: str = ""


def difference(
    name: str, before: Sequence[NDArray[Any]], after: Sequence[NDArray[Any]], *, floor: float = 0.0
) -> Difference:
    """Compare one output over several inputs.

    Parameters
    ----------
    name : str
        The output's name.
    before, after : sequence of numpy.ndarray
        What the original and the changed model give, one array an input, in the same order.
    floor : float
        Least scale to which a difference is related. Without it, an output that is 0 up to rounding (a sigmoid of -17,
        3e-8) would be held to the rounding's own size.

    Returns
    -------
    Difference
        Figures, or the problem that prevents them.

    Examples
    --------
    >>> import numpy as np
    >>> found = difference("y", [np.array([0.0, 2.0])], [np.array([0.0, 2.1])])
    >>> f"{found.max_abs:.2f} {found.max_rel:.3f}"
    '0.10 0.050'
    >>> difference("y", [np.array([np.nan, 1.0])], [np.array([1.0, np.nan])]).problem
    'NaN stands in other places (2 of 2 values)'
    """
    import numpy as np

    dtype = str(before[0].dtype) if before else "nothing"
    problem = _form_problem(before, after)
    constant = is_constant(before)
    if problem or not before:
        return Difference(name, dtype, problem=problem, constant=constant, values=sum(a.size for a in before))
    values = sum(array.size for array in before)
    kind = before[0].dtype.kind
    exact = kind in "biuSUOT" or dtype in ("int4", "uint4", "int2", "uint2")
    unequal = sum(_unequal(one, two) for one, two in zip(before, after, strict=True))
    if kind in "bSUOT":
        share = 1.0 if unequal else 0.0
        gap = share if kind == "b" else math.nan if unequal else 0.0
        return Difference(name, dtype, gap, 1.0, share, math.nan, True, unequal, values, constant=constant)
    wide = [_widen(array) for array in before], [_widen(array) for array in after]
    misplaced = [_misplaced(one, two) for one, two in zip(*wide, strict=True)]
    for what, count in zip(("NaN", "infinity"), np.sum(misplaced, axis=0).tolist(), strict=True):
        if count and not problem:
            problem = f"{what} stands in other places ({count} of {values} values)"
    max_abs, scale, cosine = _measure(*wide)
    scale = max(scale, floor) or 1.0
    flips = sum(_flips(one, two) for one, two in zip(*wide, strict=True)) if _has_rows(before) else -1
    return Difference(
        name, dtype, max_abs, scale, max_abs / scale, cosine, exact, unequal, values, flips, constant, problem
    )


def _form_problem(before: Sequence[NDArray[Any]], after: Sequence[NDArray[Any]]) -> str:
    for one, two in zip(before, after, strict=True):
        if one.dtype != two.dtype and not (one.dtype.kind in "SUOT" and two.dtype.kind in "SUOT"):
            return f"type {two.dtype} in place of {one.dtype}"
        if one.shape != two.shape:
            return f"shape {_shape(two)} in place of {_shape(one)}"
    return ""


def _shape(array: NDArray[Any]) -> str:
    return "x".join(map(str, array.shape)) or "scalar"


def is_constant(arrays: Sequence[NDArray[Any]]) -> bool:
    """Whether an output is the same for every input of one size."""
    others = [array for array in arrays[1:] if array.shape == arrays[0].shape]
    return bool(others) and all(_same(arrays[0], other) for other in others)


def _same(one: NDArray[Any], two: NDArray[Any]) -> bool:
    return one.shape == two.shape and one.dtype == two.dtype and not _unequal(one, two)


def _unequal(one: NDArray[Any], two: NDArray[Any]) -> int:
    import numpy as np

    if one.dtype.kind in "fc":
        return int(np.count_nonzero((one != two) & ~(np.isnan(one) & np.isnan(two))))
    if str(one.dtype).startswith(_NARROW):
        return _unequal(_widen(one), _widen(two))
    return int(np.count_nonzero(one != two))


def _widen(array: NDArray[Any]) -> NDArray[Any]:
    """Make an array one in which differences can be taken without overflow or rounding of their own."""
    import numpy as np

    if array.dtype.kind == "c":
        return array.astype(np.complex128)
    return array.astype(np.float64)


def _misplaced(one: NDArray[Any], two: NDArray[Any]) -> tuple[int, int]:
    """Count values that are NaN, or infinite, in one only; infinities of other sign differ as well."""
    import numpy as np

    nan = int(np.count_nonzero(np.isnan(one) != np.isnan(two)))
    infinite = np.isinf(one) | np.isinf(two)
    return nan, int(np.count_nonzero(infinite & (one != two) & ~np.isnan(one) & ~np.isnan(two)))


def _measure(before: Sequence[NDArray[Any]], after: Sequence[NDArray[Any]]) -> tuple[float, float, float]:
    """Give the largest absolute difference, the scale to relate it to, and the cosine."""
    import numpy as np

    gap, low, high = 0.0, math.inf, -math.inf
    for one, two in zip(before, after, strict=True):
        for part in (one.real, one.imag) if one.dtype.kind == "c" else (one,):
            finite = part[np.isfinite(part)]
            if finite.size:
                low, high = min(low, float(finite.min())), max(high, float(finite.max()))
        both = np.isfinite(one) & np.isfinite(two)
        gap = max(gap, float(np.abs(one[both] - two[both]).max(initial=0.0)))
    if high < low:
        return gap, 0.0, 1.0
    return gap, (high - low) or abs(high), _cosine(before, after, unit=max(abs(low), abs(high)) or 1.0)


def _cosine(before: Sequence[NDArray[Any]], after: Sequence[NDArray[Any]], *, unit: float) -> float:
    import numpy as np

    across = squares_before = squares_after = 0.0
    for one, two in zip(before, after, strict=True):
        both = np.isfinite(one) & np.isfinite(two)
        # In units of the largest value, so that no square leaves the range of float64.
        left, right = one[both] / unit, two[both] / unit
        across += float(np.vdot(left, right).real)
        squares_before += float(np.vdot(left, left).real)
        squares_after += float(np.vdot(right, right).real)
    if not squares_before or not squares_after:
        return 1.0 if squares_before == squares_after else 0.0
    return min(1.0, max(-1.0, across / math.sqrt(squares_before) / math.sqrt(squares_after)))


def _has_rows(arrays: Sequence[NDArray[Any]]) -> bool:
    """Whether an output looks like scores of classes: rows of more than one number."""
    return all(array.ndim == 2 and array.shape[1] > 1 and array.dtype.kind in "fV" for array in arrays)


def _flips(one: NDArray[np.float64], two: NDArray[np.float64]) -> int:
    import numpy as np

    return int(np.count_nonzero(one.argmax(axis=-1) != two.argmax(axis=-1)))
