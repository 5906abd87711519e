"""What ``inspect`` finds odd, each oddity made on purpose; and that it finds nothing in a plain model."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper, numpy_helper

from deploy_magics.counting.linking import build
from deploy_magics.counting.weights import find_weights
from deploy_magics.model import Model
from deploy_magics.steps import _inspect_values
from deploy_magics.steps._inspect_findings import findings
from deploy_magics.steps._inspect_values import value_findings
from tests.counting.nets import ints, model, node, tensor, value


def random(name, shape, dtype=np.float32):
    array = np.random.default_rng([len(name), *name.encode()]).normal(size=shape)
    return numpy_helper.from_array(array.astype(dtype), name)


def look(made, *, values=False):
    """Find what stands out, without the checks that need a worker."""
    for output in made.graph.output:
        if not output.type.HasField("tensor_type"):
            output.CopyFrom(value(output.name, None))
    handle = Model.of(made)
    program = build(made)
    weights, _ = find_weights(program)
    found = findings(handle, program, weights)
    if values:
        found += value_findings(handle, weights)[0]
    return {item.text: item for item in found}


def plain():
    return [node("MatMul", "x w", "y")], {"x": [2, 4]}, ["y"], [random("w", (4, 4))]


def test_nothing_stands_out_in_a_plain_model():
    assert look(model(*plain()), values=True) == {}


def test_unused_weights_inputs_and_nodes():
    nodes, inputs, outputs, weights = plain()
    nodes += [node("Relu", "x", "gone"), node("Sigmoid", "gone", "further")]
    made = model(nodes, {**inputs, "idle": [3]}, outputs, [*weights, random("spare", (9,))])
    found = look(made)
    assert found["unused initialisers"].examples == ("spare",)
    assert found["unused inputs"].examples == ("idle",)
    assert found["dead nodes"].examples == ("Relu -> gone", "Sigmoid -> further")
    assert {item.level for item in found.values()} == {"warning"}


def test_what_a_branch_gives_out_is_not_unused():
    then = helper.make_graph([], "then", [], [value("h", [4])])
    other = helper.make_graph([node("Relu", "x", "o")], "other", [], [value("o", [4])])
    nodes = [node("Abs", "x", "h"), node("If", "c", "y", then_branch=then, else_branch=other)]
    made = model(nodes, {"x": [4], "c": []}, ["y"], infer=False)
    made.graph.input[1].type.tensor_type.elem_type = 9
    assert look(made) == {}


def test_initialisers_listed_as_inputs():
    nodes, inputs, outputs, weights = plain()
    found = look(model(nodes, {**inputs, "w": [4, 4]}, outputs, weights))
    assert found["initialisers listed as inputs"].examples == ("w",)


def test_left_over_operations():
    nodes = [
        node("Identity", "x", "a"),
        node("Dropout", "a", "b"),
        node("Unsqueeze", "w axes", "u"),
        node("Mul", "b u", "y"),
    ]
    found = look(model(nodes, {"x": [2, 4]}, ["y"], [random("w", (4,)), ints("axes", [0])]))
    assert {"Identity left in", "Dropout left in", "computed from constants alone"} == set(found)


def test_float64():
    made = model([node("MatMul", "x w", "y")], {"x": [2, 4]}, ["y"], [random("w", (4, 4), np.float64)], dtype=11)
    found = look(made)
    assert found["computed in float64"].count == 1
    assert found["weights in float64"].examples == ("w",)


def test_random_and_training_mode():
    nodes = [
        node("RandomNormalLike", "x", "r"),
        node("BatchNormalization", "r s b m v", "y m2 v2", training_mode=1),
    ]
    weights = [random(name, (4,)) for name in "sbmv"]
    found = look(model(nodes, {"x": [1, 4, 3, 3]}, ["y", "m2", "v2"], weights))
    assert found["random operations"].level == "warning"
    assert found["operations in training mode"].level == "warning"


def test_transposes():
    nodes = [
        node("Transpose", "x", "a", perm=[0, 3, 1, 2]),
        node("Transpose", "a", "b", perm=[0, 2, 3, 1]),
        node("Relu", "b", "y"),
    ]
    found = look(model(nodes, {"x": [1, 4, 5, 3]}, ["y"]))
    assert found["Transposes between NHWC and NCHW"].count == 2
    assert found["Transposes that undo the one before"].examples == ("Transpose -> b",)


def test_a_convolution_that_others_read_cannot_take_its_norm_in():
    weights = [random("w", (4, 4, 1, 1)), *(random(name, (4,)) for name in "sbmv")]
    nodes = [node("Conv", "x w", "a"), node("BatchNormalization", "a s b m v", "y")]
    text = "BatchNormalization after a convolution"
    assert text in look(model(nodes, {"x": [1, 4, 3, 3]}, ["y"], weights))
    assert text not in look(model(nodes, {"x": [1, 4, 3, 3]}, ["y", "a"], weights))


def test_large_constants_and_constant_outputs():
    nodes, inputs, _, weights = plain()
    nodes += [node("Add", "y anchors", "z"), node("Identity", "w", "k")]
    made = model(nodes, inputs, ["z", "k"], [*weights, random("anchors", (300_000, 1, 1))])
    found = look(made)
    assert found["large constants that are no weights"].examples == ("anchors (1.1 MiB)",)
    assert found["outputs that are constant"].examples == ("k",)


def test_zero_dimensions():
    assert "inputs with a dimension of 0" in look(model([node("Relu", "x", "y")], {"x": [0, 3]}, ["y"]))


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (np.nan, "weights with NaN"),
        (np.inf, "weights with infinities"),
        (1e-40, "weights with denormal numbers"),
    ],
)
def test_odd_numbers(number, text):
    nodes, inputs, outputs, weights = plain()
    array = numpy_helper.to_array(weights[0]).copy()
    array[1, 2] = number
    found = look(model(nodes, inputs, outputs, [numpy_helper.from_array(array, "w")]), values=True)
    assert found[text].examples == ("w",)


def test_equal_and_flat_weights():
    twice = [random("a", (16, 16)), random("a", (16, 16))]
    twice[1].name = "b"
    nodes = [node("MatMul", "x a", "t"), node("MatMul", "t b", "u"), node("MatMul", "u c", "y")]
    found = look(model(nodes, {"x": [2, 16]}, ["y"], [*twice, tensor("c", [16, 4])]), values=True)
    assert found["weights stored twice"].examples == ("b = a",)
    assert found["weights with one value throughout"].examples == ("c",)
    assert "proves nothing" in found["weights with one value throughout"].advice


def test_weights_made_of_one_number_by_a_node():
    nodes = [node("ConstantOfShape", "shape", "w"), node("MatMul", "x w", "y")]
    found = look(model(nodes, {"x": [2, 4]}, ["y"], [ints("shape", [4, 4])]), values=True)
    assert found["weights with one value throughout"].examples == ("w",)


def test_a_budget_of_bytes_is_kept(monkeypatch):
    monkeypatch.setattr(_inspect_values, "BUDGET_BYTES", 1500)
    weights = [random(name, (16, 16)) for name in ("a", "b")]
    nodes = [node("MatMul", "x a", "t"), node("MatMul", "t b", "y")]
    handle = Model.of(model(nodes, {"x": [2, 16]}, ["y"], weights))
    program = build(handle.skeleton)
    found, note = value_findings(handle, find_weights(program)[0])
    assert found == []
    assert "from 'b' on were not" in note
    monkeypatch.setattr(_inspect_values, "BUDGET_BYTES", 1000)
    assert "not looked at" in value_findings(handle, find_weights(program)[0])[1]


def test_operators_of_onnx_runtime():
    made = model([node("com.microsoft:FusedConv", "x w", "y")], {"x": [1, 1, 3, 3]}, ["y"], [random("w", (1, 1, 2, 2))])
    assert "operators of ONNX Runtime alone" in look(made)
