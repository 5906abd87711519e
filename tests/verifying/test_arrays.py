from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from deploy_magics.verifying import Difference, difference
from deploy_magics.verifying._stored import BLOCK, write

FLOATS = hnp.arrays(np.float32, st.integers(1, 20), elements=st.floats(-1e6, 1e6, width=32))


def of(before: Any, after: Any, **options: Any) -> Difference:
    return difference("y", [np.asarray(before)], [np.asarray(after)], **options)


def test_a_difference_is_related_to_the_value_and_the_range_over_all_inputs() -> None:
    found = difference("y", [np.array([0.0, 1.0]), np.array([2.0, 4.0])], [np.array([0.0, 1.2]), np.array([2.0, 4.0])])
    assert found.max_abs == pytest.approx(0.2)
    assert found.scale == 4.0
    assert found.max_rel == pytest.approx(0.2 / 5)
    assert (found.unequal, found.values) == (1, 4)


@pytest.mark.parametrize("nothing", [-3.4e38, -1e9, -65504.0])
@pytest.mark.parametrize("covered", [1, 60])
def test_a_value_that_stands_for_nothing_hides_no_error(nothing: float, covered: int) -> None:
    before = np.random.default_rng(0).standard_normal((1, 100)).astype(np.float32)
    before[0, :covered] = nothing
    after = before.copy()
    after[0, 90] += 0.05
    assert of(before, after).max_rel > 1e-3


def test_boxes_hide_no_error_of_the_scores_beside_them() -> None:
    rng = np.random.default_rng(0)
    before = np.concatenate([rng.random((1, 300, 4)) * 640, rng.random((1, 300, 2))], axis=2).astype(np.float32)
    after = before.copy()
    after[0, 7, 5] += 0.05
    assert of(before, after).max_rel > 1e-3
    assert of(before.transpose(0, 2, 1), after.transpose(0, 2, 1)).max_rel > 1e-3
    honest = before * np.float32(1 + 1e-6)
    assert of(before, honest).max_rel < 5e-6


def test_a_tiny_output_is_related_to_its_own_size() -> None:
    before = np.random.default_rng(0).random(50, np.float32) * np.float32(1e-8)
    assert of(before, np.zeros_like(before)).max_rel > 0.3


def test_rounding_of_a_relu_and_of_a_softmax_is_no_difference() -> None:
    rng = np.random.default_rng(0)
    sums = rng.standard_normal((1, 8, 20, 20)).astype(np.float32)
    noise = (rng.standard_normal(sums.shape) * 1e-6).astype(np.float32)
    assert of(np.maximum(sums, 0), np.maximum(sums + noise, 0)).max_rel < 2e-5
    scores = np.exp(8 * rng.standard_normal((4, 1000)))
    before = (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32)
    after = (before * (1 + 1e-5 * rng.standard_normal(before.shape))).astype(np.float32)
    assert of(before, after, floor=1e-3).max_rel < 5e-5


