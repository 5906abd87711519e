"""Which constants are parameters."""

from __future__ import annotations

import pytest
from onnx import TensorProto, helper

from deploy_magics.counting import count
from tests.counting.nets import ints, model, node, tensor, value

I8, I32, U8 = TensorProto.INT8, TensorProto.INT32, TensorProto.UINT8


def test_running_statistics_stand_apart():
    weights = [tensor(name, [4]) for name in "sbmv"]
    net = model([node("BatchNormalization", "x s b m v", "y")], {"x": [1, 4, 5, 5]}, ["y"], weights)
    found = count(net)
    assert (found.params, found.statistics, found.weight_bytes) == (8, 8, 64)


def test_a_shared_weight_counts_once():
    nodes = [node("MatMul", "x w", "t"), node("MatMul", "t w", "y")]
    found = count(model(nodes, {"x": [2, 4]}, ["y"], [tensor("w", [4, 4])]))
    assert (found.params, found.shared, found.macs, found.weight_bytes) == (16, 16, 64, 64)
    assert [row.params for row in found.nodes] == [16, 16]
    assert found.read == 2 * (32 + 64)  # and yet it is read twice


def test_initialisers_listed_as_inputs_are_weights():
    net = model([node("MatMul", "x w", "y")], {"x": [2, 4], "w": [4, 3]}, ["y"], [tensor("w", [4, 3])])
    found = count(net)
    assert (found.params, found.peak.nbytes) == (12, 4 * (8 + 6))


@pytest.mark.parametrize("holder", ["initialiser", "Constant", "ConstantOfShape"])
def test_weights_may_be_held_in_nodes(holder):
    nodes, weights = [node("Conv", "x w", "y")], []
    if holder == "initialiser":
        weights = [tensor("w", [2, 3, 1, 1])]
    elif holder == "Constant":
        nodes.insert(0, node("Constant", "", "w", value=tensor("w", [2, 3, 1, 1])))
    else:
        nodes.insert(0, node("ConstantOfShape", "shape", "w"))
        weights = [ints("shape", [2, 3, 1, 1])]
    found = count(model(nodes, {"x": [1, 3, 4, 4]}, ["y"], weights))
    assert (found.params, found.macs) == (6, 96)
    assert found.read == 4 * (48 + 6)


def test_numbers_that_set_an_operation_up_are_no_parameters():
    nodes = [
        node("Clip", "x low high", "a"),
        node("Mul", "a half", "b"),
        node("Pow", "b two", "c"),
        node("Resize", "c - scales", "d", mode="linear"),
        node("Reshape", "d shape", "e"),
        node("Pad", "e pads zero", "y"),
    ]
    weights = [tensor(n, []) for n in ("low", "high", "half", "two", "zero")]
    weights += [
        helper.make_tensor("scales", 1, [4], [1.0, 1.0, 2.0, 2.0]),
        ints("shape", [1, -1]),
        ints("pads", [0] * 4),
    ]
    found = count(model(nodes, {"x": [1, 2, 3, 3]}, ["y"], weights))
    assert (found.params, found.statistics) == (0, 0)
    assert found.weight_bytes == 4 * 5 + 16 + 16 + 32


def test_a_bias_added_by_add_is_a_parameter_and_told_apart():
    nodes = [node("MatMul", "x w", "t"), node("Add", "t b", "y")]
    found = count(model(nodes, {"x": [2, 4]}, ["y"], [tensor("w", [4, 3]), tensor("b", [3])]))
    assert (found.params, found.arithmetic_params) == (15, 3)


def test_weights_through_other_forms():
    nodes = [
        node("Transpose", "w", "wt", perm=[1, 0]),
        node("Unsqueeze", "b axes", "b2"),
        node("MatMul", "x wt", "t"),
        node("Add", "t b2", "y"),
    ]
    found = count(model(nodes, {"x": [2, 4]}, ["y"], [tensor("w", [3, 4]), tensor("b", [3]), ints("axes", [0])]))
    assert found.params == 15
    assert [row.status for row in found.nodes] == ["folded", "folded", "counted", "outside"]
    assert found.nodes[2].params == 12


