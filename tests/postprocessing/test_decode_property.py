"""Each form of decoding against the loop in plain Python, on heads that hold all that a float32 can be."""

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
from deploy_magics.postprocessing.sigmoid import sigmoid_of

Head = NDArray[np.float32]
NUMBERS = st.one_of(
    st.floats(-12, 12, width=32),
    st.sampled_from([0.0, -0.0, 1.0, -1.0, 40.0, 88.0, -88.0, 104.0, -104.0, 3e38, -3e38, 1e-45]),
    # A NaN may have a sign, which tells where its bits are ordered.
    st.sampled_from([math.nan, -math.nan, math.inf, -math.inf]),
)
PLAIN = st.one_of(st.floats(-12, 12, width=32), st.integers(-3, 3).map(float))
# Products of sigmoids down to 1e-30 are normal floats of 32 bits.
THRESHOLDS = st.one_of(
    st.floats(0.001, 0.999), st.sampled_from([1e-30, 1e-12, 0.25, 0.5, 1 - 1e-6, 1 - 1e-9, math.nextafter(1, 0)])
)
FORMS = {form.__name__: form for form in (post.decode_simple, post.decode_fast)}
try:
    import numba  # noqa: F401
except ImportError:
    pass
else:
    FORMS |= {form.__name__: form for form in (post.decode_compiled, post.decode_parallel)}


@st.composite
def heads(draw: st.DrawFn, elements: st.SearchStrategy[float] = NUMBERS) -> Head:
    rows, classes = draw(st.integers(0, 9)), draw(st.integers(1, 9))
    return draw(arrays(np.float32, (rows, 5 + classes), elements=elements))


def by_row(found: post.Detections) -> dict[int, tuple[float, int]]:
    """Give score and class by row, of a head that holds the number of each row as its centre."""
    return {
        round(float(box[0] + box[2]) / 2): (float(score), int(kind)) for box, score, kind in zip(*found, strict=True)
    }


@pytest.mark.parametrize("name", FORMS)
@settings(max_examples=150, deadline=None)
@given(head=st.one_of(heads(), heads(PLAIN)), threshold=THRESHOLDS)
def test_the_same_rows_are_found(name: str, head: Head, threshold: float) -> None:
    head[:, 0], head[:, 1:4] = np.arange(len(head)), 2
    expected, found = by_row(post.decode_loop(head, threshold)), by_row(FORMS[name](head, threshold))
    for row, logits in enumerate(head[:, 4:].astype(float).tolist()):
        best = sigmoid_of(logits[0]) * max(map(sigmoid_of, logits[1:]))
        if abs(best - threshold) <= 1e-5 * threshold:
            continue  # on the edge, where the last bit of a float32 decides
        assert (row in expected) == (row in found)
        if row in found:
            assert found[row][0] == pytest.approx(expected[row][0], rel=1e-5)
            kinds = [sigmoid_of(logits[1 + by[row][1]]) for by in (expected, found)]
            # Another class only where both are so sure that their sigmoids round to the same number.
            assert kinds[0] == pytest.approx(kinds[1], rel=3e-7)


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("threshold", [1e-6, 0.01, 0.25, 0.5, 0.9, 0.999])
def test_on_the_edge(name: str, threshold: float) -> None:
    edge = post.inverse_sigmoid(threshold)
    apart = np.concatenate([-(10.0 ** -np.arange(1, 8)), 10.0 ** -np.arange(1, 8)])
    head = np.full((len(apart), 6), 1000, np.float32)
    head[:, 0], head[:, 1:4], head[:, 4] = np.arange(len(apart)), 2, edge + apart
    scores = np.array([sigmoid_of(float(x)) for x in head[:, 4]])
    sure = np.abs(scores - threshold) > 1e-6 * threshold
    assert sure.sum() > 4
    found = np.isin(np.arange(len(apart)), list(by_row(FORMS[name](head, threshold))))
    assert (found == (scores > threshold))[sure].all()


