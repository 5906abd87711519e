"""Multiply-accumulates of convolutions and matrix products.

Every rule takes an :class:`~deploy_magics.counting.program.Op` and gives :class:`Products`, or raises
:class:`~deploy_magics.counting.program.Uncountable` with the reason. Formulas follow the operators' definitions
(https://onnx.ai/onnx/operators/); padding counts as if it were data and masked attention as if it were not masked, as
in ``torch.utils.flop_counter``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from deploy_magics.counting.program import Op, Uncountable

MS = "com.microsoft."


@dataclass(frozen=True, slots=True)
class Products:
    """Work of one convolution or matrix product.

    Attributes
    ----------
    macs : int
        Multiply-accumulates, without bias.
    bias : int
        Additions of a bias.
    extra : int
        Other arithmetic inside the operator in FLOPs: gates, softmax, fused activation.
    """

    macs: int
    bias: int = 0
    extra: int = 0


Rule = Callable[[Op], Products]


def conv(op: Op, *, data: int = 0, weight: int = 1, bias: int = 2) -> Products:
    """Count a convolution of any rank, with groups and dilation: output elements x (C / group) x kernel elements."""
    output = op.result().numel()
    kernel = op.source(weight).dims()
    if len(kernel) < 2:
        raise Uncountable(f"the weight {op.source(weight).name!r} has rank {len(kernel)}")
    activation = output if op.attribute("activation") else 0
    return Products(output * math.prod(kernel[1:]), output if op.given(bias) else 0, activation)


def conv_transpose(op: Op) -> Products:
    """Count a transposed convolution: each input element meets (M / group) x kernel elements."""
    kernel = op.source(1).dims()
    if len(kernel) < 2:
        raise Uncountable(f"the weight {op.source(1).name!r} has rank {len(kernel)}")
    return Products(op.source(0).numel() * math.prod(kernel[1:]), op.result().numel() if op.given(2) else 0)


def deform_conv(op: Op) -> Products:
    """Count a deformable convolution as a plain one; extra are its samples between pixels, 8 FLOPs each."""
    plain = conv(op, bias=3)
    channels = op.source(0).dims()[1] // max(int(op.attribute("offset_group", 1)), 1)
    return Products(plain.macs, plain.bias, 8 * channels * (op.source(2).numel() // 2))


def gemm(op: Op, *, a: int = 0, bias: int = 2) -> Products:
    """Count a matrix product M x K by K x N."""
    left = op.source(a).dims()
    if len(left) != 2:
        raise Uncountable(f"the left matrix {op.source(a).name!r} has rank {len(left)}, not 2")
    output = op.result().numel()
    depth = left[0] if op.attribute("transA", 0) else left[1]
    activation = output if op.attribute("activation") else 0
    return Products(output * depth, output if op.given(bias) else 0, activation)


def matmul(op: Op, *, a: int = 0, bias: int | None = None) -> Products:
    """Count a batched product with broadcasting: output elements x length of the axis summed over."""
    left = op.source(a).dims()
    if not left:
        raise Uncountable(f"the left operand {op.source(a).name!r} is a scalar")
    output = op.result().numel()
    turned = op.attribute("transA", 0) and len(left) > 1
    depth = left[0 if op.attribute("transBatchA", 0) else -2] if turned else left[-1]
    return Products(output * depth, output if bias is not None and op.given(bias) else 0)


def matmul_nbits(op: Op) -> Products:
    """Count a product with packed 4-bit (or other) weights, whose size is in the attributes K and N."""
    rows = op.result().numel() // max(int(op.attribute("N", 0)), 1)
    macs = rows * int(op.attribute("N", 0)) * int(op.attribute("K", 0))
    return Products(macs, op.result().numel() if op.given(5) else 0)


def einsum(op: Op) -> Products:
    """Count an Einsum operand by operand, from left to right, each index summed as soon as no later term has it.

    A product that sums over nothing is element-wise and counts as extra, not as MACs, as does a plain sum.
    """
    equation = op.attribute("equation", b"")
    text = (equation.decode() if isinstance(equation, bytes) else str(equation)).replace(" ", "")
    left, arrow, right = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(op.inputs):
        raise Uncountable(f"its equation {text!r} does not fit {len(op.inputs)} operands")
    sizes: dict[str, int] = {}
    spelled: list[tuple[str, ...]] = []
    for index, term in enumerate(terms):
        dims = op.source(index).dims()
        letters = _letters(term, len(dims))
        if len(letters) != len(dims):
            raise Uncountable(f"its equation {text!r} does not fit the shape of {op.source(index).name!r}")
        for letter, dim in zip(letters, dims, strict=True):
            known = sizes.get(letter, 1)
            sizes[letter] = max(known, dim) if known and dim else 0
        spelled.append(letters)
    if arrow:
        # An ellipsis stands for as many axes as the longest one did.
        broadcast = max((len([x for x in letters if x.startswith(".")]) for letters in spelled), default=0)
        kept = set(_letters(right, broadcast + len(right.replace("...", ""))))
    else:
        counts: dict[str, int] = {}
        for letter in (letter for letters in spelled for letter in letters):
            counts[letter] = counts.get(letter, 0) + 1
        kept = {letter for letter, count in counts.items() if count == 1 or letter.startswith(".")}

    def volume(letters: set[str]) -> int:
        return math.prod(sizes[letter] for letter in letters)

    macs = extra = 0
    current: set[str] | None = None
    for index, letters in enumerate(spelled):
        later = kept.union(*(set(other) for other in spelled[index + 1 :]))
        term_set = set(letters)
        # Axes that only this operand has are summed first, which takes additions and no products.
        alone = {x for x in term_set if x not in later and x not in (current or set())}
        if alone and (current is not None or len(spelled) > 1):
            extra += volume(term_set)
            term_set -= alone
        if current is None:
            current = term_set
            continue
        both = current | term_set
        result = both & later
        if both == result:
            extra += volume(both)
        else:
            macs += volume(both)
        current = result
    if len(spelled) == 1 and current is not None and not current <= kept:
        extra += volume(current)
    return Products(macs, 0, extra)


def _letters(term: str, rank: int) -> tuple[str, ...]:
    """Spell a term's indices; an ellipsis becomes ``.0`` for the last broadcast axis, ``.1`` for the one before it."""
    if "..." not in term:
        return tuple(term)
    before, _, after = term.partition("...")
    hidden = rank - len(before) - len(after)
    return (*before, *(f".{hidden - 1 - i}" for i in range(hidden)), *after)


