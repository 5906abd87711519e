"""Seeded random arrays: NumPy's streams, which depend neither on the processor nor on torch's version."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def normal(out: np.ndarray, seed: str, deviation: float) -> np.ndarray:
    """Fill a float32 array with normal draws of mean 0, in place; the seed is a name.

    Examples
    --------
    >>> import numpy as np
    >>> a, b = (normal(np.empty(3, np.float32), "resnet50/fc.bias", 0.05) for _ in range(2))
    >>> bool((a == b).all())
    True
    """
    import numpy as np

    # In place: the largest layer of VGG-16 is 392 MiB, and once is enough.
    _generator(seed).standard_normal(out=out, dtype=np.float32)
    out *= np.float32(deviation)
    return out


def uniform(out: np.ndarray, seed: str, low: float, high: float) -> np.ndarray:
    """Fill a float32 array with draws between two bounds, in place; the seed is a name."""
    out[...] = _generator(seed).uniform(low, high, out.shape)
    return out


def _generator(seed: str) -> np.random.Generator:
    import numpy as np

    return np.random.Generator(np.random.PCG64(zlib.crc32(seed.encode())))
