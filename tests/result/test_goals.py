"""Goals are read, refused in one line, and marked in tables when these are made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy_magics.errors import ArgumentError
from deploy_magics.result import Column, Goal, Held, Missing, Ratio, Result, Row, Table, load_result
from deploy_magics.result import goals as state
from deploy_magics.result.goals import QUANTITIES, VARIABLE, parse_goal, parse_goals
from deploy_magics.views import html, text


@pytest.fixture(autouse=True)
def _no_goals() -> Iterator[None]:
    state.clear_goals()
    yield
    state.clear_goals()


@st.composite
def goals(draw: st.DrawFn) -> Goal:
    found = draw(st.sampled_from(QUANTITIES))
    signs = ("<", "<=") if found.better == "lower" else (">", ">=")
    units = [state._IMPLIED[found.measures]] if found.measures in ("frames", "inferences") else found.units
    unit = draw(st.sampled_from([*units, ""] if found.measures == "count" else units))
    value = draw(st.floats(0, 1e15, allow_nan=False) | st.integers(0, 10**9).map(float))
    return Goal(found.name, draw(st.sampled_from(signs)), value, unit)  # type: ignore[arg-type]


@given(st.lists(goals(), max_size=4), st.sampled_from([", ", "; ", "\n", ","]))
def test_what_is_written_is_read_again(wanted: list[Goal], between: str) -> None:
    assert parse_goals(between.join(map(str, wanted))) == tuple(wanted)


@given(st.text(alphabet=st.sampled_from("latencyp9_ <>=0123456789.msMiB%/\u00b5,-"), max_size=30))
def test_any_text_is_a_goal_or_one_line(line: str) -> None:
    try:
        found = parse_goals(line)
    except ArgumentError as error:
        said = str(error)
    else:
        said = ""
        assert all(parse_goal(str(goal)) == goal for goal in found)
    assert "\n" not in said


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("latncy < 3 ms", "did you mean 'latency'"),
        ("latency < 3", "latency needs a unit; one of s, ms"),
        ("size < 5 mib", "did you mean 'MiB'"),
        ("size < 5 ms", "size is not measured in 'ms'; one of B, KiB"),
        ("latency > 3 ms", "did you mean latency < 3 ms"),
        ("fps < 30", "did you mean frames/s > 30"),
        ("latency = 3 ms", "a goal has one of <, <=, > and >="),
        ("latency < fast ms", "'fast' is no number"),
        ("latency", "it has no name, sign and value"),
        ("latency < -3 ms", "not negative"),
        ("latency < 20,5 ms", "commas part groups of three digits; did you mean 20.5?"),
        ("params < 5,00,000", "commas part groups of three digits"),
    ],
)
def test_what_is_no_goal_is_one_line_that_helps(line: str, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        parse_goal(line)


COLUMNS = (
    Column("m", "model", kind="text"),
    Column("p99", "p99", "ms", goal="latency_p99"),
    Column("size", "size", "MiB", goal="size"),
)
ROWS: tuple[Row, ...] = (
    Row({"m": "quick", "p99": 12.0, "size": 4.0}),
    Row({"m": "heavy", "p99": 26.1, "size": 97.4}),
    Row({"m": "short", "p99": Missing("p99 needs 662 runs"), "size": Ratio(4.0, 3.9, 4.1)}),
    Row({"m": "broken"}, status="failed", note="it crashed"),
)


def made() -> Result:
    return Result("toy", "three", tables=(Table(COLUMNS, ROWS),))


def test_tables_made_later_say_in_words_who_meets_the_goals() -> None:
    before = made()
    state.set_goals(parse_goals("latency_p99 < 0.02 s, size < 5 MiB, frames/s > 30"))
    result = made()
    assert [column.key for column in before.table.columns] == ["m", "p99", "size"]
    assert result.table.values("goals") == ["meets", "misses", "not known", None]
    assert [row.note for row in result.table.rows] == [
        "",
        "misses latency_p99 by 0.0061 s, size by 92.4 MiB",
        "not known: latency_p99",
        "it crashed",
    ]
    assert result.table.notes == ("goals: latency_p99 < 0.02 s, size < 5 MiB",)
    assert [goal.quantity for goal in result.goals or ()] == ["latency_p99", "size"]
    for view in (text.render(result), html.render(result)):
        assert "misses" in view
        assert "size by 92.4" in view


def test_a_saved_result_keeps_its_marks_whatever_is_set_when_it_is_read() -> None:
    state.set_goals(parse_goals("size < 5 MiB"))
    saved = made().to_json()
    state.set_goals(parse_goals("size < 500 MiB, latency_p99 < 1 ms"))
    again = load_result(saved)
    assert again.table.values("goals") == ["meets", "misses", "meets", None]
    assert [str(goal) for goal in again.goals or ()] == ["size < 5 MiB"]


def test_figures_without_a_row_become_a_fact() -> None:
    state.set_goals(parse_goals("size < 5 MiB, macs < 4 G"))
    result = Result("toy", "one", held=(Held("size", 6 * 2**20, "B"), Held("macs", 3e9, "")))
    assert result.facts == (("goals", "misses size by 1 MiB (size < 5 MiB, macs < 4 G)"),)


def test_the_environment_sets_goals_and_a_wrong_one_costs_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "size < 5 MiB")
    monkeypatch.setattr(state, "_read_environment", [False])
    assert made().table.values("goals")[0] == "meets"
    monkeypatch.setenv(VARIABLE, "size < 5 parsecs")
    monkeypatch.setattr(state, "_read_environment", [False])
    state._goals.clear()
    assert VARIABLE in made().notes[0].text


def test_goals_set_or_cleared_first_leave_the_others_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for change in (
        lambda: state.set_goals(parse_goals("latency < 20 ms, fps > 10")),
        lambda: state.clear_goals(("fps",)),
    ):
        monkeypatch.setenv(VARIABLE, "size < 5 MiB, fps > 30")
        monkeypatch.setattr(state, "_read_environment", [False])
        state._goals.clear()
        change()
        assert "size < 5 MiB" in map(str, state.current())
        assert "frames/s > 30" not in map(str, state.current())
    monkeypatch.setenv(VARIABLE, "size < 5 parsecs")
    monkeypatch.setattr(state, "_read_environment", [False])
    with pytest.raises(ArgumentError, match=VARIABLE):
        state.clear_goals(("fps",))
    state.clear_goals()
    assert state.current() == ()


@given(goals())
def test_a_value_in_the_goals_own_unit_is_compared_as_it_stands(wanted: Goal) -> None:
    assert wanted.of(wanted.value, wanted.unit) == wanted.value


def test_by_how_much_is_written_as_a_plain_number() -> None:
    state.set_goals(parse_goals("latency_p99 < 1 ms"))
    column = Column("p99", "p99", "ms", goal="latency_p99")
    rows = tuple(Row({"p99": 1 + gap}) for gap in (0.5, 999.7, 1000.0))
    notes = [row.note for row in Result("toy", "x", tables=(Table((column,), rows),)).table.rows]
    assert notes == [f"misses latency_p99 by {gap} ms" for gap in ("0.5", "1,000", "1,000")]


def test_a_goal_of_the_same_quantity_takes_the_place_of_the_one_before() -> None:
    from deploy_magics import goal

    assert goal("latency_p99", "<", "20", "ms,", "fps", ">=", "30").table.values("quantity") == [
        "latency_p99",
        "frames/s",
    ]
    assert goal("p99 < 10 ms").table.values("value") == [30.0, 10.0]
    assert "cleared: frames/s >= 30" in goal("fps", clear=True).headline
    with pytest.raises(ArgumentError, match="no goal is set for size"):
        goal("size", clear=True)
    assert goal(clear=True).headline == "cleared: latency_p99 < 10 ms"
    assert goal().headline == "no goal is set"


def test_steps_mark_their_tables() -> None:
    import deploy_magics

    state.set_goals(parse_goals("params < 10 k, size < 1 KiB"))
    found: Any = deploy_magics.flops("digits")
    assert found.facts[-1][0] == "goals"
    assert found.facts[-1][1].startswith(("meets", "misses params by"))
    two = deploy_magics.inspect("digits", "squeezenet")
    assert two.table.values("goals") == ["misses", "misses"]
