"""``%flops``: how much work a model is, and how much memory traffic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from deploy_magics.arguments import AModel, Dims, Shapes
from deploy_magics.counting import ConventionName
from deploy_magics.errors import ArgumentError, DeployError, Interrupted
from deploy_magics.progress import progress
from deploy_magics.result import Held, Note, Result
from deploy_magics.steps._registry import step

if TYPE_CHECKING:
    from deploy_magics.counting import Counts
    from deploy_magics.model import Model


@dataclass
class FlopsResult(Result):
    """What models cost, in tables, and exactly in :attr:`totals`."""

    @property
    def totals(self) -> dict[str, dict[str, int]]:
        """Exact totals by model.

        Keys are ``macs``, ``flops``, ``params``, ``read`` and ``written`` (bytes), ``activation_peak`` (bytes),
        ``weights`` (bytes), ``running_statistics``, ``nodes``.
        """
        found: dict[str, dict[str, int]] = self.meta["totals"]
        return found

    def _only(self, key: str) -> int:
        if len(self.totals) != 1:
            raise DeployError(f"this result holds {len(self.totals)} models", hint="take one of its .totals")
        return next(iter(self.totals.values()))[key]

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the one model; raises DeployError where there are several."""
        return self._only("macs")

    @property
    def flops(self) -> int:
        """Floating-point operations of the one model; raises DeployError where there are several."""
        return self._only("flops")

    @property
    def params(self) -> int:
        """Parameters of the one model; raises DeployError where there are several."""
        return self._only("params")


@step(answers="How much work and memory traffic is it?", workbook="01_inspect_and_flops", order=20, cell=True)
def flops(
    *models: AModel,
    by: Literal["op", "node", "total"] = "op",
    convention: ConventionName = "conv+linear",
    summary: int | None = None,
    shape: Shapes = None,
    dim: Dims = None,
) -> FlopsResult:
    """Count multiply-accumulates, FLOPs, parameters and memory traffic, without running the model.

    MACs are multiply-accumulates and FLOPs = 2 x MACs; what else counts is a matter of convention, which the table
    names. Operations that it does not count are listed, as are those whose shapes are unknown. Parameters are what
    torch calls so: running means and variances stand apart. Traffic and activation peak are bounds for a machine that
    keeps nothing between nodes; the notes say what is assumed.

    Parameters
    ----------
    *models
        Models: a path, zoo name, notebook variable, ModelProto or torch module; ``label=model`` labels one. Several
        stand side by side. Beside a torch module's counts stand those of thop and torch's FlopCounterMode, with the
        reason for any difference.
    by
        A row for each operator type, for each node, or for each model.
    convention
        What counts as work: ``conv+linear``, products alone, as torchvision publishes it; ``conv``, without the fully
        connected layers; ``conv+bias+linear``, as older releases of thop; ``tensorflow``, as tf.profiler; ``all``,
        with normalisation, activation, pooling and element-wise arithmetic.
    summary
        Side of an image in pixels, ``--summary 640``: add the summary of a torch module that scripts for detectors
        print (layers, parameters, gradients, GFLOPS), which counts a stride-sized input and scales it by the area, and
        its error against a full count.
    shape
        Bind dynamic dimensions, ``--shape input=1x3x224x224`` (of one input also ``1x3x224x224``). Those left open
        take a usual size, which is noted.
    dim
        Bind a dynamic dimension by its name, ``--dim N=8``.

    Returns
    -------
    FlopsResult
        Tables; exact figures in ``.totals``, and ``.macs``, ``.flops``, ``.params`` where there is one model.

    Raises
    ------
    ModelError
        Where something is no model, or an open dimension has no usual size.
    Interrupted
        Where the user stops it, with the models counted until then.

    Examples
    --------
    Where does the work lie, by operator type and node by node::

        %flops resnet50
        %flops resnet50 --by node

    Two models side by side, at a batch of 8::

        %flops before=resnet50 after=slim --by total --dim N=8

    What a training script says of a detector, and how far that is off::

        %flops fused --summary 640

    As tf.profiler counts::

        %flops mnist_keras --convention tensorflow
    """
    from deploy_magics.counting import convention as find_convention
    from deploy_magics.counting import count_model
    from deploy_magics.model import Model

    if not models:
        raise ArgumentError("there is no model to count", hint="name one: %flops resnet50")
    if by not in ("op", "node", "total"):
        raise ArgumentError(f"there is no table by {by!r}", hint="there are op, node and total")
    find_convention(convention)
    if summary is not None and summary < 1:
        raise ArgumentError(f"--summary is the side of an image in pixels, not {summary}")
    opened = Model.all_of(models, shapes=shape, dims=dim)
    named: list[tuple[str, Counts]] = []
    with progress(f"flops: {', '.join(model.name for model in opened)}") as tracker:
        for place, model in enumerate(opened):
            tracker.update(place / len(opened), model.name)
            try:
                named.append((model.name, count_model(model, convention)))
            except KeyboardInterrupt:
                raise _interrupted(opened, named, by, convention) from None
    result = _result(opened, named, by, convention)
    if summary is not None:
        _add_summaries(result, opened, summary)
    for model in opened:
        if model.module is not None:
            from deploy_magics.steps._flops_torch import other_counters

            try:
                table = other_counters(model, titled=len(opened) > 1)
            except KeyboardInterrupt:
                result.status = "interrupted"
                text = f"interrupted while other tools counted {model.name!r}; what was counted is kept"
                raise Interrupted(result, text) from None
            result.tables = (*result.tables, table)
    return result


