"""What counts as work. Tools differ in it, so every figure names its convention.

Two published examples, derived by hand. LeNet with 20 and 50 filters of 5 x 5 and dense layers of 500 and 10, on 28 x
28: 431,080 parameters, and

>>> conv1, conv2 = 20 * 24 * 24 * (1 * 5 * 5), 50 * 8 * 8 * (20 * 5 * 5)  # output elements x products of each
>>> dense = 800 * 500 + 500 * 10
>>> conv1 + conv2 + dense  # conv+linear
2293000
>>> conv1 + conv2 + dense + 20 * 24 * 24 + 50 * 8 * 8  # conv+bias+linear: one more per output of a convolution
2307720

The MNIST network of Keras texts (32 filters of 3 x 3, pool, 32 of 2 x 2, pool, dense 500, dense 10, softmax) has
585,958 parameters, and its "2.8 M" and "1.6 M" FLOPs are two ways of counting the same work:

>>> conv = 2 * 26 * 26 * 32 * 9 + 2 * 12 * 12 * 32 * (32 * 4)
>>> conv  # conv: dense layers left out
1569024
>>> dense, bias = 2 * (1152 * 500 + 500 * 10), 26 * 26 * 32 + 12 * 12 * 32 + 500 + 10
>>> pools, softmax = 4 * 13 * 13 * 32 + 4 * 6 * 6 * 32, 5 * 10
>>> conv + dense + bias + pools + softmax  # tensorflow
2784064
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from deploy_magics.errors import ArgumentError, did_you_mean

ConventionName = Literal["conv+linear", "conv", "conv+bias+linear", "tensorflow", "all"]


@dataclass(frozen=True)
class Convention:
    """A named way of counting.

    Attributes
    ----------
    name : str
        As ``--convention`` takes it.
    definition : str
        What is counted, in one sentence.
    source : str
        Which tools and figures count that way.
    linear : bool
        Whether matrix products count (Gemm, MatMul, Einsum, recurrent layers, attention) beside convolutions.
    bias : {"", "mac", "flop"}
        ``"mac"``: one MAC per output element of a convolution with bias. ``"flop"``: one FLOP per output element of
        a convolution or matrix product with bias.
    others : {"", "tensorflow", "all"}
        Rules for the operations that are no products; see :mod:`deploy_magics.counting.arithmetic`.
    """

    name: ConventionName
    definition: str
    source: str
    linear: bool = True
    bias: Literal["", "mac", "flop"] = ""
    others: Literal["", "tensorflow", "all"] = ""


CONVENTIONS: dict[str, Convention] = {
    convention.name: convention
    for convention in (
        Convention(
            "conv+linear",
            "multiply-accumulates (MACs) of convolutions and matrix products, without bias; FLOPs = 2 x MACs",
            "equals torch.utils.flop_counter.FlopCounterMode / 2, and the figures torchvision publishes",
        ),
        Convention(
            "conv",
            "MACs of convolutions alone, without bias; FLOPs = 2 x MACs",
            "as tools do that leave out fully connected layers",
            linear=False,
        ),
        Convention(
            "conv+bias+linear",
            "MACs of convolutions and matrix products, and one MAC per output element of a convolution with bias "
            "(a linear layer's bias is not counted); FLOPs = 2 x MACs",
            "as thop counted convolutions up to its release 0.0.31",
            bias="mac",
        ),
        Convention(
            "tensorflow",
            "2 FLOPs per MAC of convolutions and matrix products, 1 per output element of a bias, window size x output "
            "elements of pooling, 5 per element of Softmax, 1 per element of basic arithmetic and of means; none for "
            "Relu and normalisation",
            "tf.profiler's float_operation: tensorflow/python/profiler/internal/flops_registry.py",
            bias="flop",
            others="tensorflow",
        ),
        Convention(
            "all",
            "2 FLOPs per MAC, and each other arithmetic operation: bias, element-wise and activation 1 per element, "
            "batch normalisation 2, other normalisation 5, Softmax 5, pooling window size x output elements, "
            "reductions 1 per input element, interpolation 1 per output element",
            "after DeepSpeed's flops profiler, with pooling and Softmax as tf.profiler counts them",
            bias="flop",
            others="all",
        ),
    )
}
"""All conventions by name; the first is the default."""

assert tuple(CONVENTIONS) == get_args(ConventionName)


def convention(name: str) -> Convention:
    """Find a convention by its name.

    Raises
    ------
    ArgumentError
        Where there is none of that name.

    Examples
    --------
    >>> convention("conv+linear").linear
    True
    """
    try:
        return CONVENTIONS[name]
    except KeyError:
        raise ArgumentError(
            f"there is no counting convention {name!r}",
            hint=did_you_mean(name, CONVENTIONS) or f"there are {', '.join(CONVENTIONS)}",
        ) from None
