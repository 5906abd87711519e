"""Real magics in a real notebook: what a newcomer does, and the Stop button on a real benchmark."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
from playwright.sync_api import expect

from tests.browser.conftest import Opener
from tests.browser.server import LabServer

MODELS = """
import numpy as np
from onnx import TensorProto, helper, numpy_helper

def dense(width):
    weight = np.random.default_rng(0).standard_normal((width, width), dtype="float32")
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["h"]), helper.make_node("Relu", ["h"], ["y"])], "dense",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [64, width])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [64, width])],
        [numpy_helper.from_array(weight, "w")],
    )
    return helper.make_model(graph, ir_version=9, opset_imports=[helper.make_opsetid("", 17)])

small, large = dense(256), dense(384)
"""


def test_stop_keeps_what_a_benchmark_measured(open_notebook: Opener) -> None:
    page = open_notebook(
        "stopped.ipynb",
        [
            f"%load_ext deploy_magics\n{MODELS}",
            "%bench small large --budget 120 --precision 0.01 -o kept",
            "print('went on')",
            "kept.status, [len(taken) > 0 for taken in kept.samples]",
        ],
    )
    page.start_all()
    expect(page.test_id("dm-progress")).to_be_visible(timeout=60_000)
    # Until every candidate has started there is nothing to keep.
    expect(page.test_id("dm-progress")).to_contain_text(re.compile(r"[1-9]\d? %"), timeout=60_000)
    page.page.wait_for_timeout(3000)
    page.screenshot("bench-progress")
    page.test_id("dm-stop").click()
    page.wait_done(30)
    expect(page.outputs(1)).to_contain_text(re.compile(r"Interrupted after .* kept"))
    expect(page.test_id("dm-interrupted")).to_be_visible()
    assert page.test_id("dm-table").locator("tbody tr[data-row]").count() == 2
    assert page.outputs(1).locator("pre").count() == 1, "one line, no traceback"
    expect(page.test_id("dm-progress")).to_have_count(0)
    page.screenshot("bench-stopped")
    assert page.outputs(2).inner_text().strip() == "", "Run All stopped"

    page.code_cell(3).locator(".cm-content").click()
    page.page.keyboard.press("Control+Enter")
    expect(page.outputs(3)).to_contain_text("('interrupted', [True, True])")


def test_an_error_is_one_line_and_stops_run_all(open_notebook: Opener) -> None:
    page = open_notebook("mistake.ipynb", ["%load_ext deploy_magics", "%inspect resnet5O", "print('went on')"])
    page.run_all()
    said = page.outputs(1).inner_text().strip()
    assert "resnet50" in said, "it says what may have been meant"
    assert "Traceback" not in said
    assert len(said.splitlines()) == 1
    expect(page.outputs(2)).not_to_contain_text("went on")


WORKBOOKS = Path(__file__).parents[2] / "workbooks"


def test_first_workbook_runs(open_notebook: Opener, lab: LabServer) -> None:
    book = nbformat.read(WORKBOOKS / "00_start_here.ipynb", as_version=4)
    for cell in book.cells:
        for old, new in cell.metadata.get("deploy_magics", {}).get("test_substitutions", []):
            assert old in cell.source
            cell.source = cell.source.replace(old, new)
    nbformat.write(book, lab.root / "workbook.ipynb")
    page = open_notebook("workbook.ipynb")
    page.allow_error(
        r"(?s)reading 'type'.*_onCellInViewportChanged",
        because="JupyterLab 4.4's table of contents trips over a heading that comes into sight; 4.6 does not",
    )
    page.run_all(300)
    for kind in ("stderr", "error"):
        assert page.page.locator(f'[data-mime-type="application/vnd.jupyter.{kind}"]').all_inner_texts() == []
    assert page.test_id("dm-js-error").count() == 0
    assert page.test_id("dm-table").count() >= 4
    page.page.set_viewport_size({"width": 1280, "height": 2400})
    for theme in ("light", "dark"):
        page.theme(theme)
        for index in range(page.page.locator(".jp-Notebook .jp-CodeCell").count()):
            page.screenshot(f"workbook-{theme}-{index}", page.code_cell(index))