@pytest.mark.parametrize("threshold", [0.001, 0.25, 0.9, 0.999, 1 - 1e-5, 1 - 1e-6, 1 - 1.5e-7])
@pytest.mark.parametrize("name", sorted(set(FORMS) - {"decode_simple"}))
def test_the_test_on_logits_drops_nothing_that_its_score_would_keep(name: str, threshold: float) -> None:
    head = np.full((20_001, 6), 100, np.float32)
    head[:, 0] = np.arange(len(head))
    head[:, 4] = post.inverse_sigmoid(threshold) + np.linspace(-1, 1, len(head))
    expected, found = post.decode_simple(head, threshold), FORMS[name](head, threshold)
    assert 0 < len(expected) < len(head)
    assert found.boxes.tolist() == expected.boxes.tolist()


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("kind", [np.float16, np.float64, ">f4"])
def test_floats_of_any_width_and_order(name: str, kind: Any) -> None:
    head = post.draw_head(300, 7, share=0.2).astype(kind)
    assert post.compare(post.decode_loop(head), FORMS[name](head), box_tolerance=1e-2).same
    assert len(FORMS[name](np.asfortranarray(head))) == len(FORMS[name](head[::-1])) > 50


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int32, bool])
def test_the_sigmoid_of_whole_numbers(kind: Any) -> None:
    info = (0, 1) if kind is bool else (np.iinfo(kind).min, 0, 3)
    found = post.sigmoid(np.array(info, kind))
    assert found.dtype == np.float64
    assert found.tolist() == pytest.approx([sigmoid_of(float(x)) for x in info], abs=1e-30)


@pytest.mark.parametrize("name", FORMS)
@settings(max_examples=100, deadline=None)
@given(head=heads(PLAIN), threshold=THRESHOLDS)
def test_of_equal_classes_the_first(name: str, head: Head, threshold: float) -> None:
    head[:, 4:] = np.round(head[:, 4:])
    head[:, 0], head[:, 1:4] = np.arange(len(head)), 2
    found = by_row(FORMS[name](head, threshold))
    for row, (_, kind) in found.items():
        if head[row, 5:].max() < 5:  # beyond, sigmoids of neighbouring whole numbers come close
            assert kind == head[row, 5:].argmax()


@pytest.mark.parametrize("name", FORMS)
@settings(max_examples=100, deadline=None)
@given(raw=arrays(np.float32, (21, 4), elements=NUMBERS), anchored=st.booleans())
def test_boxes_are_the_same(name: str, raw: Head, anchored: bool) -> None:
    head = np.full((21, 6), 5, np.float32)
    head[:, :4] = raw
    anchors = post.Anchors.of((32, 32), (16, 32, 32), ([(10, 13)] * 4, [(30, 61)] * 4, [(373, 326)]))
    given = anchors if anchored else None
    expected, found = post.decode_loop(head, 0.5, given).boxes, FORMS[name](head, 0.5, given).boxes
    assert found.flags.c_contiguous
    # Centre and size cancel in a corner, so the error is a share of the largest of a row.
    size = np.abs(np.nan_to_num(head[:, :4], posinf=0, neginf=0)).max(1, keepdims=True) + 640
    with np.errstate(invalid="ignore"):
        same = (expected == found) | (np.isnan(expected) & np.isnan(found))
        assert (same | (np.abs(expected - found) <= 1e-6 * size) | (size > 1e38)).all()


@st.composite
def dfl_heads(draw: st.DrawFn) -> Head:
    classes = draw(st.integers(1, 4))
    sides = draw(arrays(np.float32, (21, 16), elements=st.floats(-20, 20, width=32)))
    logits = draw(arrays(np.float32, (21, classes), elements=NUMBERS))
    return np.concatenate([sides, logits], axis=1)


