"""Work that an interrupt must not cut short: putting together what was measured."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self


class Finishing:
    """A block in which the first interrupt is taken note of, and only a second one interrupts.

    What is done in such a block takes little time. Signals reach Python in the main thread alone; in another one the
    block changes nothing.

    Attributes
    ----------
    interrupted : bool
        Whether an interrupt came.

    Examples
    --------
    >>> with Finishing() as finishing:
    ...     signal.raise_signal(signal.SIGINT)
    >>> finishing.interrupted
    True
    """

    def __init__(self) -> None:
        self.interrupted = False
        self._before: Any = None

    def __enter__(self) -> Self:
        # Only Python's own handler raises KeyboardInterrupt; one that somebody else has set keeps its meaning.
        if (
            threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        ):
            self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.interrupted:
            raise KeyboardInterrupt
        self.interrupted = True