def recurrent(op: Op) -> Products:
    """Count RNN, GRU or LSTM: at each step of each sequence, every weight of W and R is used once.

    Extra are the gates: 2 FLOPs per hidden unit and step for RNN, 11 for GRU, 13 for LSTM (sums of the two products,
    activations, and the update of the state).
    """
    steps, batch, _ = _rank3(op, 0)
    weights, recurrence = op.source(1), op.source(2)
    directions, _, hidden = _rank3(op, 2)
    per_unit = {"RNN": 2, "GRU": 11, "LSTM": 13}[op.proto.op_type]
    # With layout=1 the two leading axes are swapped, which leaves their product as it is.
    times = steps * batch
    bias = times * op.source(3).numel() if op.given(3) else 0
    return Products(times * (weights.numel() + recurrence.numel()), bias, times * directions * hidden * per_unit)


def attention(op: Op) -> Products:
    """Count ONNX's Attention (opset 23): Q x K' and the weighted sum of V, all positions, also those masked.

    Extra is the softmax with its scale: 6 FLOPs per score.
    """
    query, key, value = (op.source(index).dims() for index in range(3))
    if len(query) == 4:
        batch, heads, rows, depth = query
        columns, value_depth = key[2], value[3]
    elif len(query) == 3:
        heads, kv_heads = int(op.attribute("q_num_heads", 0)), int(op.attribute("kv_num_heads", 0))
        if not heads or not kv_heads:
            raise Uncountable("it lacks q_num_heads or kv_num_heads")
        batch, rows = query[:2]
        columns = key[1]
        depth, value_depth = query[2] // heads, value[2] // kv_heads
    else:
        raise Uncountable(f"its query has rank {len(query)}, not 3 or 4")
    if op.given(4):
        columns += op.source(4).dims()[2]
    scores = batch * heads * rows * columns
    return Products(scores * (depth + value_depth), 0, 6 * scores)


def packed_attention(op: Op) -> Products:
    """Count com.microsoft.Attention: the projection to Q, K and V, then attention itself."""
    batch, rows, _ = _rank3(op, 0)
    width, joined = op.source(1).dims()
    sizes = op.attribute("qkv_hidden_sizes") or [joined // 3] * 3
    columns = rows + (op.source(4).dims()[3] if op.given(4) else 0)
    heads = int(op.attribute("num_heads", 1))
    macs = batch * rows * width * joined + batch * rows * columns * (int(sizes[0]) + int(sizes[2]))
    return Products(macs, batch * rows * joined if op.given(2) else 0, 6 * batch * heads * rows * columns)


def multi_head_attention(op: Op) -> Products:
    """Count com.microsoft.MultiHeadAttention where query, key and value stand apart."""
    batch, rows, width = _rank3(op, 0)
    _, columns, _ = _rank3(op, 1)
    _, _, value_width = _rank3(op, 2)
    if op.given(6):
        columns += op.source(6).dims()[2]
    heads = int(op.attribute("num_heads", 1))
    bias = batch * (rows * width + columns * (width + value_width)) if op.given(3) else 0
    return Products(batch * rows * columns * (width + value_width), bias, 6 * batch * heads * rows * columns)


def _rank3(op: Op, index: int) -> tuple[int, int, int]:
    dims = op.source(index).dims()
    if len(dims) != 3:
        raise Uncountable(f"{op.source(index).name!r} has rank {len(dims)}, not 3")
    return dims


CONVOLUTIONS: dict[str, Rule] = {
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "DeformConv": deform_conv,
    "ConvInteger": lambda op: conv(op, bias=4),
    "QLinearConv": lambda op: conv(op, weight=3, bias=8),
    f"{MS}FusedConv": conv,
    f"{MS}NhwcFusedConv": conv,
    f"{MS}QLinearConv": lambda op: conv(op, weight=3, bias=8),
    "com.microsoft.nchwc.Conv": conv,
}
"""Rules of convolutions, by kind."""

LINEAR: dict[str, Rule] = {
    "Gemm": gemm,
    "MatMul": matmul,
    "Einsum": einsum,
    "MatMulInteger": matmul,
    "QLinearMatMul": matmul,
    "RNN": recurrent,
    "GRU": recurrent,
    "LSTM": recurrent,
    "Attention": attention,
    f"{MS}FusedGemm": gemm,
    f"{MS}FusedMatMul": matmul,
    f"{MS}TransposeMatMul": matmul,
    f"{MS}QGemm": lambda op: gemm(op, bias=6),
    f"{MS}MatMulIntegerToFloat": lambda op: matmul(op, bias=6),
    f"{MS}DynamicQuantizeMatMul": lambda op: matmul(op, bias=4),
    f"{MS}MatMulNBits": matmul_nbits,
    f"{MS}Attention": packed_attention,
    f"{MS}MultiHeadAttention": multi_head_attention,
}
"""Rules of matrix products, by kind."""
