"""What looks odd in a model, or could be done about it before it is deployed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from deploy_magics.counting.weights import Role

if TYPE_CHECKING:
    from deploy_magics.counting.program import Op, Program, Value
    from deploy_magics.counting.weights import Weight
    from deploy_magics.model import Model

MIB = 2**20
LARGE_BYTES = MIB
"""Constants that are no weights stand out from this size on."""

_RANDOM = ("Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike")
_FOLDS_INTO = ("Conv", "ConvTranspose")
_LAYOUT = ([0, 2, 3, 1], [0, 3, 1, 2])
_FLOAT64 = 11


@dataclass(frozen=True)
class Finding:
    """One thing that stands out.

    Attributes
    ----------
    text : str
        What it is, in a few words.
    count : int
        How often.
    examples : tuple of str
        Names of the first few.
    advice : str
        What it means or what to do, in a sentence.
    level : {"info", "warning"}
        A warning is likely to be a mistake, or to cost something.
    """

    text: str
    count: int
    examples: tuple[str, ...]
    advice: str
    level: Literal["info", "warning"] = "info"


def findings(model: Model, program: Program, weights: dict[Value, Weight]) -> list[Finding]:
    """Look through a model; warnings come first."""
    ops = list(program.ops())
    found = [
        *_dimensions(model),
        *_interface(model, program),
        *_unused(program, ops),
        *_operators(ops),
        *_layout(ops),
        *_constants(weights),
    ]
    return sorted(found, key=lambda finding: finding.level != "warning")


def _finding(
    text: str, names: Iterable[str], advice: str, level: Literal["info", "warning"] = "info"
) -> Iterator[Finding]:
    """Give a finding, where there is anything to name."""
    listed = list(names)
    if listed:
        yield Finding(text, len(listed), tuple(listed[:3]), advice, level)


def _dimensions(model: Model) -> Iterator[Finding]:
    free: dict[str, None] = {}
    for spec in model.inputs:
        for place, dim in enumerate(spec.shape or ()):
            if not isinstance(dim, int):
                free[dim or f"{spec.name}[{place}]"] = None
    taken = f"; where a size is needed, {', '.join(model.assumed)} is taken" if model.assumed else ""
    yield from _finding("dynamic dimensions", free, f"bind them with --dim or --shape{taken}")
    yield from _finding(
        "inputs of unknown rank",
        (spec.name for spec in model.inputs if spec.shape is None),
        "give their shape with --shape",
        "warning",
    )
    yield from _finding(
        "inputs with a dimension of 0",
        (spec.name for spec in model.inputs if 0 in (spec.shape or ())),
        "an empty tensor is legal; it may be a mistake of the export",
        "warning",
    )


def _interface(model: Model, program: Program) -> Iterator[Finding]:
    graph = model.skeleton.graph
    weights = {tensor.name for tensor in graph.initializer}
    yield from _finding(
        "initialisers listed as inputs",
        (value.name for value in graph.input if value.name in weights),
        "how files were written up to IR 3; runtimes may not fold such weights: %simplify",
    )
    outputs = {value.name for value in program.main.outputs}
    yield from _finding(
        "unused inputs",
        (value.name for value in program.main.inputs if not value.uses and value.name not in outputs),
        "no node reads them, and yet they must be fed",
        "warning",
    )
    yield from _finding(
        "outputs that are constant",
        (value.name for value in program.main.outputs if value.constant),
        "they do not depend on any input",
        "warning",
    )


def _unused(program: Program, ops: list[Op]) -> Iterator[Finding]:
    stored = [value for body in program.bodies for value in body.constants if value.producer is None]
    yield from _finding(
        "unused initialisers",
        (value.name for value in stored if not value.uses and not value.is_output),
        "weights that no node reads still take their place in the file: %simplify",
        "warning",
    )
    alive: set[Op] = set()
    dead = []
    for op in reversed(ops):
        made = [value for value in op.outputs if value is not None]
        if any(value.is_output or any(use in alive for use, _ in value.uses) for value in made):
            alive.add(op)
        else:
            dead.append(op.name)
    yield from _finding("dead nodes", reversed(dead), "no output depends on them: %simplify", "warning")


def _operators(ops: list[Op]) -> Iterator[Finding]:
    def of(*kinds: str) -> list[str]:
        return [op.name for op in ops if op.kind in kinds]

    yield from _finding(
        "BatchNormalization after a convolution",
        (op.name for op in ops if _foldable(op)),
        "each can be folded into its convolution: %simplify",
    )
    yield from _finding(
        "operations in training mode",
        (op.name for op in ops if op.kind == "BatchNormalization" and op.attribute("training_mode", 0)),
        "exported in training mode: call eval() first",
        "warning",
    )
    yield from _finding("Identity left in", of("Identity"), "it does nothing: %simplify")
    yield from _finding("Dropout left in", of("Dropout"), "it does nothing at inference: %simplify")
    yield from _finding(
        "computed from constants alone",
        (op.name for op in ops if op.foldable and op.kind not in ("Constant", "ConstantOfShape", "DequantizeLinear")),
        "they can be computed once, ahead of time: %simplify",
    )
    yield from _finding(
        "If with a constant condition",
        (op.name for op in ops if op.kind == "If" and (given := op.given(0)) is not None and given.constant),
        "one branch never runs: %simplify",
    )
    yield from _finding("random operations", of(*_RANDOM), "the outputs differ from run to run", "warning")
    yield from _finding(
        "computed in float64",
        (op.name for op in ops if any(v is not None and v.dtype == _FLOAT64 and not v.constant for v in op.outputs)),
        "twice the memory and time of float32, and many accelerators have none",
        "warning",
    )
    quantised = of("QuantizeLinear", "DequantizeLinear")
    yield from _finding(
        "QuantizeLinear and DequantizeLinear",
        quantised,
        "quantised in QDQ form: runtimes fuse these into their neighbours",
    )
    yield from _finding(
        "operators of ONNX Runtime alone",
        (op.name for op in ops if op.kind.startswith("com.microsoft")),
        "other runtimes and compilers do not know the domain com.microsoft",
    )


def _foldable(op: Op) -> bool:
    """Whether a batch normalisation can be folded into the convolution whose only reader it is."""
    source = op.given(0)
    if op.kind != "BatchNormalization" or source is None or source.producer is None:
        return False
    maker = source.producer
    kernel = maker.given(1)
    return (
        maker.kind in _FOLDS_INTO
        and len(source.uses) == 1
        and not source.is_output
        and kernel is not None
        and kernel.constant
        and all(value is not None and value.constant for value in op.inputs[1:5])
    )


def _layout(ops: list[Op]) -> Iterator[Finding]:
    transposes = [op for op in ops if op.kind == "Transpose" and not op.foldable]
    yield from _finding(
        "Transposes between NHWC and NCHW",
        (op.name for op in transposes if list(op.attribute("perm") or ()) in _LAYOUT),
        "of a channels-last framework, or of a detector's heads; each moves its whole tensor",
    )
    yield from _finding(
        "Transposes that undo the one before",
        (op.name for op in transposes if _undoes(op)),
        "the pair does nothing: %simplify",
        "warning",
    )


def _undoes(op: Op) -> bool:
    source = op.given(0)
    before = source.producer if source is not None else None
    if before is None or before.kind != "Transpose":
        return False
    first, second = before.attribute("perm"), op.attribute("perm")
    if not first or not second or len(first) != len(second) or max(*first, *second) >= len(first):
        return False
    return [first[place] for place in second] == list(range(len(first)))


def _constants(weights: dict[Value, Weight]) -> Iterator[Finding]:
    yield from _finding(
        "weights in float64",
        (weight.value.name for weight in weights.values() if weight.value.dtype == _FLOAT64 and weight.is_parameter),
        "twice the size of float32",
        "warning",
    )
    large = [w for w in weights.values() if w.nbytes >= LARGE_BYTES and w.role is not Role.WEIGHT]
    yield from _finding(
        "large constants that are no weights",
        (f"{w.value.name} ({w.nbytes / MIB:.1f} MiB)" for w in sorted(large, key=lambda w: -w.nbytes)),
        "tables computed at export, such as anchors or masks; they make the file larger",
    )
