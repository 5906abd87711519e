"""The comparison table in a page: sorting, filtering, pinning, choosing, copying, keys, many rows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deploy_magics.result import Column, Ratio, Result, Row, Table
from deploy_magics.views import html, text
from tests.views import results
from tests.views.results import FIVE
from tests.views.stage import Stage, compact, states


def _mount(stage: Stage, result: Result) -> None:
    kind, state = states(result)[0]
    stage.mount(kind, **state)


def _names(page: Any) -> list[str]:
    return list(page.locator("tbody tr[data-row] bdi").all_inner_texts())


def _id(page: Any, name: str) -> Any:
    return page.locator(f'[data-testid="{name}"]')


def test_sorting_is_stable_and_what_is_missing_comes_last(stage: Stage) -> None:
    _mount(stage, FIVE)

    def check(page: Any) -> None:
        head = page.locator("th", has=_id(page, "dm-sort-v"))
        assert head.get_attribute("aria-sort") == "none"
        _id(page, "dm-sort-v").click()
        assert head.get_attribute("aria-sort") == "ascending"  # the best first
        assert _names(page) == ["a", "d10", "c", "d9", "b"]
        _id(page, "dm-sort-v").click()
        assert head.get_attribute("aria-sort") == "descending"
        assert _names(page) == ["c", "a", "d10", "d9", "b"]
        _id(page, "dm-sort-v").click()
        assert head.get_attribute("aria-sort") == "none"
        assert _names(page) == ["c", "a", "d10", "d9", "b"]
        _id(page, "dm-sort-n").click()
        assert _names(page) == ["a", "b", "c", "d9", "d10"]  # numbers in names by their value

    stage.act(check)


def test_ratios_follow_the_row_that_is_pinned(stage: Stage) -> None:
    _mount(stage, FIVE)

    def check(page: Any) -> None:
        page.locator('[data-row="1"]').hover()
        _id(page, "dm-pin-1").click()
        assert _id(page, "dm-baseline").count() == 1
        cells = page.locator("tbody .dm-ratio-value").all_inner_texts()
        assert cells == ["3.00×", "1.00×", "1.00×", "–"]
        assert page.locator('[data-row="3"] .dm-ratio').get_attribute("title") == "no p50 to divide"
        assert page.locator("tbody .dm-ratio-verdict").count() == 0
        page.locator('[data-row="0"]').hover()
        _id(page, "dm-pin-0").click()
        assert page.locator('[data-row="1"] .dm-ratio-verdict').inner_text() == "faster"
        assert page.evaluate("mounted[0].model.saved") == [["baseline", 1], ["baseline", 0]]

    stage.act(check)


def test_pinning_uses_the_measured_pairs_where_there_are_any(stage: Stage) -> None:
    result = results.bench()
    _mount(stage, result)

    def check(page: Any) -> None:
        page.locator('[data-row="1"]').hover()
        _id(page, "dm-pin-1").click()
        row = page.locator('[data-row="0"]')
        pair = result.tables[0].pairs["ratio"][1][0]
        assert isinstance(pair, Ratio)
        assert row.locator(".dm-ratio-value").inner_text() == f"{pair.value:.2f}×"
        assert row.locator(".dm-ratio-interval").inner_text() == f"{pair.low:.2f}–{pair.high:.2f}"
        assert row.locator(".dm-ratio-verdict").inner_text() == "slower"

    stage.act(check)


def test_the_best_is_marked_among_the_rows_that_are_seen(stage: Stage) -> None:
    rows = tuple(Row({"n": f"row {i}", "v": float(i)}) for i in range(1, 12))
    table = Table((Column("n", "name", kind="text"), Column("v", "v", better="lower")), rows)
    _mount(stage, Result("x", "", tables=(table,)))

    def check(page: Any) -> None:
        assert page.locator(".dm-best").all_inner_texts() == ["1.00"]
        _id(page, "dm-filter").fill("row 1")
        assert _names(page) == ["row 1", "row 10", "row 11"]
        assert _id(page, "dm-said").inner_text() == "3 of 11 rows"
        _id(page, "dm-filter").fill("ROW 11")
        assert page.locator(".dm-best").count() == 0  # nothing to choose from
        _id(page, "dm-filter").fill("nothing")
        assert "No row matches." in page.locator("tbody").inner_text()

    stage.act(check)


def test_columns_can_be_chosen(stage: Stage) -> None:
    _mount(stage, results.bench())

    def check(page: Any) -> None:
        assert _id(page, "dm-columns").inner_text() == "Columns 7 of 12"
        _id(page, "dm-columns").click()
        assert _id(page, "dm-columns").get_attribute("aria-expanded") == "true"
        _id(page, "dm-column-std").check()
        _id(page, "dm-column-p95").uncheck()
        titles = page.locator("th .dm-sort-title").all_inner_texts()
        assert "std" in titles
        assert "p95" not in titles

    stage.act(check)


def test_four_hundred_columns_show_eight_and_can_be_searched(stage: Stage) -> None:
    _mount(stage, results.wide())

    def check(page: Any) -> None:
        assert page.locator("th").count() == 8
        _id(page, "dm-columns").click()
        page.locator('[aria-label="Find a column"]').fill("metric 399")
        page.wait_for_function("document.querySelectorAll('.dm-panel label:not([hidden])').length === 1")
        _id(page, "dm-column-c399").check()
        assert page.locator("th").count() == 9

    stage.act(check)


def test_the_table_works_by_keys_alone(stage: Stage) -> None:
    _mount(stage, FIVE)

    def check(page: Any) -> None:
        assert page.locator('table [tabindex="0"]').count() == 1
        _id(page, "dm-sort-n").focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        assert _names(page)[0] == "a"
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowDown")
        assert page.evaluate("document.activeElement.closest('tr').dataset.row") == "2"
        assert page.evaluate("document.activeElement.textContent") == "1.000"
        page.keyboard.press("b")
        assert page.locator('[data-row="2"]').locator('[data-testid="dm-baseline"]').count() == 1
        page.keyboard.press("Space")
        page.keyboard.press("ArrowUp")
        page.keyboard.press("Enter")
        assert page.evaluate("mounted[0].model.state.selected") == [1, 2]
        assert page.locator('tr[aria-selected="true"]').count() == 2
        page.keyboard.press("End")
        assert page.evaluate("document.activeElement.dataset.col") == "3"
        page.keyboard.press("Control+End")
        page.keyboard.press("Home")
        assert page.evaluate("document.activeElement.closest('tr').dataset.row") == "4"
        page.keyboard.press("Escape")
        assert page.evaluate("mounted[0].model.state.selected") == []
        assert page.locator('table [tabindex="0"]').count() == 1

    stage.act(check)


def test_rows_are_selected_with_the_mouse_and_from_python(stage: Stage) -> None:
    _mount(stage, FIVE)

    def check(page: Any) -> None:
        def row(index: int) -> Any:
            return page.locator(f'[data-row="{index}"]')

        row(1).click()
        row(3).click(modifiers=["ControlOrMeta"])
        assert page.evaluate("mounted[0].model.state.selected") == [1, 3]
        row(0).click()
        row(2).click(modifiers=["Shift"])
        assert page.evaluate("mounted[0].model.state.selected") == [0, 1, 2]
        page.evaluate("mounted[0].model.receive('selected', [4])")
        assert page.locator("tr.dm-selected").get_attribute("data-row") == "4"
        page.evaluate("mounted[0].model.receive('baseline', 1)")
        assert row(1).locator('[data-testid="dm-baseline"]').count() == 1

    stage.act(check)


def test_only_rows_in_sight_are_in_the_page(stage: Stage) -> None:
    _mount(stage, results.many(5000))

    def check(page: Any) -> None:
        assert page.locator("tbody tr[data-row]").count() < 80
        assert _id(page, "dm-table").get_attribute("aria-rowcount") == "5001"
        widths = "[...document.querySelectorAll('th')].map((th) => th.getBoundingClientRect().width)"
        before = page.evaluate(widths)
        page.locator(".dm-window").evaluate("(node) => { node.scrollTop = node.scrollHeight; }")
        page.locator('[data-row="4999"]').wait_for()
        assert page.locator("tbody tr[data-row]").count() < 80
        assert page.evaluate(widths) == before  # nothing moves sideways while rows come and go
        _id(page, "dm-sort-macs").click()
        assert page.locator(".dm-window").evaluate("(node) => node.scrollTop") == 0
        values = page.locator("tbody tr[data-row] td:nth-child(3)").all_inner_texts()
        numbers = [float(value.replace(",", "")) for value in values]
        assert numbers == sorted(numbers, reverse=True)
        assert _id(page, "dm-total").inner_text().startswith("total")

    stage.act(check)


def test_keys_reach_rows_that_are_not_in_the_page_yet(stage: Stage) -> None:
    _mount(stage, results.many(5000))

    def check(page: Any) -> None:
        _id(page, "dm-sort-node").focus()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Control+End")
        assert page.evaluate("document.activeElement.closest('tr').dataset.row") == "4999"
        page.keyboard.press("PageUp")
        assert int(page.evaluate("document.activeElement.closest('tr').dataset.row")) < 4999
        box = page.evaluate("document.activeElement.getBoundingClientRect().top")
        window = page.evaluate("document.querySelector('.dm-window').getBoundingClientRect().top")
        assert box >= window

    stage.act(check)


def test_an_error_is_shown_under_the_widget(stage: Stage) -> None:
    stage.mount("table", data="{", uid="", baseline=-1, selected=[])

    def check(page: Any) -> None:
        shown = _id(page, "dm-js-error").inner_text()
        assert "This view failed." in shown
        assert "SyntaxError" in shown

    stage.act(check)


def test_an_error_in_a_handler_is_shown_too(stage: Stage) -> None:
    _mount(stage, FIVE)

    def check(page: Any) -> None:
        page.evaluate("() => { mounted[0].model.set = () => { throw new Error('no comm'); }; }")
        page.locator('[data-row="0"]').click()
        assert "no comm" in _id(page, "dm-js-error").inner_text()

    stage.act(check)


def test_the_static_html_is_hidden_while_the_widget_lives(stage: Stage) -> None:
    kind, state = states(results.bench(), uid="abc1")[0]

    def put(page: Any) -> None:
        page.evaluate(
            """() => { document.body.innerHTML = `<div class="jp-OutputArea-child" id="first">
              <div class="jp-OutputArea-output"><div class="dm-static-abc1">static</div></div></div>
              <div class="dm-static-other">another</div>`; }"""
        )

    stage.act(put)
    stage.mount(kind, **state)

    def check(page: Any) -> None:
        assert not page.locator(".dm-static-abc1").is_visible()
        assert not page.locator("#first").is_visible()
        assert page.locator(".dm-static-other").is_visible()
        page.evaluate("() => { mounted[0].leave(); mounted[0].el.remove(); }")
        assert page.locator(".dm-static-abc1").is_visible()

    stage.act(check)


@pytest.mark.parametrize("where", ["widget", "static"])
def test_value_interval_and_verdict_of_ratios_stand_in_line(stage: Stage, where: str) -> None:
    ratios = (
        Ratio.exact(1.0),
        Ratio(0.0004, 0.0003, 0.0005, "faster"),
        Ratio(0.98, 0.96, 1.01, "no difference shown"),
        Ratio(5, 4, float("inf"), "WWWWWWWWWWWWWWWWWW"),
        Ratio(88.88, 77.44, 1e6, "slower"),
    )
    columns = (Column("n", "name", kind="text"), Column("r", "ratio", kind="ratio", better="lower", digits=3))
    rows = tuple(Row({"n": f"row {i}", "r": ratio}) for i, ratio in enumerate(ratios))
    result = Result("x", "", tables=(Table(columns, rows, baseline=0),))
    if where == "widget":
        _mount(stage, result)
    else:
        shown = html.render(result)
        stage.act(lambda page: page.evaluate("(text) => { document.body.innerHTML = text; }", shown))

    def edges(page: Any) -> Any:
        return page.evaluate(
            """() => [...document.querySelectorAll("tbody tr")].map((line) => {
              const parts = line.querySelector(".dm-ratio-parts")?.children ?? [...line.children].slice(1);
              return [...parts].map((part) => [part.getBoundingClientRect().left, part.getBoundingClientRect().right]);
            }).filter((line) => line.length)"""
        )

    found = stage.act(edges)
    assert len(found) == len(ratios)
    starts = [[left for left, _ in line] for line in found]
    ends = [[right for _, right in line[:-1]] for line in found]
    assert len(starts[0]) == 4
    assert starts == [starts[0]] * len(ratios)
    assert ends == [ends[0]] * len(ratios)


def test_a_ratio_is_best_only_where_it_is_shown_to_be(stage: Stage) -> None:
    for bases, expected in (((10.0, 10.01), 0), ((10.0, 8.0), 1), ((10.0, 12.0), 1)):
        stage.clear()
        _mount(stage, results.bench(bases=bases))
        found = stage.act(lambda page: page.locator("tbody .dm-ratio .dm-best").count())
        assert found == expected


@pytest.mark.parametrize("result", [results.empty(), results.bench(("only",), (5.0,), (900,))], ids=["empty", "one"])
def test_few_rows_make_few_controls(stage: Stage, result: Result) -> None:
    _mount(stage, result)

    def check(page: Any) -> None:
        assert _id(page, "dm-filter").count() == 0
        assert page.locator(".dm-pin").count() == 0
        assert _id(page, "dm-js-error").count() == 0

    stage.act(check)


def test_the_page_marks_the_same_values_as_the_static_html(stage: Stage) -> None:
    result = results.bench(("a", "b", "c"), (9.0, 5.0, 7.0), (900, 900, 900), failed=("d", "x"))
    _mount(stage, result)
    shown = stage.act(lambda page: page.locator(".dm-best").all_inner_texts())
    plain = text.render(result, columns=200, encoding="utf-8")
    for value in shown:
        assert f"{value.strip()} *" in plain
    assert plain.count(" *") == len(shown)


def test_payload_of_a_later_version_is_not_misread(stage: Stage) -> None:
    _, state = states(FIVE)[0]
    data = json.loads(state["data"])
    data["table"]["unknown"] = 1
    stage.mount("table", **{**state, "data": compact(data)})
    assert stage.act(lambda page: page.locator("tbody tr[data-row]").count()) == 5
