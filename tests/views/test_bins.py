from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from deploy_magics.result import Result, Samples
from deploy_magics.views import _payload
from deploy_magics.views._bins import STRIP_STEPS, Distribution, distributions
from deploy_magics.views._palette import COLOURS, colours
from tests.views import results

arrays = hnp.arrays(
    np.float64, st.integers(1, 400), elements=st.floats(-1e9, 1e9) | st.floats(1, 2) | st.just(math.nan)
)


def _made(*values: NDArray[np.float64]) -> list[Distribution]:
    found = [Samples(f"s{i}", "ms", v, np.arange(len(v)), np.zeros(len(v))) for i, v in enumerate(values)]
    return distributions(Result("x", "", samples=tuple(found)))


@given(st.lists(arrays, min_size=1, max_size=4))
def test_every_finite_sample_is_counted_once(values: list[NDArray[np.float64]]) -> None:
    made = _made(*values)
    finite = [v[np.isfinite(v)] for v in values]
    if not any(len(v) for v in finite):
        assert made == []
        return
    (dist,) = made
    kept = [v for v in finite if len(v)]
    assert dist.totals == tuple(len(v) for v in kept)
    for binned in filter(None, (dist.linear, dist.logarithmic)):
        for i, v in enumerate(kept):
            assert sum(binned.counts[i]) + binned.below[i] + binned.above[i] == len(v)
            assert binned.above[i] == int((v > binned.high).sum())
    if dist.logarithmic:
        assert sum(dist.logarithmic.above) == sum(dist.logarithmic.below) == 0


@given(arrays)
def test_nothing_that_stands_out_is_lost_from_the_strip(values: NDArray[np.float64]) -> None:
    for dist in _made(values):
        (track,) = dist.tracks
        finite = values[np.isfinite(values)]
        span = dist.strip_high - dist.strip_low
        shown_high = max(track.high)
        if finite.max() > dist.strip_high:
            assert shown_high == STRIP_STEPS + 1
        else:
            assert math.isclose(dist.strip_low + span * shown_high / STRIP_STEPS, finite.max(), abs_tol=span / 900)
        assert all(low <= mid <= high for low, mid, high in zip(track.low, track.middle, track.high, strict=True))
        assert list(track.times) == sorted(track.times)


def test_bins_agree_with_numpy() -> None:
    values = np.random.default_rng(0).gamma(3, 1, 5000) + 10
    (dist,) = _made(values)
    binned = dist.linear
    expected, _ = np.histogram(values, bins=len(binned.counts[0]), range=(binned.low, binned.high))
    assert np.abs(np.array(binned.counts[0]) - expected).sum() <= 2  # a value on an edge may fall to either side


def test_a_few_stragglers_do_not_squeeze_the_rest() -> None:
    values = np.r_[np.random.default_rng(0).normal(10, 0.1, 1000), [500.0, 900.0]]
    (dist,) = _made(values)
    assert dist.linear.high < 12
    assert 2 <= dist.linear.above[0] <= 5
    assert dist.greatest == (900.0,)


def test_candidates_far_apart_are_drawn_on_a_logarithmic_axis() -> None:
    random = np.random.default_rng(0)
    (near,) = _made(random.normal(10, 0.1, 500), random.normal(11, 0.1, 500))
    (far,) = _made(random.normal(10, 0.1, 500), random.normal(900, 9, 500))
    assert not near.prefer_log
    assert far.prefer_log
    (negative,) = _made(random.normal(0, 1, 500))
    assert negative.logarithmic is None


def test_percentiles_are_the_tables_own() -> None:
    result = results.bench(counts=(1800, 90))
    (dist,) = distributions(result)
    for told, row in zip(dist.percentiles, result.tables[0].rows, strict=True):
        for label, value in told:
            assert value == row.cells[label]
    assert [label for label, _ in dist.percentiles[0]] == ["p50", "p95", "p99"]
    assert [label for label, _ in dist.percentiles[1]] == ["p50", "p95"]  # the table says p99 needs more


def test_without_a_table_few_samples_tell_no_high_percentile() -> None:
    (dist,) = _made(np.linspace(1, 2, 100), np.linspace(1, 2, 200), np.linspace(1, 2, 700))
    assert [[label for label, _ in told] for told in dist.percentiles] == [
        ["p50"],
        ["p50", "p95"],
        ["p50", "p95", "p99"],
    ]


def test_each_unit_has_a_histogram_of_its_own() -> None:
    one = results.samples("a", 50, 10, 0)
    other = results.samples("b", 50, 3000, 1, unit="us")
    assert [dist.unit for dist in distributions(Result("x", "", samples=(one, other)))] == ["ms", "us"]


@pytest.mark.parametrize("candidates", [1, 4, 12, 40])
def test_a_million_samples_are_sent_in_under_64_kb(candidates: int) -> None:
    count = 1_000_000 // candidates
    found = tuple(results.samples(f"candidate {i}", count, 10 + i, i) for i in range(candidates))
    result = Result("x", "", samples=found)
    (dist,) = distributions(result)
    sent = json.dumps(_payload.distribution(dist, colours(result)), separators=(",", ":"))
    assert len(sent.encode()) < 64 * 1024


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_candidates_colours_are_seen_on_white_and_on_black() -> None:
    # WCAG 2.2, success criterion 1.4.11: 3:1 for what is needed to understand a drawing.
    for colour in COLOURS:
        assert _contrast(colour, "#ffffff") >= 3
        assert _contrast(colour, "#111111") >= 3


# Machado, Oliveira and Fernandes 2009, full severity, for linear RGB.
DEFICIENCIES = {
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
}


def _lab(colour: str, matrix: tuple[tuple[float, ...], ...] | None) -> NDArray[np.float64]:
    parts = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    if matrix is not None:
        linear = np.clip(np.array(matrix) @ linear, 0, 1)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    scaled = to_xyz @ linear / np.array([0.9505, 1.0, 1.089])
    x, y, z = np.where(scaled > 0.008856, np.cbrt(scaled), 7.787 * scaled + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("kind", [None, "protan", "deutan"])
def test_colours_are_told_apart_by_all_kinds_of_eyes(kind: str | None) -> None:
    labs = [_lab(colour, DEFICIENCIES[kind] if kind else None) for colour in COLOURS]
    nearest = min(float(np.linalg.norm(a - b)) for i, a in enumerate(labs) for b in labs[:i])
    assert nearest > 19  # CIE76; about 2.3 is just noticeable
