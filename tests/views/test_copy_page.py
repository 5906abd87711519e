"""The table copied from a page, as Markdown and as CSV."""

from __future__ import annotations

import csv
import io
from typing import Any

from deploy_magics.result import Column, Result, Row, Table
from tests.views import results
from tests.views.results import FIVE
from tests.views.stage import Stage, states


def _mount(stage: Stage, result: Result) -> None:
    kind, state = states(result)[0]
    stage.mount(kind, **state)


def _id(page: Any, name: str) -> Any:
    return page.locator(f'[data-testid="{name}"]')


def test_it_is_copied_as_markdown_and_as_csv(stage: Stage) -> None:
    _mount(stage, FIVE)

    def check(page: Any) -> None:
        _id(page, "dm-sort-v").click()
        _id(page, "dm-copy-markdown").click()
        page.wait_for_function("document.querySelector('.dm-said').textContent.startsWith('Copied 5 rows')")
        lines = page.evaluate("navigator.clipboard.readText()").splitlines()
        assert lines[0] == "| name | p50 (ms) | note | ratio |"
        assert lines[1] == "| :--- | ---: | :--- | ---: |"
        assert lines[2] == "| a | **1.000** | y | **0.33× (0.30–0.40) faster** |"
        assert lines[4] == "| c (baseline) | 3.000 | x | 1.00× |"
        assert lines[6] == "| b | failed: it crashed |  |  |"
        _id(page, "dm-copy-csv").click()
        page.wait_for_function("document.querySelector('.dm-said').textContent.includes('CSV')")
        rows = list(csv.DictReader(io.StringIO(page.evaluate("navigator.clipboard.readText()"))))
        assert [row["name"] for row in rows] == ["a", "d10", "c", "d9", "b"]
        assert float(rows[0]["ratio low"]) == 0.3
        assert rows[0]["ratio verdict"] == "faster"
        assert rows[3]["p50 (ms)"] == ""
        assert (rows[4]["status"], rows[4]["note"]) == ("failed", "it crashed")

    stage.act(check)


def test_copying_goes_on_where_the_clipboard_is_refused(stage: Stage) -> None:
    _mount(stage, FIVE)

    def check(page: Any) -> None:
        page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')); }")
        page.evaluate("() => { document.execCommand = () => false; }")
        _id(page, "dm-copy-csv").click()
        box = _id(page, "dm-copy-box")
        box.wait_for()
        assert box.input_value().startswith("name,p50 (ms)")
        assert "Ctrl+C" in _id(page, "dm-said").inner_text()

    stage.act(check)


def test_names_are_data_in_the_page_in_markdown_and_in_csv(stage: Stage) -> None:
    _mount(stage, results.hostile())

    def check(page: Any) -> None:
        assert page.locator("script:not([type=module])").count() == 0
        assert page.locator("img").count() == 0
        assert page.locator('[data-row="0"] bdi').inner_text() == "<script>alert(1)</script>"
        assert page.locator(".dm-headline").inner_text() == "</style><script>alert(3)</script>"
        assert "</td><script>" in page.locator('[data-row="5"] .dm-failed').inner_text()
        _id(page, "dm-copy-markdown").click()
        page.wait_for_function("document.querySelector('.dm-said').textContent.startsWith('Copied')")
        marked = page.evaluate("navigator.clipboard.readText()")
        assert "\\<script\\>alert(1)\\</script\\>" in marked
        assert "\\`\\|\\` =1+1" in marked

    stage.act(check)


def test_a_name_is_no_formula_in_a_spreadsheet(stage: Stage) -> None:
    rows = tuple(Row({"n": name}) for name in ("=1+1", "+x", "@y", "-z", "-1.5", 'a "b", c'))
    _mount(stage, Result("x", "", tables=(Table((Column("n", "n", kind="text"),), rows),)))

    def check(page: Any) -> None:
        _id(page, "dm-copy-csv").click()
        page.wait_for_function("document.querySelector('.dm-said').textContent.startsWith('Copied')")
        read = list(csv.reader(io.StringIO(page.evaluate("navigator.clipboard.readText()"))))
        assert [row[0] for row in read[1:]] == ["'=1+1", "'+x", "'@y", "'-z", "-1.5", 'a "b", c']

    stage.act(check)
