"""What a pipeline is at, in a file that outlives its process: so that a crash can be told from where it was."""

from __future__ import annotations

import mmap
from pathlib import Path

from deploy_magics.pipelining.measured import STAGES, THREADS

_BYTES = 16
SIZE = _BYTES * len(THREADS)


class Marks:
    """Two numbers for each thread: the stage it is in (0 for none), and the item's place in the data.

    Memory that is mapped from a file costs no call of the system to write, and stays when the process is killed.
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


def read(path: Path) -> list[tuple[str, int]]:
    """Give the stages that were entered and not left, each with the place of its item.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     _ = Path(file.name).write_bytes(bytes(SIZE))
    ...     Marks(Path(file.name)).enter(1, 1, 7)
    ...     read(Path(file.name))
    [('preprocess', 7)]
    """
    numbers = memoryview(path.read_bytes()).cast("q")
    pairs = zip(numbers[::2], numbers[1::2], strict=True)
    return [(STAGES[stage - 1], place) for stage, place in pairs if 0 < stage <= len(STAGES)]