def test_files_are_compared_block_by_block(tmp_path: Path) -> None:
    before = np.random.default_rng(0).random((3, BLOCK // 2 + 5), np.float32)
    after = before.copy()
    after[2, -1] += 0.5
    files = [write(before, tmp_path / "a")], [write(after, tmp_path / "b")]
    found = difference("y", *files)
    assert found == difference("y", [before], [after])
    assert (found.unequal, found.flips) == (1, 1)


@given(FLOATS)
def test_an_array_does_not_differ_from_itself(array: np.ndarray[Any, Any]) -> None:
    found = of(array, array.copy())
    assert (found.max_abs, found.max_rel, found.unequal, found.problem) == (0.0, 0.0, 0, "")
    assert found.cosine == pytest.approx(1.0)


@given(FLOATS, st.floats(1e-3, 1e3))
def test_figures_agree_with_numpys(array: np.ndarray[Any, Any], factor: float) -> None:
    other = (array * np.float32(factor) + 1).astype(np.float32)
    found = of(array, other)
    wide, wider = array.astype(np.float64), other.astype(np.float64)
    assert found.max_abs == pytest.approx(np.abs(wide - wider).max())
    norms = np.linalg.norm(wide) * np.linalg.norm(wider)
    if norms > 1e-12:
        assert found.cosine == pytest.approx(wide @ wider / norms, abs=1e-9)
    if found.max_abs:
        assert 0 < found.max_rel <= (np.abs(wide - wider) / (np.abs(wide) + found.scale)).max() * (1 + 1e-9)


def test_nan_where_nan_was_is_the_same_and_elsewhere_a_problem() -> None:
    assert not of([1.0, np.nan], [1.0, np.nan]).problem
    assert of([1.0, np.nan], [1.0, 2.0]).problem == "NaN stands in other places (1 of 2 values)"
    assert of([1.0, 2.0], [np.nan, 2.0]).problem


def test_infinities_must_stand_in_their_places_with_their_signs() -> None:
    assert not of([np.inf, -np.inf, 1.0], [np.inf, -np.inf, 1.0]).problem
    assert of([np.inf, 1.0], [-np.inf, 1.0]).problem == "infinity stands in other places (1 of 2 values)"
    assert of([np.inf, 1.0], [3e38, 1.0]).problem
    assert of([3.0, 1.0], [np.inf, 1.0]).problem


def test_all_nan_and_empty_arrays_have_figures() -> None:
    assert of([np.nan], [np.nan]).max_rel == 0.0
    empty = of(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.float32))
    assert (empty.values, empty.max_rel, empty.problem) == (0, 0.0, "")


def test_other_shapes_and_types_are_problems() -> None:
    assert of(np.zeros((2, 3)), np.zeros((3, 2))).problem == "shape 3x2 in place of 2x3"
    found = of(np.zeros(2, np.float32), np.ones(2, np.float64))
    assert (found.typed, found.problem, found.max_abs) == ("type float64 in place of float32", "", 1.0)
    assert of(np.zeros(2), np.array(["0", "0"])).problem == "type <U1 in place of float64"
    assert of(np.float32(1), np.zeros(1, np.float32)).problem == "shape 1 in place of scalar"


def test_huge_values_do_not_overflow_the_figures() -> None:
    found = of([1e300, -1e300], [1e300, 1e300])
    assert found.cosine == pytest.approx(0.0, abs=1e-9)
    assert found.max_rel == pytest.approx(2 / 3)


def test_integers_are_exact_however_large() -> None:
    found = of(np.array([2**62, 5]), np.array([2**62 + 1, 5]))
    assert found.exact
    assert found.unequal == 1


def test_truth_values_and_text_are_equal_or_not() -> None:
    assert of([True, False], [True, True]).unequal == 1
    text = difference("y", [np.array(["a", "b"], object)], [np.array(["a", "c"], object)])
    assert (text.exact, text.unequal) == (True, 1)
    assert math.isnan(text.max_abs)
    assert of(np.array(["a"], object), np.array(["a"], object)).max_abs == 0.0


def test_narrow_and_complex_types_are_compared_as_numbers() -> None:
    found = of(np.array([1, 2], ml_dtypes.bfloat16), np.array([1, 2.25], ml_dtypes.bfloat16))
    assert (found.max_abs, found.exact) == (0.25, False)
    assert of(np.array([1, 2], ml_dtypes.float8_e4m3fn), np.array([1, 2], ml_dtypes.float8_e4m3fn)).unequal == 0
    assert of(np.array([1, 2], ml_dtypes.int4), np.array([1, 3], ml_dtypes.int4)).exact
    assert of(np.array([1 + 1j]), np.array([1 + 2j])).max_abs == 1.0


def test_a_floor_holds_where_values_near_one_were_computed() -> None:
    found = of(np.array([0.0, 3e-8], np.float32), np.array([0.0, 6e-8], np.float32), floor=1e-3)
    assert found.max_rel < 1e-4
    assert of(np.array([0.0, 3e-8]), np.array([0.0, 6e-8])).max_rel == pytest.approx(0.5)


def test_the_same_for_every_input_is_constant() -> None:
    one, two = np.array([1.0, 2.0]), np.array([1.0, 3.0])
    assert difference("y", [one, one], [one, one]).constant
    assert not difference("y", [one, two], [one, two]).constant
    assert not difference("y", [one], [one]).constant
    wide = np.array([1.0, 2.0, 3.0])
    assert difference("y", [one, one, wide], [one, one, wide]).constant
    assert not difference("y", [one, wide], [one, wide]).constant


def test_rows_whose_largest_value_moves_are_counted() -> None:
    before, after = np.array([[0.1, 0.9], [0.5, 0.5001]]), np.array([[0.1, 0.9], [0.5001, 0.5]])
    assert of(before, after).flips == 1
    assert of(before[0], after[0]).flips == -1
