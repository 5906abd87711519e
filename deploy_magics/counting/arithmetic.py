"""FLOPs of the operations that are no convolution and no matrix product, for the conventions that count them.

An operation is one of: arithmetic with a rule here; data movement, which computes nothing; or unknown. Which operation
belongs where follows the operators' definitions (https://onnx.ai/onnx/operators/).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

from deploy_magics.counting.program import Op, Uncountable

MS = "com.microsoft."
Rule = Callable[[Op], int]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


MOVEMENT = _words(
    """
    Cast CastLike Compress Concat ConcatFromSequence Constant ConstantOfShape DepthToSpace Dropout Expand EyeLike
    Flatten Gather GatherElements GatherND SpaceToDepth Identity If Loop NonZero OneHot Optional OptionalGetElement
    OptionalHasElement Pad Range Reshape ReverseSequence Scan ScatterElements ScatterND Scatter SequenceAt
    SequenceConstruct SequenceEmpty SequenceErase SequenceInsert SequenceLength SequenceMap Shape Size Slice
    Split SplitToSequence Squeeze TensorScatter Tile Transpose Trilu Unsqueeze Where CenterCropPad BitCast
    com.microsoft.nchwc.ReorderInput com.microsoft.nchwc.ReorderOutput com.microsoft.GatherBlockQuantized
    """
)
"""Kinds that move, select or make data and compute nothing."""

DATA_DEPENDENT = _words(
    """
    Bernoulli BlackmanWindow Col2Im DFT Det HammingWindow HannWindow ImageDecoder MaxUnpool MelWeightMatrix Multinomial
    NegativeLogLikelihoodLoss NonMaxSuppression RandomNormal RandomNormalLike RandomUniform RandomUniformLike
    RegexFullMatch STFT SoftmaxCrossEntropyLoss StringConcat StringNormalizer StringSplit TfIdfVectorizer TopK Unique
    ai.onnx.ml.ArrayFeatureExtractor ai.onnx.ml.LabelEncoder
    """
)
"""Kinds without multiply-accumulates whose work depends on the data or the algorithm: no convention counts them."""

_UNARY = _words(
    """
    Abs Acos Acosh Asin Asinh Atan Atanh BitwiseNot Ceil Celu Clip Cos Cosh Elu Erf Exp Floor Gelu HardSigmoid
    HardSwish IsInf IsNaN LeakyRelu Log Mish Neg Not PRelu Reciprocal Relu Round Selu Shrink Sigmoid Sign Sin Sinh
    Softplus Softsign Sqrt Swish Tan Tanh ThresholdedRelu ai.onnx.ml.Binarizer
    com.microsoft.Gelu com.microsoft.FastGelu com.microsoft.QuickGelu com.microsoft.QLinearSigmoid
    com.microsoft.QLinearLeakyRelu
    """
)
_BINARY = _words(
    """
    Add And BitShift BitwiseAnd BitwiseOr BitwiseXor Div Equal Greater GreaterOrEqual Less LessOrEqual Mod Mul Or Pow
    Sub Xor com.microsoft.QLinearAdd com.microsoft.QLinearMul
    """
)
_VARIADIC = _words("Max Min Sum")
_REDUCTIONS = _words(
    """
    ReduceL1 ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ArgMax ArgMin CumSum CumProd GlobalAveragePool
    GlobalMaxPool com.microsoft.QLinearGlobalAveragePool com.microsoft.QLinearReduceMean
    com.microsoft.nchwc.GlobalAveragePool com.microsoft.nchwc.GlobalMaxPool
    """
)
_REDUCTIONS_2 = _words("ReduceL2 ReduceLogSum ReduceLogSumExp ReduceSumSquare GlobalLpPool")
_WINDOWS = _words(
    """
    AveragePool LpPool MaxPool com.microsoft.QLinearAveragePool com.microsoft.nchwc.AveragePool
    com.microsoft.nchwc.MaxPool
    """
)
_NORMS = _words(
    """
    GroupNormalization InstanceNormalization LayerNormalization LpNormalization MeanVarianceNormalization
    RMSNormalization SimplifiedLayerNormalization
    com.microsoft.SkipLayerNormalization com.microsoft.SkipSimplifiedLayerNormalization
    """
)


def _per_output(factor: int) -> Rule:
    return lambda op: factor * op.result().numel()


def _per_input(factor: int) -> Rule:
    return lambda op: factor * op.source(0).numel()


def _variadic(op: Op) -> int:
    return max(len(op.inputs) - 1, 0) * op.result().numel()


def _mean(op: Op) -> int:
    return len(op.inputs) * op.result().numel()


def _window(op: Op) -> int:
    kernel = op.attribute("kernel_shape")
    if not kernel:
        raise Uncountable("it lacks kernel_shape")
    return math.prod(int(k) for k in kernel) * op.result().numel()


def _lrn(op: Op) -> int:
    # Per element: `size` squares and sums, then scale, add, power and divide.
    return (2 * int(op.attribute("size", 1)) + 4) * op.result().numel()


def _interpolation(op: Op) -> int:
    mode = op.attribute("mode", b"nearest")
    return 0 if mode in (b"nearest", "nearest") else op.result().numel()


def _reduced(op: Op) -> int:
    # tf.profiler: n - 1 additions for each of the results.
    return op.source(0).numel() - op.result().numel()


ALL: dict[str, Rule] = {
    **dict.fromkeys(_UNARY | _BINARY, _per_output(1)),
    **dict.fromkeys(_VARIADIC, _variadic),
    "Mean": _mean,
    f"{MS}BiasGelu": _per_output(2),
    **dict.fromkeys(_REDUCTIONS, _per_input(1)),
    **dict.fromkeys(_REDUCTIONS_2, _per_input(2)),
    **dict.fromkeys(_WINDOWS, _window),
    "BatchNormalization": _per_output(2),
    **dict.fromkeys(_NORMS, _per_input(5)),
    **dict.fromkeys(("Softmax", "LogSoftmax", "Hardmax"), _per_output(5)),
    "LRN": _lrn,
    **dict.fromkeys(("Resize", "Upsample"), _interpolation),
    # Two per element: scale and zero point.
    **dict.fromkeys(("QuantizeLinear", "DequantizeLinear"), _per_output(2)),
    # The range first, then as QuantizeLinear.
    "DynamicQuantizeLinear": _per_output(4),
    # Each pair of elements is turned: two products and a sum for each.
    **dict.fromkeys(("RotaryEmbedding", f"{MS}RotaryEmbedding"), _per_output(3)),
    # 4 samples of 2 FLOPs each, as for bilinear interpolation.
    **dict.fromkeys(("GridSample", "RoiAlign"), _per_output(8)),
}
"""Rules of the convention ``all``, by kind."""

TENSORFLOW: dict[str, Rule] = {
    **dict.fromkeys(_words("Log Neg Reciprocal"), _per_output(1)),
    **dict.fromkeys(
        _words("Add Sub Mul Div Pow Greater GreaterOrEqual Less LessOrEqual Equal"),
        _per_output(1),
    ),
    **dict.fromkeys(_VARIADIC, _variadic),
    "Softmax": _per_output(5),
    **dict.fromkeys(("AveragePool", "MaxPool"), _window),
    **dict.fromkeys(("ReduceMean", "GlobalAveragePool"), _per_input(1)),
    **dict.fromkeys(("ReduceSum", "ArgMax", "ArgMin"), _reduced),
}
"""Rules of the convention ``tensorflow``, by kind."""


def rules(which: Literal["", "tensorflow", "all"]) -> dict[str, Rule]:
    """Give the rules of a convention, none for those that count products alone."""
    return {"": {}, "tensorflow": TENSORFLOW, "all": ALL}[which]


def moves_data(kind: str) -> bool:
    """Say whether a kind of operation only moves or makes data."""
    return kind in MOVEMENT


def is_arithmetic(kind: str) -> bool:
    """Say whether a kind of operation is known here to compute, whatever the convention counts."""
    return kind in ALL or kind in DATA_DEPENDENT
