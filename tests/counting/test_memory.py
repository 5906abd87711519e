"""Traffic and the activation peak."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from deploy_magics.counting import count
from tests.counting.nets import ints, model, node, tensor


def test_a_chain_holds_two_tensors_at_a_time():
    nodes = [node("Relu", f"t{i}", f"t{i + 1}") for i in range(5)]
    found = count(model(nodes, {"t0": [10]}, ["t5"]))
    assert (found.peak.nbytes, found.peak.unknown) == (80, 0)
    assert (found.read, found.written) == (200, 200)


def test_a_skip_connection_holds_its_tensor_until_it_is_added():
    nodes = [node("Relu", "x", "a"), node("Relu", "a", "b"), node("Add", "b x", "y")]
    found = count(model(nodes, {"x": [10]}, ["y"]))
    assert (found.peak.nbytes, found.peak.at) == (120, "Relu -> b")


def test_views_move_and_hold_nothing():
    nodes = [node("Relu", "x", "a"), node("Reshape", "a s", "b"), node("Flatten", "b", "c"), node("Relu", "c", "y")]
    found = count(model(nodes, {"x": [10]}, ["y"], [ints("s", [2, 5])]))
    assert found.peak.nbytes == 80
    assert (found.read, found.written) == (80, 80)
    assert [row.read for row in found.nodes] == [40, 0, 0, 40]


def test_an_operand_used_twice_is_read_once():
    assert count(model([node("Mul", "x x", "y")], {"x": [10]}, ["y"])).read == 40


def test_what_follows_a_slice_reads_the_slice_only():
    net = model([node("Slice", "x s e", "y")], {"x": [1000]}, ["y"], [ints("s", [0]), ints("e", [10])])
    assert (count(net).read, count(net).written) == (40 + 16, 40)


def test_outputs_live_to_the_end_and_unread_masks_not_at_all():
    nodes = [node("Dropout", "x", "a mask"), node("Relu", "a", "b"), node("Relu", "b", "c"), node("Relu", "c", "y")]
    assert count(model(nodes, {"x": [10]}, ["b", "y"])).peak.nbytes == 120
    assert count(model(nodes, {"x": [10]}, ["y"])).peak.nbytes == 80


def test_weights_are_not_activations():
    net = model([node("MatMul", "x w", "y")], {"x": [1, 10]}, ["y"], [tensor("w", [10, 10])])
    found = count(net)
    assert (found.peak.nbytes, found.weight_bytes) == (80, 400)


def test_a_tensor_of_unknown_size_makes_the_peak_a_lower_bound():
    net = model([node("Relu", "x", "a"), node("own:Thing", "a", "b"), node("Relu", "b", "y")], {"x": [10]}, ["y"])
    found = count(net)
    assert (found.peak.nbytes, found.peak.unknown) == (80, 2)
    assert found.not_counted("unknown op") == {"own.Thing": 1}
    assert [row.bytes_why for row in found.nodes] == ["", "the shape of 'b' is unknown", "the shape of 'y' is unknown"]


def test_empty_graphs_and_zero_dimensions():
    assert count(model([], {"x": [10]}, ["x"])).peak.nbytes == 40
    assert count(model([node("Relu", "x", "y")], {"x": [0, 3]}, ["y"])).peak.nbytes == 0
    nothing = model([node("MatMul", "x w", "y")], {"x": [0, 4]}, ["y"], [tensor("w", [4, 3])])
    assert (count(nothing).macs, count(nothing).not_counted("counted")) == (0, {"MatMul": 1})


@st.composite
def networks(draw):
    """Random graphs of sums, concatenations and reshapes."""
    sizes = {"x": draw(st.integers(1, 9)), "z": draw(st.integers(1, 9))}
    nodes = []
    for index in range(draw(st.integers(1, 9))):
        names = sorted(sizes)
        kind = draw(st.sampled_from(["Relu", "Concat", "Identity"]))
        a, b = draw(st.sampled_from(names)), draw(st.sampled_from(names))
        out = f"t{index}"
        if kind == "Concat":
            nodes.append(node("Concat", f"{a} {b}", out, axis=0))
            sizes[out] = sizes[a] + sizes[b]
        else:
            nodes.append(node(kind, a, out))
            sizes[out] = sizes[a]
    made = [item.output[0] for item in nodes]
    outputs = draw(st.lists(st.sampled_from(made), min_size=1, unique=True))
    return model(nodes, {"x": [sizes["x"]], "z": [sizes["z"]]}, outputs), sizes


@settings(max_examples=60, deadline=None)
@given(networks())
def test_peak_and_traffic_against_a_direct_simulation(case):
    net, sizes = case
    root = {name: name for name in sizes}
    for item in net.graph.node:
        if item.op_type == "Identity":
            root[item.output[0]] = root[item.input[0]]
    kept = {root[item.name] for item in net.graph.output}
    steps = list(net.graph.node)
    born, peak, read, written = {"x", "z"}, 0, 0, 0
    for index, item in enumerate(steps):
        born |= {root[name] for name in item.output}
        needed = {root[name] for later in steps[index:] for name in later.input}
        used_now = {root[name] for name in (*item.input, *item.output)}
        fresh = {"x", "z"} if index == 0 else set()
        alive = {name for name in born if name in needed or name in kept or name in used_now or name in fresh}
        peak = max(peak, sum(4 * sizes[name] for name in alive))
        if item.op_type != "Identity":
            read += sum(4 * sizes[name] for name in {root[name] for name in item.input})
            written += 4 * sizes[item.output[0]]
    found = count(net)
    assert found.peak.nbytes == peak
    assert (found.read, found.written) == (read, written)


def test_arithmetic_intensity_of_a_square_product():
    n = 64
    found = count(model([node("MatMul", "a b", "y")], {"a": [n, n], "b": [n, n]}, ["y"]))
    # 2 n^3 FLOPs over 3 n^2 floats of 4 bytes.
    assert math.isclose(found.intensity, n / 6)
    assert count(model([node("Identity", "x", "y")], {"x": [2]}, ["y"])).intensity is None
