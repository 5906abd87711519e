from __future__ import annotations

import re

import pytest

from deploy_magics.result import Column, Note, Result, Row, Table
from deploy_magics.views import text
from deploy_magics.views._names import width
from tests.views import results

EVERY = [
    results.bench(),
    results.bench(failed=("broken", "the worker ran out of memory; give --memory more"), status="interrupted"),
    results.many(300),
    results.hostile(),
    results.wide(40),
    results.empty(),
]


@pytest.mark.parametrize("columns", [40, 60, 80, 120, 200])
@pytest.mark.parametrize("result", EVERY, ids=lambda r: r.step)
def test_no_line_of_a_table_is_wider_than_the_terminal(result: Result, columns: int) -> None:
    for line in text.render(result, columns=columns, encoding="utf-8").splitlines():
        first_column_alone = columns <= 60 and line.startswith(("/backbone", "模型", "/layer", "  "))
        assert width(line) <= columns or first_column_alone, line


def test_figures_stand_in_line_and_units_once_in_the_header() -> None:
    lines = text.render(results.bench(), columns=120, encoding="utf-8").splitlines()
    head = next(i for i, line in enumerate(lines) if line.startswith("model"))
    assert lines[head + 1].split() == ["ms", "ms", "ms", "inferences/s", "MiB"]
    rows = lines[head + 3 : head + 5]
    assert rows[0].startswith("before")
    points = [[match.start() for match in re.finditer(r"\.", row)] for row in rows]
    assert points[0][:4] == points[1][:4]
    assert "baseline: before" in "\n".join(lines)
    assert re.search(r"0\.8\d× \* \(0\.8\d–0\.\d\d\) faster", rows[1])


def test_columns_that_do_not_fit_are_named_and_the_ratio_goes_last() -> None:
    narrow = text.render(results.bench(), columns=60, encoding="utf-8")
    assert "latency ratio" in narrow.splitlines()[3]
    named = narrow[narrow.index("not shown here:") :]
    assert "throughput" in named
    assert "peak memory" in named


def test_a_failed_row_says_why_in_full() -> None:
    shown = text.render(EVERY[1], columns=70, encoding="utf-8")
    assert "broken  failed: the worker ran out of memory; give --memory more" in " ".join(shown.split()).replace(
        "broken failed", "broken  failed"
    )
    assert "INTERRUPTED" in shown


def test_a_dash_says_why() -> None:
    shown = text.render(results.bench(counts=(100, 90)), columns=120, encoding="utf-8")
    assert "– in p99: p99 needs 662 samples, there are 100" in shown


def test_names_cannot_command_the_terminal() -> None:
    shown = text.render(results.hostile(), columns=120, encoding="utf-8")
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "\\x1b[31m" in shown
    shown.encode("utf-8")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437", "no-such-encoding"])
def test_a_terminal_without_unicode_gets_plain_signs(encoding: str) -> None:
    shown = text.render(results.bench(), columns=100, encoding=encoding)
    if encoding in ("ascii", "no-such-encoding"):
        assert shown.isascii()
        assert "0.88x" in shown
    else:
        shown.encode(encoding)
    assert "?" not in shown


def test_many_rows_are_cut_and_counted() -> None:
    shown = text.render(results.many(300), columns=120, encoding="utf-8")
    assert "and 100 more rows; to_dataframe() has all 300" in shown
    assert re.search(r"^total +[\d,.]+ +[\d,.]+", shown, re.M)


def test_a_warning_is_marked_and_an_empty_table_says_so() -> None:
    result = Result("x", "", tables=(results.empty().tables[0],), notes=(Note("busy machine", "warning"),))
    shown = text.render(result, columns=80, encoding="utf-8")
    assert "! busy machine" in shown
    assert "(no rows)" in shown


def test_str_uses_it() -> None:
    table = Table((Column("n", "name", kind="text"),), (Row({"n": "only"}),))
    assert "only" in str(Result("x", "one name", tables=(table,)))
