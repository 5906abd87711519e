"""Shapes of the values inside, and what native checkers say: asked in workers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from deploy_magics.model import Model, _infer
from tests.model.build import linear, model, tensor, value


def shapes(proto: onnx.ModelProto) -> dict[str, list[int | str]]:
    return {
        item.name: [dim.dim_value or dim.dim_param for dim in item.type.tensor_type.shape.dim]
        for item in (*proto.graph.value_info, *proto.graph.output)
    }


def test_bound_dimensions_reach_the_inside() -> None:
    made = Model.of(linear())
    assert shapes(made.inferred())["h"] == ["N", 100]
    assert shapes(made.bind(dims={"N": 7}).inferred()) == {"h": [7, 100], "y": [7, 100]}
    assert shapes(made.concrete().inferred()) == {"h": [1, 100], "y": [1, 100]}


def test_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Model.of(linear())
    assert made.inferred() is made.renamed("other").inferred()
    assert made.check() == ()
    monkeypatch.setattr("deploy_magics.workers.Worker.__init__", None)
    made.inferred()
    assert made.check() == ()


def test_weights_are_not_sent() -> None:
    proto = Model.of(linear()).inferred()
    assert proto.ByteSize() < 3000


def test_stale_shapes_are_inferred_anew() -> None:
    proto = linear()
    proto.graph.value_info.append(value("h", (1, 100)))
    proto.graph.output[0].CopyFrom(value("y", (1, 100)))
    assert shapes(Model.of(proto, dims={"N": 5}).inferred()) == {"h": [5, 100], "y": [5, 100]}


def test_shapes_that_only_a_run_can_tell() -> None:
    nodes = [helper.make_node("NonZero", ["x"], ["where"]), helper.make_node("Transpose", ["where"], ["y"])]
    made = Model.of(model(nodes, [value("x", ("N", 3))], [value("y", None, onnx.TensorProto.INT64)]))
    assert not _infer.unknown_values(made.concrete().inferred().graph)
    assert shapes(made.concrete().inferred())["where"] == [2, 3]
    assert _infer.unknown_values(made.inferred().graph) == ["where", "y"]


@pytest.mark.parametrize("kind", ["FLOAT", "BFLOAT16", "STRING"])
def test_runs_of_any_dtype_tell_shapes(kind: str) -> None:
    dtype = getattr(onnx.TensorProto, kind)
    where = helper.make_node("Constant", [], ["keep"], value=tensor("", np.array([True, False, True])))
    nodes = [
        where,
        helper.make_node("NonZero", ["keep"], ["at"]),
        helper.make_node("Gather", ["x", "at"], ["y"], axis=1),
    ]
    made = Model.of(model(nodes, [value("x", (2, 3), dtype)], [value("y", None, dtype)]))
    assert shapes(made.inferred())["y"] == [2, 1, 2]


def test_shapes_computed_from_external_weights(tmp_path: Path) -> None:
    nodes = [helper.make_node("Reshape", ["x", "to"], ["y"])]
    proto = model(nodes, [value("x", (2, 6))], weights=[tensor("to", np.array([3, 4]))])
    onnx.save(proto, tmp_path / "m.onnx", save_as_external_data=True, size_threshold=0, location="m.bin")
    made = Model.of(tmp_path / "m.onnx")
    assert made.external_files
    assert shapes(made.inferred())["y"] == [3, 4]


def test_unknown_ops_leave_the_rest_inferred() -> None:
    nodes = [helper.make_node("Foo", ["x"], ["a"]), helper.make_node("Relu", ["x"], ["b"])]
    made = Model.of(model(nodes, outputs=[value("a", None), value("b", None)]))
    assert shapes(made.inferred())["b"] == [1, 3]
    assert _infer.unknown_values(made.inferred().graph) == ["a"]


def test_what_the_file_says_is_kept_where_nothing_is_inferred() -> None:
    made = Model.of(model([helper.make_node("Foo", ["x"], ["y"])], [value("x", ("N", 3))], [value("y", ("N", 9))]))
    assert shapes(made.bind(dims={"N": 4}).inferred())["y"] == [4, 9]


def test_a_contradiction_inside_is_a_note_or_nothing() -> None:
    weights = [tensor("w", np.ones((5, 5), np.float32))]
    made = Model.of(model([helper.make_node("MatMul", ["x", "w"], ["y"])], weights=weights))
    assert made.inferred().graph.node
    note = made.inferred_note
    assert note is None or "\n" not in note
    assert any("does not load" in line for line in made.check())


def test_a_dead_worker_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_infer, "TIMEOUT_S", 0.0)
    made = Model.of(linear())
    assert made.inferred().graph.node
    assert "could not be inferred" in (made.inferred_note or "")
