"""Subgraphs, functions, order, and models that are meant to hurt."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper, shape_inference

from deploy_magics.counting import count
from deploy_magics.counting.linking import build
from deploy_magics.errors import ModelError
from tests.counting.nets import ints, model, node, tensor, value


def branch(name: str, nodes, output: str, weights=()):
    return helper.make_graph(nodes, name, [], [value(output, None)], list(weights))


def choice(*, before=(), weights=(), inputs=("flag",), condition="flag"):
    """A model whose If takes ``small`` when the condition holds, ``large`` when not."""
    small = branch("small", [node("MatMul", "x a", "s")], "s", [tensor("a", [4, 2])])
    large = branch("large", [node("MatMul", "x b", "h"), node("MatMul", "h c", "l")], "l", [tensor("b", [4, 8])])
    large.initializer.append(tensor("c", [8, 2]))
    made = model(
        [*before, node("If", condition, "y", then_branch=small, else_branch=large)],
        {"x": [3, 4]},
        ["y"],
        list(weights),
        infer=False,
    )
    made.graph.input.extend(value(name, [], TensorProto.BOOL) for name in inputs)
    return shape_inference.infer_shapes(made, data_prop=True)


SMALL, LARGE = 3 * 4 * 2, 3 * (4 * 8 + 8 * 2)


def constant(name: str, number) -> onnx.TensorProto:
    return numpy_helper.from_array(np.array(number), name)


@pytest.mark.parametrize("holds", [True, False])
@pytest.mark.parametrize("how", ["initialiser", "Constant", "Identity", "computed", "from a shape"])
def test_of_an_if_with_a_constant_condition_the_branch_taken_counts(how, holds):
    ways = {
        "initialiser": ([], [constant("flag", holds)]),
        "Constant": ([node("Constant", "", "flag", value=constant("", holds))], []),
        "Identity": ([node("Identity", "f", "g"), node("Identity", "g", "flag")], [constant("f", holds)]),
        "computed": ([node("Not", "f", "flag")], [constant("f", not holds)]),
        "from a shape": (
            [node("Shape", "x", "s"), node("Gather", "s i", "d"), node("Equal", "d n", "flag")],
            [constant("i", 1), constant("n", 4 if holds else 5)],
        ),
    }
    nodes, weights = ways[how]
    found = count(choice(before=nodes, weights=weights, inputs=()))
    assert found.macs == (SMALL if holds else LARGE)
    assert found.params == 8 + 32 + 16
    assert found.notes == (
        f"{2 if holds else 1} nodes are left out, of branches that a constant condition never takes "
        "(their parameters are in)",
    )
    # What the other branch would hold is in no peak: x and s, or x and h, h and l.
    if how != "from a shape":
        assert found.peak.nbytes == 4 * (12 + 6 + 6 if holds else 12 + 24 + 6 + 6)


def test_of_an_if_the_heavier_branch_counts_and_the_parameters_of_both():
    found = count(choice())
    assert found.macs == LARGE
    assert found.params == 8 + 32 + 16
    assert [row.kind for row in found.nodes] == ["If", "MatMul", "MatMul"]
    assert found.nodes[1].name == "If -> y/else_branch/MatMul -> h"
    assert any("1 nodes of the other branches" in note for note in found.notes)
    # The inputs live while the branch does: x and h, h and l, and the flag of one byte.
    assert found.peak.nbytes == 4 * (12 + 24 + 6 + 6) + 1


def loop(trips, condition="keep", *, on=True, before=()):
    """A model with a Loop; ``trips`` is None for an input, and what ``before`` makes as ``n`` where it is not given."""
    body = helper.make_graph(
        [node("MatMul", "s w", "o"), node("Identity", condition, "go")],
        "body",
        [value("i", [], TensorProto.INT64), value("keep", [], TensorProto.BOOL), value("s", [2, 4])],
        [value("go", [], TensorProto.BOOL), value("o", [2, 4])],
    )
    weights = [tensor("w", [4, 4]), numpy_helper.from_array(np.array(on), "on")]
    inputs = {"x": [2, 4]}
    if trips is None:
        inputs["n"] = [1]
    elif not before:
        weights.append(numpy_helper.from_array(np.array(trips, np.int64), "n"))
    return model([*before, node("Loop", "n on x", "y", body=body)], inputs, ["y"], weights)


def test_a_loop_of_known_length_counts_each_iteration():
    found = count(loop(5))
    assert (found.macs, found.params, found.notes) == (5 * 32, 16, ())
    assert [row.times for row in found.nodes] == [1, 5, 5]


def test_a_loop_of_unknown_length_counts_once_and_says_so():
    for net in (loop(None), loop(2**63 - 1)):
        found = count(net)
        assert found.macs == 32
        assert "depends on the data" in found.notes[0]


def test_a_loop_that_may_stop_early_says_so():
    found = count(loop(5, condition="unheard-of"))
    assert found.macs == 160
    assert "may stop early" in found.notes[0]


def test_a_loop_that_never_starts_counts_nothing():
    for net in (loop(5, on=False), loop(None, on=False), loop(0), loop(-1)):
        found = count(net)
        assert (found.macs, found.params, found.read) == (0, 16, 0)
        assert [row.kind for row in found.nodes] == ["Loop"]
        assert found.notes == ("'Loop -> y' never runs its body, which is left out",)


def test_a_loop_whose_body_says_stop_runs_once():
    nodes = [node("Constant", "", "never", value=constant("", False))]
    assert count(loop(5, condition="never")).macs == 160  # nothing is known of a name that nobody makes
    net = loop(5, condition="never", before=[*nodes, node("Constant", "", "n", value=constant("", 5))])
    found = count(net)
    assert (found.macs, found.notes) == (32, ())


NUMBERS = {
    "a product": [
        node("Constant", "", "a", value_int=5),
        node("Constant", "", "b", value_int=2),
        node("Mul", "a b", "n"),
    ],
    "a dimension": [
        node("Shape", "x", "s"),
        node("Constant", "", "one", value_ints=[1]),
        node("Gather", "s one", "n"),
    ],
    "a slice of a shape": [node("Shape", "x", "s", start=1, end=2), node("Squeeze", "s", "n")],
    "a rounded quotient": [
        node("Constant", "", "a", value_int=-7),
        node("Constant", "", "b", value_int=-2),
        node("Div", "a b", "n"),
    ],
    "a number of elements": [node("Size", "x", "s"), node("Cast", "s", "f", to=1), node("Cast", "f", "n", to=7)],
    "of several parts": [
        node("Shape", "x", "s"),
        node("Constant", "", "two", value_ints=[2]),
        node("Concat", "s two", "c", axis=0),
        node("ReduceProd", "c", "n", keepdims=0),
    ],
}


@pytest.mark.parametrize(("name", "times"), [*zip(NUMBERS, (10, 4, 4, 3, 8, 16), strict=True)])
def test_a_computed_number_of_iterations_counts_that_often(name, times):
    found = count(loop(1, before=NUMBERS[name]))
    assert (found.macs, found.notes) == (times * 32, ())


@pytest.mark.parametrize(
    "before",
    [
        [node("ReduceSum", "x", "r"), node("Cast", "r", "n", to=7)],
        [node("RandomUniform", "", "r", shape=[1]), node("Cast", "r", "n", to=7)],
        [node("Constant", "", "a", value_int=5), node("Sub", "a a", "z"), node("Div", "a z", "n")],
    ],
    ids=["from data", "random", "division by zero"],
)
def test_a_number_of_iterations_that_is_not_known_counts_once(before):
    net = loop(1, before=before)
    assert "depends on the data" in count(net).notes[0]


def test_a_chain_of_numbers_that_is_too_long_is_not_followed():
    def chain(length):
        links = [node("Identity", f"t{i}", f"t{i + 1}") for i in range(length)]
        return [node("Constant", "", "t0", value_int=3), *links, node("Identity", f"t{length}", "n")]

    assert count(loop(1, before=chain(100))).macs == 96
    assert count(loop(1, before=chain(5000))).macs == 32


def test_a_scan_counts_as_often_as_its_sequence_is_long():
    body = helper.make_graph(
        [node("MatMul", "v w", "o"), node("Identity", "s", "t")],
        "body",
        [value("s", [3]), value("v", [4])],
        [value("t", [3]), value("o", [3])],
    )
    net = model(
        [node("Scan", "s0 x", "s1 y", body=body, num_scan_inputs=1)],
        {"s0": [3], "x": [11, 4]},
        ["y"],
        [tensor("w", [4, 3])],
    )
    assert count(net).macs == 11 * 12


def test_if_nested_twenty_deep():
    inner = branch("leaf", [node("MatMul", "x w", "y20")], "y20")
    for depth in reversed(range(20)):
        other = branch(f"other{depth}", [node("Relu", "x", f"o{depth}")], f"o{depth}")
        here = node("If", "flag", f"y{depth}", then_branch=inner, else_branch=other)
        inner = branch(f"level{depth}", [here], f"y{depth}")
    net = model(list(inner.node), {"x": [3, 4]}, ["y0"], [tensor("w", [4, 4])], infer=False)
    net.graph.input.append(value("flag", [], TensorProto.BOOL))
    net = shape_inference.infer_shapes(net)
    found = count(net)
    assert found.macs == 48
    assert found.not_counted("moves data") == {"If": 20}
    assert found.nodes[-1].name.count("then_branch") == 20
    assert found.peak.nbytes > 0


def test_three_thousand_nodes_in_a_row():
    nodes = [node("Relu", f"t{i}", f"t{i + 1}") for i in range(3000)]
    found = count(model(nodes, {"t0": [10]}, ["t3000"]), "all")
    assert (found.flops, found.peak.nbytes) == (30_000, 80)


def test_nodes_out_of_order_are_put_in_order():
    nodes = [node("Relu", "b", "y"), node("MatMul", "x w", "a"), node("Relu", "a", "b")]
    net = model(nodes, {"x": [2, 4]}, ["y"], [tensor("w", [4, 4])], infer=False)
    assert [op.kind for op in build(net).main.ops] == ["MatMul", "Relu", "Relu"]


def test_a_cycle_ends():
    nodes = [node("Add", "x b", "a"), node("Relu", "a", "b")]
    assert len(count(model(nodes, {"x": [2]}, ["b"], infer=False)).nodes) == 2


def function(name, nodes, inputs=("p", "q"), outputs=("r",), attributes=()):
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("own", 1)]
    return helper.make_function("own", name, list(inputs), list(outputs), nodes, opsets, attributes=list(attributes))


def test_bodies_of_functions_count_at_each_call():
    product = function("Product", [node("MatMul", "p q", "m"), node("Relu", "m", "r")])
    nodes = [node("own:Product", "x w", "t"), node("own:Product", "t w", "y")]
    net = model(nodes, {"x": [2, 4]}, ["y"], [tensor("w", [4, 4])], functions=[product], infer=False)
    found = count(net)
    assert [row.kind for row in found.nodes] == ["MatMul", "Relu"] * 2
    assert (found.params, found.shared) == (16, 16)
    assert found.nodes[2].name == "Product/MatMul -> m"
    # Without shapes inside, each says so.
    assert found.not_counted("unknown shape") == {"MatMul": 2}
    from onnx import inliner, shape_inference

    inlined = shape_inference.infer_shapes(inliner.inline_local_functions(net))
    assert count(inlined).macs == 64


def test_attributes_of_a_call_reach_its_body():
    convolve = function("Convolve", [node("Conv", "p q", "r")], attributes=["g"])
    reference = convolve.node[0].attribute.add()
    reference.name, reference.ref_attr_name, reference.type = "group", "g", 2
    call = node("own:Convolve", "x w", "y", g=2)
    net = model([call], {"x": [1, 4, 3, 3]}, ["y"], [tensor("w", [2, 2, 1, 1])], functions=[convolve], infer=False)
    (op,) = build(net).main.ops
    assert op.attribute("group") == 2


def test_a_function_that_hands_its_input_through():
    through = function("Through", [node("Relu", "p", "unused")], inputs=["p"], outputs=["p"])
    nodes = [node("own:Through", "x", "t"), node("Relu", "t", "y")]
    net = model(nodes, {"x": [10]}, ["y"], functions=[through], infer=False)
    assert [op.kind for op in build(net).main.ops] == ["Identity", "Relu", "Relu"]


def test_functions_that_multiply_without_bound_are_refused():
    functions = [function("F0", [node("Relu", "p", "r")], inputs=["p"])]
    for level in range(1, 40):
        calls = [node(f"own:F{level - 1}", "p", "m"), node(f"own:F{level - 1}", "m", "r")]
        functions.append(function(f"F{level}", calls, inputs=["p"]))
    net = model([node("own:F39", "x", "y")], {"x": [1]}, ["y"], functions=functions, infer=False)
    with pytest.raises(ModelError, match="expand to more than 200,000 operations"):
        build(net)


def test_functions_that_call_themselves_are_refused():
    functions = [
        function("A", [node("own:B", "p", "r")], inputs=["p"]),
        function("B", [node("own:A", "p", "r")], inputs=["p"]),
    ]
    net = model([node("own:A", "x", "y")], {"x": [1]}, ["y"], functions=functions, infer=False)
    with pytest.raises(ModelError, match="calls itself"):
        build(net)


def test_a_model_of_constants_alone_still_computes():
    weights = [tensor("a", [2, 3]), tensor("b", [3, 4])]
    found = count(model([node("MatMul", "a b", "y")], {}, ["y"], weights))
    assert (found.macs, found.params) == (24, 18)


def test_nonsense_attributes_are_a_reason_and_no_crash():
    bad = node("MaxPool", "x", "y", kernel_shape=["a"])
    odd = node("Conv", "x w", "z", group="many")
    net = model([bad, odd], {"x": [1, 1, 4, 4]}, ["y", "z"], [tensor("w", [3])], infer=False)
    for row in count(net, "all").nodes:
        assert row.status == "unknown shape"
        assert row.why


def test_names_that_are_not_made_anywhere():
    net = model([node("Relu", "ghost", "y")], {"x": [4]}, ["y", "void"], [ints("n", [1])], infer=False)
    assert count(net, "all").nodes[0].why == "the shape of 'y' is unknown"
