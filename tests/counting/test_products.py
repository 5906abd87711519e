"""MACs against references that do not share a formula with the code."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

from deploy_magics.counting import count
from tests.counting.nets import model, node, tensor, value

QUICK = settings(max_examples=25, deadline=None)


def ones_sum(net, **feeds) -> int:
    """Run a net of products on ones: each MAC adds one, so that the output sums up to their number."""
    for weight in net.graph.initializer:
        weight.CopyFrom(helper.make_tensor(weight.name, weight.data_type, weight.dims, [1.0] * math.prod(weight.dims)))
    (out,) = ReferenceEvaluator(net).run(None, {name: np.ones(shape, np.float32) for name, shape in feeds.items()})
    return round(float(np.sum(out, dtype=np.float64)))


@QUICK
@given(
    rank=st.integers(1, 3),
    batch=st.integers(1, 2),
    groups=st.integers(1, 3),
    channels=st.integers(1, 3),
    filters=st.integers(1, 3),
    kernel=st.integers(1, 3),
    stride=st.integers(1, 2),
    dilation=st.integers(1, 2),
    extra=st.integers(0, 4),
)
def test_conv_makes_one_mac_per_product(rank, batch, groups, channels, filters, kernel, stride, dilation, extra):
    size = dilation * (kernel - 1) + 1 + extra
    shape = [batch, groups * channels] + [size] * rank
    weight = tensor("w", [groups * filters, channels] + [kernel] * rank)
    conv = node("Conv", "x w", "y", group=groups, strides=[stride] * rank, dilations=[dilation] * rank)
    net = model([conv], {"x": shape}, ["y"], [weight])
    found = count(net)
    assert found.macs == ones_sum(net, x=shape)
    assert found.flops == 2 * found.macs
    assert found.params == math.prod(weight.dims)


@QUICK
@given(
    rank=st.integers(1, 2),
    groups=st.integers(1, 2),
    channels=st.integers(1, 3),
    filters=st.integers(1, 3),
    kernel=st.integers(1, 3),
    stride=st.integers(1, 3),
    size=st.integers(1, 4),
)
def test_transposed_conv_makes_one_mac_per_product(rank, groups, channels, filters, kernel, stride, size):
    torch = pytest.importorskip("torch")
    shape = [2, groups * channels] + [size] * rank
    weight = tensor("w", [groups * channels, filters] + [kernel] * rank)
    net = model(
        [node("ConvTranspose", "x w", "y", group=groups, strides=[stride] * rank)], {"x": shape}, ["y"], [weight]
    )
    function = [torch.nn.functional.conv_transpose1d, torch.nn.functional.conv_transpose2d][rank - 1]
    out = function(torch.ones(shape), torch.ones(tuple(weight.dims)), stride=stride, groups=groups)
    assert count(net).macs == round(float(out.sum()))


@QUICK
@given(m=st.integers(1, 5), n=st.integers(1, 5), k=st.integers(1, 5), ta=st.booleans(), tb=st.booleans())
def test_gemm(m, n, k, ta, tb):
    a, b = ([k, m] if ta else [m, k]), ([n, k] if tb else [k, n])
    net = model([node("Gemm", "a b", "y", transA=int(ta), transB=int(tb))], {"a": a, "b": b}, ["y"])
    assert count(net).macs == m * n * k == ones_sum(net, a=a, b=b)


@QUICK
@given(
    left=st.lists(st.sampled_from([1, 3]), max_size=3),
    right=st.lists(st.sampled_from([1, 3]), max_size=3),
    m=st.integers(1, 4),
    k=st.integers(1, 4),
    n=st.integers(1, 4),
    vector=st.sampled_from(["", "left", "right", "both"]),
)
def test_matmul_broadcasts_as_numpy_does(left, right, m, k, n, vector):
    a = [k] if vector in ("left", "both") else [*left, m, k]
    b = [k] if vector in ("right", "both") else [*right, k, n]
    net = model([node("MatMul", "a b", "y")], {"a": a, "b": b}, ["y"])
    assert count(net).macs == ones_sum(net, a=a, b=b)


@pytest.mark.parametrize(
    ("equation", "shapes", "macs"),
    [
        ("ij,jk->ik", [[2, 3], [3, 4]], 24),
        ("bij,bjk->bik", [[5, 2, 3], [5, 3, 4]], 120),
        ("bhqd,bhkd->bhqk", [[2, 3, 4, 5], [2, 3, 6, 5]], 720),
        ("...ij,...jk->...ik", [[2, 2, 3], [7, 2, 3, 4]], 7 * 2 * 24),
        ("ij,jk", [[2, 3], [3, 4]], 24),
        ("i,i->", [[6], [6]], 6),
        # Element by element and plain sums multiply nothing together with a sum.
        ("ij,ij->ij", [[2, 3], [2, 3]], 0),
        ("i,j->ij", [[2], [3]], 0),
        ("ij->i", [[2, 3]], 0),
        ("ij->ji", [[2, 3]], 0),
        # Three operands, from left to right: 2*3*4, then 2*4*5.
        ("ij,jk,kl->il", [[2, 3], [3, 4], [4, 5]], 24 + 40),
        # j is summed out of the first operand before it is multiplied.
        ("ij,ik->ik", [[2, 3], [2, 4]], 0),
    ],
)
def test_einsum(equation, shapes, macs):
    names = [f"x{i}" for i in range(len(shapes))]
    net = model([node("Einsum", " ".join(names), "y", equation=equation)], dict(zip(names, shapes, strict=True)), ["y"])
    found = count(net)
    assert found.macs == macs
    status = "counted" if macs else "moves data" if equation == "ij->ji" else "outside"
    assert [row.status for row in found.nodes] == [status]


def test_einsum_that_does_not_fit_says_so():
    net = model([node("Einsum", "x", "y", equation="ij,jk->ik")], {"x": [2, 3]}, ["y"], infer=False)
    (row,) = count(net).nodes
    assert row.status == "unknown shape"
    assert "does not fit 1 operands" in row.why


@pytest.mark.parametrize(("kind", "gates"), [("RNN", 1), ("GRU", 3), ("LSTM", 4)])
@pytest.mark.parametrize("directions", [1, 2])
def test_recurrent_layers_use_every_weight_at_every_step(kind, gates, directions):
    steps, batch, width, hidden = 7, 2, 5, 3
    weights = [
        tensor("w", [directions, gates * hidden, width]),
        tensor("r", [directions, gates * hidden, hidden]),
        tensor("b", [directions, 2 * gates * hidden]),
    ]
    direction = "bidirectional" if directions == 2 else "forward"
    net = model(
        [node(kind, "x w r b", "y", hidden_size=hidden, direction=direction)],
        {"x": [steps, batch, width]},
        ["y"],
        weights,
    )
    found = count(net)
    assert found.macs == steps * batch * directions * gates * hidden * (width + hidden)
    assert found.params == directions * gates * hidden * (width + hidden + 2)
    assert count(net, "all").flops > 2 * found.macs


def test_attention_of_opset_23_counts_like_flop_counter_mode():
    torch = pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode

    q, k, v = [2, 4, 6, 8], [2, 4, 9, 8], [2, 4, 9, 5]
    net = model([node("Attention", "q k v", "y")], {"q": q, "k": k, "v": v}, ["y"], opset=23)
    with FlopCounterMode(display=False) as counter, torch.device("meta"):
        torch.bmm(torch.ones(8, 6, 8), torch.ones(8, 8, 9))
        torch.bmm(torch.ones(8, 6, 9), torch.ones(8, 9, 5))
    assert count(net).flops == counter.get_total_flops()
    flat = model(
        [node("Attention", "q k v", "y", q_num_heads=4, kv_num_heads=4)],
        {"q": [2, 6, 32], "k": [2, 9, 32], "v": [2, 9, 20]},
        ["y"],
        opset=23,
    )
    assert count(flat).macs == count(net).macs


def test_quantised_products_count_like_float_ones():
    u8, i8, i32 = TensorProto.UINT8, TensorProto.INT8, TensorProto.INT32
    scales = [tensor("s", []), tensor("z", [], u8), tensor("zw", [], i8)]
    conv = model(
        [node("QLinearConv", "x s z w s zw s z b", "y", group=2)],
        {"x": [1, 4, 8, 8]},
        ["y"],
        [*scales, tensor("w", [6, 2, 3, 3], i8), tensor("b", [6], i32)],
        dtype=u8,
    )
    found = count(conv)
    assert (found.macs, found.params) == (6 * 36 * 18, 6 * 18 + 6)
    assert found.read == 4 * 64 + 6 * 18 + 6 * 4 + 4 + 1 + 1  # s, z and zw once each
    assert found.written == 6 * 36

    integer = model(
        [node("ConvInteger", "x w z zw", "y")],
        {"x": [1, 4, 8, 8]},
        ["y"],
        [*scales[1:], tensor("w", [6, 4, 3, 3], i8)],
        dtype=u8,
    )
    assert (count(integer).macs, count(integer).params) == (6 * 36 * 36, 216)
    assert count(integer, "conv+bias+linear").macs == count(integer).macs  # its third input is a zero point

    matmul = model([node("MatMulInteger", "x w", "y")], {"x": [2, 5]}, ["y"], [tensor("w", [5, 7], i8)], dtype=u8)
    assert (count(matmul).macs, count(matmul).params) == (70, 35)
    linear = model(
        [node("QLinearMatMul", "x s z w s zw s z", "y")],
        {"x": [2, 5]},
        ["y"],
        [*scales, tensor("w", [5, 7], i8)],
        dtype=u8,
    )
    assert (count(linear).macs, count(linear).params) == (70, 35)


def declared(kind: str, inputs: dict[str, list[int]], weights, out: list[int], **attributes):
    """Make a model of an operator that shape inference does not know, its output shape declared."""
    names = " ".join([*inputs, *(w.name for w in weights)])
    net = model([node(f"com.microsoft:{kind}", names, "y", **attributes)], inputs, [], weights, infer=False)
    net.graph.output.append(value("y", out))
    return net


def test_fused_operators_of_onnx_runtime():
    fused = declared(
        "FusedConv",
        {"x": [1, 4, 8, 8]},
        [tensor("w", [6, 4, 3, 3]), tensor("b", [6])],
        [1, 6, 6, 6],
        activation="Relu",
    )
    plain = count(fused)
    assert (plain.macs, plain.params) == (216 * 36, 222)
    assert count(fused, "all").flops == 2 * plain.macs + 216 + 216
    gemm = declared("FusedGemm", {"x": [2, 5]}, [tensor("w", [7, 5])], [2, 7], transB=1, activation="Relu")
    assert count(gemm).macs == 70
    matmul = declared("FusedMatMul", {"x": [3, 5, 2]}, [tensor("w", [5, 7])], [3, 2, 7], transA=1)
    assert count(matmul).macs == 3 * 70
    packed = declared("MatMulNBits", {"x": [2, 64]}, [tensor("w", [32, 2, 16], TensorProto.UINT8)], [2, 32], K=64, N=32)
    assert count(packed).macs == 2 * 64 * 32


def test_attention_of_onnx_runtime():
    batch, rows, width, heads = 2, 6, 8, 4
    joined = declared(
        "Attention", {"x": [batch, rows, width]}, [tensor("w", [width, 24])], [batch, rows, 8], num_heads=heads
    )
    projections = batch * rows * width * 24
    assert count(joined).macs == projections + batch * rows * rows * 16
    apart = declared(
        "MultiHeadAttention",
        {"q": [batch, rows, 8], "k": [batch, 9, 8], "v": [batch, 9, 12]},
        [],
        [batch, rows, 12],
        num_heads=heads,
    )
    assert count(apart).macs == batch * rows * 9 * 20


def test_deformable_conv_counts_as_a_plain_one():
    net = model(
        [node("DeformConv", "x w o", "y")],
        {"x": [1, 4, 8, 8], "o": [1, 18, 6, 6]},
        ["y"],
        [tensor("w", [6, 4, 3, 3])],
    )
    assert count(net).macs == 216 * 36
    assert count(net, "all").flops == 2 * 216 * 36 + 8 * 4 * 9 * 36
