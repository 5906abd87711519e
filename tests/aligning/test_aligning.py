"""Where two networks part: figures, matching, whole and alone, runtimes by cutting, bisection, planted errors."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from deploy_magics import aligning
from deploy_magics.aligning import Measuring, bisecting
from deploy_magics.errors import ArgumentError, DeployError, ModelError
from deploy_magics.model import Model
from deploy_magics.result import load_result
from deploy_magics.steps.align import align
from tests.aligning.planted import planted, small, spread, weighted


def measured(one: object, two: object) -> aligning.Errors:
    measuring = Measuring()
    measuring.add(np.asarray(one), np.asarray(two))
    return measuring.result()


def network(*, scale: float = 1.0, seed: int = 0) -> onnx.ModelProto:
    """Two branches that meet: the second convolution of the right one is scaled."""
    rng = np.random.default_rng(seed)

    def weight(name: str, *shape: int) -> onnx.TensorProto:
        values = rng.standard_normal(shape).astype(np.float32)
        return numpy_helper.from_array(values * np.float32(scale if name == "w3" else 1.0), name)

    nodes = [
        helper.make_node("Conv", ["x", "w1"], ["a"], name="stem"),
        helper.make_node("Relu", ["a"], ["b"], name="act"),
        helper.make_node("Conv", ["b", "w2"], ["l"], name="left"),
        helper.make_node("Conv", ["b", "w3"], ["r1"], name="right"),
        helper.make_node("Sigmoid", ["r1"], ["r2"], name="gate"),
        helper.make_node("Mul", ["l", "r2"], ["m"], name="meet"),
        helper.make_node("GlobalAveragePool", ["m"], ["y"], name="pool"),
    ]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4, 1, 1])],
        [weight("w1", 4, 3, 1, 1), weight("w2", 4, 4, 1, 1), weight("w3", 4, 4, 1, 1)],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def changed(proto: onnx.ModelProto, name: str, **attributes: object) -> onnx.ModelProto:
    """Put another node in the place of a named one, of the same inputs and output."""
    made = onnx.ModelProto()
    made.CopyFrom(proto)
    node = next(each for each in made.graph.node if each.name == name)
    for key, value in attributes.items():
        if key == "op":
            node.op_type = str(value)
        else:
            node.attribute.append(helper.make_attribute(key, value))
    return made


def test_figures_are_those_of_their_formulas() -> None:
    rng = np.random.default_rng(0)
    one = rng.standard_normal((3, 5, 7)).astype(np.float32)
    two = (one + 0.01 * rng.standard_normal(one.shape)).astype(np.float32)
    found = measured(one, two)
    a, b = one.astype(np.float64).ravel(), two.astype(np.float64).ravel()
    assert found.max_abs == pytest.approx(np.abs(b - a).max())
    assert found.mean_abs == pytest.approx(np.abs(b - a).mean())
    assert found.relative == pytest.approx(np.abs(b - a).max() / (a.max() - a.min()))
    assert found.cosine == pytest.approx(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
    assert found.snr_db == pytest.approx(20 * np.log10(np.linalg.norm(a) / np.linalg.norm(b - a)))
    assert found.histogram is not None
    assert sum(found.histogram.reference) == one.size


@given(
    values=st.lists(st.floats(-10, 10), min_size=2, max_size=20),
    odd=st.sampled_from([math.nan, math.inf, -math.inf]),
    place=st.integers(0, 19),
    both=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_what_is_not_finite_is_a_difference_wherever_it_stands(
    values: list[float], odd: float, place: int, both: bool
) -> None:
    one = np.array(values)
    two = one.copy()
    two[place % len(two)] = odd
    found = measured(two if both else one, two)
    assert found.not_finite == 1
    assert not found.within(1e300)


def test_the_worst_sample_is_kept_and_a_constant_reference_is_told() -> None:
    measuring = Measuring()
    base = np.arange(6.0)
    for gap in (0.0, 0.5, 0.1):
        measuring.add(base, base + gap)
    found = measuring.result()
    assert (found.sample, found.max_abs, found.constant) == (1, 0.5, True)
    assert measured(np.ones(4), np.ones(4)).constant
    assert measured(np.zeros(4), np.full(4, 1e-9)).relative == math.inf
    assert measured(np.zeros((2, 3)), np.zeros((3, 2))).problem == "shape 3x2 in place of 2x3"
    assert measured(base.reshape(1, 1, 2, 3), base.reshape(1, 1, 2, 3).transpose(0, 2, 3, 1)).relative == 0


def folded(proto: onnx.ModelProto) -> tuple[onnx.ModelProto, int]:
    """Fold normalisations into the convolutions before them, keep the convolutions' names, and count up the rest."""
    made = onnx.ModelProto()
    made.CopyFrom(proto)
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in made.graph.initializer}
    makers = {node.output[0]: node for node in made.graph.node}
    names: dict[str, str] = {}
    for node in [each for each in made.graph.node if each.op_type == "BatchNormalization"]:
        gamma, beta, mean, var = (arrays[name] for name in node.input[1:5])
        epsilon = next((each.f for each in node.attribute if each.name == "epsilon"), 1e-5)
        conv, scale = makers[node.input[0]], gamma / np.sqrt(var + epsilon)
        weight, bias = f"{node.output[0]}_w", f"{node.output[0]}_b"
        values = (arrays[conv.input[1]] * scale[:, None, None, None], beta - mean * scale)
        for name, array in zip((weight, bias), values, strict=True):
            made.graph.initializer.append(numpy_helper.from_array(array.astype(np.float32), name))
        conv.input[1:] = [weight, bias]
        names[node.output[0]] = conv.output[0]
        made.graph.node.remove(node)
    kept = {value.name for value in made.graph.output} | {
        node.output[0] for node in makers.values() if node.op_type == "Conv"
    }
    for index, node in enumerate(made.graph.node):
        node.name = f"n{index}"
        if node.output[0] not in kept:
            names[node.output[0]] = str(index)
            node.output[0] = str(index)
    for node in made.graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
    del made.graph.value_info[:]
    return made, len(proto.graph.node) - len(made.graph.node)


