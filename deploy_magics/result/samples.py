"""Raw measurements, kept so that a histogram can be drawn again and a statistic checked."""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Samples:
    """Measurements of one candidate.

    Attributes
    ----------
    name : str
        The candidate, as the table's first column names it.
    unit : str
        Unit of ``values``.
    values : numpy.ndarray of float64, shape (n,)
        One measurement each, in the order taken.
    times : numpy.ndarray of float64, shape (n,)
        Seconds since the start of the run at which each was taken.
    process : numpy.ndarray of int32, shape (n,)
        Which worker process took it.
    """

    name: str
    unit: str
    values: NDArray[np.float64]
    times: NDArray[np.float64]
    process: NDArray[np.int32]

    def __post_init__(self) -> None:
        import numpy as np

        for key, kind in (("values", np.float64), ("times", np.float64), ("process", np.int32)):
            array = np.ascontiguousarray(getattr(self, key), dtype=kind)
            if array.ndim != 1 or len(array) != len(self.values):
                raise ValueError(f"samples of {self.name!r}: {key} must have one value per measurement")
            object.__setattr__(self, key, array)

    def __len__(self) -> int:
        return len(self.values)

    def __eq__(self, other: object) -> bool:
        import numpy as np

        if not isinstance(other, Samples):
            return NotImplemented
        same = (self.name, self.unit) == (other.name, other.unit)
        keys = ("values", "times", "process")
        return same and all(np.array_equal(getattr(self, k), getattr(other, k), equal_nan=True) for k in keys)

    def to_plain(self) -> dict[str, Any]:
        """Give the samples as JSON's own types, the arrays as base64 of zlib of little-endian bytes."""
        return {
            "name": self.name,
            "unit": self.unit,
            "values": _pack(self.values, "<f8"),
            "times": _pack(self.times, "<f8"),
            "process": _pack(self.process, "<i4"),
        }

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Samples:
        """Rebuild samples from :meth:`to_plain`."""
        return cls(
            name=plain["name"],
            unit=plain["unit"],
            values=_unpack(plain["values"], "<f8"),
            times=_unpack(plain["times"], "<f8"),
            process=_unpack(plain["process"], "<i4"),
        )


def _pack(array: NDArray[Any], kind: str) -> str:
    return base64.b64encode(zlib.compress(array.astype(kind).tobytes(), 6)).decode("ascii")


def _unpack(text: str, kind: str) -> NDArray[Any]:
    import numpy as np

    return np.frombuffer(zlib.decompress(base64.b64decode(text)), dtype=kind)
