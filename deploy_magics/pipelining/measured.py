"""What a pipeline's worker tells: when each stage of each frame began and ended."""

from __future__ import annotations

import linecache
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from deploy_magics.timing import Machine

STAGES = ("read", "preprocess", "inputs", "inference", "outputs", "postprocess")
"""The stages of a frame, in order. ``inputs`` and ``outputs`` move data into the runtime and out of it."""

THREADS: tuple[tuple[str, tuple[int, ...]], ...] = (
    ("read", (0,)),
    ("preprocess", (1,)),
    ("model", (2, 3, 4)),
    ("postprocess", (5,)),
)
"""Which stages share a thread where they overlap, as places in :data:`STAGES`: a session is one thread's own."""

Mode = Literal["serial", "overlap"]


@dataclass(frozen=True)
class Failure:
    """What went wrong in a stage.

    Attributes
    ----------
    stage : str
        One of :data:`STAGES`.
    item : str
        The item of the data at which it was: ``"item 3"``, ``"'street.png'"``; "" before the first.
    what : str
        One line: the exception.
    file, line : str, int
        Where in the user's code it was raised; "" and 0 where it was not there.
    trace : str
        The whole traceback of the worker, for who asks for it.
    """

    stage: str
    item: str
    what: str
    file: str = ""
    line: int = 0
    trace: str = ""

    def __str__(self) -> str:
        at = f" at {self.item}" if self.item else ""
        code = linecache.getline(self.file, self.line).strip() if self.line else ""
        where = f" (line {self.line}{f': {code[:60]}' if code else ''})" if self.line else ""
        return f"{self.stage} failed{at}: {self.what}{where}"


@dataclass(frozen=True, eq=False)
class Burst:
    """Frames that ran in one go.

    Attributes
    ----------
    mode : {"serial", "overlap"}
        One after another, or each stage in a thread of its own.
    spans : numpy.ndarray of int64, shape (frames, stages, 2)
        When each stage began and ended, in nanoseconds of the worker's clock.
    failure : Failure or None
        What ended it early.
    """

    mode: Mode
    spans: NDArray[np.int64]
    failure: Failure | None = None

    @property
    def frames(self) -> int:
        """Frames that went through all stages."""
        return len(self.spans)

    @property
    def rate(self) -> float | None:
        """Frames a second; None where there are too few to tell.

        Where stages overlap, that is the rate at which frames come out: the time until the first one does fills the
        queues, and belongs to no frame.
        """
        if self.frames < 2:
            return None
        ends = self.spans[:, -1, 1]
        if self.mode == "overlap":
            return float((self.frames - 1) / max(1, ends[-1] - ends[0]) * 1e9)
        return float(self.frames / max(1, ends[-1] - self.spans[0, 0, 0]) * 1e9)

    def stage_s(self) -> NDArray[np.float64]:
        """Give the seconds of each stage, of shape (frames, stages)."""
        lasted: NDArray[np.float64] = (self.spans[:, :, 1] - self.spans[:, :, 0]) / 1e9
        return lasted

    def latency_s(self) -> NDArray[np.float64]:
        """Give the seconds from each frame's first stage to the end of its last, waiting in queues included."""
        lasted: NDArray[np.float64] = (self.spans[:, -1, 1] - self.spans[:, 0, 0]) / 1e9
        return lasted


@dataclass
class Measured:
    """What came of it.

    Attributes
    ----------
    first : Burst or None
        The first frame, apart.
    ready_s : float
        Seconds to load the model, in the worker.
    bytes_in, bytes_out : int
        Bytes of the first frame's inputs and outputs.
    gave : str
        What the last stage gave for the first frame, shortened.
    bursts : list of Burst
        All others; those of a round, which met the same machine, stand next to each other.
    rounds : list of int
        The round of each burst.
    failure : Failure or None
        What ended it early.
    interrupted : bool
        Whether it was stopped.
    warm : bool
        Whether it had warmed up.
    machine : Machine or None
        What the machine was doing meanwhile.
    items : int or None
        How many items there are, where that is known.
    """

    first: Burst | None = None
    ready_s: float = 0.0
    bytes_in: int = 0
    bytes_out: int = 0
    gave: str = ""
    bursts: list[Burst] = field(default_factory=list)
    rounds: list[int] = field(default_factory=list)
    failure: Failure | None = None
    interrupted: bool = False
    warm: bool = False
    machine: Machine | None = None
    items: int | None = None

    def of(self, mode: Mode) -> list[Burst]:
        """Give the bursts of one mode that hold a frame."""
        return [burst for burst in self.bursts if burst.mode == mode and burst.frames]

    def frames(self, mode: Mode) -> int:
        """Count the frames of one mode, the first one apart."""
        return sum(burst.frames for burst in self.of(mode))

    def spans(self, mode: Mode) -> NDArray[Any]:
        """Give all frames' spans of one mode."""
        import numpy as np

        return np.concatenate([np.empty((0, len(STAGES), 2), np.int64), *(burst.spans for burst in self.of(mode))])

    @property
    def order(self) -> tuple[Mode, ...]:
        """The modes that were measured."""
        modes: tuple[Mode, ...] = ("serial", "overlap")
        return tuple(mode for mode in modes if self.frames(mode))
