from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from deploy_magics.result import Cell, Column, Missing, Ratio, Row, Table
from deploy_magics.views._plan import bar, column_view, plan
from tests.views import results


def _table(column: Column, cells: list[Cell], **options: object) -> Table:
    rows = tuple(Row({"name": f"row {i}", column.key: cell}) for i, cell in enumerate(cells))
    return Table((Column("name", "name", kind="text"), column), rows, **options)  # type: ignore[arg-type]


def _best(cells: list[Cell], better: str) -> list[int]:
    column = Column("v", "v", better=better)  # type: ignore[arg-type]
    return [i for i, cell in enumerate(column_view(_table(column, cells), column).cells) if cell.best]


def test_the_best_is_of_those_that_have_a_figure() -> None:
    assert _best([3.0, 1.0, Missing("x"), math.nan, 2.0], "lower") == [1]
    assert _best([3.0, 1.0, math.inf], "higher") == [0]
    assert _best([Ratio(0.5, 0.4, 0.6), Ratio.exact(1.0)], "lower") == [0]


def test_what_is_written_alike_is_equally_good() -> None:
    assert _best([10.001, 10.002, 20.0], "lower") == [0, 1]


def test_a_ratio_is_best_only_where_it_is_shown_to_be() -> None:
    def best(cells: list[Cell]) -> list[int]:
        column = Column("v", "v", kind="ratio", better="higher", digits=4)
        return [i for i, cell in enumerate(column_view(_table(column, cells), column).cells) if cell.best]

    assert best([Ratio.exact(1.0), Ratio(1.002, 0.99, 1.02)]) == []
    assert best([Ratio.exact(1.0), Ratio(0.998, 0.99, 1.02)]) == []
    assert best([Ratio.exact(1.0), Ratio(1.1, 1.05, 1.2)]) == [1]
    assert best([Ratio.exact(1.0), Ratio(0.9, 0.8, 0.95)]) == [0]
    assert best([Ratio.exact(1.0), Ratio.exact(1.01)]) == [1]


def test_there_is_no_best_where_there_is_nothing_to_choose() -> None:
    assert _best([1.0], "lower") == []
    assert _best([1.0, 1.0], "lower") == []
    assert _best([0.0] * 5 + [1.0], "lower") == []  # shared by many


def test_a_failed_row_is_never_best() -> None:
    column = Column("v", "v", better="lower")
    rows = (Row({"v": 1.0}, status="failed"), Row({"v": 2.0}), Row({"v": 3.0}))
    view = column_view(Table((Column("n", "n"), column), rows), column)
    assert [cell.best for cell in view.cells] == [False, True, False]


def test_a_total_does_not_take_its_parts_decimals_away() -> None:
    column = Column("v", "v", digits=4)
    view = column_view(_table(column, [12.345, 1.5], footer=Row({"v": 50_000.25})), column)
    assert [cell.text for cell in view.cells] == ["12.35", "1.50"]
    assert view.footer is not None
    assert view.footer.text == "50,000.25"


def test_eight_columns_are_drawn_and_the_rest_on_demand() -> None:
    made = plan(results.wide().tables[0], max_more=100)
    assert len(made.shown) == 8
    assert len(made.more) == 100
    assert made.columns_left == 401 - 108
    bench = plan(results.bench().tables[0])
    assert [view.column.key for view in bench.shown] == ["model", "p50", "p95", "p99", "rate", "memory", "ratio"]


def test_rows_beyond_the_limit_are_counted() -> None:
    made = plan(results.many(500).tables[0], max_rows=200)
    assert (len(made.rows), made.rows_left) == (200, 300)
    assert all(len(view.cells) == 200 for view in (*made.shown, *made.more))


ratios = st.floats(1e-6, 1e6)


@given(ratios, ratios, ratios, st.floats(1.25, 1000))
def test_a_bar_grows_from_the_line_at_one(value: float, low: float, high: float, span: float) -> None:
    places = bar(Ratio(value, low, high), span)
    assert places is not None
    assert all(-1 <= place <= 1 for place in places)
    assert (places[0] > 0) == (value > 1) or abs(value - 1) < 1e-12
    mirrored = bar(Ratio(1 / value, low, high), span)
    assert mirrored is not None
    assert math.isclose(mirrored[0], -places[0], abs_tol=1e-9)


def test_a_ratio_that_is_no_number_has_no_bar() -> None:
    assert bar(Ratio.exact(math.nan), 2) is None
    assert bar(Ratio.exact(-1.0), 2) is None
    assert bar(Ratio(1.5, math.nan, math.inf), 2) == (bar(Ratio.exact(1.5), 2) or (0,))[:1] * 2 + (1.0,)


@given(st.lists(st.one_of(st.none(), st.floats(), st.integers(-(10**25), 10**25), st.text(max_size=5)), max_size=8))
def test_any_cell_has_words(cells: list[Cell]) -> None:
    for kind in ("text", "integer", "number", "ratio", "verdict"):
        column = Column("v", "v", kind=kind, better="lower")  # type: ignore[arg-type]
        view = column_view(_table(column, cells), column)
        assert [cell.text == "–" for cell in view.cells] == [cell is None or cell == "–" for cell in cells]


def test_a_measured_figure_is_best_only_where_the_rows_are_shown_to_differ() -> None:
    def best(ratio: Ratio, pairs: bool) -> list[int]:
        columns = (Column("n", "n", kind="text"), Column("t", "t", better="lower"), Column("r", "r", kind="ratio"))
        rows = (Row({"n": "a", "t": 2.0, "r": Ratio.exact(1.0)}), Row({"n": "b", "t": 1.0, "r": ratio}))
        both: list[list[Cell]] = [[Ratio.exact(1.0), ratio], [ratio, Ratio.exact(1.0)]]
        table = Table(columns, rows, baseline=0, pairs={"r": both} if pairs else {})
        return [i for i, cell in enumerate(column_view(table, columns[1]).cells) if cell.best]

    for pairs in (False, True):
        assert best(Ratio(1.06, 0.88, 1.28), pairs) == []
        assert best(Ratio(2.0, 1.8, 2.2), pairs) == [1]
        assert best(Ratio.exact(2.0), pairs) == [1]
