"""Whether two sets of detections are the same, and boxes to the letterbox and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from deploy_magics import postprocessing as post
from deploy_magics.errors import ArgumentError
from deploy_magics.postprocessing.letterbox import bilinear


@st.composite
def some(draw: st.DrawFn) -> post.Detections:
    count = draw(st.integers(1, 12))
    boxes = draw(arrays(np.float32, (count, 4), elements=st.integers(-5, 5).map(float) | st.just(float("nan"))))
    scores = draw(arrays(np.float32, count, elements=st.sampled_from([0.25, 0.5, 0.50005, 1.0])))
    return post.Detections.of(boxes, scores, draw(arrays(np.int64, count, elements=st.integers(0, 2))))


@settings(max_examples=200, deadline=None)
@given(found=some(), data=st.data())
def test_order_does_not_matter_and_each_counts(found: post.Detections, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(found))))
    assert post.compare(found, found[order]).same
    lost = post.compare(found, found[order[1:]])
    assert (lost.missing, lost.added) == (1, 0)
    assert lost.first.startswith("lacks class")
    gained = post.compare(found[order[1:]], found)
    assert (gained.missing, gained.added) == (0, 1)


@pytest.mark.parametrize(
    ("change", "same"),
    [
        (("scores", 0, 5e-5), True),
        (("scores", 0, 2e-4), False),
        (("boxes", 1, 0.005), True),
        (("boxes", 1, 0.02), False),
    ],
)
def test_tolerances(change: tuple[str, int, float], same: bool) -> None:
    one = post.Detections.of([[0, 0, 10, 10], [0, 0, 10, 10]], [0.5, 0.5], [0, 1])
    parts = {"boxes": one.boxes.copy(), "scores": one.scores.copy()}
    parts[change[0]][change[1]] += change[2]
    found = post.compare(one, post.Detections.of(parts["boxes"], parts["scores"], one.classes))
    assert found.same is same
    assert not post.compare(one, post.Detections.of(one.boxes, one.scores, [0, 0])).same


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        (([[0, 0, 1]], [1], [0]), r"shapes \(1, 3\) and \(1,\) and \(1,\)"),
        (([[0, 0, 1, 1]], [np.nan], [0]), "1 of 1 scores are NaN"),
        (([[0, 0, 1, 1]], [0], [0.5]), "classes are no whole numbers"),
        (([[0, 0, 1, 1]], [0], [np.inf]), "classes are no whole numbers"),
        (([[0, 0, 1, 1]], [0], [1e30]), "classes are no whole numbers"),
        (([["a", "b", "c", "d"]], [0], [0]), "boxes hold <U1 and no numbers"),
        (([[0, 0, 1, 1], [0]], [0], [0]), "detections are no arrays"),
    ],
)
def test_what_are_no_detections(parts: tuple[Any, Any, Any], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        post.Detections.of(*parts)


def test_a_large_coordinate_is_compared_by_its_share_and_infinite_ones_by_being_so() -> None:
    one = post.Detections.of([[0, 0, 900, 1e5]], [0.5], [0])
    for gap, same in (([0, 0, 0.009, 0.9], True), ([0, 0, 0.011, 0], False), ([0, 0, 0, 1.1], False)):
        other = post.Detections.of(one.boxes + gap, one.scores, one.classes)
        assert post.compare(one, other).same is same
    far = post.Detections.of([[0, 0, 9, np.inf]], [np.inf], [0])
    assert post.compare(far, far).same
    assert not post.compare(one, far).same
    assert not post.compare(far, one).same


@settings(max_examples=100, deadline=None)
@given(
    size=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    box=st.tuples(st.integers(8, 64), st.integers(8, 64)),
    places=arrays(np.float32, (3, 4), elements=st.floats(0, 1, width=32)),
)
def test_boxes_come_back(size: tuple[int, int], box: tuple[int, int], places: NDArray[np.float32]) -> None:
    found, placed = post.letterbox(np.zeros((*size, 3), np.uint8), box, fill=255)
    assert found.shape == (*box, 3)
    lines, columns = np.flatnonzero((found == 0).any((1, 2))), np.flatnonzero((found == 0).any((0, 2)))
    low = np.array([columns[0], lines[0]] * 2, np.float32)
    span = np.array([len(columns), len(lines)] * 2, np.float32)
    # Where the image was drawn is where boxes come back from, to its very edges.
    there = places * np.array([size[1], size[0]] * 2, np.float32)
    np.testing.assert_allclose(post.undo_letterbox(low + places * span, placed), there, atol=1e-5 * max(*size, *box))


def test_the_letterbox_is_that_of_opencv() -> None:
    cv2 = pytest.importorskip("cv2")
    image = np.random.default_rng(0).integers(0, 256, (37, 53, 3), np.uint8)
    for lines, columns in ((64, 92), (20, 29), (1, 1)):
        theirs = cv2.resize(image, (columns, lines), interpolation=cv2.INTER_LINEAR)
        assert np.abs(bilinear(image, lines, columns).astype(int) - theirs).max() <= 1
