"""Arrays that lie in files and are read a block at a time, so that the kernel never holds a whole output."""

from __future__ import annotations

import math
import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BLOCK = 1 << 18
"""Values in a block: 2 MiB of float64, of which a comparison holds about ten."""


@dataclass(frozen=True)
class ArrayFile:
    """An array in a file, in C order without a header; text and other objects as a pickle.

    Attributes
    ----------
    path : Path
        The file.
    dtype : numpy.dtype
        Type of its values.
    shape : tuple of int
        Its dimensions.
    """

    path: Path
    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of values."""
        return math.prod(self.shape)

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.shape)

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Read the values from one place to another of the flat array."""
        import numpy as np

        if self.dtype.kind in "OT":
            with self.path.open("rb") as file:
                found: NDArray[Any] = pickle.load(file)
            return found.reshape(-1)[start:stop]
        raw = np.fromfile(
            self.path,
            np.uint8,
            count=(stop - start) * self.dtype.itemsize,
            offset=start * self.dtype.itemsize,
        )
        return raw.view(self.dtype)


Source: TypeAlias = "ArrayFile | NDArray[Any]"


def write(array: NDArray[Any], path: Path) -> ArrayFile:
    """Put an array into a file."""
    import numpy as np

    if array.dtype.kind in "OT":
        with path.open("wb") as file:
            pickle.dump(array, file)
    else:
        # As bytes, since a type that NumPy does not know by itself has no writer.
        np.ascontiguousarray(array).reshape(-1).view(np.uint8).tofile(path)
    return ArrayFile(path, array.dtype, array.shape)


def read(array: Source, start: int, stop: int) -> NDArray[Any]:
    """Give the values from one place to another of the flat array."""
    return array.read(start, stop) if isinstance(array, ArrayFile) else array.reshape(-1)[start:stop]


def spans(array: Source) -> Iterator[tuple[int, int]]:
    """Part the flat array into blocks, at the ends of rows where rows are short."""
    row = array.shape[-1] if array.ndim > 1 and 0 < array.shape[-1] <= BLOCK else 1
    # Objects are read whole at each read, so they make one block.
    step = max(1, array.size) if array.dtype.kind in "OT" else BLOCK // row * row
    for start in range(0, array.size, step):
        yield start, min(array.size, start + step)


def pairs(before: Source, after: Source) -> Iterator[tuple[int, NDArray[Any], NDArray[Any]]]:
    """Yield blocks of two arrays of one shape, with the place at which they start."""
    for start, stop in spans(before):
        yield start, read(before, start, stop), read(after, start, stop)


def sample(array: Source, most: int) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Draw values and their places, the same ones each time; all where they are not more than ``most``."""
    import numpy as np

    rng = np.random.default_rng(0)
    places: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]
    values: list[NDArray[Any]] = [np.zeros(0, array.dtype)]
    share = min(1.0, most / max(1, array.size))
    for start, stop in spans(array):
        length = stop - start
        block = read(array, start, stop)
        chosen = np.arange(length) if share == 1.0 else np.sort(rng.integers(0, length, max(1, int(share * length))))
        places.append(start + chosen)
        values.append(block[chosen])
    return np.concatenate(places), np.concatenate(values)


def total(arrays: Sequence[Source]) -> int:
    """Count the values of several arrays."""
    return sum(array.size for array in arrays)
