"""The default convention equals half of what torch's FlopCounterMode counts, on operators drawn at random."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy_magics.counting import count
from tests.counting.nets import model, node, tensor

torch = pytest.importorskip("torch")
QUICK = settings(max_examples=20, deadline=None)
small = st.integers(1, 4)


def flops_of_torch(function, *shapes) -> int:
    """Count with tensors that hold no data."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        function(*(torch.empty(shape, device="meta") for shape in shapes))
    return counter.get_total_flops()


@QUICK
@given(
    rank=st.integers(1, 3), groups=small, c=small, m=small, k=st.integers(1, 3), extra=small, transposed=st.booleans()
)
def test_convolutions(rank, groups, c, m, k, extra, transposed):
    x = [2, groups * c] + [k + extra] * rank
    w = [groups * c, m, *[k] * rank] if transposed else [groups * m, c, *[k] * rank]
    name = "conv_transpose" if transposed else "conv"
    function = getattr(torch.nn.functional, f"{name}{rank}d")
    kind = "ConvTranspose" if transposed else "Conv"
    pads = [1] * rank
    nodes = [node(kind, "x w", "y", group=groups, pads=pads * 2, strides=[2] * rank)]
    ours = count(model(nodes, {"x": x}, ["y"], [tensor("w", w)]))
    assert ours.flops == flops_of_torch(lambda a, b: function(a, b, groups=groups, padding=1, stride=2), x, w)


@QUICK
@given(batch=st.lists(small, max_size=2), m=small, k=small, n=small)
def test_linear_layers(batch, m, k, n):
    ours = count(model([node("MatMul", "x w", "y")], {"x": [*batch, m, k]}, ["y"], [tensor("w", [k, n])]))
    assert ours.flops == flops_of_torch(torch.nn.functional.linear, [*batch, m, k], [n, k])


@QUICK
@given(b=small, m=small, k=small, n=small)
def test_batched_products(b, m, k, n):
    ours = count(model([node("MatMul", "a b", "y")], {"a": [b, m, k], "b": [b, k, n]}, ["y"]))
    assert ours.flops == flops_of_torch(torch.bmm, [b, m, k], [b, k, n])


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.fixed_dictionaries({letter: st.integers(2, 4) for letter in "bijk"}),
    equation=st.sampled_from(
        [
            "ij,jk->ik",
            "bij,bjk->bik",
            "bij,jk->bik",
            "ij,ij->ij",
            "bij,bij->b",
            "bi,bjk->ijk",
            "i,j->ij",
            "bij,bik->bjk",
        ]
    ),
)
def test_einsum(sizes, equation):
    left, right = ([sizes[letter] for letter in term] for term in equation.split("->")[0].split(","))
    ours = count(model([node("Einsum", "a b", "y", equation=equation)], {"a": left, "b": right}, ["y"]))
    assert ours.flops == flops_of_torch(lambda a, b: torch.einsum(equation, a, b), left, right)
