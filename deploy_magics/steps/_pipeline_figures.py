"""The figures of a pipeline from what its worker told: rates, shares, what overlapping gains, the bottleneck."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from deploy_magics.pipelining import STAGES, THREADS
from deploy_magics.result import Missing, Ratio
from deploy_magics.timing.statistics import student, verdict

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from deploy_magics.pipelining import Measured
    from deploy_magics.pipelining.measured import Mode

NAMES: dict[Mode, str] = {"serial": "one after another", "overlap": "overlapped"}
INFERENCE = STAGES.index("inference")
MOVING = (STAGES.index("inputs"), STAGES.index("outputs"))


@dataclass(frozen=True)
class Figures:
    """What a reader wants to know of what was measured.

    Attributes
    ----------
    found : Measured
        What was measured; frames of the mode ``"serial"`` at least.
    """

    found: Measured

    def stage_s(self, mode: Mode) -> NDArray[np.float64]:
        """Give the seconds of each stage, of shape (frames, stages)."""
        spans = self.found.spans(mode)
        lasted: NDArray[np.float64] = (spans[:, :, 1] - spans[:, :, 0]) / 1e9
        return lasted

    def latency_s(self, mode: Mode) -> NDArray[np.float64]:
        """Give the seconds of each frame from its first stage to its last, waiting in queues included."""
        spans = self.found.spans(mode)
        lasted: NDArray[np.float64] = (spans[:, -1, 1] - spans[:, 0, 0]) / 1e9
        return lasted

    def mean_s(self, mode: Mode) -> dict[str, float]:
        """Give the mean seconds of each stage, which sum up to those of a frame."""
        return dict(zip(STAGES, map(float, self.stage_s(mode).mean(axis=0)), strict=True))

    def thread_s(self, mode: Mode) -> dict[str, float]:
        """Give the mean seconds of a frame in each thread."""
        means = list(self.mean_s(mode).values())
        return {name: sum(means[stage] for stage in stages) for name, stages in THREADS}

    def rate(self, mode: Mode) -> float | Missing:
        """Give the frames a second: all frames over all the time of their bursts."""
        bursts = [burst for burst in self.found.of(mode) if burst.rate]
        if not bursts:
            return Missing("a rate needs two frames in one burst")
        # Overlapped frames are counted between the first and the last that come out, see Burst.rate.
        counts = [burst.frames - (mode == "overlap") for burst in bursts]
        seconds = [count / burst.rate for count, burst in zip(counts, bursts, strict=True) if burst.rate]
        return sum(counts) / sum(seconds)

    def inferences(self, mode: Mode) -> float:
        """Give the inferences a second that the model would do alone."""
        return 1 / max(1e-9, self.mean_s(mode)["inference"])

    @cached_property
    def gain(self) -> Ratio | Missing:
        """Frames a second overlapped over one after another, from the rounds in which both ran."""
        rates: dict[int, dict[Mode, float]] = {}
        for number, burst in zip(self.found.rounds, self.found.bursts, strict=True):
            if burst.rate:
                rates.setdefault(number, {})[burst.mode] = burst.rate
        gains = [math.log(pair["overlap"] / pair["serial"]) for pair in rates.values() if len(pair) == 2]
        if len(gains) < 2:
            return Missing(f"an interval needs two rounds of both, there are {len(gains)}")
        mean = sum(gains) / len(gains)
        scatter = math.sqrt(sum((gain - mean) ** 2 for gain in gains) / (len(gains) - 1) / len(gains))
        half = student(len(gains) - 1) * scatter
        low, high = math.exp(mean - half), math.exp(mean + half)
        return Ratio(math.exp(mean), low, high, verdict(low, high))

    @cached_property
    def best_gain(self) -> float:
        """What overlapping could gain at best: a whole frame over the longest of its threads."""
        threads = self.thread_s("serial")
        return sum(threads.values()) / max(1e-12, *threads.values())

    def busy(self) -> dict[str, float]:
        """Give the share of the time for which each thread was at work while the stages overlapped."""
        rate = self.rate("overlap")
        if isinstance(rate, Missing):
            return {}
        return {name: min(1.0, lasts * rate) for name, lasts in self.thread_s("overlap").items()}

    @cached_property
    def bottleneck(self) -> str:
        """The thread that frames wait for: the busiest one, or without overlapping the longest."""
        shares = self.busy() if self.found.frames("overlap") else {}
        shares = shares or self.thread_s("serial")
        return max(shares, key=lambda name: shares[name])

    @cached_property
    def longest(self) -> str:
        """The stage that takes most of a frame."""
        means = self.mean_s("serial")
        return max(means, key=lambda name: means[name])

    @cached_property
    def moving_s(self) -> float:
        """Seconds of a frame that moving inputs and outputs takes."""
        means = self.mean_s("serial")
        return sum(means[STAGES[stage]] for stage in MOVING)
