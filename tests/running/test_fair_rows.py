"""What sets rows of several runtimes side by side: the same sizes and types, and the same results or a word of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest

from deploy_magics import running, verifying
from deploy_magics.errors import DeployError
from deploy_magics.result import Cell, Column, Missing, Ratio, Row, Table
from deploy_magics.steps import _bench_ready as ready
from deploy_magics.steps import _bench_run as runs
from deploy_magics.steps._bench_words import headline
from deploy_magics.steps.bench import BenchResult, bench
from deploy_magics.verifying import Reference
from tests.lowering.networks import build
from tests.running.plug import plug
from tests.simplifying import graphs
from tests.steps import bench_models

TWO = """<ir_version: 8, opset_import: ["" : 17]>
two (float[1,8] x) => (int64[1,1] i, float[1,8] y) { i = ArgMax <axis = -1> (x) y = Add(x, x) }"""
CONSTANT = """<ir_version: 8, opset_import: ["" : 17]>
constant (float[1,8] x) => (float[1,8] y) { d = Sub(x, x) y = Exp(d) }"""
UNDEFINED = """<ir_version: 8, opset_import: ["" : 17]>
undefined (float[1,8] x) => (float[1,8] y) { a = Abs(x) n = Neg(a) y = Log(n) }"""


def written(text: str, folder: Path) -> Path:
    model = onnx.parser.parse_model(text)
    path = folder / f"{model.graph.name}.onnx"
    onnx.save(model, str(path))
    return path


def need(*names: str) -> None:
    for name in names:
        why = running.get(name).why_not()
        if why is not None:
            pytest.skip(why)


def short(model: Any, on: Sequence[str], **more: Any) -> BenchResult:
    return bench(model, on=on, budget=0.4, processes=2, **more)


@pytest.fixture
def lying(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    plug(monkeypatch, tmp_path, "lying", "tests.running.lying:Lying")


def test_onnx_runtime_too_runs_at_the_sizes_that_the_others_are_made_for(tmp_path: Path) -> None:
    need("openvino")
    path = bench_models.matmuls(tmp_path / "m.onnx", 2, 8, batch="N")
    result = short(path, ["ort", "openvino"], dim={"N": 3})
    assert [row.status for row in result.table.rows] == ["ok", "ok"]
    assert "open dimensions were fixed for every row alike" in result.table.notes
    alone = short(path, ["ort"])
    assert not any("open dimensions" in line for line in alone.table.notes)


@pytest.mark.parametrize("others", [(), ("openvino",)])
def test_sizes_are_fixed_beside_others_only(others: tuple[str, ...], tmp_path: Path) -> None:
    need(*others)
    path = bench_models.matmuls(tmp_path / "m.onnx", 2, 8, batch="N")
    setup = runs.Setup(runs.find_runtimes(["ort", *others]), 1, None, None, 1, 2, 2.0, 1.0, 0)
    model = running.compiled.open_all([path])[0]
    with model.file() as file:
        given = ready.Given(path, model, file, model.feeds(0))
        (tmp_path / "made").mkdir()
        [ort, *_] = ready.entries([given], setup, tmp_path / "made", lambda share, text: None)
    [first, _] = onnx.load(ort.path).graph.input[0].type.tensor_type.shape.dim
    assert first.dim_value == (1 if others else 0)


def test_sizes_that_cannot_be_fixed_are_told_and_onnx_runtime_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lying: None
) -> None:
    def full(*given: Any, **more: Any) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(running, "fixed_file", full)
    result = short(written(TWO, tmp_path), ["ort", "lying"])
    assert [row.status for row in result.table.rows] == ["ok", "ok"]
    [note] = [note.text for note in result.notes if "could not be fixed" in note.text]
    assert note == "two: its open dimensions could not be fixed for ONNX Runtime: No space left on device"


def test_rows_that_agree_say_by_how_much_they_might_differ(tmp_path: Path, lying: None) -> None:
    result = short(written(TWO, tmp_path), ["ort", "lying"])
    assert [row.cells["differs"] for row in result.table.rows] == [0.0, 0.0]
    [line] = [line for line in result.table.notes if line.startswith("differs by: ")]
    assert line.endswith("held to 1,000 ppm (float32, other kernels)")
    assert result.meta["compared"]["lying"]["tolerance"] == pytest.approx(1e-3)


def test_what_computes_something_else_does_not_win(tmp_path: Path, lying: None) -> None:
    result = short(written(TWO, tmp_path), ["ort", "lying:scaled"])
    assert result.headline.startswith("two: ort takes ")
    assert result.headline.endswith("; lying:scaled computes something else")
    row = result.table.rows[1]
    assert (row.status, row.note) == ("wrong", "computes something else")
    assert row.cells["differs"] > 1000
    with pytest.raises(DeployError, match="lying:scaled computes something else"):
        result.ratio("lying:scaled")
    assert "* " not in "".join(line for line in str(result).splitlines() if line.startswith("lying:scaled"))
    assert any("its time means nothing: output 'y' is off" in note.text for note in result.notes)


def test_another_type_hides_no_wrong_values(tmp_path: Path, lying: None) -> None:
    result = short(written(TWO, tmp_path), ["ort", "lying:typed"])
    assert result.table.rows[1].status == "wrong"
    assert any("its time means nothing: output 'y' is off" in note.text for note in result.notes)


def test_numbers_of_another_type_are_compared(tmp_path: Path, lying: None) -> None:
    right, wrong = short(written(TWO, tmp_path), ["ort", "lying:narrow", "lying:elsewhere"]).table.rows[1:]
    assert (right.status, right.cells["differs"]) == ("ok", 0.0)
    assert wrong.status == "wrong"


def test_what_is_random_is_neither_right_nor_wrong(tmp_path: Path) -> None:
    need("openvino")
    text = TWO.replace("y = Add(x, x)", "r = RandomNormalLike(x) y = Add(r, x)")
    result = short(written(text, tmp_path), ["ort", "openvino"])
    assert [row.status for row in result.table.rows] == ["ok", "ok"]
    assert any("output 'y' is random" in note.text for note in result.notes)


def test_an_output_that_is_gone_has_no_figure(tmp_path: Path, lying: None) -> None:
    result = short(written(TWO, tmp_path), ["ort", "lying:less"])
    cell = result.table.rows[1].cells["differs"]
    assert isinstance(cell, Missing)
    assert cell.why == "output 'y' is gone"
    assert result.headline.endswith("lying:less computes something else")


def test_what_gives_nothing_to_compare_does_not_win(tmp_path: Path, lying: None) -> None:
    result = short(written(TWO, tmp_path), ["ort", "lying:mute"])
    assert result.headline.endswith("lying:mute computes something else")
    why = "it does not run: there is nothing to give"
    assert any(note.text == f"two on lying:mute: {why}, so its time means nothing" for note in result.notes)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (CONSTANT, "constant: output 'y' is the same for every input tried: comparing it proves nothing"),
        (UNDEFINED, "undefined: output 'y' is not a finite number anywhere: comparing it proves nothing"),
    ],
)
def test_outputs_that_prove_nothing_are_said_to(text: str, said: str, tmp_path: Path) -> None:
    need("openvino")
    result = short(written(text, tmp_path), ["ort", "openvino"])
    assert [note.text for note in result.notes if "proves nothing" in note.text] == [said]
    for row in result.table.rows:
        assert isinstance(row.cells["differs"], Missing)


def test_a_disk_that_is_full_by_then_costs_the_comparison_only(
    tmp_path: Path, lying: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*given: Any, **more: Any) -> Reference:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(verifying.Reference, "of", full)
    result = short(written(TWO, tmp_path), ["ort", "lying"])
    assert [row.status for row in result.table.rows] == ["ok", "ok"]
    assert any("two: not compared with ONNX Runtime: No space left on device" in note.text for note in result.notes)


def test_onnx_runtime_is_held_against_itself_without_optimisation(tmp_path: Path) -> None:
    need("openvino")
    draw = np.random.default_rng(0)
    weights, scales = draw.integers(-127, 128, (256, 256)).astype(np.int8), (draw.random(256) / 127).astype(np.float32)
    model = graphs.model(
        [graphs.node("DequantizeLinear", ["w", "s"], ["wf"], axis=1), graphs.node("MatMul", ["x", "wf"], ["y"])],
        [graphs.value("x", [16, 256])],
        [graphs.value("y", [16, 256])],
        [graphs.weight("w", weights), graphs.weight("s", scales)],
    )
    ort, openvino = short(("weights", model), ["ort", "openvino"]).meta["compared"].values()
    assert openvino["differs_ppm"] < 10
    assert not openvino["computes_something_else"]
    # Its optimiser rounds the activations to int8 where the processor multiplies those: then that is said.
    assert ort["computes_something_else"] == (ort["differs_ppm"] > 1000)
    assert ort["problem"].startswith("with its optimisations, as it was timed") == ort["computes_something_else"]


@pytest.mark.parametrize("name", ["ncnn:f16", "mnn:low"])
def test_a_type_that_changes_no_bit_is_no_row(name: str, tmp_path: Path) -> None:
    need(name)
    path = build(tmp_path / "net.onnx", (3, 12, 12), [("conv", 16, 3), ("Relu",), ("conv", 16, 1)], 0)
    feeds = {"x": np.random.default_rng(0).standard_normal((1, 3, 12, 12)).astype(np.float32)}
    [one], [two] = (running.run_once(path, [feeds], runtime=each) for each in (name, name.partition(":")[0]))
    row = short(path, ["ort", name]).table.rows[1]
    if all(np.array_equal(one[key], two[key]) for key in one):
        assert row.status == "failed"
        assert "gives the same bits as" in row.note
    else:
        assert row.status == "ok"
        assert row.cells["differs"] > 1


def test_a_runtime_whose_sessions_take_turns_is_refused_several(tmp_path: Path) -> None:
    need("mnn")
    result = short(written(TWO, tmp_path), ["ort", "mnn"], instances=2)
    assert [row.status for row in result.table.rows] == ["ok", "failed"]
    assert "holds Python's lock" in result.table.rows[1].note


def rows(*names: str, wrong: tuple[str, ...] = ()) -> Table:
    """Each twice as fast as the one before."""

    def ratio(to: int, index: int) -> Cell:
        value = 2.0 ** (index - to)
        word = "faster" if value > 1 else "slower" if value < 1 else "baseline"
        return Ratio(value, value * 0.99, value * 1.01, word)

    count = range(len(names))
    cells = [{"name": name, "p50": 1.0, "throughput": 1e3, "speedup": ratio(0, at)} for at, name in enumerate(names)]
    columns = (Column("name", "", kind="text"), Column("speedup", "", kind="ratio"))
    pairs = {"speedup": [[ratio(to, at) for at in count] for to in count]}
    return Table(
        columns,
        tuple(Row(dict(each), "wrong" if each["name"] in wrong else "ok") for each in cells),
        baseline=0,
        pairs=pairs,
    )


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ((), "c is the fastest of 3; c is faster than a: 4.000x its speed (95 % interval 3.960 to 4.040)"),
        (("c",), "b is faster than a: 2.000x its speed (95 % interval 1.980 to 2.020); c computes something else"),
        (("a",), "c is faster than b: 2.000x its speed (95 % interval 1.980 to 2.020); a computes something else"),
        (("a", "b", "c"), "a, b, c compute something else"),
    ],
)
def test_headlines_leave_out_what_computes_something_else(wrong: tuple[str, ...], said: str) -> None:
    assert headline(rows("a", "b", "c", wrong=wrong)) == said
