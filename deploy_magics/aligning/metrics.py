"""How far what a layer gives lies from the reference: figures over several samples, the worst kept."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deploy_magics.verifying._stored import ArrayFile, Source, read, sample, spans

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BINS = 40
_DRAWN = 1 << 16
_NHWC, _NCHW = (0, 2, 3, 1), (0, 3, 1, 2)


@dataclass(frozen=True)
class Histogram:
    """Where the values of both lie, in the same equal bins.

    Attributes
    ----------
    low, high : float
        Ends of the bins, in the tensor's unit.
    reference, other : tuple of int
        Values in each bin, of those that were drawn.
    """

    low: float
    high: float
    reference: tuple[int, ...]
    other: tuple[int, ...]


@dataclass(frozen=True)
class Errors:
    """How far one tensor lies from the reference, each figure that of the sample where it is worst.

    Attributes
    ----------
    max_abs, mean_abs : float
        Largest and mean absolute difference, over values that are finite in both.
    relative : float
        Largest difference as a share of the range of the reference's values; infinite where values are not finite in
        one or both, or the reference has no range and there is a difference.
    cosine : float
        Cosine of the angle between the two.
    snr_db : float
        Signal to noise, ``10 log10(sum(a^2) / sum((b - a)^2))`` in dB; infinite where there is no difference.
    values : int
        Values of one sample.
    not_finite : int
        Values that are NaN or infinite in either, which count as differences also where both have the same.
    constant : bool
        Whether the reference gives the same for every sample, or one value throughout: agreement then proves nothing.
    sample : int
        The sample with the largest relative difference.
    problem : str
        Why the two cannot be compared value by value; "" for none.
    layout : str
        How the other's axes were turned to compare: ``"NHWC"``, or "".
    histogram : Histogram or None
        Both distributions, of that sample.
    """

    max_abs: float = 0.0
    mean_abs: float = 0.0
    relative: float = 0.0
    cosine: float = 1.0
    snr_db: float = math.inf
    values: int = 0
    not_finite: int = 0
    constant: bool = False
    sample: int = 0
    problem: str = ""
    layout: str = ""
    histogram: Histogram | None = None

    def within(self, tolerance: float) -> bool:
        """Tell whether it is comparable, finite and off by no more than a share of the reference's range."""
        return not self.problem and not self.not_finite and self.relative <= tolerance


class Measuring:
    """Compares one tensor sample by sample; what was compared need not be kept.

    Examples
    --------
    >>> import numpy as np
    >>> measuring = Measuring()
    >>> measuring.add(np.array([0.0, 2.0, 4.0]), np.array([0.0, 2.0, 4.4]))
    >>> found = measuring.result()
    >>> f"{found.max_abs:.2f} {found.mean_abs:.3f} {found.relative:.2f} {found.snr_db:.1f}"
    '0.40 0.133 0.10 21.0'
    >>> measuring.add(np.array([np.nan, 1.0, 2.0]), np.array([np.nan, 1.0, 2.0]))
    >>> measuring.result().within(1e9), measuring.result().not_finite
    (False, 1)
    """

    def __init__(self) -> None:
        self._found: list[Errors] = []
        self._digests: set[bytes] = set()
        self._flat = True

    def add(self, reference: Source, other: Source) -> None:
        """Compare the two on one more sample."""
        if reference.dtype.kind in "SUOT" or other.dtype.kind in "SUOT":
            self._found.append(Errors(problem=_text_problem(reference, other), values=reference.size))
            self._flat = False
            return
        turned, layout = fitted(other, reference.shape)
        if turned is None:
            text = f"shape {_shape(other)} in place of {_shape(reference)}"
            self._found.append(Errors(problem=text, values=reference.size, relative=math.inf))
            return
        sums = _Sums()
        digest = hashlib.blake2b(digest_size=16)
        for start, stop in spans(reference):
            one = read(reference, start, stop)
            digest.update(one.tobytes())
            sums.add(_wide(one), _wide(read(turned, start, stop)))
        self._digests.add(digest.digest())
        self._flat = self._flat and sums.flat
        place = len(self._found)
        worst = not any(each.relative >= sums.relative for each in self._found)
        drawn = _histogram(reference, turned) if worst else None
        self._found.append(sums.errors(place, reference.size, layout, drawn))

    def result(self) -> Errors:
        """Give the worst of each figure."""
        found = self._found
        if not found:
            return Errors(problem="was not compared")
        worst = max(found, key=lambda each: (bool(each.problem), each.relative))
        return Errors(
            max_abs=max(each.max_abs for each in found),
            mean_abs=max(each.mean_abs for each in found),
            relative=worst.relative,
            cosine=min(each.cosine for each in found),
            snr_db=min(each.snr_db for each in found),
            values=worst.values,
            not_finite=max(each.not_finite for each in found),
            constant=self._flat or (len(found) > 1 and len(self._digests) == 1),
            sample=worst.sample,
            problem=worst.problem,
            layout=worst.layout,
            histogram=worst.histogram,
        )


