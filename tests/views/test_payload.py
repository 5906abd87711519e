from __future__ import annotations

import json

from deploy_magics.result import Column, Missing, Ratio, Row, Table
from deploy_magics.views import _payload
from tests.views import results
from tests.views.stage import compact


def test_a_table_is_sent_a_column_at_a_time() -> None:
    columns = (Column("n", "n", kind="text"), Column("v", "v", "ms"), Column("r", "r", kind="ratio", ratio_of="v"))
    rows = (
        Row({"n": "a", "v": 1.25, "r": Ratio.exact(1.0)}),
        Row({"n": "b", "v": float("inf"), "r": Ratio(0.5, 0.4, 0.6, "faster")}),
        Row({"n": "c", "v": Missing("why"), "r": None}, status="partial", note="cut"),
        Row({"n": "d", "v": "text", "r": True}),
    )
    plain = json.loads(compact(_payload.table(Table(columns, rows, baseline=0), {"b": "#123456"})))
    names, values, ratios = plain["columns"]
    assert names["v"] == [["a"], ["b"], ["c"], ["d"]]
    assert values["v"] == [1.25, "inf", None, ["text"]]
    assert values["missing"] == [["why", [2]]]
    assert ratios["v"] == [1, 0.5, None, ["yes"]]
    assert (ratios["lo"], ratios["hi"]) == ([1, 0.4, None, None], [1, 0.6, None, None])
    assert ratios["words"] == ["", "faster"]
    assert ratios["w"] == [0, 1, None, None]
    assert plain["status"] == {"2": ["partial", "cut"]}
    assert plain["hues"] == {"1": "#123456"}


def test_five_thousand_rows_are_sent_compactly() -> None:
    sent = compact(_payload.table(results.many(5000).tables[0], {}))
    assert len(sent.encode()) < 600_000  # 45,000 cells


def test_the_payload_is_bounded_and_says_so() -> None:
    columns = (Column("n", "n", kind="text"), *(Column(f"c{i}", "c") for i in range(99)))
    rows = tuple(Row({"n": f"{i}"}) for i in range(30_000))
    plain = _payload.table(Table(columns, rows, baseline=29_999), {})
    assert plain["rows"] * len(plain["columns"]) <= _payload.MAX_CELLS
    assert plain["rows"] + plain["rowsLeft"] == 30_000
    assert len(plain["columns"]) + plain["columnsLeft"] == 100
    assert plain["rows"] >= 10_000
    assert plain["baseline"] == -1  # it is not among the rows sent
    assert all(len(column["v"]) == plain["rows"] for column in plain["columns"])


def test_names_are_cleaned_and_bounded() -> None:
    sent = compact(_payload.table(results.hostile().tables[0], {}))
    sent.encode("utf-8")
    assert "\u202e" not in sent
    assert "\\u001b" not in sent
    long = Table((Column("n", "n" * 9000, kind="text"),), (Row({"n": "x" * 100_000}),), title="t" * 9000)
    assert len(compact(_payload.table(long, {}))) < 3000
