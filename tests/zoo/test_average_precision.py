"""Average precision, by cases that can be worked out on paper."""

from __future__ import annotations

import numpy as np
import pytest

from deploy_magics import zoo
from deploy_magics.zoo._average_precision import overlaps

Found = tuple[np.ndarray, np.ndarray, np.ndarray]
Wanted = tuple[np.ndarray, np.ndarray]


def _box(place: float, wide: float = 10.0) -> list[float]:
    return [100 * place, 0.0, 100 * place + wide, 10.0]


def _found(*rows: tuple[float, float, int], wide: float = 10.0) -> Found:
    """Boxes at places, with score and class."""
    boxes = np.array([_box(place, wide) for place, _, _ in rows]).reshape(-1, 4)
    return boxes, np.array([score for _, score, _ in rows]), np.array([kind for _, _, kind in rows], int)


def _truth(*rows: tuple[float, int]) -> Wanted:
    return np.array([_box(place) for place, _ in rows]).reshape(-1, 4), np.array([kind for _, kind in rows], int)


def test_area_is_summed_over_all_points_with_the_largest_precision_that_follows() -> None:
    truth = _truth((0, 0), (1, 0), (2, 0), (3, 0))
    # Right, wrong, wrong, right, right, and one never found: precision 1, 1/2, 1/3, 2/4, 3/5.
    found = _found((0, 0.9, 0), (7, 0.8, 0), (8, 0.7, 0), (1, 0.6, 0), (2, 0.5, 0))
    assert zoo.average_precision([found], [truth])[0] == pytest.approx((1 + 3 / 5 + 3 / 5) / 4)


def test_scores_rank_over_all_images_and_the_order_within_one_is_free() -> None:
    truths = [_truth((0, 0)), _truth((0, 0), (1, 0))]
    one = [_found((5, 0.7, 0), (0, 0.9, 0)), _found((1, 0.6, 0), (0, 0.8, 0))]
    # 0.9 right, 0.8 right, 0.7 wrong, 0.6 right.
    assert zoo.average_precision(one, truths)[0] == pytest.approx((1 + 1 + 3 / 4) / 3)
    assert zoo.mean_average_precision(one[::-1], truths[::-1]) == zoo.mean_average_precision(one, truths)


def test_a_second_box_on_the_same_object_is_wrong() -> None:
    assert zoo.average_precision([_found((0, 0.9, 0), (0, 0.8, 0), (1, 0.7, 0))], [_truth((0, 0), (1, 0))])[
        0
    ] == pytest.approx((1 + 2 / 3) / 2)


def test_classes_are_apart_and_one_that_is_not_in_the_truth_does_not_count() -> None:
    truth = _truth((0, 0), (1, 2))
    found = _found((0, 0.9, 0), (1, 0.9, 0), (1, 0.8, 1))
    assert zoo.average_precision([found], [truth]) == {0: 1.0, 2: 0.0}
    assert zoo.mean_average_precision([found], [truth]) == 0.5


def test_overlap_decides() -> None:
    wide = _found((0, 0.9, 0), wide=15.0)
    assert zoo.mean_average_precision([wide], [_truth((0, 0))], overlap=0.66) == 1
    assert zoo.mean_average_precision([wide], [_truth((0, 0))], overlap=0.67) == 0


def test_nothing_found_nothing_there_and_a_missing_image() -> None:
    assert zoo.mean_average_precision([_found()], [_truth((0, 0))]) == 0
    assert zoo.mean_average_precision([_found((0, 0.9, 0))], [_truth()]) == 0
    with pytest.raises(ValueError, match="detections of 0 images, and the truth of 1"):
        zoo.mean_average_precision([], [_truth((0, 0))])
    boxes, scores, classes = _found((0, 0.9, 0))
    with pytest.raises(ValueError, match="image 0 has 1 boxes, 2 scores and 1 classes"):
        zoo.mean_average_precision([(boxes, np.append(scores, 0.8), classes)], [_truth((0, 0))])


def test_boxes_of_whole_numbers() -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 5]])
    assert overlaps(boxes, boxes).tolist() == [[1, 0.5], [0.5, 1]]
    assert overlaps(boxes.astype(np.float32), boxes).dtype == np.float64
    assert overlaps(*[boxes.astype(np.float32)] * 2).dtype == np.float32


def test_empty_boxes_overlap_nothing() -> None:
    point, inverted = [5.0, 5, 5, 5], [9.0, 9, 1, 1]
    shares = overlaps(np.array([point, inverted]), np.array([point, [0.0, 0, 10, 10]]))
    assert shares.tolist() == [[0, 0], [0, 0]]
