"""Legal oddities work: they open, get feeds and run."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from deploy_magics import workers
from deploy_magics.model import Model
from deploy_magics.result import load_result
from deploy_magics.steps.inspect import inspect
from tests.model.build import FLOAT, model, tensor, value


def ran(made: Model, seed: int = 0) -> dict[str, np.ndarray]:
    with made.file() as path:
        return workers.call("deploy_magics.model._native:run", str(path), made.feeds(seed), name="run", timeout=60)


def nested(depth: int) -> onnx.ModelProto:
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y0"])], "g", [], [value("y0")])
    for level in range(depth):
        other = helper.make_graph([helper.make_node("Identity", ["x"], [f"z{level}"])], "e", [], [value(f"z{level}")])
        branch = helper.make_node("If", ["c"], [f"y{level + 1}"], then_branch=graph, else_branch=other)
        graph = helper.make_graph([branch], "g", [], [value(f"y{level + 1}")])
    graph.input.extend([value("x"), value("c", (), onnx.TensorProto.BOOL)])
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])


def function() -> onnx.ModelProto:
    body = [helper.make_node("Mul", ["a", "a"], ["b"])]
    square = helper.make_function("my.own", "Square", ["a"], ["b"], body, [helper.make_opsetid("", 17)])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("my.own", 1)]
    return model([helper.make_node("Square", ["x"], ["y"], domain="my.own")], opsets=opsets, functions=[square])


def chain(length: int) -> onnx.ModelProto:
    names = ["x", *(f"v{i}" for i in range(length - 1)), "y"]
    return model([helper.make_node("Neg", [a], [b]) for a, b in itertools.pairwise(names)])


def test_if_nested_20_deep() -> None:
    made = Model.of(nested(20))
    assert made.warnings == ()
    assert ran(made)["y20"].shape == (1, 3)


def test_function_of_an_own_domain() -> None:
    made = Model.of(function())
    assert made.warnings == ()
    assert np.allclose(ran(made)["y"], made.feeds()["x"] ** 2)


def test_3000_nodes_in_a_row() -> None:
    made = Model.of(chain(3000))
    assert np.array_equal(ran(made)["y"], made.feeds()["x"])


def test_no_inputs() -> None:
    made = Model.of(model([helper.make_node("Constant", [], ["y"], value=tensor("t", [1.0, 2.0]))], inputs=[]))
    assert (made.inputs, made.feeds()) == ((), {})
    assert ran(made)["y"].tolist() == [1, 2]


def test_a_zero_dimension() -> None:
    made = Model.of(model(inputs=[value("x", (0, 3))]))
    assert ran(made)["y"].shape == (0, 3)


def test_nan_and_inf() -> None:
    weights = [tensor("w", np.array([[np.nan, np.inf, -np.inf]], np.float32))]
    out = ran(Model.of(model([helper.make_node("Add", ["x", "w"], ["y"])], weights=weights)))["y"]
    assert np.isnan(out[0, 0])
    assert np.isinf(out[0, 1])


def test_no_ops_but_an_output() -> None:
    assert ran(Model.of(model([helper.make_node("Identity", ["x"], ["y"])], outputs=[value("y", None, FLOAT)])))


@pytest.mark.parametrize("opset", [1, 6, 26])
def test_old_and_new_opsets_open(opset: int) -> None:
    Model.of(model(opset=opset, ir=3))


def test_fails_the_checker_and_runs() -> None:
    # The checker wants nodes in order; ONNX Runtime sorts them.
    made = Model.of(model([helper.make_node("Relu", ["a"], ["y"]), helper.make_node("Relu", ["x"], ["a"])]))
    assert any("checker" in line for line in made.check())
    assert ran(made)["y"].shape == (1, 3)


def test_what_onnx_runtime_refuses_is_told() -> None:
    made = Model.of(model([helper.make_node("Foo", ["x"], ["y"])]))
    assert any("ONNX Runtime does not load it" in line and "Foo" in line for line in made.check())


@pytest.mark.parametrize(
    ("kind", "numbers"), [("INT4", 3), ("UINT4", 4), ("FLOAT16", 3), ("BFLOAT16", 3), ("INT2", 5), ("FLOAT8E4M3FN", 3)]
)
def test_narrow_weights(kind: str, numbers: int) -> None:
    weight = helper.make_tensor("w", getattr(onnx.TensorProto, kind), [numbers], np.ones(numbers, np.float32))
    for proto in (weight, tensor("w", onnx.numpy_helper.to_array(weight))):
        proto.name = "w"
        made = Model.of(
            model([helper.make_node("Identity", ["w"], ["y"])], weights=[proto], inputs=[], ir=10, opset=21)
        )
        ((_, array),) = made.weights()
        assert array.astype(np.float32).tolist() == [1] * numbers


def test_a_file_name_that_is_not_utf_8_becomes_one_that_is(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/n\xe9t.onnx"
    try:
        Path(os.fsdecode(path)).write_bytes(model().SerializeToString())
    except OSError:
        pytest.skip("this file system takes no such name")
    made = Model.of(os.fsdecode(path))
    assert (made.name, made.source) == ("n\ufffdt", str(tmp_path / "n\ufffdt.onnx"))
    assert load_result(inspect(os.fsdecode(path)).to_json()).headline.startswith("n\ufffdt: 1 node")


def test_odd_names_are_kept() -> None:
    name = 'a"<script>\n é 名'
    made = Model.of(model([helper.make_node("Relu", [name], ["y"])], [value(name)]))
    assert made.inputs[0].name == name
    assert list(made.feeds()) == [name]
    assert ran(made)["y"].shape == (1, 3)
