from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy_magics.result import Missing, Ratio
from deploy_magics.timing.engine import MIN_ROUNDS
from deploy_magics.timing.statistics import Speeds, compare, percentile, runs_needed, student, verdict

ROUNDS = 17  # about what 10 s hold for two candidates


class World:
    """Simulated bursts: processes differ, rounds drift, bursts scatter, and another program slows some of them."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def candidates(
        self,
        gain: float = 0.0,
        *,
        processes: int = 5,
        rounds: int = ROUNDS,
        differ: float = 0.005,
        scatter: float = 0.012,
        drift: float = 0.0,
        slowed: float = 0.0,
    ) -> tuple[Speeds, Speeds]:
        course = np.cumsum(self.rng.normal(0, drift, rounds))
        both = []
        for shift in (0.0, gain):
            process, number = np.repeat(np.arange(processes), rounds), np.tile(np.arange(rounds), processes)
            value = shift + self.rng.normal(0, differ, processes)[process] + course[number]
            value = value + self.rng.normal(0, scatter, len(process)) - 0.7 * (self.rng.random(len(process)) < slowed)
            both.append(Speeds(process, number, value))
        return both[0], both[1]


def until(speeds: Speeds, rounds: int) -> Speeds:
    kept = speeds.round < rounds
    return Speeds(speeds.process[kept], speeds.round[kept], speeds.value[kept])


def ratio(base: Speeds, other: Speeds, design: Any = "together") -> Ratio:
    found = compare(base, other, design)
    assert isinstance(found, Ratio)
    return found


def measured(base: Speeds, other: Speeds, precision: float = 0.02) -> Ratio:
    """Stop as the engine does."""
    for rounds in range(MIN_ROUNDS, ROUNDS + 1):
        found = ratio(until(base, rounds), until(other, rounds))
        if (found.high - found.low) / found.value < precision:
            break
    return found


def share(flags: list[bool]) -> float:
    return sum(flags) / len(flags)


@pytest.mark.parametrize(
    ("case", "most"),
    [
        ({}, 0.05),
        ({"differ": 0.0005}, 0.05),
        ({"differ": 0.02}, 0.05),
        ({"drift": 0.02}, 0.05),
        ({"slowed": 0.2}, 0.05),
        ({"slowed": 0.5}, 0.05),
    ],
    ids=["quiet", "processes alike", "processes differ", "drift", "a fifth slowed", "half slowed"],
)
def test_the_same_thing_is_seldom_called_different_though_the_end_depends_on_the_data(
    case: dict[str, float], most: float
) -> None:
    world = World(1)
    different = [measured(*world.candidates(**case)).verdict != "no difference shown" for _ in range(300)]
    assert share(different) <= most


def test_a_ratio_that_ended_early_is_within_one_percent() -> None:
    world = World(2)
    off = [abs(measured(*world.candidates()).value - 1) for _ in range(300)]
    assert share([x <= 0.01 for x in off]) >= 0.95


@pytest.mark.parametrize("slowed", [0.0, 0.1])
def test_five_percent_are_found_and_the_interval_holds_them(slowed: float) -> None:
    world = World(3)
    truth = math.log(1.05)
    found = [measured(*world.candidates(truth, slowed=slowed)) for _ in range(200)]
    assert share([r.verdict == "faster" for r in found]) >= 0.95
    assert share([r.low <= 1.05 <= r.high for r in found]) >= 0.91


def test_resampling_five_processes_would_be_too_sure() -> None:
    rng = np.random.default_rng(4)
    missed_by_bootstrap, missed_by_student = [], []
    for _ in range(600):
        one, two = rng.normal(0, 0.005, 5), rng.normal(0, 0.005, 5)
        gains = rng.choice(two, (400, 5)).mean(axis=1) - rng.choice(one, (400, 5)).mean(axis=1)
        low, high = np.quantile(gains, (0.025, 0.975))
        missed_by_bootstrap.append(not low <= 0 <= high)
        rounds = np.zeros(5, dtype=int)
        found = ratio(Speeds(np.arange(5), rounds, one), Speeds(np.arange(5), rounds, two), "alone")
        missed_by_student.append(not found.low <= 1 <= found.high)
    assert share(missed_by_bootstrap) > 0.10
    assert share(missed_by_student) < 0.075


def test_bursts_of_one_round_are_compared_so_that_slowed_halves_do_not_move_the_ratio() -> None:
    world = World(5)
    apart, within = [], []
    for _ in range(60):
        base, other = world.candidates(slowed=0.45)
        medians = [np.mean([np.median(s.value[s.process == p]) for p in range(5)]) for s in (base, other)]
        apart.append(float(medians[1] - medians[0]))
        within.append(math.log(ratio(base, other).value))
    assert np.std(within) < 0.5 * np.std(apart)


def test_the_interval_is_student_s_with_the_freedom_of_the_smaller_group() -> None:
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(6)
    one, two = rng.normal(0, 0.01, 5), rng.normal(0.02, 0.003, 4)
    found = ratio(
        Speeds(np.arange(5), np.zeros(5, dtype=int), one), Speeds(np.arange(4), np.zeros(4, dtype=int), two), "alone"
    )
    welch = stats.ttest_ind(two, one, equal_var=False)
    error = (two.mean() - one.mean()) / welch.statistic
    half = stats.t.ppf(0.975, 3) * error
    assert math.log(found.value) == pytest.approx(two.mean() - one.mean())
    assert math.log(found.high / found.value) == pytest.approx(half, rel=1e-3)
    # Never narrower than Welch's own.
    assert found.high >= math.exp(welch.confidence_interval(0.95).high)


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 8, 25, 199, 201, 10**6])
def test_student_equals_scipy_s(freedom: int) -> None:
    stats = pytest.importorskip("scipy.stats")
    assert student(freedom) == pytest.approx(float(stats.t.ppf(0.975, freedom)), rel=1e-3)


@given(
    st.integers(2, 6),
    st.integers(2, 6),
    st.floats(-3, 3),
    st.integers(0, 2**32 - 1),
    st.sampled_from(["together", "in turn", "alone"]),
)
def test_the_ratio_turns_over_with_the_candidates_and_follows_their_speeds(
    first: int, second: int, gain: float, seed: int, design: Any
) -> None:
    rng = np.random.default_rng(seed)

    def some(processes: int, shift: float) -> Speeds:
        process, number = np.repeat(np.arange(processes), 6), np.tile(np.arange(6), processes)
        return Speeds(process, number, shift + rng.normal(0, 0.01, len(process)))

    base, other = some(first, 0.0), some(second, 0.0)
    shifted = Speeds(other.process, other.round, other.value + gain)
    there, back = ratio(base, other, design), ratio(other, base, design)
    assert there.value * back.value == pytest.approx(1)
    assert there.low * back.high == pytest.approx(1)
    moved = ratio(base, shifted, design)
    assert moved.value / there.value == pytest.approx(math.exp(gain))
    assert moved.high / moved.low == pytest.approx(there.high / there.low)


def test_a_drift_that_is_common_to_a_round_does_not_matter() -> None:
    base, other = World(7).candidates(0.03)
    course = np.linspace(0, -2, ROUNDS)
    drifting = [Speeds(s.process, s.round, s.value + course[s.round]) for s in (base, other)]
    assert ratio(*drifting).value == pytest.approx(ratio(base, other).value)


def test_rounds_that_were_cut_short_are_used_as_far_as_they_go() -> None:
    base, other = World(8).candidates()
    some = other.round + other.process < ROUNDS  # the last processes miss the last rounds
    found = ratio(base, Speeds(other.process[some], other.round[some], other.value[some]))
    assert found.value == pytest.approx(ratio(base, other).value, abs=0.01)
    # A process that shares no round with the other candidate is left out, not counted as equal.
    late = Speeds(np.append(other.process, 9), np.append(other.round, 99), np.append(other.value, 5.0))
    assert ratio(base, late).value == pytest.approx(ratio(base, other).value)


def test_too_few_processes_are_said() -> None:
    base, other = World(9).candidates(processes=1)
    for design in ("together", "in turn", "alone"):
        found = compare(base, other, design)  # type: ignore[arg-type]
        assert isinstance(found, Missing)
        assert "two processes" in found.why
    empty = Speeds(np.empty(0, dtype=int), np.empty(0, dtype=int), np.empty(0))
    assert isinstance(compare(base, empty, "together"), Missing)


def test_values_without_scatter_have_an_interval_of_no_width() -> None:
    flat = Speeds(np.arange(3), np.zeros(3, dtype=int), np.zeros(3))
    assert ratio(flat, flat) == Ratio(1.0, 1.0, 1.0, "no difference shown")


def test_percentiles_ask_for_enough_runs() -> None:
    values = np.arange(1.0, 662.0)
    assert percentile(values, 99) == Missing("p99 needs 662 runs, there are 661")
    assert percentile(np.arange(1.0, 663.0), 99) == pytest.approx(655.39)
    assert percentile(values[:63], 90) == Missing("p90 needs 64 runs, there are 63")
    assert percentile(values[:1], 50) == 1.0


@pytest.mark.parametrize("which", [90, 95, 99])
def test_the_least_number_of_runs_is_that_of_the_binomial_distribution(which: int) -> None:
    stats = pytest.importorskip("scipy.stats")
    runs = runs_needed(which)
    assert stats.binom.cdf(1, runs, 1 - which / 100) <= 0.01 < stats.binom.cdf(1, runs - 1, 1 - which / 100)


def test_verdicts_need_the_whole_interval_on_one_side() -> None:
    assert verdict(1.0, 1.1) == "no difference shown"
    assert verdict(0.9, 1.0) == "no difference shown"
