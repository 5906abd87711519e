"""How far two arrays lie apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from deploy_magics.verifying._scales import Scales
from deploy_magics.verifying._stored import BLOCK, Source, pairs, total

if TYPE_CHECKING:
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
        Range of the original's output over all inputs, without values that stand for nothing.
    max_rel : float
        Largest share of its local range by which a value is off: ``|after - before| / (|before| + s)``, with ``s`` the
        range of the value's channel; see :class:`deploy_magics.verifying._scales.Scales`.
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
    undefined : bool
        Whether no value of the original is a finite number, so that it proves nothing either.
    steps : bool
        Whether its integers are steps of a quantised scale, of which a difference in the last place may turn one over.
    typed : str
        Which type stands in place of which; "" for the same. Numbers of two types are compared by their values.
    problem : str
        Why the two cannot be compared value by value, or are plainly different: shape, text in place of numbers, NaN in
        other places; "" for none.
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
    undefined: bool = False
    steps: bool = False
    typed: str = ""
    problem: str = ""


def difference(
    name: str,
    before: Sequence[Source],
    after: Sequence[Source],
    *,
    channel_floor: float = 0.01,
    floor: float = 0.0,
) -> Difference:
    """Compare one output over several inputs.

    Parameters
    ----------
    name : str
        The output's name.
    before, after : sequence of numpy.ndarray or ArrayFile
        What the original and the changed model give, one array an input, in the same order. Files are read a block at
        a time.
    channel_floor, floor : float
        Least scales to which differences are related; see :class:`deploy_magics.verifying._scales.Scales`.

    Returns
    -------
    Difference
        Figures, or the problem that prevents them.

    Examples
    --------
    >>> import numpy as np
    >>> found = difference("y", [np.array([0.0, 2.0])], [np.array([0.0, 2.1])])
    >>> f"{found.max_abs:.2f} {found.max_rel:.3f}"
    '0.10 0.025'
    >>> difference("y", [np.array([np.nan, 1.0])], [np.array([1.0, np.nan])]).problem
    'NaN stands in other places (2 of 2 values)'
    """
    comparing = Comparing(name, before, channel_floor=channel_floor, floor=floor)
    for index, array in enumerate(after):
        comparing.add(index, array)
    return comparing.result()


class Comparing:
    """Compares one output input by input, so that what the changed model gives need not be kept.

    Parameters are those of :func:`difference`.
    """

    def __init__(self, name: str, before: Sequence[Source], *, channel_floor: float = 0.01, floor: float = 0.0) -> None:
        self._before = before
        dtype = str(before[0].dtype) if before else "nothing"
        self._kind = before[0].dtype.kind if before else "V"
        exact = self._kind in "biuSUOT" or dtype in ("int4", "uint4", "int2", "uint2")
        self._numbers = self._kind not in "bSUOT"
        self._scales = Scales(before if self._numbers else (), channel_floor=channel_floor, floor=floor)
        self._found = Difference(
            name, dtype, exact=exact and bool(before), values=total(before), constant=is_constant(before)
        )
        self._rows = bool(before) and all(
            array.ndim == 2 and 1 < array.shape[1] <= BLOCK and array.dtype.kind in "fV" for array in before
        )
        self._gap = self._relative = 0.0
        self._unequal = self._flips = self._nan = self._infinite = self._finite = 0
        # Vectors too long to be squared are taken in units of the largest value.
        self._unit = 0.0
        self._products = [0.0, 0.0, 0.0]
        self._typed = self._problem = ""

    def add(self, index: int, after: Source) -> None:
        """Compare what the changed model gives on one of the inputs."""
        before = self._before[index]
        if before.dtype != after.dtype and not _texts(before, after):
            self._typed = self._typed or f"type {after.dtype} in place of {before.dtype}"
        problem = _form_problem(before, after)
        self._problem = self._problem or problem
        if problem:
            return
        for start, one, two in pairs(before, after):
            self._unequal += _unequal(one, two)
            if self._numbers:
                self._add_numbers(index, start, _widen(one), _widen(two), before.shape)

    def _add_numbers(
        self, index: int, start: int, one: NDArray[Any], two: NDArray[Any], shape: tuple[int, ...]
    ) -> None:
        import numpy as np

        nan, infinite = _misplaced(one, two)
        self._nan += nan
        self._infinite += infinite
        self._finite += int(np.count_nonzero(np.isfinite(one)))
        both = np.isfinite(one) & np.isfinite(two)
        # Outside these places, zeros: they add nothing to any figure.
        left, right = np.where(both, one, 0), np.where(both, two, 0)
        gaps, sizes = np.abs(left - right), np.abs(left)
        self._gap = max(self._gap, float(gaps.max(initial=0.0)))
        with np.errstate(over="ignore"):
            shares = gaps / (sizes + self._scales.at(index, start, one.size))
        self._relative = max(self._relative, float(shares.max(initial=0.0)))
        self._add_products(left, right, max(float(sizes.max(initial=0.0)), float(np.abs(right).max(initial=0.0))))
        if self._rows:
            rows = one.reshape(-1, shape[1]), two.reshape(-1, shape[1])
            self._flips += int(np.count_nonzero(rows[0].argmax(axis=-1) != rows[1].argmax(axis=-1)))

    def _add_products(self, left: NDArray[Any], right: NDArray[Any], largest: float) -> None:
        """Sum up what a cosine takes, in units of the largest value so that no square leaves float64's range."""
        import numpy as np

        if not largest:
            return
        if largest > self._unit:
            self._products = [each * (self._unit / largest) ** 2 for each in self._products]
            self._unit = largest
        left, right = left / self._unit, right / self._unit
        for place, (a, b) in enumerate(((left, right), (left, left), (right, right))):
            self._products[place] += float(np.vdot(a, b).real)

    def result(self) -> Difference:
        """Give the figures over all that was added."""
        found = replace(self._found, typed=self._typed)
        if self._problem or not self._before:
            return replace(found, problem=self._problem, exact=False)
        if not self._numbers:
            share = 1.0 if self._unequal else 0.0
            gap = share if self._kind == "b" else math.nan if self._unequal else 0.0
            return replace(found, max_abs=gap, max_rel=share, cosine=math.nan, exact=True, unequal=self._unequal)
        problem = ""
        for what, count in (("NaN", self._nan), ("infinity", self._infinite)):
            if count and not problem:
                problem = f"{what} stands in other places ({count} of {found.values} values)"
        return replace(
            found,
            max_abs=self._gap,
            scale=self._scales.whole,
            max_rel=self._relative,
            cosine=self._cosine(),
            unequal=self._unequal,
            flips=self._flips if self._rows else -1,
            undefined=found.values > 0 and not self._finite,
            problem=problem,
        )

    def _cosine(self) -> float:
        across, before, after = self._products
        if not before or not after:
            return 1.0 if before == after else 0.0
        return min(1.0, max(-1.0, across / math.sqrt(before) / math.sqrt(after)))


def _texts(one: Source, two: Source) -> bool:
    return one.dtype.kind in "SUOT" and two.dtype.kind in "SUOT"


def _form_problem(one: Source, two: Source) -> str:
    numbers = one.dtype.kind in "biufc" and two.dtype.kind in "biufc"
    if one.dtype != two.dtype and not numbers and not _texts(one, two):
        return f"type {two.dtype} in place of {one.dtype}"
    if one.shape != two.shape:
        return f"shape {_shape(two)} in place of {_shape(one)}"
    return ""


def _shape(array: Source) -> str:
    return "x".join(map(str, array.shape)) or "scalar"


def is_constant(arrays: Sequence[Source]) -> bool:
    """Whether an output is the same for every input of one size."""
    others = [array for array in arrays[1:] if array.shape == arrays[0].shape]
    return bool(others) and all(_same(arrays[0], other) for other in others)


def _same(one: Source, two: Source) -> bool:
    return one.dtype == two.dtype and not any(_unequal(left, right) for _, left, right in pairs(one, two))


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
