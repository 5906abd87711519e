"""A saved notebook opened again: always the figures, whether or not anything lives that could draw them."""

from __future__ import annotations

import nbformat
from playwright.sync_api import expect

from tests.browser.conftest import Opener
from tests.browser.server import LabServer

CELL = "from examples import bench_like\n\nbench_like()"


def _run_and_save(open_notebook: Opener, name: str) -> None:
    page = open_notebook(name, [CELL])
    page.run_all()
    expect(page.test_id("dm-table")).to_be_visible()
    expect(page.test_id("dm-static")).to_be_hidden()
    page.save()
    page.page.close()


def test_trusted_notebook_with_a_new_kernel(open_notebook: Opener, lab: LabServer) -> None:
    _run_and_save(open_notebook, "trusted.ipynb")
    lab.stop_kernels()
    page = open_notebook("trusted.ipynb")
    static = page.test_id("dm-static")
    expect(static).to_be_visible()
    expect(static).to_contain_text("after is faster than before: 1.28x its speed")
    expect(static).to_contain_text("its worker crashed")
    # The place of the widget that no longer lives closes as soon as ipywidgets knows that it does not.
    expect(page.page.get_by_text("Loading widget")).to_have_count(0)
    expect(page.page.get_by_text("model not found")).to_be_hidden()
    page.allow_error(
        "widget model not found", because="ipywidgets logs it for each widget of a trusted notebook without its kernel"
    )
    page.screenshot("saved-trusted")
    page.run_all()
    expect(page.test_id("dm-table")).to_be_visible()
    expect(page.test_id("dm-static")).to_be_hidden()


def test_untrusted_notebook(open_notebook: Opener, lab: LabServer) -> None:
    _run_and_save(open_notebook, "received.ipynb")
    lab.stop_kernels()
    # The signature is over the content: changed by other hands, the notebook is no longer trusted.
    path = lab.root / "received.ipynb"
    book = nbformat.read(path, as_version=4)
    assert "widgets" not in book.metadata, "widget state is not saved unless asked for"
    book.cells[0].source += "  # changed on the way"
    nbformat.write(book, path)
    page = open_notebook("received.ipynb")
    static = page.test_id("dm-static").or_(page.outputs(0).locator(".jp-RenderedHTMLCommon").first).first
    expect(static).to_be_visible()
    expect(static).to_contain_text("after is faster than before: 1.28x its speed")
    assert page.test_id("dm-widget").count() == 0
    page.screenshot("saved-untrusted")
