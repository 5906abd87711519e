"""How sure a ratio is, and how many runs a percentile needs.

The unit that is counted is the process. Runs in one process are not independent: where its memory happens to lie moves
all of them together, by up to 3.5 %. So each process gives one value, and an interval follows from how the values of
the five processes of one candidate scatter, and those of the other: the difference of the two means, plus or minus
Student's t times its standard error. The degrees of freedom are those of the smaller group, one less than its
processes, which is enough whatever the two scatters are (Welch's approximate ones lie between that and their sum).

Resampling the processes instead, a percentile bootstrap of five values, gives intervals that miss the truth in 13 of
100 repeats where 5 are wanted, since it knows neither that five values scatter less around their own mean than around
the true one, nor how unsure their scatter is. ``tests/timing/test_statistics.py`` holds both figures.

A process' value comes from rounds: each round runs a burst of every process, so that two bursts of one round met about
the same machine. For two processes the median over rounds of the ratio of their bursts is robust even where another
program slows half of all bursts to half their speed: a burst may then be slowed in the one, in the other, in both or
in neither, and the median of the ratios falls in the middle of the symmetric outcome, while the two medians taken
apart each jump between "slowed" and "not". In repeats beside two busy programs this made the scatter of the ratio
three times smaller, and on a quiet machine no larger.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from deploy_magics.result import Missing, Ratio

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CONFIDENCE = 0.95
_NORMAL = 1.959964  # the normal distribution's quantile 0.975


@dataclass(frozen=True, eq=False)
class Speeds:
    """A candidate's speed in each of its bursts.

    Attributes
    ----------
    process, round : numpy.ndarray of int64, shape (n,)
        Which process ran the burst, and in which round.
    value : numpy.ndarray of float64, shape (n,)
        Natural logarithm of the speed.
    """

    process: NDArray[np.int64]
    round: NDArray[np.int64]
    value: NDArray[np.float64]


def compare(base: Speeds, other: Speeds, design: Literal["together", "in turn", "alone"]) -> Ratio | Missing:
    """Give one candidate's speed over another's, with its 95 % interval and verdict.

    Parameters
    ----------
    base, other : Speeds
        The bursts of the two.
    design : {"together", "in turn", "alone"}
        Whether all processes shared all rounds; whether one of each shared some; whether none shared any.

    Returns
    -------
    Ratio or Missing
        ``other`` over ``base``; a reason where there are fewer than two processes to compare.
    """
    import numpy as np

    if design == "in turn":
        gains = _paired(_by_round(base), _by_round(other))
        if len(gains) < 2:
            return Missing(f"an interval needs two processes measured side by side, there are {len(gains)}")
        return _ratio(float(gains.mean()), float(gains.std(ddof=1)) / math.sqrt(len(gains)), len(gains) - 1)
    if design == "together":
        first, second = _crossed(_by_round(base), _by_round(other))
    else:
        first, second = _alone(base), _alone(other)
    if min(len(first), len(second)) < 2:
        return Missing(f"an interval needs two processes of each, there are {len(first)} and {len(second)}")
    error = math.sqrt(float(first.var(ddof=1)) / len(first) + float(second.var(ddof=1)) / len(second))
    return _ratio(float(np.mean(second) - np.mean(first)), error, min(len(first), len(second)) - 1)


@lru_cache(maxsize=4096)
def student(freedom: int) -> float:
    """Give the half-width of a 95 % interval in standard errors: Student's t, quantile 0.975.

    Parameters
    ----------
    freedom : int
        Degrees of freedom, at least 1.

    Notes
    -----
    If T follows Student's distribution with ``v`` degrees of freedom, the angle ``arctan(T / sqrt(v))`` has a density
    proportional to ``cos(angle)**(v - 1)``, which is summed up here. Far out the first term of the expansion about the
    normal quantile ``z`` serves, ``z + (z**3 + z) / (4 v)`` (Abramowitz and Stegun 26.7.5).

    Examples
    --------
    >>> [round(student(v), 3) for v in (1, 4, 8, 1000)]
    [12.706, 2.776, 2.306, 1.962]
    """
    import numpy as np

    if freedom > 200:
        return _NORMAL + (_NORMAL**3 + _NORMAL) / (4 * freedom)
    angle = np.linspace(0, math.pi / 2, 8193)
    density = np.cos(angle) ** (freedom - 1)
    area = np.concatenate([[0.0], np.cumsum(density[1:] + density[:-1])])
    return math.sqrt(freedom) * math.tan(float(np.interp(CONFIDENCE * area[-1], area, angle)))


def runs_needed(percentile: float, confidence: float = 0.99) -> int:
    """Give the fewest runs from which a percentile may be stated: 64 for p90, 130 for p95, 662 for p99.

    MLPerf's rule for runs that are stopped early (``loadgen/early_stopping.cc``, tolerance 0): with ``n`` runs of which
    one lies above the value stated, that value bounds the true percentile ``p`` with the given confidence if the chance
    of at most one run above it, ``p**n + n * p**(n - 1) * (1 - p)``, is no more than ``1 - confidence``.

    Examples
    --------
    >>> [runs_needed(p) for p in (90, 95, 99)]
    [64, 130, 662]
    """
    share = percentile / 100
    runs = 2
    while share**runs + runs * share ** (runs - 1) * (1 - share) > 1 - confidence:
        runs += 1
    return runs


def percentile(values: NDArray[np.float64], which: float) -> float | Missing:
    """Give a percentile, or the reason why these are too few runs for it.

    Parameters
    ----------
    values : numpy.ndarray
        All runs; none is dropped.
    which : float
        50 to 100; the median needs no least number.
    """
    import numpy as np

    needed = runs_needed(which) if which > 50 else 1
    if len(values) < needed:
        return Missing(f"p{which:g} needs {needed} runs, there are {len(values)}")
    return float(np.percentile(values, which))


def verdict(low: float, high: float) -> str:
    """Say what an interval of a ratio of speeds shows.

    Examples
    --------
    >>> verdict(1.02, 1.10), verdict(0.90, 0.97), verdict(0.99, 1.02)
    ('faster', 'slower', 'no difference shown')
    """
    if low > 1:
        return "faster"
    return "slower" if high < 1 else "no difference shown"


def _ratio(gain: float, error: float, freedom: int) -> Ratio:
    half = student(freedom) * error
    low, high = math.exp(gain - half), math.exp(gain + half)
    return Ratio(math.exp(gain), low, high, verdict(low, high))


def _by_round(speeds: Speeds) -> dict[int, dict[int, float]]:
    """Give each process' speeds by round."""
    found: dict[int, dict[int, float]] = {}
    for process, number, value in zip(speeds.process, speeds.round, speeds.value, strict=True):
        found.setdefault(int(process), {})[int(number)] = float(value)
    return found