class _Sums:
    """The sums that the figures of one sample are made of."""

    def __init__(self) -> None:
        self.count = self.not_finite = 0
        self.max_abs = self.sum_abs = 0.0
        self.noise = self.before = self.after = self.across = 0.0
        self.low, self.high = math.inf, -math.inf

    def add(self, one: NDArray[np.float64], two: NDArray[np.float64]) -> None:
        import numpy as np

        both = np.isfinite(one) & np.isfinite(two)
        odd = both.size - int(np.count_nonzero(both))
        if odd:
            one, two = one[both], two[both]
        self.count += one.size
        self.not_finite += odd
        if not one.size:
            return
        # Squares of what float64 holds may leave its range; they are then infinite, which is no agreement.
        with np.errstate(over="ignore", invalid="ignore"):
            gap = two - one
            size = np.abs(gap)
            self.max_abs = max(self.max_abs, float(size.max()))
            self.sum_abs += float(size.sum())
            self.noise += _product(gap, gap)
            self.before += _product(one, one)
            self.after += _product(two, two)
            self.across += _product(one, two)
        self.low, self.high = min(self.low, float(one.min())), max(self.high, float(one.max()))

    @property
    def flat(self) -> bool:
        """Whether the reference has one value throughout; a single number has no other."""
        return self.count > 1 and self.low == self.high

    @property
    def relative(self) -> float:
        if self.not_finite:
            return math.inf
        if not self.max_abs:
            return 0.0
        # Where there is one value only, its own size is all there is to relate to.
        scale = (self.high - self.low) or abs(self.high)
        return self.max_abs / scale if scale else math.inf

    def errors(self, place: int, values: int, layout: str, drawn: Histogram | None) -> Errors:
        product = math.sqrt(self.before) * math.sqrt(self.after)
        same = not self.noise and not self.not_finite
        cosine = self.across / product if product and math.isfinite(product) else (1.0 if same else 0.0)
        ratio = self.before / self.noise if self.noise and math.isfinite(self.before) else 0.0
        return Errors(
            max_abs=self.max_abs,
            mean_abs=self.sum_abs / max(1, self.count),
            relative=self.relative,
            cosine=1.0 if same else min(1.0, max(-1.0, cosine)),
            snr_db=math.inf if same else (10 * math.log10(ratio) if ratio > 0 else -math.inf),
            values=values,
            not_finite=self.not_finite,
            sample=place,
            layout=layout,
            histogram=drawn,
        )


def fitted(array: Source, shape: tuple[int, ...]) -> tuple[Source | None, str]:
    """Turn an array to another's shape, where only ones or the place of the channels part them.

    Returns
    -------
    tuple
        The array and how it was turned; None where the two have other shapes.

    Examples
    --------
    >>> import numpy as np
    >>> turned, how = fitted(np.zeros((1, 8, 9, 3)), (1, 3, 8, 9))
    >>> turned.shape, how
    ((1, 3, 8, 9), 'NHWC')
    >>> fitted(np.zeros((2, 3)), (3, 2))
    (None, '')
    """
    if array.shape == shape:
        return array, ""
    if [size for size in array.shape if size != 1] == [size for size in shape if size != 1]:
        # The values lie in the same order, so only the note of the shape differs.
        if isinstance(array, ArrayFile):
            return ArrayFile(array.path, array.dtype, shape), ""
        return array.reshape(shape), ""
    for name, axes, back in (("NHWC", _NHWC, _NCHW), ("NCHW", _NCHW, _NHWC)):
        if len(shape) == 4 and array.ndim == 4 and tuple(shape[axis] for axis in axes) == array.shape:
            whole = read(array, 0, array.size).reshape(array.shape)
            return whole.transpose(back).copy(), name
    return None, ""


def fit(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Tell whether :func:`fitted` can turn an array of one shape to the other.

    Examples
    --------
    >>> fit((8, 9, 3), (1, 8, 9, 3)), fit((1, 8, 9, 3), (1, 3, 8, 9)), fit((2, 3), (3, 2))
    (True, True, False)
    """
    plain = [[size for size in each if size != 1] for each in (shape, wanted)]
    turned = len(shape) == len(wanted) == 4 and any(
        tuple(wanted[axis] for axis in axes) == shape for axes in (_NHWC, _NCHW)
    )
    return plain[0] == plain[1] or turned


def _histogram(reference: Source, other: Source) -> Histogram | None:
    import numpy as np

    one, two = (_wide(sample(array, _DRAWN)[1]) for array in (reference, other))
    one, two = one[np.isfinite(one)], two[np.isfinite(two)]
    together = np.concatenate([one, two])
    if not together.size:
        return None
    low, high = float(together.min()), float(together.max())
    if not high > low:
        pad = abs(low) * 0.05 or 0.5
        low, high = low - pad, high + pad
    if not math.isfinite(high - low):
        return None
    counts = [np.histogram(each, BINS, (low, high))[0].tolist() for each in (one, two)]
    return Histogram(low, high, tuple(counts[0]), tuple(counts[1]))


def _text_problem(reference: Source, other: Source) -> str:
    """Say how text differs, which has no distance; "" where it is the same."""
    import numpy as np

    if reference.shape != other.shape:
        return f"shape {_shape(other)} in place of {_shape(reference)}"
    one, two = (read(each, 0, each.size).astype(object) for each in (reference, other))
    count = int(np.count_nonzero(one != two))
    return f"{count:,} of {reference.size:,} texts differ" if count else ""


def _product(one: NDArray[np.float64], two: NDArray[np.float64]) -> float:
    import numpy as np

    # Not NumPy's dot: its threads wait for one another on a busy machine, ten times as long as the sum takes.
    return float(np.einsum("i,i->", one, two))


def _wide(array: NDArray[Any]) -> NDArray[np.float64]:
    import numpy as np

    if array.dtype.kind == "c":
        return array.astype(np.complex128).view(np.float64)
    return array.astype(np.float64)


def _shape(array: Source) -> str:
    return "x".join(map(str, array.shape)) or "scalar"
