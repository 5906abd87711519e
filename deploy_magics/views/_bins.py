"""A million samples made small: bins, percentiles and a strip in time order, computed here so that little is sent."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deploy_magics.result import Result, Samples
from deploy_magics.views._plan import as_number

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_BINS = 120
MIN_BINS = 12
STRIP_COLUMNS = 300
STRIP_STEPS = 1000
# Columns of all candidates' strips together, and the fewest of one: with its module, which is about half of it, the
# message that opens a histogram stays under 64 KB with up to 30 candidates, however many samples they have.
STRIP_TOTAL = 1200
STRIP_FEWEST = 40
# Fewest samples from which a percentile is told, after MLPerf's early stopping (``loadgen/early_stopping.cc``): one of
# n samples above it bounds p with 99 % confidence if p**n + n * p**(n - 1) * (1 - p) <= 1 %. ``runs_needed`` of
# ``timing.statistics`` computes them; the views, which know results alone, cannot ask it.
FEWEST = {"p50": 1, "p95": 130, "p99": 662}


@dataclass(frozen=True)
class Binned:
    """Counts of every candidate in the same equal bins, linear or logarithmic, and what lies outside of them."""

    low: float
    high: float
    logarithmic: bool
    counts: tuple[tuple[int, ...], ...]
    below: tuple[int, ...]
    above: tuple[int, ...]

    def edges(self) -> list[float]:
        """Give the bins' edges in the samples' unit."""
        n = len(self.counts[0])
        if self.logarithmic:
            ratio = self.high / self.low
            return [self.low * ratio ** (i / n) for i in range(n + 1)]
        return [self.low + (self.high - self.low) * i / n for i in range(n + 1)]


@dataclass(frozen=True)
class Track:
    """One candidate's values in time order: least, median and greatest of each moment that has any.

    Times and values are steps of 1/1000 of the strip; a value above the strip is ``STRIP_STEPS + 1``.
    """

    times: tuple[int, ...]
    low: tuple[int, ...]
    middle: tuple[int, ...]
    high: tuple[int, ...]


@dataclass(frozen=True)
class Distribution:
    """All that a histogram draws of candidates measured in one unit."""

    unit: str
    names: tuple[str, ...]
    totals: tuple[int, ...]
    not_finite: tuple[int, ...]
    least: tuple[float, ...]
    greatest: tuple[float, ...]
    percentiles: tuple[tuple[tuple[str, float], ...], ...]
    linear: Binned
    logarithmic: Binned | None
    prefer_log: bool
    strip_low: float = 0.0
    strip_high: float = 1.0
    start: float = 0.0
    end: float = 0.0
    tracks: tuple[Track, ...] = field(default=())


def distributions(result: Result) -> list[Distribution]:
    """Bin the samples of a result, one distribution for each unit that has any finite value."""
    units = dict.fromkeys(samples.unit for samples in result.samples)
    groups = [[samples for samples in result.samples if samples.unit == unit] for unit in units]
    made = [distribution(result, group) for group in groups]
    return [each for each in made if each is not None]


def distribution(result: Result, group: list[Samples]) -> Distribution | None:
    """Bin samples of one unit; None where there is no finite value."""
    import numpy as np

    finite = [s.values[np.isfinite(s.values)] for s in group]
    kept = [(s, v) for s, v in zip(group, finite, strict=True) if len(v)]
    if not kept:
        return None
    group, values = [s for s, _ in kept], [v for _, v in kept]
    low, high = _range(values)
    count = _bin_count(values, low, high)
    least, greatest = [float(v.min()) for v in values], [float(v.max()) for v in values]
    logarithmic = None
    if min(least) > 0 and max(greatest) > min(least) * 1.001:
        logarithmic = _bin(values, min(least), max(greatest), max(count, 60), logarithmic=True)
    medians = [float(np.median(v)) for v in values]
    start, end = _times(group)
    strip_low, strip_high = _strip_range(values)
    columns = max(STRIP_FEWEST, min(STRIP_COLUMNS, STRIP_TOTAL // len(group)))
    return Distribution(
        unit=group[0].unit,
        names=tuple(s.name for s in group),
        totals=tuple(len(v) for v in values),
        not_finite=tuple(len(s) - len(v) for s, v in kept),
        least=tuple(least),
        greatest=tuple(greatest),
        percentiles=tuple(_percentiles(result, s, v) for s, v in kept),
        linear=_bin(values, low, high, count, logarithmic=False),
        logarithmic=logarithmic,
        prefer_log=logarithmic is not None and min(medians) > 0 and max(medians) / min(medians) > 8,
        strip_low=strip_low,
        strip_high=strip_high,
        start=start,
        end=end,
        tracks=tuple(_track(s, columns, start, end, strip_low, strip_high) for s in group),
    )


def _range(values: list[NDArray[np.float64]]) -> tuple[float, float]:
    """Choose what a linear axis shows: nearly all values, and few stragglers' empty distance."""
    import numpy as np

    lows, highs = [], []
    for v in values:
        p1, q1, q3, p99 = (float(x) for x in np.percentile(v, [1, 25, 75, 99]))
        reach = 15 * (q3 - q1) or abs(q3) * 0.05
        lows.append(max(p1, q1 - reach) if len(v) > 20 else float(v.min()))
        highs.append(min(p99, q3 + reach) if len(v) > 20 else float(v.max()))
    low, high = min(lows), max(highs)
    margin = 0.15 * (high - low)
    least, greatest = min(float(v.min()) for v in values), max(float(v.max()) for v in values)
    low = least if least >= low - 2 * margin else low - margin
    high = greatest if greatest <= high + 2 * margin else high + margin
    if high <= low:
        pad = abs(low) * 0.05 or 0.5
        return low - pad, high + pad
    return low, high


