"""Each form of suppression against the loop in plain Python: the same boxes, to the last one."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from deploy_magics import postprocessing as post
from deploy_magics.errors import ArgumentError

Floats = NDArray[np.float64]
# Quarters of pixels are exact in all that is computed of them, and few, so that boxes touch, coincide and tie.
PLACES = st.integers(-40, 40).map(lambda value: value / 4)
WILD = st.one_of(
    PLACES, st.floats(-1e3, 1e3), st.sampled_from([math.nan, math.inf, -math.inf, 0.0, 1e30, -1e30, 1e200])
)
SCORES = st.sampled_from([0.1, 0.5, 0.5000001, 0.9, 1.0, math.nan, math.inf])
LIMITS = st.one_of(st.floats(0.01, 0.99), st.sampled_from([1e-300, 1 / 3, 0.5, math.nextafter(1, 0)]))
FORMS: dict[str, Callable[..., Any]] = {form.__name__: form for form in (post.nms_simple, post.nms_fast)}
AWARE: dict[str, Callable[..., Any]] = {"nms_by_class": post.nms_by_class, "nms_offset": post.nms_offset}
try:
    import numba  # noqa: F401
except ImportError:
    pass
else:
    FORMS["nms_compiled"] = post.nms_compiled
    AWARE["nms_compiled"] = lambda boxes, scores, classes, iou: post.nms_compiled(boxes, scores, iou, classes)


@st.composite
def boxes(draw: st.DrawFn, places: st.SearchStrategy[float]) -> tuple[Floats, Floats]:
    count = draw(st.integers(0, 14))
    box = draw(arrays(np.float64, (count, 4), elements=places))
    if draw(st.booleans()):
        box = np.concatenate([np.minimum(box[:, :2], box[:, 2:]), np.maximum(box[:, :2], box[:, 2:])], axis=1)
    return box, draw(arrays(np.float64, count, elements=SCORES))


@pytest.mark.parametrize("name", FORMS)
@settings(max_examples=250, deadline=None)
@given(some=st.one_of(boxes(PLACES), boxes(WILD)), iou=LIMITS)
def test_the_same_boxes_stay(name: str, some: tuple[Floats, Floats], iou: float) -> None:
    assert FORMS[name](*some, iou).tolist() == post.nms_loop(*some, iou).tolist()


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("count", [63, 64, 65, 128, 400])
def test_across_blocks(name: str, count: int) -> None:
    rng = np.random.default_rng(count)
    corner = rng.integers(0, 60, (count, 2))
    box = np.concatenate([corner, corner + rng.integers(0, 30, (count, 2))], axis=1).astype(float)
    score = rng.integers(0, 20, count) / 20
    expected = post.nms_loop(box, score, 0.5).tolist()
    assert 1 < len(expected) < count
    assert FORMS[name](box, score, 0.5).tolist() == expected


@pytest.mark.parametrize("name", AWARE)
@settings(max_examples=200, deadline=None)
@given(some=st.one_of(boxes(PLACES), boxes(WILD)), iou=LIMITS, data=st.data())
def test_classes_leave_one_another_alone(
    name: str, some: tuple[Floats, Floats], iou: float, data: st.DataObject
) -> None:
    box, score = some
    kind = data.draw(arrays(np.int64, len(score), elements=st.sampled_from([-5, 0, 1, 79])))
    if name == "nms_offset":
        # Moved apart, coordinates keep about 1e-7 of a pixel: quarters stay exact, of others those on the edge differ.
        box = np.where(np.isfinite(box) & (np.abs(box) < 1e6), np.round(box * 4) / 4, box)
    alone = [post.nms_loop(box[kind == one], score[kind == one], iou) for one in np.unique(kind)]
    expected = {
        int(np.flatnonzero(kind == one)[i]) for one, kept in zip(np.unique(kind), alone, strict=True) for i in kept
    }
    found = AWARE[name](box, score, kind, iou)
    assert set(found.tolist()) == expected
    assert len(found) == len(expected)
    ordered = score[found]
    assert (ordered[:-1] >= ordered[1:]).all()


@pytest.mark.parametrize("form", [*FORMS.values(), post.nms_loop])
@pytest.mark.parametrize(
    "scores", [np.uint8([200, 100, 0, 255]), np.int8([9, -128, -127, 127]), np.array([1, 0, 0, 1]) > 0]
)
def test_scores_of_whole_numbers(form: Callable[..., Any], scores: Any) -> None:
    box = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [40, 40, 50, 50], [20, 20, 30, 30]])
    expected = post.nms_loop(box, scores.astype(float)).tolist()
    assert form(box, scores).tolist() == expected
    assert 1 not in expected


@pytest.mark.parametrize("form", [*FORMS.values(), post.nms_loop])
def test_what_is_refused(form: Callable[..., Any]) -> None:
    for iou in (0.0, 1.0, math.nan):
        with pytest.raises(ArgumentError, match="iou must be above 0 and below 1"):
            form(np.ones((2, 4)), np.ones(2), iou)
    with pytest.raises(ArgumentError, match=r"shapes \(2, 4\) and \(3,\)"):
        form(np.ones((2, 4)), np.ones(3))
    with pytest.raises(ArgumentError, match="boxes and scores are no numbers"):
        form([[0, 0, 1, 1], [0]], np.ones(2))
    assert form([], []).tolist() == []


def crowd(count: int) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(0)
    corner = rng.uniform(0, 200, (count, 2)).round()
    box = np.concatenate([corner, corner + rng.uniform(5, 60, (count, 2)).round()], axis=1)
    return box, rng.permutation(count) / count + 0.001


def test_opencv_keeps_the_same() -> None:
    pytest.importorskip("cv2")
    assert post.nms_opencv(*crowd(300), 0.45).tolist() == post.nms_fast(*crowd(300), 0.45).tolist()


def test_torchvision_keeps_the_same() -> None:
    pytest.importorskip("torchvision")
    kind = np.arange(300) % 3
    assert post.nms_torchvision(*crowd(300), kind).tolist() == post.nms_offset(*crowd(300), kind).tolist()
