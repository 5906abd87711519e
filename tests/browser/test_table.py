"""The comparison table, used with the mouse and with the keys."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, expect

from tests.browser.conftest import Opener
from tests.browser.notebook import NotebookPage
from tests.browser.server import LabServer

SHOW = "from examples import bench_like\n\nresult = bench_like()\nresult"


def _names(page: NotebookPage) -> list[str]:
    """Read the names of the rows from top to bottom."""
    return page.test_id("dm-table").locator("tbody tr[data-row] bdi").all_inner_texts()


def _shown(page: NotebookPage) -> Locator:
    page.run_all()
    table = page.test_id("dm-table")
    expect(table).to_be_visible()
    return table


def test_table_is_sorted_compared_and_copied_with_the_mouse(open_notebook: Opener) -> None:
    page = open_notebook("mouse.ipynb", [SHOW])
    _shown(page)
    assert page.test_id("dm-js-error").count() == 0
    expect(page.test_id("dm-static")).to_be_hidden()
    assert _names(page) == ["before", "after", "<b>folded</b>", "broken"]

    header = page.test_id("dm-sort-p50")
    header.click()
    expect(page.page.locator("th[aria-sort=ascending]")).to_contain_text("p50")
    assert _names(page) == ["after", "<b>folded</b>", "before", "broken"]
    header.click()
    assert _names(page) == ["before", "<b>folded</b>", "after", "broken"], "a failed row stays last"
    header.click()
    assert _names(page) == ["before", "after", "<b>folded</b>", "broken"]

    first = page.test_id("dm-row-0")
    expect(first.locator('[data-testid="dm-baseline"]')).to_be_visible()
    second = page.test_id("dm-row-1")
    against_before = second.inner_text()
    assert "faster" in against_before
    second.hover()
    page.test_id("dm-pin-1").click()
    expect(second.locator('[data-testid="dm-baseline"]')).to_be_visible()
    expect(first).to_contain_text("slower")
    expect(second).not_to_contain_text("faster")

    page.test_id("dm-row-2").click()
    expect(page.test_id("dm-row-2")).to_have_attribute("aria-selected", "true")

    page.test_id("dm-copy-markdown").click()
    expect(page.test_id("dm-said")).to_contain_text("Copied 4 rows")
    copied = page.page.evaluate("navigator.clipboard.readText()")
    lines = copied.strip().splitlines()
    assert len(lines) == 6
    assert re.match(r"\| model \| p50", lines[0])
    assert set(lines[1]) <= set("|:- ")
    assert "after (baseline)" in copied
    assert "<b>" not in copied, "names are data"
    page.test_id("dm-copy-csv").click()
    expect(page.test_id("dm-said")).to_contain_text("CSV")
    csv = page.page.evaluate("navigator.clipboard.readText()")
    assert csv.splitlines()[0].startswith("model,p50 (ms)")


def test_selection_is_read_back_in_python(open_notebook: Opener) -> None:
    page = open_notebook("selection.ipynb", [SHOW, "from deploy_magics import views\nviews.selection(result)"])
    _shown(page)
    expect(page.outputs(1)).to_contain_text("[]")
    page.test_id("dm-row-1").click()
    page.code_cell(1).locator(".cm-content").click()
    page.page.keyboard.press("Control+Enter")
    expect(page.outputs(1)).to_contain_text("['after']")


def test_table_works_by_keyboard(open_notebook: Opener) -> None:
    page = open_notebook("keys.ipynb", [SHOW])
    table = _shown(page)
    keys = page.page.keyboard
    # One cell can be reached with Tab; the arrows go on from there.
    reachable = table.locator('[tabindex="0"]')
    assert reachable.count() == 1
    reachable.focus()
    keys.press("ArrowRight")
    keys.press("Enter")
    expect(page.page.locator("th[aria-sort=ascending]")).to_contain_text("p50")
    assert _names(page)[0] == "after"
    keys.press("ArrowDown")
    keys.press("Home")
    keys.press(" ")
    expect(page.test_id("dm-row-1")).to_have_attribute("aria-selected", "true")
    keys.press("b")
    expect(page.test_id("dm-row-1").locator('[data-testid="dm-baseline"]')).to_be_visible()
    keys.press("Escape")
    expect(page.test_id("dm-row-1")).to_have_attribute("aria-selected", "false")
    assert page.cells().count() == 1, "no key reached the notebook, whose own 'b' adds a cell"


def test_columns_are_chosen(open_notebook: Opener) -> None:
    page = open_notebook("columns.ipynb", [SHOW])
    table = _shown(page)
    expect(table.locator("th", has_text="std")).to_have_count(0)
    page.test_id("dm-columns").click()
    page.test_id("dm-column-std").check()
    expect(table.locator("th", has_text="std")).to_have_count(1)
    page.test_id("dm-column-p90").uncheck()
    expect(table.locator("th", has_text="p90")).to_have_count(0)


def test_five_thousand_rows_stay_usable(open_notebook: Opener) -> None:
    page = open_notebook("many.ipynb", ["from examples import many_rows\n\nmany_rows()"])
    table = _shown(page)
    assert table.locator("tbody tr[data-row]").count() < 200, "only the rows in sight are in the page"
    page.test_id("dm-sort-c0").click()
    first, second = (float(text) for text in table.locator("tbody tr[data-row] td:nth-child(2)").all_inner_texts()[:2])
    assert first <= second < 0.01
    page.test_id("dm-filter").fill("row 4999")
    expect(page.test_id("dm-said")).to_contain_text("1 of 5,000")
    assert _names(page) == ["row 4999"]


def test_table_survives_being_scrolled_out_of_sight(open_notebook: Opener, lab: LabServer) -> None:
    # JupyterLab 4.4 takes cells out of the page when they are out of sight, and puts them back.
    lab.windowing("full")
    page = open_notebook("scrolled.ipynb", [SHOW, *("# a long cell\n" * 12 for _ in range(40))])
    lab.windowing(None)
    page.run_all()
    scroller = page.page.locator(".jp-WindowedPanel-outer").first
    table = page.test_id("dm-table")
    scroller.evaluate("panel => panel.scrollTo(0, 0)")
    expect(table).to_be_in_viewport()
    page.test_id("dm-sort-p50").click()
    page.test_id("dm-row-1").click()
    scroller.evaluate("panel => panel.scrollTo(0, panel.scrollHeight)")
    expect(table).not_to_be_in_viewport()
    scroller.evaluate("panel => panel.scrollTo(0, 0)")
    expect(table).to_be_in_viewport()
    assert _names(page) == ["after", "<b>folded</b>", "before", "broken"]
    expect(page.test_id("dm-row-1")).to_have_attribute("aria-selected", "true")
    expect(page.test_id("dm-static")).to_be_hidden()


def test_light_and_dark(open_notebook: Opener) -> None:
    page = open_notebook("looks.ipynb", [SHOW])
    table = _shown(page)
    colours = {}
    for name in ("light", "dark"):
        page.theme(name)
        colours[name] = table.evaluate("table => getComputedStyle(table.querySelector('td')).color")
        page.screenshot(f"result-{name}")
        page.screenshot(f"result-{name}-output", page.outputs(0))
    assert colours["light"] != colours["dark"]