def test_weight_normalisation_counts_its_ingredients():
    nodes = [
        node("ReduceL2", "v", "n", axes=[1], keepdims=1),
        node("Div", "v n", "u"),
        node("Mul", "u g", "w"),
        node("Gemm", "x w", "y", transB=1),
    ]
    found = count(model(nodes, {"x": [2, 4]}, ["y"], [tensor("v", [3, 4]), tensor("g", [3, 1])], opset=13))
    assert found.params == 12 + 3
    assert found.nodes[-1].params == 15


def test_int8_weights_behind_dequantize_linear_count_once_at_their_stored_size():
    nodes = [
        node("QuantizeLinear", "x s zu", "xq"),
        node("DequantizeLinear", "xq s zu", "xd"),
        node("DequantizeLinear", "w s z", "wd"),
        node("DequantizeLinear", "b s", "bd"),
        node("Conv", "xd wd bd", "t"),
        node("QuantizeLinear", "t s zu", "tq"),
        node("DequantizeLinear", "tq s zu", "y"),
    ]
    weights = [tensor("s", []), tensor("z", [], I8), tensor("zu", [], U8)]
    weights += [tensor("w", [6, 3, 1, 1], I8), tensor("b", [6], I32)]
    found = count(model(nodes, {"x": [1, 3, 4, 4]}, ["y"], weights))
    conv = next(row for row in found.nodes if row.kind == "Conv")
    assert (found.params, conv.params, conv.macs) == (24, 24, 16 * 18)
    assert found.weight_bytes == 18 + 24 + 4 + 1 + 1
    # Quantising is fused: the convolution reads and writes 8-bit tensors.
    assert (conv.read, conv.written) == (48 + 18 + 24, 96)


def test_an_embedding_is_a_parameter_of_which_only_rows_are_read():
    net = model([node("Gather", "table ids", "y")], {"ids": [2, 3]}, ["y"], [tensor("table", [1000, 8])], dtype=7)
    found = count(net)
    assert found.params == 8000
    assert (found.read, found.written) == (2 * 3 * 8 * 4 + 6 * 8, 2 * 3 * 8 * 4)


def test_initial_states_are_no_parameters():
    weights = [tensor("w", [1, 12, 5]), tensor("r", [1, 12, 3]), tensor("h", [1, 2, 3]), tensor("c", [1, 2, 3])]
    net = model([node("LSTM", "x w r - - h c", "y", hidden_size=3)], {"x": [7, 2, 5]}, ["y"], weights)
    assert count(net).params == 12 * 8


def test_initial_states_that_are_expanded_to_the_batch_are_none_either():
    weights = [tensor("w", [1, 12, 5]), tensor("r", [1, 12, 3]), tensor("h", [1, 1, 3])]
    nodes = [node("Expand", "h to", "h2"), node("LSTM", "x w r - - h2 h2", "y", hidden_size=3)]
    net = model(nodes, {"x": [7, 2, 5]}, ["y"], weights, infer=False)
    net.graph.input.append(value("to", [3], 7))
    found = count(net)
    assert found.params == 12 * 8
    assert [row.params for row in found.nodes] == [0, 96]


def test_an_expanded_class_token_is_a_parameter():
    nodes = [node("Expand", "token to", "t"), node("Concat", "t x", "y", axis=1)]
    net = model(nodes, {"x": [2, 5, 8]}, ["y"], [tensor("token", [1, 1, 8])], infer=False)
    net.graph.input.append(value("to", [3], 7))
    assert count(net).params == 8


def test_sparse_weights_count_their_stored_values():
    values = helper.make_tensor("w", 1, [3], [1.0, 2.0, 3.0])
    indices = helper.make_tensor("i", 7, [3], [0, 5, 7])
    net = model([node("MatMul", "x w", "y")], {"x": [2, 4]}, ["y"], infer=False)
    net.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [4, 2]))
    net.graph.output[0].type.tensor_type.elem_type = 1
    for dim in (2, 2):
        net.graph.output[0].type.tensor_type.shape.dim.add().dim_value = dim
    found = count(net)
    assert (found.params, found.weight_bytes, found.macs) == (3, 3 * 4 + 3 * 8, 16)


def test_external_weights_need_not_be_there():
    net = model([node("MatMul", "x w", "y")], {"x": [2, 4]}, ["y"], [tensor("w", [4, 3])])
    weight = net.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    entry = weight.external_data.add()
    entry.key, entry.value = "location", "nowhere.bin"
    assert (count(net).params, count(net).macs) == (12, 24)
