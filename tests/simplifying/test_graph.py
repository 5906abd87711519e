from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy_magics.errors import ModelError
from deploy_magics.simplifying import _frame, _graph
from tests.simplifying.graphs import branches, conv_bn, model, node, unsorted, value, weight


def order(graph: onnx.GraphProto) -> list[str]:
    return [each.output[0] for each in graph.node]


def test_nodes_out_of_order_are_sorted() -> None:
    made = unsorted()
    assert _graph.sort(made.graph) == 1
    assert order(made.graph) == ["a", "b", "y"]
    onnx.checker.check_model(made)


def test_a_sorted_graph_is_left_alone() -> None:
    made = conv_bn()
    before = made.SerializeToString()
    assert _graph.sort(made.graph) == 0
    assert made.SerializeToString() == before


def test_an_inner_graph_waits_for_what_it_captures() -> None:
    made = branches()
    nodes = [made.graph.node[index] for index in (3, 0, 1, 2)]  # the If first, which captures "d"
    copies = onnx.GraphProto(node=nodes)
    del made.graph.node[:]
    made.graph.node.extend(copies.node)
    inner = made.graph.node[0].attribute[0].g
    reversed_nodes = onnx.GraphProto(node=list(inner.node)[::-1])
    del inner.node[:]
    inner.node.extend(reversed_nodes.node)
    assert _graph.sort(made.graph) == 2
    onnx.checker.check_model(made)


def test_a_circle_is_an_error_of_one_line() -> None:
    made = model(
        [node("Add", ["x", "b"], ["a"], name="first"), node("Relu", ["a"], ["b"])], [value("x", [1])], [value("b", [1])]
    )
    with pytest.raises(ModelError, match="runs in a circle through Add 'first'"):
        _graph.sort(made.graph)


@given(st.permutations(range(12)), st.lists(st.integers(0, 11), min_size=12, max_size=12))
def test_any_order_becomes_a_valid_one(places: list[int], parents: list[int]) -> None:
    """A tree, its nodes shuffled: every node comes after its parent, and nothing is lost."""
    sources = ["x", *(f"v{min(parents[index], index - 1)}" for index in range(1, 12))]
    nodes = [node("Relu", [source], [f"v{index}"]) for index, source in enumerate(sources)]
    made = model([nodes[place] for place in places], [value("x", [1])], [value("v11", [1])])
    _graph.sort(made.graph)
    seen = {"x"}
    for each in made.graph.node:
        assert set(each.input) <= seen
        seen.update(each.output)
    assert len(seen) == 13


def test_what_a_branch_captures_is_not_unused() -> None:
    made = branches()
    made.graph.initializer.append(weight("nobody", np.ones(3, np.float32)))
    assert _graph.drop_unused(made.graph) == 1
    assert {tensor.name for tensor in made.graph.initializer} == {"half", "zero"}


def test_weights_that_are_inputs_become_constants() -> None:
    made = conv_bn(initialisers_as_inputs=True, ir=3)
    frame = _frame.prepare(made, {})
    assert [each.name for each in made.graph.input] == ["x"]
    assert made.ir_version == 4
    assert frame.notes == ["8 weights listed as inputs are constants now"]
    onnx.checker.check_model(made)


def test_a_bound_dimension_reaches_the_outputs_of_the_same_symbol() -> None:
    made = conv_bn(batch="N")
    assert _frame.bind(made.graph, {"x": [4, 3, 8, 8]})
    assert made.graph.input[0].type.tensor_type.shape.dim[0].dim_value == 4
    assert made.graph.output[0].type.tensor_type.shape.dim[0].dim_value == 4
    assert not _frame.bind(made.graph, {"x": [4, 3, 8, 8]})


def test_lists_of_numbers_are_packed() -> None:
    made = conv_bn()
    tensor = onnx.helper.make_tensor("listed", onnx.TensorProto.FLOAT, [3], [1.0, 2.0, 3.0])
    assert tensor.float_data
    made.graph.initializer.append(tensor)
    _graph.pack(made.graph)
    packed = made.graph.initializer[-1]
    assert not packed.float_data
    assert onnx.numpy_helper.to_array(packed).tolist() == [1.0, 2.0, 3.0]