def _add_summaries(result: FlopsResult, opened: Sequence[Model], size: int) -> None:
    """Add the summary of each torch module; its figures are in ``meta["summaries"]``."""
    from deploy_magics.steps._flops_summary import summarise

    modules = [model for model in opened if model.module is not None]
    if not modules:
        raise ArgumentError("--summary is of torch modules", hint="give the module with its example input")
    for model in modules:
        try:
            found, table = summarise(model, size, titled=len(opened) > 1)
        except KeyboardInterrupt:
            result.status = "interrupted"
            text = f"interrupted while {model.name!r} was summarised; what was counted is kept"
            raise Interrupted(result, text) from None
        result.tables = (*result.tables, table)
        result.meta.setdefault("summaries", {})[model.name] = found.to_plain()


def _result(opened: Sequence[Model], named: Sequence[tuple[str, Counts]], by: str, convention: str) -> FlopsResult:
    """Make the result of the models that were counted, which are the first of those opened."""
    from deploy_magics.steps import _flops_tables as tables

    several = len(named) > 1
    found = [tables.totals_table(named)] if several or by == "total" else []
    if by != "total":
        make = tables.op_table if by == "op" else tables.node_table
        found += [make(name, counts, titled=several) for name, counts in named]
    return FlopsResult(
        step="flops",
        headline=_headline(named),
        tables=tuple(found),
        facts=() if several else _facts(opened[0], named[0][1]),
        notes=(*_assumed(opened[: len(named)]), *tables.notes_of(named, listing=by == "total")),
        meta={
            "arguments": {"by": by, "convention": convention},
            "totals": {name: _exact(counts) for name, counts in named},
        },
        held=() if found and (several or by == "total") else _held(named[0][1]),
    )


def _held(counts: Counts) -> tuple[Held, ...]:
    """Give what goals can be set for, where no table has a row for the model."""
    figures = {"params": counts.params, "macs": counts.macs, "flops": counts.flops}
    return tuple(Held(name, value, "") for name, value in figures.items())


def _interrupted(opened: Sequence[Model], named: Sequence[tuple[str, Counts]], by: str, convention: str) -> Interrupted:
    current = opened[len(named)].name
    if not named:
        return Interrupted(None, f"interrupted while counting {current!r}; nothing was kept")
    partial = _result(opened, named, by, convention)
    partial.status = "interrupted"
    done = f"{len(named)} of {len(opened)} models are counted and kept"
    return Interrupted(partial, f"interrupted while counting {current!r}; {done}")


def _headline(named: Sequence[tuple[str, Counts]]) -> str:
    name, counts = named[0]
    if len(named) > 1:
        listed = ", ".join(f"{name} {_short(counts.macs)}" for name, counts in named)
        return f"MACs ({counts.convention.name}): {listed}"
    work = f"{_short(counts.macs)} MACs"
    if counts.flops != 2 * counts.macs:
        work += f", {_short(counts.flops)} FLOPs"
    return f"{name}: {work}, {_short(counts.params)} parameters ({counts.convention.name})"


def _short(number: int) -> str:
    """Write a count as people say it.

    Examples
    --------
    >>> _short(4_089_184_256), _short(25_557_032), _short(2_293_000), _short(12)
    ('4.09 G', '25.6 M', '2.29 M', '12')
    """
    for size, unit in ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= size:
            value = number / size
            return f"{value:.{2 if value < 9.995 else 1 if value < 99.95 else 0}f} {unit}"
    return str(number)


def _facts(model: Model, counts: Counts) -> tuple[tuple[str, str], ...]:
    inputs = ", ".join(str(spec) for spec in model.concrete().inputs) or "none"
    mib = 2**20
    return (
        ("MACs", f"{counts.macs:,}"),
        ("FLOPs", f"{counts.flops:,}"),
        ("parameters", f"{counts.params:,}"),
        ("activation peak", f"{counts.peak.nbytes / mib:,.4g} MiB"),
        ("weights", f"{counts.weight_bytes / mib:,.4g} MiB"),
        ("convention", counts.convention.name),
        ("inputs", inputs),
    )


def _assumed(models: Sequence[Model]) -> list[Note]:
    """Say at which sizes models were counted; what holds for several of them, once."""
    said: dict[str, list[str]] = {}
    for model in models:
        if model.assumed:
            sizes = f"counted at {', '.join(model.assumed)}; set others with --dim or --shape"
            said.setdefault(sizes, []).append(model.name)
        note = model.concrete().inferred_note
        if note:
            said.setdefault(note, []).append(model.name)
    return [Note(text if len(names) == len(models) else f"{', '.join(names)}: {text}") for text, names in said.items()]


def _exact(counts: Counts) -> dict[str, Any]:
    return {
        "macs": counts.macs,
        "flops": counts.flops,
        "params": counts.params,
        "read": counts.read,
        "written": counts.written,
        "activation_peak": counts.peak.nbytes,
        "weights": counts.weight_bytes,
        "running_statistics": counts.statistics,
        "nodes": len(counts.nodes),
    }