def test_layers_are_found_across_folding_and_renaming() -> None:
    proto = small("mobilenet_v2", 32)
    slim, count = folded(proto)
    result = align(("full", proto), ("slim", planted(slim, [weighted(slim)[20]])), samples=1)
    own = [row for row in result.table.rows if float(row.cells["alone_error"]) > 100]  # type: ignore[arg-type]
    # A convolution that took its normalisation in gives what the normalisation gave, whatever name it kept.
    (found,) = own
    assert found.cells["op"] == "BatchNormalization"
    assert found.cells["other"] == next(n.output[0] for n in slim.graph.node if n.name == weighted(slim)[20])
    assert len(result.table.rows) == 100
    assert count == 52
    assert "fused or folded away, and not compared: 52 Conv" in result.notes[-1].text


@pytest.mark.parametrize("name", ["resnet50", "mobilenet_v2"])
def test_ten_planted_errors_are_found_at_their_layers_by_name(name: str) -> None:
    proto = small(name, 32)
    layers = spread(weighted(proto), 10)
    result = align(("reference", proto), ("planted", planted(proto, layers)), samples=1)
    own = [
        layer
        for layer, ppm in zip(result.table.values("layer"), result.table.values("alone_error"), strict=True)
        if float(ppm) > 100  # type: ignore[arg-type]
    ]
    assert own == layers
    assert result.first(mode="alone") == result.first(mode="whole") == layers[0]


def test_alone_tells_a_layers_own_error_from_what_it_was_given() -> None:
    result = align(("good", network()), ("bad", network(scale=1.05)))
    rows = {row.cells["layer"]: row.cells for row in result.table.rows}
    assert list(rows) == ["stem", "act", "left", "right", "gate", "meet", "pool"]
    assert [name for name, cells in rows.items() if cells["whole_error"]] == ["right", "gate", "meet", "pool"]
    assert [name for name, cells in rows.items() if cells["alone_error"]] == ["right"]
    assert result.headline.startswith("bad parts from good at right (Conv)")
    again = load_result(result.to_json())
    assert again.charts == result.charts
    assert again.first() == "right"  # type: ignore[attr-defined]
    assert result.charts[0].first(0) == 3  # type: ignore[union-attr]


def test_what_is_computed_of_sizes_alone_is_no_layer() -> None:
    nodes = [
        helper.make_node("Relu", ["x"], ["r"], name="act"),
        helper.make_node("Shape", ["r"], ["s"], name="sizes"),
        helper.make_node("Gather", ["s", "first"], ["n"], name="batch"),
        helper.make_node("Concat", ["n", "rest"], ["to"], name="target", axis=0),
        helper.make_node("Reshape", ["r", "to"], ["y"], name="flat"),
        helper.make_node("Size", ["x"], ["z"], name="count"),
    ]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "net",
        [value("x", TensorProto.FLOAT, ["N", 3, 4])],
        [value("y", TensorProto.FLOAT, ["N", 12]), value("z", TensorProto.INT64, [])],
        [numpy_helper.from_array(np.array(each), name) for name, each in (("first", [0]), ("rest", [12]))],
    )
    net = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    pairs = aligning.match(net.graph, net.graph).pairs
    # An output is compared whatever it is.
    assert [pair.layer for pair in pairs] == ["act", "flat", "count"]
    assert align(net, net, samples=1).agrees


