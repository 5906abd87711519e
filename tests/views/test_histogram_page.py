"""The histogram in a page: bins read by mouse and keys, axis, legend, labels, the strip in time order."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from deploy_magics.result import Result, Samples
from deploy_magics.views._bins import distributions
from tests.views import results
from tests.views.stage import Stage, states


def _mount(stage: Stage, result: Result) -> None:
    for kind, state in states(result):
        if kind == "histogram":
            stage.mount(kind, **state)


def _id(page: Any, name: str) -> Any:
    return page.locator(f'[data-testid="{name}"]')


def _hover(page: Any, name: str, across: float) -> None:
    box = _id(page, name).bounding_box()
    page.mouse.move(box["x"] + box["width"] * across, box["y"] + box["height"] / 2)


def test_hovering_tells_the_bin_and_each_candidates_count(stage: Stage) -> None:
    result = results.bench()
    (dist,) = distributions(result)
    _mount(stage, result)

    def check(page: Any) -> None:
        assert not _id(page, "dm-tooltip").is_visible()
        _hover(page, "dm-histogram", 0.3)
        tip = _id(page, "dm-tooltip")
        assert tip.is_visible()
        found = re.match(r"([\d.]+) – ([\d.]+) ms", tip.locator(".dm-tip-head").inner_text())
        assert found is not None
        low, high = float(found[1]), float(found[2])
        edges = dist.linear.edges()
        bin_ = min(range(len(edges) - 1), key=lambda i: abs(edges[i] - low))
        assert abs(edges[bin_ + 1] - high) < 0.002
        counts = [int(text.replace(",", "")) for text in tip.locator("td:nth-child(2)").all_inner_texts()]
        assert counts == [counts_of[bin_] for counts_of in dist.linear.counts]
        page.mouse.move(5, 5)
        assert not tip.is_visible()

    stage.act(check)


def test_the_bins_are_read_by_keys(stage: Stage) -> None:
    _mount(stage, results.bench())

    def check(page: Any) -> None:
        _id(page, "dm-histogram").focus()
        page.keyboard.press("ArrowRight")
        first = _id(page, "dm-tooltip").inner_text()
        page.keyboard.press("ArrowRight")
        second = _id(page, "dm-tooltip").inner_text()
        assert first.split(" – ")[1].split()[0] == second.split(" – ")[0]
        page.keyboard.press("Escape")
        assert not _id(page, "dm-tooltip").is_visible()

    stage.act(check)


def test_the_logarithmic_axis_shows_all_that_lies_beyond_the_linear_one(stage: Stage) -> None:
    _mount(stage, results.bench())

    def check(page: Any) -> None:
        assert re.fullmatch(r"\d+ beyond, up to [\d.]+ →", _id(page, "dm-beyond").text_content())
        _id(page, "dm-scale-log").click()
        assert _id(page, "dm-scale-log").get_attribute("aria-pressed") == "true"
        assert _id(page, "dm-beyond").count() == 0

    stage.act(check)


def test_the_legend_switches_candidates_and_never_the_last(stage: Stage) -> None:
    _mount(stage, results.bench())

    def check(page: Any) -> None:
        assert page.locator(".dm-shape").count() == 2
        before = _id(page, "dm-histogram").bounding_box()["height"]
        _id(page, "dm-legend-0").click()
        assert page.locator(".dm-shape").count() == 1
        assert _id(page, "dm-histogram").bounding_box()["height"] == before
        _id(page, "dm-legend-1").click()
        assert page.locator(".dm-shape").count() == 1
        _id(page, "dm-legend-0").click()
        assert page.locator(".dm-shape").count() == 2

    stage.act(check)


def test_labels_do_not_lie_on_one_another(stage: Stage) -> None:
    names = ("resnet50", "slim", "int8", "openvino f32", "openvino bf16", "ncnn")
    bases = (12.4, 12.3, 12.2, 12.1, 12.0, 11.9)
    for result in (results.bench(), results.bench(names, bases, (900,) * 6)):
        stage.clear()
        _mount(stage, result)
        boxes = stage.act(lambda page: [label.bounding_box() for label in page.locator(".dm-mark-text").all()])
        assert len(boxes) >= len(result.samples) - 2
        for i, one in enumerate(boxes):
            for other in boxes[:i]:
                apart = (
                    one["x"] >= other["x"] + other["width"]
                    or other["x"] >= one["x"] + one["width"]
                    or one["y"] >= other["y"] + other["height"] - 2
                    or other["y"] >= one["y"] + one["height"] - 2
                )
                assert apart


def test_the_strip_tells_what_was_measured_at_a_moment(stage: Stage) -> None:
    drifting = results.samples("drifting", 3000, 10.0, 0, drift=0.5)
    _mount(stage, Result("x", "", samples=(drifting,)))

    def check(page: Any) -> None:
        medians = []
        for across in (0.1, 0.8):
            _hover(page, "dm-strip", across)
            tip = _id(page, "dm-strip-tooltip")
            assert re.match(r"at [\d.]+ s \(ms\)", tip.inner_text())
            medians.append(float(tip.locator("td:nth-child(2)").inner_text()))
        assert medians[1] > 1.2 * medians[0]

    stage.act(check)


def test_odd_samples_are_drawn_or_said(stage: Stage) -> None:
    cases = {
        "constant": np.full(50, 3.0),
        "one": np.array([3.0]),
        "not finite": np.array([1.0, np.nan, np.inf, 2.0]),
        "negative": np.array([-1.0, 0.0, 1.0]),
        "same time": np.array([1.0, 2.0, 4.0]),
    }
    for name, values in cases.items():
        stage.clear()
        times = np.zeros(len(values)) if name == "same time" else np.arange(len(values))
        _mount(stage, Result("x", "", samples=(Samples(name, "ms", values, times, np.zeros(len(values))),)))

        def check(page: Any, name: str = name) -> None:
            assert _id(page, "dm-js-error").count() == 0
            assert "NaN" not in page.content()
            assert page.locator(".dm-shape").count() == 1
            assert ("2 samples are not finite" in page.content()) == (name == "not finite")
            assert _id(page, "dm-scale-log").is_disabled() == (name in ("constant", "one", "negative"))

        stage.act(check)


def test_it_fits_a_narrow_place(stage: Stage) -> None:
    _mount(stage, results.bench())

    def check(page: Any) -> None:
        page.evaluate("() => { mounted[0].el.style.width = '520px'; }")
        page.wait_for_function("document.querySelector('.dm-plot').getAttribute('width') <= 520")
        inside = page.evaluate("mounted[0].el.scrollWidth <= mounted[0].el.clientWidth + 1")
        assert inside

    stage.act(check)
