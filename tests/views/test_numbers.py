from __future__ import annotations

import math
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from deploy_magics.views import _axis, _numbers
from tests.views.stage import Stage

finite = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e18, max_value=1e18)


@given(st.integers(1, 9), st.lists(finite, min_size=1))
def test_the_largest_value_keeps_its_significant_digits(digits: int, values: list[float]) -> None:
    places = _numbers.decimals(digits, values)
    largest = max(map(abs, values))
    if largest >= 1e-4:
        shown = _numbers.write(largest, places).replace(",", "")
        assert abs(float(shown) - largest) <= 0.51 * 10.0**-places
        if 0 < places < _numbers.MAX_DECIMALS:
            assert len(shown.replace(".", "").lstrip("0")) in (digits, digits + 1)


@given(finite, st.integers(0, 6))
def test_no_value_that_is_not_zero_is_written_as_zero(value: float, base: int) -> None:
    text = _numbers.write(value, _numbers.own_decimals(value, base))
    assert (any(c in "123456789" for c in text)) == (value != 0)


@given(finite, st.integers(0, 9))
def test_writing_rounds_half_away_from_zero(value: float, places: int) -> None:
    if value != 0 and abs(value) < 0.5 * 10.0**-places:
        return
    text = _numbers.write(value, places).replace(",", "").replace("−", "-")
    assert abs(Decimal(text) - Decimal(value)) <= Decimal(1).scaleb(-places) / 2


def test_decimal_points_stand_in_line() -> None:
    texts = []
    for value in (120.3, 0.02, 7.0):
        places = _numbers.own_decimals(value, 1)
        texts.append(_numbers.write(value, places) + _numbers.missing_places(places, 3))
    assert {len(text) - text.index(".") for text in texts} == {4}
    assert len(_numbers.missing_places(0, 2)) == 3  # the point has its place too


def test_values_that_are_not_numbers_have_words() -> None:
    assert [_numbers.write(v, 2) for v in (math.nan, math.inf, -math.inf)] == ["NaN", "∞", "−∞"]
    assert _numbers.decimals(4, [math.nan, math.inf]) == 0
    assert _numbers.write(-1234567.891, 1) == "−1,234,567.9"
    assert _numbers.write(-0.001, 1) == ">−0.1"
    assert _numbers.write(0.001, 0) == "<1"
    assert _numbers.write(10**30, 0).replace(",", "") in (str(10**30), "1.0e30")


CASES = [
    0.0, 0.5, 1.5, 2.5, 0.125, -0.125, 12.345, 99.995, 1234567.891, -9876543.21, 0.02, 3e-7, 1e-12, 1e20, 5e21, 0.05,
    0.049999, 4089184256, 25557032, 1 / 3, -2 / 3, 1e15 + 0.3, 123456789.123456789,
]  # fmt: skip


def test_the_page_writes_numbers_as_python_does(stage: Stage) -> None:
    script = """async ([cases]) => {
      const n = await import("/src/numbers.js");
      const lines = [];
      for (const value of cases) for (let base = 0; base < 7; base += 1) {
        const places = n.ownDecimals(value, base);
        const wanted = n.decimals(base + 1, [value, value / 3]);
        lines.push([places, n.write(value, places), n.missingPlaces(places, 9), wanted]);
      }
      return [lines, n.write(NaN, 1), n.write(Infinity, 1), n.write(-Infinity, 1)];
    }"""
    lines, *special = stage.act(lambda page: page.evaluate(script, [CASES]))
    expected = []
    for value in CASES:
        for base in range(7):
            places = _numbers.own_decimals(value, base)
            blanks = _numbers.missing_places(places, 9)
            wanted = _numbers.decimals(base + 1, [value, value / 3])
            expected.append([places, _numbers.write(value, places), blanks, wanted])
    assert lines == expected
    assert special == ["NaN", "∞", "−∞"]


RANGES = [(0.0, 1.0), (10.9, 16.8), (0.0003, 0.0009), (-5.0, 12.0), (1e6, 9e6), (5.0, 5.0001)]
LOG_RANGES = [(0.8, 60.0), (11.0, 99.0), (1e-6, 1e6), (3.0, 4.0), (0.02, 0.5)]


def test_the_page_chooses_the_same_ticks_and_lanes(stage: Stage) -> None:
    places = [(0.0, 50.0), (10.0, 50.0), (12.0, 80.0), (100.0, 50.0), (15.0, 40.0), (13.0, 60.0), (90.0, 30.0)]
    script = """async ([linear, log, places]) => {
      const a = await import("/src/axis.js");
      const pairs = (ticks) => ticks.map((tick) => [tick.value, tick.text]);
      const [flat, steep] = [linear.map(([x, y]) => a.linearTicks(x, y)), log.map(([x, y]) => a.logTicks(x, y))];
      return [flat.map(pairs), steep.map(pairs), a.lanes(places)];
    }"""
    linear, log, lanes = stage.act(lambda page: page.evaluate(script, [RANGES, LOG_RANGES, places]))
    for (low, high), found in zip(RANGES, linear, strict=True):
        assert [text for _, text in found] == [tick.text for tick in _axis.linear_ticks(low, high)]
    for (low, high), found in zip(LOG_RANGES, log, strict=True):
        assert [text for _, text in found] == [tick.text for tick in _axis.log_ticks(low, high)]
    assert lanes == _axis.lanes(places)


@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e9))
def test_ticks_are_few_and_on_the_axis(low: float, span: float) -> None:
    high = low + span
    if high <= low or span < 1e-9 * abs(low):
        return
    ticks = _axis.linear_ticks(low, high)
    assert 1 <= len(ticks) <= 12
    assert all(low - span * 1e-6 <= tick.value <= high + span * 1e-6 for tick in ticks)


@given(st.lists(st.tuples(st.floats(0, 900), st.floats(5, 200)), max_size=12))
def test_no_label_covers_another_or_its_line(places: list[tuple[float, float]]) -> None:
    lanes = _axis.lanes(places)
    placed = [(left, wide, lane) for (left, wide), lane in zip(places, lanes, strict=True) if lane is not None]
    for left, wide, lane in placed:
        for other_left, _, other_lane in placed:
            # A line stands at its label's left end and passes all lanes below.
            if (other_left, other_lane) != (left, lane) and other_lane >= lane:
                assert not left < other_left < left + wide