@pytest.mark.parametrize(("scale", "form"), [(1.01, r"0\.\d+"), (3.0, r"\d{3}"), (100.0, r"\d,\d{3}")])
def test_a_headline_gives_percents_as_a_person_writes_them(scale: float, form: str) -> None:
    headline = align(network(), network(scale=scale)).headline
    assert re.search(rf"off by {form} % of its range", headline)


def test_a_runtime_that_is_not_installed_is_a_row_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy_magics.running.tvm.Tvm.why_not", lambda _: "TVM is not installed; pip install it")
    found = align(network(), on=["ort", "tvm"], samples=1)
    assert [row.status for row in found.tables[0].rows] == ["ok", "failed"]
    assert found.tables[0].rows[1].note == "TVM is not installed; pip install it"
    with pytest.raises(DeployError, match=r"^TVM is not installed; pip install it$"):
        align(network(), on=["tvm"], samples=1)


def test_outputs_that_agree_are_a_table_without_a_drawing() -> None:
    found = align(network(), network(), bisect=True)
    assert len(found.tables[0].rows) == 1
    assert not found.charts
    assert align(network(), network(scale=2.0), bisect=True).charts


def test_bisection_finds_the_layer_on_its_branch_in_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bisecting, "PARTS", 2)
    result = align(("good", network()), ("bad", network(scale=1.05)), bisect=True, samples=1)
    assert result.first() == result.first(mode="alone") == "right"
    assert len(result.table.rows) < 7
    same = align(("good", network()), ("same", network()), bisect=True, samples=1)
    assert same.agrees
    assert len(same.table.rows) == 1


def test_chunks_give_the_same_figures() -> None:
    good, bad = Model.of(network()), Model.of(network(scale=1.05))
    feeds = aligning.samples(good, None, 2)
    whole = aligning.align(good, bad, feeds)
    parts = aligning.align(good, bad, feeds, aligning.Settings(chunk_bytes=26_000))
    assert whole.chunks == 1 < parts.chunks
    assert parts.layers == whole.layers


def test_another_runtime_is_aligned_by_cutting() -> None:
    pytest.importorskip("tvm")
    result = align(("net", network()), ("bad", network(scale=1.05)), on=["tvm"], samples=1, mode="alone")
    assert result.first(mode="alone") == "right"
    assert [row.cells["layer"] for row in result.table.rows if row.cells["alone_error"] > 1000] == ["right"]  # type: ignore[operator]
    assert any("cut there" in note.text for note in result.notes)


def test_nan_in_a_layer_is_the_first_difference() -> None:
    # The logarithm of what a rectifier gives is not finite where that is zero.
    bad = changed(network(), "act", op="Log")
    result = align(("good", network()), ("bad", bad), samples=1, mode="whole")
    assert result.first() == "act"
    assert "NaN or infinite" in result.headline


def test_samples_come_from_one_file(tmp_path: Path) -> None:
    path, x = tmp_path / "batch.npz", np.random.default_rng(0).random((5, 3, 8, 8), np.float32)
    np.savez(path, x=x)
    model = Model.of(network())
    found = aligning.samples(model, path, 4)
    assert [each["x"].shape for each in found] == [(1, 3, 8, 8)] * 4
    assert np.array_equal(found[3]["x"][0], x[3])
    for wrong in ({"z": x}, {"x": x[:, :2]}, tmp_path / "none.npz"):
        with pytest.raises(ModelError):
            aligning.samples(model, wrong, 4)


def test_a_constant_output_is_said_to_prove_nothing() -> None:
    proto = network()
    for tensor in proto.graph.initializer:
        tensor.CopyFrom(numpy_helper.from_array(np.zeros_like(numpy_helper.to_array(tensor)), tensor.name))
    result = align(("a", proto), ("b", proto), mode="whole", samples=2)
    assert [note.level for note in result.notes] == ["warning", "warning"]
    assert "random" in result.notes[0].text
    assert "proves nothing" in result.notes[1].text


def test_what_cannot_be_done_is_one_line() -> None:
    with pytest.raises(ArgumentError, match="nothing to hold"):
        align(("a", network()))
    with pytest.raises(ArgumentError, match="did you mean 'tvm'"):
        align(("a", network()), on=["tvmm"])
    with pytest.raises(ArgumentError, match="--samples"):
        align(("a", network()), ("b", network()), samples=0)
    broken = changed(network(), "gate", op="NoSuchOperator")
    with pytest.raises(DeployError, match="NoSuchOperator"):
        align(("a", network()), ("broken", broken), samples=1)
    result = align(("a", network()), ("broken", broken), samples=1, mode="alone")
    assert not result.agrees
    assert "1 of 7 layers did not run" in result.headline
    assert [row.cells["layer"] for row in result.table.rows if row.status == "failed"] == ["gate"]
