"""Long work in a notebook: a bar after two seconds, and a Stop button that keeps what was measured."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import Opener

AFTER = "print('went on')"


def test_stop_button_interrupts_and_run_all_ends(open_notebook: Opener) -> None:
    page = open_notebook("lasting.ipynb", ["from examples import lasting\n\nlasting(60)", AFTER])
    page.start_all()
    bar = page.test_id("dm-progress")
    expect(bar).to_be_visible(timeout=20_000)
    expect(bar).to_contain_text("lasting work")
    expect(bar).to_contain_text("round")
    page.screenshot("progress")
    page.test_id("dm-stop").click()
    page.wait_done(15)
    expect(page.outputs(0)).to_contain_text("what was measured is kept")
    assert page.outputs(0).locator("pre").count() == 1, "one line, no traceback"
    expect(bar).to_have_count(0)
    expect(page.outputs(1)).not_to_contain_text("went on")
    assert page.prompts()[1] in {"[ ]:", "[]:"}


def test_short_work_shows_no_bar(open_notebook: Opener) -> None:
    page = open_notebook("short.ipynb", ["from examples import lasting\n\nlasting(0.3)", AFTER])
    page.run_all()
    expect(page.outputs(0)).to_contain_text("ran to its end")
    expect(page.outputs(1)).to_contain_text("went on")
    assert page.test_id("dm-progress").count() == 0


def test_bar_leaves_nothing_behind(open_notebook: Opener) -> None:
    page = open_notebook("ended.ipynb", ["from examples import lasting\n\nlasting(3)", AFTER])
    page.start_all()
    expect(page.test_id("dm-progress")).to_be_visible(timeout=20_000)
    page.wait_done(30)
    expect(page.test_id("dm-progress")).to_have_count(0)
    expect(page.outputs(0)).to_contain_text("ran to its end")
    page.save()
    outputs = page.saved("ended.ipynb").cells[0].outputs
    kinds = [kind for output in outputs for kind, content in output.get("data", {}).items() if content]
    assert kinds.count("text/html") == 1


def test_a_search_is_shown_task_by_task_and_stopped(open_notebook: Opener) -> None:
    page = open_notebook("searching.ipynb", ["from examples import searching\n\nsearching(60)", AFTER])
    page.start_all()
    expect(page.test_id("dm-tuning")).to_be_visible(timeout=20_000)
    expect(page.test_id("dm-task-0")).to_contain_text("64→64 <b>+relu</b>")
    expect(page.test_id("dm-task-1")).to_contain_text("active")
    expect(page.test_id("dm-task-2")).to_contain_text("waiting")
    expect(page.test_id("dm-tasks-counted")).to_have_text("1 of 3 tasks done")
    expect(page.test_id("dm-steps-said")).to_contain_text("faster than at the start")
    before = page.test_id("dm-tuning").bounding_box()
    first = page.test_id("dm-steps-now").inner_html()
    expect(page.test_id("dm-steps-now")).not_to_have_text(first, timeout=10_000)
    assert page.test_id("dm-tuning").bounding_box() == before, "figures change, nothing jumps"
    page.screenshot("search")
    page.test_id("dm-stop").click()
    page.wait_done(15)
    expect(page.outputs(0)).to_contain_text("the records are kept")
    assert page.outputs(0).locator("pre").count() == 1, "one line, no traceback"
    expect(page.test_id("dm-tuning")).to_have_count(0)
    expect(page.outputs(1)).not_to_contain_text("went on")
