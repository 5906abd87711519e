"""Which constants are parameters, and which are statistics, quantisation scales or tables.

Parameters are what ``sum(p.numel() for p in module.parameters())`` counts: weights, biases, affine scale and shift of
normalisation; running mean and variance of batch normalisation are buffers and stand apart (ResNet-50: 25,557,032 and
53,120). ONNX does not mark which constant is which, so the rule here is by use:

- in a weight's place (the kernel of Conv, the matrix of Gemm, scale and B of BatchNormalization, the table of
  Gather, ...): a parameter, float or quantised;
- as running mean or variance: a statistic;
- as scale or zero point, bound of Clip, factor of Resize, initial state of an LSTM and the like: neither;
- anywhere else (Add, Mul, Concat, ...): a parameter where it is float and has more than one element, since a bias or
  a folded scale looks just so; a table of anchors does too, which is why these are also given on their own.

A use through an operation that reads only constants, or that hands a tensor on in another form (Unsqueeze, Expand,
DequantizeLinear, ...), counts as the use of what that makes. A constant that several nodes share counts once.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from deploy_magics.counting.dtypes import FLOATS
from deploy_magics.counting.program import Op, Program, Uncountable, Value

MS = "com.microsoft."


class Role(IntEnum):
    """What a constant is for; the strongest of its uses holds."""

    OTHER = 0
    STATISTIC = 1
    ARITHMETIC = 2
    WEIGHT = 3


_WEIGHTS: dict[str, tuple[int, ...]] = {
    "Conv": (1, 2),
    "ConvTranspose": (1, 2),
    "DeformConv": (1, 3),
    "Gemm": (0, 1, 2),
    "MatMul": (0, 1),
    "RNN": (1, 2, 3),
    "GRU": (1, 2, 3),
    "LSTM": (1, 2, 3, 7),
    "BatchNormalization": (1, 2),
    "InstanceNormalization": (1, 2),
    "LayerNormalization": (1, 2),
    "SimplifiedLayerNormalization": (1,),
    "GroupNormalization": (1, 2),
    "RMSNormalization": (1,),
    "PRelu": (1,),
    "Gather": (0,),
    "QLinearConv": (3, 8),
    "ConvInteger": (1,),
    "MatMulInteger": (0, 1),
    "QLinearMatMul": (0, 3),
    f"{MS}FusedConv": (1, 2),
    f"{MS}NhwcFusedConv": (1, 2),
    f"{MS}QLinearConv": (3, 8),
    "com.microsoft.nchwc.Conv": (1, 2),
    f"{MS}FusedGemm": (0, 1, 2),
    f"{MS}FusedMatMul": (0, 1),
    f"{MS}TransposeMatMul": (0, 1),
    f"{MS}QGemm": (0, 3, 6),
    f"{MS}MatMulIntegerToFloat": (0, 1, 6),
    f"{MS}DynamicQuantizeMatMul": (1, 4),
    f"{MS}MatMulNBits": (1, 5),
    f"{MS}Attention": (1, 2),
    f"{MS}MultiHeadAttention": (3,),
    f"{MS}SkipLayerNormalization": (2, 3, 4),
    f"{MS}SkipSimplifiedLayerNormalization": (2, 3),
    f"{MS}BiasGelu": (1,),
    f"{MS}FastGelu": (1,),
    f"{MS}GatherBlockQuantized": (0,),
}
"""Inputs that hold weights or biases."""

_NEITHER: dict[str, tuple[int, ...]] = {
    "QuantizeLinear": (1, 2),
    "DequantizeLinear": (1, 2),
    "QLinearConv": (1, 2, 4, 5, 6, 7),
    f"{MS}QLinearConv": (1, 2, 4, 5, 6, 7),
    "QLinearMatMul": (1, 2, 4, 5, 6, 7),
    "ConvInteger": (2, 3),
    "MatMulInteger": (2, 3),
    f"{MS}QGemm": (1, 2, 4, 5, 7, 8),
    f"{MS}MatMulIntegerToFloat": (2, 3, 4, 5),
    f"{MS}DynamicQuantizeMatMul": (2, 3),
    f"{MS}MatMulNBits": (2, 3, 4),
    f"{MS}GatherBlockQuantized": (1, 2, 3),
    **dict.fromkeys((f"{MS}QLinearAdd", f"{MS}QLinearMul"), (1, 2, 4, 5, 6, 7)),
    **dict.fromkeys(
        (f"{MS}QLinearSigmoid", f"{MS}QLinearLeakyRelu", f"{MS}QLinearGlobalAveragePool", f"{MS}QLinearAveragePool"),
        (1, 2, 3, 4),
    ),
    "RNN": (4, 5),
    "GRU": (4, 5),
    "LSTM": (4, 5, 6),
    "Resize": (1, 2, 3),
    "Upsample": (1,),
    "Pad": (1, 2, 3),
    "Clip": (1, 2),
    "Dropout": (1, 2),
    "Pow": (1,),
    "OneHot": (0, 1, 2),
    "Range": (0, 1, 2),
    "NonMaxSuppression": (2, 3, 4),
    "STFT": (1, 2, 3),
    "DFT": (1, 2),
    "TopK": (1,),
    "If": (0,),
}
"""Inputs that set an operation up and are no parameters."""

_STATISTICS = {"BatchNormalization": (3, 4)}

_QUANTISED = frozenset(
    kind for kind in _WEIGHTS if "Q" in kind or "Integer" in kind or "NBits" in kind or "Quant" in kind
)
"""Operations in which an integer constant may be a parameter."""

_CARRIERS = frozenset(
    "Cast CastLike DequantizeLinear Expand Flatten Identity QuantizeLinear Reshape Squeeze Transpose Unsqueeze".split()  # noqa: SIM905
)
"""Operations that hand a weight on in another form: what is read at each inference is still the stored one."""


@dataclass(frozen=True, slots=True)
class Weight:
    """A stored constant and what it is for.

    Attributes
    ----------
    value : Value
        The constant.
    role : Role
        Its strongest use.
    elements, nbytes : int
        Its size.
    """

    value: Value
    role: Role
    elements: int
    nbytes: int

    @property
    def is_parameter(self) -> bool:
        """Whether it counts among the parameters."""
        return self.role >= Role.ARITHMETIC


def find_weights(program: Program) -> tuple[dict[Value, Weight], list[str]]:
    """Find every stored constant and its role.

    Returns
    -------
    weights : dict of Value to Weight
        Initialisers, Constant nodes' tensors, and what ConstantOfShape makes of a constant shape.
    unknown : list of str
        Reasons for those whose size cannot be told.
    """
    roles: dict[Value, Role] = {}
    for op in reversed(list(program.ops())):
        if op.foldable or op.kind in _CARRIERS:
            for value in op.outputs:
                if value is not None:
                    roles[value] = _role(value, roles)
    found: dict[Value, Weight] = {}
    unknown: list[str] = []
    for value in _leaves(program):
        try:
            role, elements = _role(value, roles), _elements(value)
            if role is Role.ARITHMETIC and elements == 1:
                role = Role.OTHER  # a single number, though it may be expanded to many
            found[value] = Weight(value, role, elements, _bytes(value))
        except Uncountable as why:
            unknown.append(str(why))
    return found, unknown


def stored(value: Value) -> Value:
    """Go from a constant back to the stored one that it is another form of, else give itself."""
    while (op := value.producer) is not None and op.kind in _CARRIERS:
        source = op.given(0)
        if source is None or not source.constant:
            break
        value = source
    return value


def parameters_of(op: Op, weights: dict[Value, Weight]) -> list[Weight]:
    """List the parameters that one operation reads, each once."""
    if op.foldable:
        return []
    seen: dict[Value, Weight] = {}
    for index, value in enumerate(op.inputs):
        if value is None or not value.constant or _slot_role(op, index, value) < Role.ARITHMETIC:
            continue
        for leaf in _behind(value):
            weight = weights.get(leaf)
            if weight is not None and weight.is_parameter:
                seen[leaf] = weight
    return list(seen.values())


def _leaves(program: Program) -> list[Value]:
    leaves = list(program.constants())
    for op in program.ops():
        made = op.outputs[0] if op.outputs else None
        if op.kind == "ConstantOfShape" and made is not None and made.constant:
            leaves.append(made)
    return leaves


def _behind(value: Value) -> list[Value]:
    """Find the stored constants from which a constant is computed."""
    leaves: list[Value] = []
    stack, seen = [value], {value}
    while stack:
        here = stack.pop()
        op = here.producer
        if op is None or op.kind in ("Constant", "ConstantOfShape"):
            leaves.append(here)
            continue
        for source in op.inputs:
            if source is not None and source not in seen:
                seen.add(source)
                stack.append(source)
    return leaves


def _role(value: Value, roles: dict[Value, Role]) -> Role:
    best = Role.OTHER
    for op, index in value.uses:
        role = _slot_role(op, index, value)
        if role >= Role.STATISTIC and (op.foldable or op.kind in _CARRIERS):
            role = max((roles.get(out, Role.OTHER) for out in op.outputs if out is not None), default=Role.OTHER)
        best = max(best, role)
    return best


def _slot_role(op: Op, index: int, value: Value) -> Role:
    """Tell what an input of an operation is for, were it constant."""
    if index in _NEITHER.get(op.kind, ()):
        return Role.OTHER
    if index in _STATISTICS.get(op.kind, ()):
        return Role.STATISTIC
    if op.kind in _CARRIERS and index == 0:
        return Role.WEIGHT  # limited by the role of what it makes
    if value.dtype not in (0, *FLOATS) and op.kind not in _QUANTISED:
        return Role.OTHER
    if index in _WEIGHTS.get(op.kind, ()) or op.kind == "Einsum":
        return Role.WEIGHT
    try:
        return Role.ARITHMETIC if value.numel() > 1 else Role.OTHER
    except Uncountable:
        return Role.ARITHMETIC  # only what is made of a constant may be of unknown size


def _elements(value: Value) -> int:
    tensor = value.tensor
    if hasattr(tensor, "indices"):  # a sparse tensor stores its non-zero values alone
        return tensor.values.dims[0] if tensor.values.dims else 0
    return value.numel()


def _bytes(value: Value) -> int:
    if hasattr(value.tensor, "indices"):
        indices = 1
        for dim in value.tensor.indices.dims:
            indices *= dim
        return (value.nbytes() // max(value.numel(), 1)) * _elements(value) + 8 * indices
    return value.nbytes()
