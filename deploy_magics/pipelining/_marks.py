"""What a pipeline is at and has done, in a file that outlives its process.

A crash can then be told from where it was, and costs no frame that was finished; nor does an interrupt in a burst.
"""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from deploy_magics.pipelining.measured import STAGES, THREADS, Burst

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CAPACITY = 20_000
"""Frames of one burst at most."""
_FIELDS = 2 * len(STAGES)
_AT = 2 * len(THREADS)
_HEAD = _AT + 2
SIZE = 8 * (_HEAD + CAPACITY * _FIELDS)


class Marks:
    """Numbers in memory that is mapped from a file: it costs no call of the system, and stays when one is killed.

    For each thread the stage it is in (0 for none) and the item's place in the data; then whether the burst overlaps
    and how many of its frames are done; then these frames' times.
    """

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), SIZE)
        self._numbers = memoryview(self._map).cast("q")

    def enter(self, thread: int, stage: int, place: int) -> None:
        """Note what a thread begins."""
        self._numbers[2 * thread] = stage + 1
        self._numbers[2 * thread + 1] = place

    def leave(self, thread: int) -> None:
        """Note that a thread is done with it."""
        self._numbers[2 * thread] = 0

    def begin(self, overlap: bool) -> None:
        """Note that a burst begins; what the one before has done is known to the parent by now."""
        self._numbers[_AT], self._numbers[_AT + 1] = int(overlap), 0

    def keep(self, times: Sequence[int]) -> None:
        """Keep a finished frame."""
        done = self._numbers[_AT + 1]
        for place, value in enumerate(times, _HEAD + done * _FIELDS):
            self._numbers[place] = value
        # Counted last, so that no frame is kept by half.
        self._numbers[_AT + 1] = done + 1

    @property
    def done(self) -> int:
        """Finished frames of the burst."""
        return self._numbers[_AT + 1]

    def spans(self) -> NDArray[np.int64]:
        """Copy out what was kept."""
        return _spans(self._numbers)


def make(path: Path) -> None:
    """Make the file; what is not written takes no room on the disk."""
    with path.open("wb") as file:
        file.truncate(SIZE)


def where(path: Path) -> list[tuple[str, int]]:
    """Give the stages that were entered and not left, each with the place of its item.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "marks"
    ...     make(file)
    ...     Marks(file).enter(1, 1, 7)
    ...     where(file)
    [('preprocess', 7)]
    """
    numbers = memoryview(path.read_bytes()).cast("q")
    pairs = zip(numbers[:_AT:2], numbers[1:_AT:2], strict=True)
    return [(STAGES[stage - 1], place) for stage, place in pairs if 0 < stage <= len(STAGES)]


def kept(path: Path) -> Burst:
    """Give the finished frames of the burst that was cut short."""
    numbers = memoryview(path.read_bytes()).cast("q")
    return Burst("overlap" if numbers[_AT] else "serial", _spans(numbers))


def _spans(numbers: memoryview) -> NDArray[np.int64]:
    import numpy as np

    done = numbers[_AT + 1]
    array = np.frombuffer(numbers, np.int64)[_HEAD : _HEAD + done * _FIELDS]
    return array.reshape(done, len(STAGES), 2).copy()
