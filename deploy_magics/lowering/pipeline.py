"""An ONNX file to code, all in one process: for ``%tvm_compile`` in its worker, and for a file that is run as it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from deploy_magics.errors import ArgumentError, DeployError, did_you_mean
from deploy_magics.lowering.artefact import Manifest
from deploy_magics.lowering.build import compile_module
from deploy_magics.lowering.frontend import import_onnx, static_outputs
from deploy_magics.lowering.schedules import SPACE_VERSION, Decisions
from deploy_magics.lowering.target import Target
from deploy_magics.lowering.tasks import LAYOUTS, Lowered, lower, schedule

How: TypeAlias = Literal["rule", "none"]
SCHEDULES: tuple[How, ...] = get_args(How)
"""How functions are scheduled: by ``rule``, or not at all (``none``), as TVM builds them by itself."""


@dataclass(frozen=True)
class Signature:
    """What a model takes and gives.

    Attributes
    ----------
    inputs : mapping of str to sequence of int
        Shape of each input by its name, every dimension a number.
    dtypes : mapping of str to str
        Type of each input.
    outputs : tuple of str
        Names of the outputs.
    """

    inputs: Mapping[str, Sequence[int]]
    dtypes: Mapping[str, str]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class Decided:
    """What a search found.

    Attributes
    ----------
    decisions : mapping
        The best of each task, by its key; the rule's choice holds for others.
    records : mapping or None
        What the manifest says of the search.
    """

    decisions: Mapping[str, Decisions]
    records: Mapping[str, Any] | None = None


Decide: TypeAlias = Callable[[Lowered], Decided]


@dataclass
class Made:
    """Code, and what it says of itself.

    Attributes
    ----------
    executable : tvm.relax.VMExecutable
        The code.
    manifest : Manifest
        Its description.
    lowered : Lowered or None
        The functions it was made from; None where they were not scheduled.
    seconds : dict
        How long ``"import"``, ``"lower"``, ``"schedule"`` and ``"build"`` took.
    notes : tuple of str
        What a reader should know: a layout that was given up, and why.
    """

    executable: Any
    manifest: Manifest
    lowered: Lowered | None
    seconds: dict[str, float]
    notes: tuple[str, ...] = ()


def signature_of(path: Path, shapes: Mapping[str, Sequence[int]] | None = None) -> Signature | None:
    """Read what an ONNX file takes and gives; None where it leaves dimensions open that ``shapes`` does not give."""
    import onnx

    graph = onnx.load(str(path), load_external_data=False).graph
    constants = {tensor.name for tensor in graph.initializer}
    inputs: dict[str, tuple[int, ...]] = {}
    dtypes: dict[str, str] = {}
    for value in graph.input:
        if value.name in constants:
            continue
        tensor = value.type.tensor_type
        dtypes[value.name] = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type).name if tensor.elem_type else ""
        given = (shapes or {}).get(value.name)
        found = tuple(given) if given is not None else tuple(dim.dim_value for dim in tensor.shape.dim)
        if any(extent <= 0 for extent in found) and given is None:
            return None
        inputs[value.name] = found
    return Signature(inputs, dtypes, tuple(value.name for value in graph.output))


def make(
    path: Path,
    signature: Signature,
    target: Target,
    *,
    model: Mapping[str, str],
    layout: str = "auto",
    how: str = "rule",
    decide: Decide | None = None,
) -> Made:
    """Make code of an ONNX file.

    Parameters
    ----------
    path : Path
        The file.
    signature : Signature
        What it takes and gives.
    target : Target
        The machine.
    model : mapping
        ``name``, ``digest`` and ``source`` of the model, for the manifest.
    layout : str
        One of :data:`deploy_magics.lowering.tasks.LAYOUTS`. Where ``auto`` chose one that TVM cannot build, the next
        plainer one is taken, and a note says so.
    how : str
        One of :data:`SCHEDULES`.
    decide : callable, optional
        Given the functions, says what a search found best of them; what it raises is raised here.

    Raises
    ------
    DeployError
        In one line, where the file cannot be imported or built.
    """
    for name, value, known in (("layout", layout, LAYOUTS), ("schedule", how, SCHEDULES)):
        if value not in known:
            hint = did_you_mean(value, known) or f"there are: {', '.join(known)}"
            raise ArgumentError(f"there is no {name} {value!r}", hint=hint)
    began = time.monotonic()
    module = import_onnx(path, signature.inputs)
    outputs = static_outputs(module, len(signature.outputs))
    seconds = {"import": time.monotonic() - began}
    manifest = Manifest(
        model=dict(model),
        inputs=tuple(
            {"name": name, "dtype": signature.dtypes[name], "shape": list(shape)}
            for name, shape in signature.inputs.items()
        ),
        outputs=tuple(
            {"name": name, "dtype": dtype, "shape": list(shape)}
            for name, (dtype, shape) in zip(signature.outputs, outputs, strict=True)
        ),
        target=target.to_plain(),
        layout="plain",
        schedule="none",
        versions=versions(),
    )
    if how == "none":
        return _bare(module, target, manifest, seconds)
    notes: list[str] = []
    for choice in ("auto", "plain") if layout == "auto" else (layout,):
        try:
            made = _scheduled(module, target, manifest, seconds, choice, decide)
        except DeployError as error:
            # Records are for one layout; without them, whether they fit is not asked again of another.
            if layout != "auto" or choice == "plain" or decide is not None:
                raise
            notes.append(f"the blocked layout was given up: {error.message}")
        else:
            return replace(made, notes=tuple(notes))
    raise AssertionError("unreachable")


def versions() -> dict[str, str]:
    """Give the versions that an artefact and records are made by."""
    from deploy_magics import __version__
    from deploy_magics.lowering._tvm import tvm_version

    return {"deploy_magics": __version__, "tvm": tvm_version(), "space": str(SPACE_VERSION)}


def _bare(module: Any, target: Target, manifest: Manifest, seconds: dict[str, float]) -> Made:
    began = time.monotonic()
    executable = compile_module(module, target)
    return Made(executable, manifest, None, {**seconds, "build": time.monotonic() - began})


def _scheduled(
    module: Any,
    target: Target,
    manifest: Manifest,
    seconds: dict[str, float],
    layout: str,
    decide: Decide | None,
) -> Made:
    clock = [time.monotonic()]
    try:
        lowered = lower(module, target, layout=layout)
        clock.append(time.monotonic())
        decided = decide(lowered) if decide is not None else Decided({})
        functions = schedule(lowered, decided.decisions)
        clock.append(time.monotonic())
    except DeployError:
        raise
    except Exception as error:  # TVM's errors have no base of their own
        from deploy_magics.lowering._words import gist

        raise DeployError(f"TVM could not lower the model: {gist(error)}") from error
    executable = compile_module(functions, target)
    clock.append(time.monotonic())
    took = [later - earlier for earlier, later in pairwise(clock)]
    labels = {name: task.label for task in lowered.tasks for name in task.names}
    done = replace(
        manifest,
        layout=lowered.layout,
        schedule="tuned" if decided.decisions else "rule",
        labels=labels,
        records=dict(decided.records) if decided.records else None,
    )
    return Made(executable, done, lowered, {**seconds, **dict(zip(("lower", "schedule", "build"), took, strict=True))})
