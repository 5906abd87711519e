from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy_magics.errors import DeployError
from deploy_magics.result import Column, Missing, Note, Ratio, Result, Row, Samples, Table, load_result
from deploy_magics.result.cells import from_plain, to_plain

COLUMNS = (
    Column("name", "model", kind="text"),
    Column("p50", "p50", unit="ms", better="lower"),
    Column("ratio", "speed-up", unit="x", kind="ratio", ratio_of="p50"),
)

cells = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(),
    st.floats(),
    st.builds(Missing, st.text()),
    st.builds(Ratio, st.floats(), st.floats(), st.floats(), st.sampled_from(["", "faster"])),
)


def a_table() -> Table:
    rows = (
        Row({"name": "a", "p50": 2.0, "ratio": Ratio.exact(1.0)}),
        Row({"name": "<b>", "p50": math.nan, "ratio": Ratio(1.1, 1.05, 1.2, "faster")}),
        Row({"name": "c", "p50": Missing("it crashed")}, status="failed", note="it crashed"),
    )
    pairs = {"ratio": [[Ratio.exact(1.0)] * 3] * 3}
    return Table(COLUMNS, rows, title="t", baseline=0, pairs=pairs, footer=Row({"name": "all"}), notes=("n",))


def a_result() -> Result:
    values = np.array([1.0, math.inf, 2.5])
    samples = Samples("a", "ms", values, np.arange(3.0), np.array([0, 0, 1]))
    return Result(
        "bench", "a is as fast as b", (a_table(),), (samples,), (("opset", "17"),), (Note("busy", "warning"),)
    )


def same(left: object, right: object) -> bool:
    return repr(left) == repr(right)  # NaN is equal to itself here


@given(cells)
def test_a_cell_survives_json(cell: object) -> None:
    plain = json.loads(json.dumps(to_plain(cell), allow_nan=False))  # type: ignore[arg-type]
    assert same(from_plain(plain), cell)


def test_a_result_survives_json() -> None:
    first = a_result()
    again = Result.from_json(first.to_json())
    assert same(again.tables, first.tables)
    assert again.samples == first.samples
    assert (again.facts, again.notes, again.status) == (first.facts, first.notes, first.status)


def test_a_saved_result_is_not_overwritten(tmp_path) -> None:
    path = tmp_path / "run.json"
    text = a_result().to_json(path)
    assert path.read_text(encoding="utf-8") == text
    with pytest.raises(DeployError, match="exists and is left as it is"):
        a_result().to_json(path)
    a_result().to_json(path, force=True)
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.json"]


@pytest.mark.parametrize(
    "text",
    ["{}", '{"format": 99}', '{"format": 1}', '{"format": 1, "kind": [], "step": 3}', "{", '{"a":' + "[" * 200_000],
)
def test_what_is_no_saved_result_is_one_line(text: str) -> None:
    with pytest.raises(DeployError) as caught:
        load_result(text)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_one_line(tmp_path) -> None:
    with pytest.raises(DeployError, match=r"^there is no file '.*none\.json'; check the path"):
        load_result(tmp_path / "none.json")


def test_a_model_is_no_saved_result(tmp_path) -> None:
    (tmp_path / "net.onnx").write_bytes(b"\x08\x08\xff\xfe")
    with pytest.raises(DeployError, match=r"net\.onnx' is no saved result; one is written by"):
        load_result(tmp_path / "net.onnx")


@pytest.mark.parametrize("path", ["a\0b.json", "a\udcff.json", "a" * 5000])
def test_a_path_that_cannot_be_is_one_line(path: str) -> None:
    with pytest.raises(DeployError, match=r"cannot read a result|there is no file") as caught:
        load_result(path)
    assert "\n" not in str(caught.value)


def test_a_data_frame_names_units_and_interval_ends() -> None:
    frame = a_result().to_dataframe()
    assert list(frame.columns) == [
        "model",
        "p50 (ms)",
        "speed-up (x)",
        "speed-up (x) low",
        "speed-up (x) high",
        "status",
        "note",
    ]
    assert frame["speed-up (x) high"][1] == 1.2
    assert math.isnan(frame["p50 (ms)"][2])


def test_a_table_refuses_twins_and_strange_baselines() -> None:
    with pytest.raises(ValueError, match="distinct"):
        Table((COLUMNS[0], COLUMNS[0]), ())
    with pytest.raises(ValueError, match="baseline"):
        Table(COLUMNS, (), baseline=0)


def test_samples_need_one_time_a_value() -> None:
    with pytest.raises(ValueError, match="one value per measurement"):
        Samples("a", "ms", np.zeros(3), np.zeros(2), np.zeros(3))