def _bin_count(values: list[NDArray[np.float64]], low: float, high: float) -> int:
    """Count bins by Freedman and Diaconis' rule (width 2 IQR / cube root of n) for the candidate with the finest."""
    import numpy as np

    widths = []
    for v in values:
        q1, q3 = (float(x) for x in np.percentile(v, [25, 75]))
        if q3 > q1:
            widths.append(2 * (q3 - q1) / len(v) ** (1 / 3))
    most = max(MIN_BINS, min(MAX_BINS, 1200 // len(values)))
    if not widths:
        return max(MIN_BINS, most // 3)
    return int(max(MIN_BINS, min(most, math.ceil((high - low) / min(widths)))))


def _bin(values: list[NDArray[np.float64]], low: float, high: float, count: int, *, logarithmic: bool) -> Binned:
    import numpy as np

    counts, below, above = [], [], []
    for v in values:
        under, over = v < low, v > high
        inside = v[~(under | over)]
        place = np.log(inside / low) / math.log(high / low) if logarithmic else (inside - low) / (high - low)
        # Computed in floating point, the greatest value may come out a hair beyond the last edge.
        index = np.clip((place * count).astype(np.int64), 0, count - 1)
        counts.append(tuple(np.bincount(index, minlength=count).tolist()))
        below.append(int(under.sum()))
        above.append(int(over.sum()))
    return Binned(low, high, logarithmic, tuple(counts), tuple(below), tuple(above))


def _percentiles(result: Result, samples: Samples, values: NDArray[np.float64]) -> tuple[tuple[str, float], ...]:
    """Give p50, p95 and p99; the table's own figure where it has one, so that both say the same."""
    import numpy as np

    told = []
    for name, fewest in FEWEST.items():
        found, cell = _from_table(result, samples, name)
        if found is not None:
            told.append((name, found))
        elif not cell and len(values) >= fewest:
            told.append((name, float(np.percentile(values, float(name[1:])))))
    return tuple(told)


def _from_table(result: Result, samples: Samples, key: str) -> tuple[float | None, bool]:
    """Look a percentile up; the second value says whether the table has such a cell at all."""
    for table in result.tables:
        if not any(column.key == key and column.unit == samples.unit for column in table.columns):
            continue
        for row in table.rows:
            if row.cells.get(table.columns[0].key) == samples.name:
                number = as_number(row.cells.get(key))
                return (number if number is not None and math.isfinite(number) else None), key in row.cells
    return None, False


def _times(group: list[Samples]) -> tuple[float, float]:
    import numpy as np

    stamps = [s.times[np.isfinite(s.times)] for s in group]
    stamps = [t for t in stamps if len(t)]
    if not stamps:
        return 0.0, 0.0
    return min(float(t.min()) for t in stamps), max(float(t.max()) for t in stamps)


def _strip_range(values: list[NDArray[np.float64]]) -> tuple[float, float]:
    import numpy as np

    low = min(float(v.min()) for v in values)
    high = max(min(float(v.max()), float(np.percentile(v, 98))) for v in values)
    high += 0.1 * (high - low)
    if high <= low:
        pad = abs(low) * 0.05 or 0.5
        return low - pad, high + pad
    return low, high


def _track(samples: Samples, columns: int, start: float, end: float, low: float, high: float) -> Track:
    """Keep the least, the median and the greatest of each moment: nothing that stands out can be lost."""
    import numpy as np

    good = np.isfinite(samples.values) & np.isfinite(samples.times)
    values, times = samples.values[good], samples.times[good]
    if not len(values):
        return Track((), (), (), ())
    span = end - start
    place = (times - start) / span if span > 0 else np.full(len(times), 0.5)
    if len(values) <= columns:
        order = np.argsort(place, kind="stable")
        steps = _steps(values[order], low, high)
        return Track(tuple(np.rint(place[order] * STRIP_STEPS).astype(int).tolist()), steps, steps, steps)
    # 16 bits are sorted by radix, in a time that does not matter beside the measuring.
    column = np.clip((place * columns).astype(np.int64), 0, columns - 1).astype(np.int16)
    order = np.argsort(column, kind="stable")
    sorted_values, sorted_columns = values[order], column[order]
    first = np.flatnonzero(np.r_[True, sorted_columns[1:] != sorted_columns[:-1]])
    moments = np.rint((sorted_columns[first] + 0.5) / columns * STRIP_STEPS).astype(int)
    middle = np.array([_middle(part) for part in np.split(sorted_values, first[1:])])
    return Track(
        tuple(moments.tolist()),
        _steps(np.minimum.reduceat(sorted_values, first), low, high),
        _steps(middle, low, high),
        _steps(np.maximum.reduceat(sorted_values, first), low, high),
    )


def _middle(values: NDArray[np.float64]) -> float:
    """Give the lower median, which is one of the values."""
    import numpy as np

    half = (len(values) - 1) // 2
    return float(np.partition(values, half)[half])


def _steps(values: NDArray[np.float64], low: float, high: float) -> tuple[int, ...]:
    import numpy as np

    steps = np.rint((np.clip(values, low, high) - low) / (high - low) * STRIP_STEPS)
    return tuple(np.where(values > high, STRIP_STEPS + 1, steps).astype(int).tolist())
