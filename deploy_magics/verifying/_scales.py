"""What the difference of two values is related to: the size of the values around it.

One range for a whole output would let its largest values hide an error in the others: a mask of -3.4e38, or the corners
of boxes (0 to 640) beside their scores (0 to 1). So each value is held to its own size and to the range of its channel.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from deploy_magics.verifying._stored import Source, sample

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SAMPLE = 1 << 17
_MOST_CHANNELS = 1024
_LEAST_IN_CHANNEL = 32
"""Fewer values say too little of a channel's range."""
_LEAST_DISTINCT = 64
"""With fewer, as one score an input, the range over all inputs is taken: one value has none of its own."""
_OUTLYING = 1e3
"""How many times as far from the median as half of the values a value may lie and still belong to the range."""
_SENTINEL = 1e30
"""From this on a number stands for "nothing here", where others are smaller."""
_NOTHING = 1e-3
"""What an output that is 0 throughout is related to: float32's last place at 1 is then no difference."""


class Scales:
    """The scale of every value of one output, for each of several inputs.

    Parameters
    ----------
    arrays : sequence of array or ArrayFile
        What the original gives, one an input.
    channel_floor : float
        Least scale of a channel, as a share of the whole output's: sums in another order move a small channel by the
        last places of the large ones that it was computed from. 1 for no scales of channels at all.
    floor : float
        Least scale in the output's own units, for what is computed from functions whose values are near 1: a sigmoid of
        -17, 3e-8, is 0 up to rounding.
    """

    def __init__(self, arrays: Sequence[Source], *, channel_floor: float = 1.0, floor: float = 0.0) -> None:
        import numpy as np

        found = [_numbers(array) for array in arrays]
        together = np.concatenate([values for _, values in found]) if found else np.zeros(0)
        self.whole = max(spread(together) or _NOTHING * _magnitude(together) or _NOTHING, floor)
        self._of_input = []
        self._channels: list[list[tuple[int, int, NDArray[np.float64]]]] = []
        for array, (places, values) in zip(arrays, found, strict=True):
            enough = channel_floor < 1 and np.unique(values[:_SAMPLE]).size >= _LEAST_DISTINCT
            own = max(spread(values), floor) if enough else self.whole
            own = own or self.whole
            self._of_input.append(own)
            least = max(channel_floor * own, floor)
            self._channels.append(
                [
                    (stride, count, np.maximum(_spreads(values, places // stride % count, count, own), least))
                    for stride, count in _axes(array)
                ]
                if channel_floor < 1
                else []
            )

    def at(self, index: int, start: int, length: int) -> NDArray[np.float64] | float:
        """Give the scales of a block of values of one input."""
        import numpy as np

        if not self._channels[index]:
            return self._of_input[index]
        places = np.arange(start, start + length)
        scale: Any = self._of_input[index]
        for stride, count, scales in self._channels[index]:
            scale = np.minimum(scale, scales[places // stride % count])
        return np.asarray(scale, np.float64)


def spread(values: NDArray[np.float64]) -> float:
    """Give the range of values without those that stand for nothing.

    Left out are values of 1e30 and more, where others are smaller, and what lies more than 1000 times as far from the
    median as half of the distinct values do.

    Examples
    --------
    >>> import numpy as np
    >>> spread(np.array([0.0, 1.0, 4.0]))
    4.0
    >>> spread(np.array([0.0, 1.0, 4.0, -3.4e38, -65504.0]))
    4.0
    """
    import numpy as np

    # A mask covers many places with one value: it counts once.
    values = np.unique(values)
    small = values[np.abs(values) < _SENTINEL]
    values = small if small.size else values
    if values.size < 2:
        return 0.0
    away = np.abs(values - np.median(values))
    kept = values[away <= _OUTLYING * np.median(away)]
    return float(kept[-1] - kept[0]) if kept.size else 0.0


def _numbers(array: Source) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Draw finite numbers and their places; the real and the imaginary parts of complex ones."""
    import numpy as np

    places, values = sample(array, _SAMPLE)
    if values.dtype.kind == "c":
        places, values = np.concatenate([places, places]), np.concatenate([values.real, values.imag])
    wide = values.astype(np.float64)
    finite = np.isfinite(wide)
    return places[finite], wide[finite]


def _magnitude(values: NDArray[np.float64]) -> float:
    import numpy as np

    sizes = np.abs(values)
    small = sizes[sizes < _SENTINEL]
    return float((small if small.size else sizes).max(initial=0.0))


def _axes(array: Source) -> list[tuple[int, int]]:
    """Find the axes that may be channels: the second and the last. Given are their strides and sizes."""
    import numpy as np

    found = []
    for axis in sorted({1, array.ndim - 1} if array.ndim > 1 else ()):
        count = array.shape[axis]
        if 1 < count <= _MOST_CHANNELS and array.size >= _LEAST_IN_CHANNEL * count:
            found.append((int(np.prod(array.shape[axis + 1 :], dtype=np.int64)), count))
    return found


def _spreads(values: NDArray[np.float64], channels: NDArray[np.int64], count: int, usual: float) -> NDArray[np.float64]:
    """Give the range of each channel; the usual one where too few of its values are known."""
    import numpy as np

    order = np.argsort(channels, kind="stable")
    ends = np.searchsorted(channels[order], np.arange(count + 1))
    ordered = values[order]
    return np.array(
        [spread(ordered[start:end]) if end - start >= _LEAST_IN_CHANNEL else usual for start, end in pairwise(ends)]
    )
