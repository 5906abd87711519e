"""``%inspect``: what is in a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deploy_magics.arguments import AModel, Dims, Shapes
from deploy_magics.errors import ArgumentError, DeployError, Interrupted, ModelError
from deploy_magics.progress import progress
from deploy_magics.result import Held, Note, Result
from deploy_magics.steps._registry import step

if TYPE_CHECKING:
    from deploy_magics.model import Model
    from deploy_magics.steps._inspect_tables import Seen


@dataclass
class InspectResult(Result):
    """What models consist of, in tables, and as plain values in :attr:`models`."""

    @property
    def models(self) -> dict[str, dict[str, Any]]:
        """Plain values by model.

        Keys are ``ops`` (node counts by operator type), ``nodes``, ``params``, ``weight_bytes``, ``size_bytes``,
        ``opset``, ``ir_version``, ``producer``, ``digest`` and ``findings`` (text, level, count, examples).
        """
        found: dict[str, dict[str, Any]] = self.meta["models"]
        return found

    @property
    def ops(self) -> dict[str, int]:
        """Node counts by operator type of the one model; raises DeployError where there are several."""
        if len(self.models) != 1:
            raise DeployError(f"this result holds {len(self.models)} models", hint="take one of its .models")
        counts: dict[str, int] = next(iter(self.models.values()))["ops"]
        return counts


@step(answers="What is in this model?", workbook="01_inspect_and_flops", order=10, cell=True)
def inspect(*models: AModel, shape: Shapes = None, dim: Dims = None) -> InspectResult:
    """Show what a model consists of, and what looks odd in it.

    Inputs and outputs, operator types with their counts (the bodies of If, Loop and Scan and of functions included),
    parameters, types and bytes of the weights, opset, producer and metadata; then what stands out: dynamic
    dimensions, unused weights, dead nodes, batch normalisation that could be folded, weights that are NaN or stored
    twice, what the ONNX checker or ONNX Runtime object to, and the like.

    Parameters
    ----------
    *models
        Models: a path, zoo name, notebook variable, ModelProto or torch module; ``label=model`` labels one. Several
        stand side by side, with a column of operator counts each.
    shape
        Bind dynamic dimensions, ``--shape input=1x3x224x224`` (of one input also ``1x3x224x224``). What is not bound
        stays dynamic.
    dim
        Bind a dynamic dimension by its name, ``--dim N=1``.

    Returns
    -------
    InspectResult
        Tables; plain values in ``.models``, and operator counts in ``.ops`` where there is one model.

    Raises
    ------
    ModelError
        Where something is no model. A model that fails the checker, or has operators nobody knows, can be inspected.
    Interrupted
        Where the user stops it, with the models inspected until then.

    Examples
    --------
    One model::

        %inspect resnet50

    Two side by side, and then their operator counts as a data frame::

        %inspect before=resnet50 after=slim -o seen
        seen.to_dataframe(1)
    """
    from deploy_magics.model import Model

    if not models:
        raise ArgumentError("there is no model to inspect", hint="name one: %inspect resnet50")
    opened = Model.all_of(models, shapes=shape, dims=dim)
    seen: list[Seen] = []
    notes: list[Note] = []
    with progress(f"inspect: {', '.join(model.name for model in opened)}") as tracker:
        for place, model in enumerate(opened):
            tracker.update(place / len(opened), model.name)
            try:
                item, more = _look(model, prefix=f"{model.name}: " if len(opened) > 1 else "")
            except KeyboardInterrupt:
                raise _interrupted(opened, seen, notes) from None
            seen.append(item)
            notes += more
    return _result(seen, notes)


def _result(seen: list[Seen], notes: Sequence[Note]) -> InspectResult:
    from deploy_magics.steps import _inspect_tables as tables

    if len(seen) == 1:
        found = [
            tables.interface_table(seen),
            tables.op_table(seen[0]),
            tables.weight_table(seen[0]),
            tables.finding_table(seen),
            tables.metadata_table(seen[0].model),
        ]
    else:
        found = [
            tables.summary_table(seen),
            tables.op_comparison(seen),
            tables.interface_table(seen),
            tables.finding_table(seen),
        ]
    return InspectResult(
        step="inspect",
        headline="; ".join(_headline(item) for item in seen),
        tables=tuple(table for table in found if table is not None),
        facts=_facts(seen[0]) if len(seen) == 1 else (),
        notes=tuple(notes),
        meta={"models": {item.model.name: _plain(item) for item in seen}},
        held=_held(seen[0]) if len(seen) == 1 else (),
    )


def _held(item: Seen) -> tuple[Held, ...]:
    """Give what goals can be set for, where no table has a row for the model."""
    params = () if item.params is None else (Held("params", item.params, ""),)
    return (Held("size", item.model.size_bytes, "B"), *params)


def _interrupted(opened: Sequence[Model], seen: list[Seen], notes: Sequence[Note]) -> Interrupted:
    current = opened[len(seen)].name
    if not seen:
        return Interrupted(None, f"interrupted while inspecting {current!r}; nothing was kept")
    partial = _result(seen, notes)
    partial.status = "interrupted"
    done = f"{len(seen)} of {len(opened)} models are inspected and kept"
    return Interrupted(partial, f"interrupted while inspecting {current!r}; {done}")


def _look(model: Model, prefix: str) -> tuple[Seen, list[Note]]:
    """Look through one model."""
    from deploy_magics.counting.linking import build, check_functions
    from deploy_magics.counting.weights import Role, find_weights
    from deploy_magics.steps._inspect_findings import findings
    from deploy_magics.steps._inspect_tables import Seen, census
    from deploy_magics.steps._inspect_values import value_findings

    counted = census(model)
    try:
        check_functions(model.skeleton)
    except ModelError as error:
        # Neither checker nor runtime is asked: they would expand them as well.
        return Seen(model, counted, None), [
            Note(f"{prefix}not checked, nor its parameters counted: {error}", "warning")
        ]
    # Weights listed as inputs stand among what stands out.
    odd = [text for text in model.check() if "also listed as inputs" not in text]
    notes = [Note(f"{prefix}{text}", "warning") for text in odd]
    # Some weights are made by nodes, and only inference tells their size.
    program = build(model.inferred())
    weights, unsized = find_weights(program)
    if unsized:
        notes.append(Note(f"{prefix}{len(unsized)} constants are not counted: {unsized[0]}", "warning"))
    values, left_out = value_findings(model, weights)
    if left_out:
        notes.append(Note(prefix + left_out))
    found = sorted(findings(model, program, weights) + values, key=lambda finding: finding.level != "warning")
    if not found and not odd:
        notes.append(Note(f"{prefix}nothing stands out"))
    statistics = sum(weight.elements for weight in weights.values() if weight.role is Role.STATISTIC)
    if statistics:
        notes.append(Note(f"{prefix}{statistics:,} running means and variances are not among the parameters"))
    return Seen(model, counted, list(weights.values()), found), notes


def _headline(item: Seen) -> str:
    total = item.census.total
    nodes, types = total.total(), len(total)
    what = f"{nodes:,} node{'' if nodes == 1 else 's'} of {types} operator type{'' if types == 1 else 's'}"
    params = "" if item.params is None else f", {item.params:,} parameters"
    return f"{item.model.name}: {what}{params}"


def _facts(item: Seen) -> tuple[tuple[str, str], ...]:
    from deploy_magics.steps._inspect_tables import MIB, main_dtype, opset, producer

    model = item.model
    size = model.size_bytes / MIB
    facts = [
        ("from", model.source),
        ("size", f"{size:,.1f} MiB" if size >= 1 else f"{model.size_bytes / 1024:,.1f} KiB"),
        ("nodes", f"{item.census.total.total():,}"),
        ("parameters", "unknown" if item.params is None else f"{item.params:,}"),
        ("weights", main_dtype(item) or "none"),
        ("opset", opset(model)),
        ("IR", str(model.skeleton.ir_version)),
        ("producer", producer(model)),
    ]
    if model.skeleton.functions:
        facts.append(("functions", str(len(model.skeleton.functions))))
    if model.external_files:
        facts.append(("external files", str(len(model.external_files))))
    return tuple(facts)


def _plain(item: Seen) -> dict[str, Any]:
    from deploy_magics.steps._inspect_tables import opset, producer

    return {
        "ops": dict(item.census.total),
        "nodes": item.census.total.total(),
        "params": item.params,
        "weight_bytes": item.weight_bytes,
        "size_bytes": item.model.size_bytes,
        "opset": opset(item.model),
        "ir_version": item.model.skeleton.ir_version,
        "producer": producer(item.model),
        "digest": item.model.digest,
        "findings": [
            {"text": f.text, "level": f.level, "count": f.count, "examples": list(f.examples)} for f in item.findings
        ],
    }