def _crossed(
    base: dict[int, dict[int, float]], other: dict[int, dict[int, float]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give one value a process where all processes share all rounds.

    ``gain[i, j]`` is the median over rounds by which process ``i`` was ahead of ``j``. A process' value is the mean of
    its gains over its own candidate's processes and over the other's, each half; the difference of the two candidates'
    means is then the mean gain over all pairs of their processes.
    """
    import numpy as np

    lines = [*base.values(), *other.values()]
    numbers = sorted({number for line in lines for number in line})
    grid = np.array([[line.get(number, np.nan) for number in numbers] for line in lines]).reshape(len(lines), -1)
    ahead = grid[:, None, :] - grid[None, :, :]
    shared = ~np.isnan(ahead).all(axis=2)
    gain = np.full(shared.shape, np.nan)
    gain[shared] = np.nanmedian(ahead[shared], axis=1)
    # A process that met the other candidate in no round (the run was cut short) has nothing to say.
    split = len(base)
    kept = [i for i in range(len(lines)) if (shared[i, split:] if i < split else shared[i, :split]).any()]
    first, second = [i for i in kept if i < split], [i for i in kept if i >= split]
    if not first or not second:
        return np.empty(0), np.empty(0)
    own_and_other = [np.nanmean(gain[np.ix_(kept, side)], axis=1) for side in (first, second)]
    value = (own_and_other[0] + own_and_other[1]) / 2
    return value[: len(first)], value[len(first) :]


def _paired(base: dict[int, dict[int, float]], other: dict[int, dict[int, float]]) -> NDArray[np.float64]:
    """Give the gain of each pair of processes that lived at the same time: the median over their rounds."""
    import numpy as np

    gains = []
    for process in sorted(base.keys() & other.keys()):
        numbers = base[process].keys() & other[process].keys()
        if numbers:
            gains.append(float(np.median([other[process][n] - base[process][n] for n in numbers])))
    return np.array(gains)


def _alone(speeds: Speeds) -> NDArray[np.float64]:
    """Give the median speed of each process."""
    import numpy as np

    return np.array([np.median(speeds.value[speeds.process == p]) for p in np.unique(speeds.process)])


__all__: Sequence[str] = ["Speeds", "compare", "percentile", "runs_needed", "student", "verdict"]