@pytest.mark.parametrize("form", [post.decode_dfl_simple, post.decode_dfl_fast])
@settings(max_examples=100, deadline=None)
@given(head=dfl_heads(), threshold=THRESHOLDS)
def test_heads_with_distributions(form: Callable[..., post.Detections], head: Head, threshold: float) -> None:
    points = post.Points.of((64, 64), (16, 32, 64))
    scores = np.array([[sigmoid_of(x) for x in row] for row in head[:, 16:].astype(float).tolist()])
    best = np.where(np.isnan(scores).any(1), -1, scores.max(1))
    # Rows on the edge, and classes whose sigmoids round to the same, are not told apart.
    near = np.abs(best - threshold) <= 1e-5 * threshold
    head[near, 16:] = -np.inf
    expected = post.decode_dfl_loop(head, points, threshold, bins=4)
    found = form(head, points, threshold, bins=4)
    assert len(found) == len(expected)
    np.testing.assert_allclose(found.boxes, expected.boxes, atol=1e-3)
    np.testing.assert_allclose(found.scores, expected.scores, rtol=1e-5)
    kept = head[(best > threshold) & ~near, 16:].astype(float)
    for row, one, other in zip(kept, expected.classes, found.classes, strict=True):
        assert sigmoid_of(row[one]) == pytest.approx(sigmoid_of(row[other]), rel=3e-7)


@pytest.mark.parametrize("form", [*FORMS.values(), post.decode_loop])
def test_what_is_refused(form: Callable[..., post.Detections]) -> None:
    head = post.draw_head(20, 3, share=0.1)
    for threshold in (0.0, 1.0, -1.0, math.nan, math.inf):
        with pytest.raises(ArgumentError, match="above 0 and below 1"):
            form(head, threshold)
    for bad in (head[0], head[:, :5], head[None].repeat(2, 0), head.astype(int)):
        with pytest.raises(ArgumentError, match="cannot be decoded"):
            form(bad)
    with pytest.raises(ArgumentError, match="2 outputs cannot be decoded at once; take one: a, b"):
        form({"a": head, "b": head})
    assert len(form({"a": head})) == len(form(head)) == 2
    with pytest.raises(ArgumentError, match="the head has 20 rows and the anchors 25,200"):
        form(head, anchors=post.Anchors.of())
    assert len(form(head[None])) == 2
    assert len(form(head[:0])) == 0


def test_a_head_on_its_side_and_shares_that_are_none_are_refused() -> None:
    points = post.Points.of((64, 64), (16, 32, 64))
    head = post.draw_dfl_head(21, 17, share=0.5)
    assert len(post.decode_dfl_fast(head, points)) == 10
    with pytest.raises(ArgumentError, match="the head has 81 rows and the points 21; it lies on its side"):
        post.decode_dfl_fast(np.repeat(head.T, 1, axis=0), points, bins=2)
    for draw in (post.draw_head, post.draw_dfl_head):
        for bad in ({"share": 2.0}, {"share": math.nan}, {"rows": 0}, {"classes": 0}):
            with pytest.raises(ArgumentError, match="a share of 0 to 1"):
                draw(**bad)


@settings(max_examples=200, deadline=None)
@given(threshold=st.floats(0, 1, exclude_min=True, exclude_max=True))
def test_the_inverse_sigmoid_is_one(threshold: float) -> None:
    edge = post.inverse_sigmoid(threshold)
    assert math.isfinite(edge)
    if edge > -700:
        assert sigmoid_of(edge) == pytest.approx(threshold, rel=1e-12)


@settings(max_examples=200, deadline=None)
@given(logits=arrays(np.float32, st.integers(1, 30), elements=st.floats(-200, 200, width=32)), data=st.data())
def test_top_k_without_all_exp(logits: Head, data: st.DataObject) -> None:
    k = data.draw(st.integers(1, len(logits)))
    (one, expected), (other, found) = post.topk_simple(logits, k), post.topk_fast(logits, k)
    assert one.tolist() == other.tolist()
    np.testing.assert_allclose(found, expected, rtol=2e-5)
