"""What was measured, as arrays, and the comparisons that follow from it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from deploy_magics.errors import DeployError
from deploy_magics.result import Missing, Ratio
from deploy_magics.timing import statistics
from deploy_magics.timing._inside import Burst, Loaded, WarmedUp
from deploy_magics.timing.candidate import Candidate
from deploy_magics.timing.crew import Design
from deploy_magics.timing.machine import Machine

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Ending = Literal["precision", "budget", "frames", "interrupt", "failure"]


@dataclass
class Track:
    """What was measured of one candidate.

    Attributes
    ----------
    candidate : Candidate
        What was timed.
    loaded : dict[int, Loaded]
        How each process loaded it.
    warmed : dict[int, WarmedUp]
        How each process warmed up.
    bursts : list of (int, int, Burst, float)
        Process, round, runs and speed of each burst, in the order taken; the speed as the natural logarithm of
        inferences a second.
    error : DeployError or None
        Why it could not go on; what was measured before is kept.
    """

    candidate: Candidate
    loaded: dict[int, Loaded] = field(default_factory=dict)
    warmed: dict[int, WarmedUp] = field(default_factory=dict)
    bursts: list[tuple[int, int, Burst, float]] = field(default_factory=list)
    error: DeployError | None = None

    def add(self, process: int, number: int, burst: Burst, instances: int) -> None:
        """Take in a burst; its speed is that of its median run, or what all instances together got through."""
        import numpy as np

        if instances > 1:
            rate = burst.rate
        else:
            # A clock may be too coarse to see an empty function run.
            rate = 1e9 / max(1.0, float(np.median(np.subtract(burst.ends, burst.starts, dtype=np.int64))))
        gain = math.log(rate * self.candidate.per_call)
        # All of it at once: an interrupt may come anywhere above, and would otherwise leave half a burst.
        self.bursts.append((process, number, burst, gain))

    def speeds(self) -> statistics.Speeds:
        """Give the speed in each burst."""
        import numpy as np

        return statistics.Speeds(
            process=np.array([process for process, _, _, _ in self.bursts], dtype=np.int64),
            round=np.array([number for _, number, _, _ in self.bursts], dtype=np.int64),
            value=np.array([gain for _, _, _, gain in self.bursts], dtype=np.float64),
        )

    @property
    def runs(self) -> int:
        """Number of runs that were timed."""
        return sum(len(burst.starts) for _, _, burst, _ in self.bursts)

    def runs_of(self, process: int) -> int:
        """Give the number of runs that one process has timed."""
        return sum(len(burst.starts) for by, _, burst, _ in self.bursts if by == process)

    @property
    def processes(self) -> int:
        """Number of processes that timed at least one run."""
        return len({process for process, _, _, _ in self.bursts})

    def latencies(self) -> NDArray[np.float64]:
        """Time of each run in seconds, in the order taken."""
        import numpy as np

        parts = [np.subtract(burst.ends, burst.starts, dtype=np.float64) for _, _, burst, _ in self.bursts]
        return np.concatenate(parts) / 1e9 if parts else np.empty(0)

    def times(self, origin_ns: int) -> NDArray[np.float64]:
        """When each run began, in seconds after ``origin_ns``."""
        import numpy as np

        parts = [np.asarray(burst.starts, dtype=np.int64) for _, _, burst, _ in self.bursts]
        return (np.concatenate(parts) - origin_ns) / 1e9 if parts else np.empty(0)

    def process_of_run(self) -> NDArray[np.int32]:
        """Process that timed each run."""
        import numpy as np

        lengths = [len(burst.starts) for _, _, burst, _ in self.bursts]
        return np.repeat(np.array([process for process, _, _, _ in self.bursts], dtype=np.int32), lengths)

    def throughput(self) -> float:
        """Inferences a second: all that were made, over the time that bursts took, instances together."""
        # Each burst's rate weighs as long as it lasted: runs / rate is its length.
        lasted = sum(len(burst.starts) / burst.rate for _, _, burst, _ in self.bursts)
        return self.candidate.per_call * self.runs / lasted

    def peak(self) -> int | None:
        """Most memory in bytes that any of its processes took beyond what it had before loading."""
        peaks = [burst.peak for _, _, burst, _ in self.bursts] + [loaded.peak for loaded in self.loaded.values()]
        return max((peak for peak in peaks if peak is not None), default=None)


@dataclass
class Measurement:
    """The outcome of :func:`deploy_magics.timing.measure`.

    Attributes
    ----------
    tracks : list of Track
        One a candidate, in the order given.
    design : {"together", "in turn", "alone"}
        Which processes lived at once; see :data:`deploy_magics.timing.crew.Design`.
    processes : int
        Processes of each candidate that were planned.
    instances : int
        Instances that ran at once in each process.
    rounds : int
        Rounds in which each living process ran one burst.
    seconds : float
        Time spent on warm-ups and bursts.
    ending : {"precision", "budget", "frames", "interrupt", "failure"}
        What ended it.
    machine : Machine
        What the machine was doing meanwhile.
    origin_ns : int
        Clock reading to which times refer.
    """

    tracks: list[Track]
    design: Design = "together"
    processes: int = 0
    instances: int = 1
    rounds: int = 0
    seconds: float = 0.0
    ending: Ending = "budget"
    machine: Machine = field(default_factory=lambda: Machine(cores=1.0))
    origin_ns: int = 0

    def ratio(self, track: int, to: int = 0) -> Ratio | Missing:
        """Give a candidate's speed over another's, with its 95 % interval and verdict.

        Parameters
        ----------
        track : int
            Index of the candidate.
        to : int
            Index of the one it is compared to.

        Returns
        -------
        Ratio or Missing
            Above 1 is faster; a reason where either has fewer than two processes measured.
        """
        return statistics.compare(self.tracks[to].speeds(), self.tracks[track].speeds(), self.design)
