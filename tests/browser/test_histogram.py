"""The histogram and its strip, read with the pointer and with the keys."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, expect

from tests.browser.conftest import Opener
from tests.browser.notebook import NotebookPage

CELL = "from examples import bench_like\n\nresult = bench_like()\nresult"


def _plot(page: NotebookPage) -> Locator:
    page.run_all()
    widget = page.page.locator('[data-testid="dm-widget"]:has([data-testid="dm-legend-0"])')
    expect(widget).to_be_visible()
    assert page.test_id("dm-js-error").count() == 0
    return widget


def _counts(tip: Locator) -> list[int]:
    return [int(text.replace(",", "")) for text in tip.locator("tr td:nth-child(2)").all_inner_texts()]


def test_hover_tells_the_bin(open_notebook: Opener) -> None:
    page = open_notebook("histogram.ipynb", [CELL])
    widget = _plot(page)
    plot, strip = widget.locator("svg").nth(0), widget.locator("svg").nth(1)
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box is not None
    tip = page.test_id("dm-tooltip", widget)
    expect(tip).to_be_hidden()

    heads, seen = [], 0
    for share in (0.1, 0.3, 0.5):
        page.page.mouse.move(box["x"] + share * box["width"], box["y"] + box["height"] / 2)
        expect(tip).to_be_visible()
        expect(tip).to_contain_text("<b>folded</b>")
        head = tip.locator(".dm-tip-head").inner_text()
        assert re.match(r"[\d.]+ – [\d.]+ ms", head)
        heads.append(head)
        seen += sum(_counts(tip))
    assert len(set(heads)) == 3
    assert 0 < seen < 1800
    page.screenshot("histogram-hover")

    page.page.mouse.move(box["x"] + box["width"] / 2, box["y"] - 60)
    expect(tip).to_be_hidden()
    strip.hover()
    expect(page.test_id("dm-strip-tooltip", widget)).to_contain_text("before")


def test_candidates_axis_and_keys(open_notebook: Opener) -> None:
    page = open_notebook("axis.ipynb", [CELL])
    widget = _plot(page)
    tip = page.test_id("dm-tooltip", widget)
    plot = widget.locator("svg").nth(0)
    plot.focus()
    page.page.keyboard.press("ArrowRight")
    expect(tip).to_be_visible()
    first = tip.inner_text()
    page.page.keyboard.press("ArrowRight")
    expect(tip).not_to_have_text(first)
    assert len(_counts(tip)) == 3
    page.page.keyboard.press("Escape")
    expect(tip).to_be_hidden()

    page.test_id("dm-legend-1", widget).click()
    expect(page.test_id("dm-legend-1", widget)).to_have_attribute("aria-pressed", "false")
    plot.focus()
    page.page.keyboard.press("ArrowRight")
    expect(tip).not_to_contain_text("after")
    assert len(_counts(tip)) == 2

    page.test_id("dm-scale-log", widget).click()
    expect(page.test_id("dm-scale-log", widget)).to_have_attribute("aria-pressed", "true")
    assert page.test_id("dm-js-error").count() == 0
