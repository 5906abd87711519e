"""What ``%align`` found, as tables and a drawing along the depth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy_magics.result import Cell, Column, Depth, Missing, Row, Spot, Table

if TYPE_CHECKING:
    from deploy_magics.aligning import Alignment, Errors, LayerErrors

_PPM = 1e6
_FEWEST = 3
"""Layers that have a depth: of outputs that agree, all that a search runs, the table says the same."""
_ERROR = "Largest difference as a share of the range of the reference's values, over all samples."
_SERIES = {"whole": "as a whole", "alone": "on its own"}


@dataclass(frozen=True)
class Compared:
    """One comparison: who with, and what came of it or why nothing did.

    Attributes
    ----------
    name : str
        The other model, and the runtime where that is not ONNX Runtime.
    runtime : str
        Short name of its runtime.
    found : Alignment or None
        What was found.
    error : str
        Why there is nothing.
    """

    name: str
    runtime: str
    found: Alignment | None
    error: str = ""

    @property
    def parts(self) -> bool:
        """Whether a layer is past the tolerance."""
        return self.found is not None and any(self.found.first(mode) for mode in _SERIES)

    @property
    def failed(self) -> int:
        """How many layers could not be run as was asked."""
        return sum(bool(layer.why) for layer in self.found.layers) if self.found is not None else 0

    @property
    def agrees(self) -> bool:
        """Whether both give the same outputs, every layer was run, and none is past the tolerance."""
        whole = self.found is not None and not self.found.stopped
        return whole and not self.parts and not self.failed and not self.uneven

    @property
    def uneven(self) -> str:
        """Which outputs only one of the two has; "" for none."""
        if self.found is None:
            return ""
        matching = self.found.matching
        said = [f"{', '.join(map(repr, matching.missing))} of the reference only"] if matching.missing else []
        said += [f"{', '.join(map(repr, matching.added))} of {self.name} only"] if matching.added else []
        return " and ".join(said)


def layers(compared: Compared, modes: Sequence[str], *, titled: bool) -> Table:
    """Make the table of one comparison, a row a layer."""
    assert compared.found is not None
    found = compared.found
    columns = [
        Column("layer", "layer", kind="text", help="The reference's layer."),
        Column("op", "op type", kind="text"),
    ]
    for mode in modes:
        columns += _columns(mode)
    columns += [
        Column("other", "tensor there", kind="text", shown=False, help="The other model's tensor."),
        Column("tensor", "tensor", kind="text", shown=False, help="The reference's tensor."),
        Column("by", "matched by", kind="text", shown=False),
        Column("values", "values", kind="integer", shown=False, help="Values of one sample."),
        Column("sample", "worst sample", kind="integer", shown=False, help="Counted from 0."),
    ]
    firsts = {mode: found.first(mode) for mode in modes}
    rows = tuple(_row(layer, modes, _remark(layer, firsts, found.tolerance)) for layer in found.layers)
    said = {
        "whole": "error: both models run from their inputs, and errors add up",
        "alone": "own error: each layer of the other model reads the reference's values",
    }
    notes = (
        "; ".join(said[mode] for mode in modes),
        "each is the largest difference of any value, as a share of the range of the reference's tensor; the worst of "
        f"{found.samples} {'sample' if found.samples == 1 else 'samples'}",
    )
    return Table(tuple(columns), rows, title=compared.name if titled else "", notes=notes)


def summary(comparisons: Sequence[Compared]) -> Table:
    """Make the table that stands first where there are several comparisons."""
    columns = (
        Column("name", "compared", kind="text"),
        Column("verdict", "verdict", kind="verdict"),
        Column("first", "first past the tolerance", kind="text", help="Where the models part."),
        Column("error", "largest own error", unit="ppm", digits=3, help=_ERROR),
        Column("outputs", "error of outputs", unit="ppm", digits=3, help=_ERROR, goal="error"),
        Column("layers", "layers compared", kind="integer", shown=False),
        Column("tolerance", "tolerance", unit="ppm", digits=3),
    )
    rows = []
    for each in comparisons:
        if each.found is None:
            rows.append(Row({"name": each.name}, status="failed", note=each.error))
            continue
        first = culprit(each.found)
        own = [layer.alone.relative for layer in each.found.layers if layer.alone is not None]
        ends = [
            x.whole.relative for x in each.found.layers if x.whole is not None and x.pair.tensor in each.found.outputs
        ]
        cells: dict[str, Cell] = {
            "name": each.name,
            "verdict": "parts" if each.parts else "agrees" if each.agrees else "partly run",
            "first": first.pair.layer if first is not None else Missing("none is past it"),
            "error": max(own) * _PPM if own else Missing("layers were not run alone"),
            "outputs": max(ends) * _PPM if ends else Missing("outputs were not compared as a whole"),
            "layers": len(each.found.layers),
            "tolerance": each.found.tolerance * _PPM,
        }
        rows.append(Row(cells))
    return Table(columns, tuple(rows))


def culprit(found: Alignment) -> LayerErrors | None:
    """Give the first layer past the tolerance by its own error, else the first where errors have added up past it."""
    return found.first("alone") or found.first("whole")


def depth(compared: Compared, modes: Sequence[str], reference: str, *, titled: bool) -> Depth | None:
    """Draw the errors along the depth; None where too few layers were measured to have one."""
    assert compared.found is not None
    spots = tuple(_spot(layer, modes) for layer in compared.found.layers if layer.whole or layer.alone)
    if len(spots) < _FEWEST:
        return None
    label = f"error along the depth{f': {compared.name}' if titled else ''}"
    series = tuple(_SERIES[mode] for mode in modes)
    sides = (reference, compared.name if compared.name != reference else f"{compared.name} (other)")
    return Depth(label, "ppm", series, spots, compared.found.tolerance * _PPM, sides)


def _columns(mode: str) -> list[Column]:
    said = _SERIES[mode].capitalize()
    own = "own " if mode == "alone" else ""
    return [
        Column(f"{mode}_error", f"{own}error", unit="ppm", digits=3, help=f"{said}. {_ERROR}"),
        Column(f"{mode}_snr", f"{own}SNR", unit="dB", digits=3, help=f"{said}. Signal to noise; 40 dB is 1 % noise."),
        Column(f"{mode}_cosine", f"{own}cosine", digits=7, shown=False, help="Of the angle between the two."),
        Column(f"{mode}_max", f"{own}max abs", digits=4, shown=False, help="Largest absolute difference."),
        Column(f"{mode}_mean", f"{own}mean abs", digits=4, shown=False, help="Mean absolute difference."),
    ]


def _row(layer: LayerErrors, modes: Sequence[str], remark: str) -> Row:
    found = layer.alone or layer.whole
    cells: dict[str, Cell] = {
        "layer": layer.pair.layer,
        "op": layer.pair.op,
        "tensor": layer.pair.tensor,
        "other": layer.pair.other,
        "by": layer.pair.by,
    }
    if found is None:
        return Row(cells, status="failed", note=layer.why or "was not run")
    cells.update(values=found.values, sample=found.sample)
    for mode in modes:
        cells.update(_figures(mode, getattr(layer, mode), layer.why))
    return Row(cells, note=remark)


def _figures(mode: str, found: Errors | None, why: str) -> dict[str, Cell]:
    keys = [f"{mode}_{key}" for key in ("error", "snr", "cosine", "max", "mean")]
    if found is None or found.problem:
        missing = Missing((why or "was not run so") if found is None else found.problem)
        return dict.fromkeys(keys, missing)
    snr: Cell = Missing("there is no difference") if found.snr_db == math.inf else found.snr_db
    return dict(zip(keys, (found.relative * _PPM, snr, found.cosine, found.max_abs, found.mean_abs), strict=True))


def _remark(layer: LayerErrors, firsts: dict[str, LayerErrors | None], tolerance: float) -> str:
    said = []
    for mode, first in firsts.items():
        if first is layer:
            said.append(f"first past the tolerance {_SERIES[mode]}")
    for found in (layer.whole, layer.alone):
        if found is not None and not found.within(tolerance):
            if found.problem and found.problem not in said:
                said.append(found.problem)
            odd = f"{found.not_finite:,} of {found.values:,} values are NaN or infinite"
            if found.not_finite and odd not in said:
                said.append(odd)
    if layer.why:
        said.append(layer.why)
    return "; ".join(said)


def _spot(layer: LayerErrors, modes: Sequence[str]) -> Spot:
    values: list[float | None] = []
    for mode in modes:
        found: Errors | None = getattr(layer, mode)
        values.append(None if found is None else math.inf if found.problem else found.relative * _PPM)
    # The distributions are those of the mode with the larger error.
    both = [each for each in (layer.whole, layer.alone) if each is not None]
    worst = max(both, key=lambda each: each.relative)
    drawn = worst.histogram
    if drawn is None:
        return Spot(layer.pair.layer, layer.pair.op, tuple(values))
    counts = (drawn.reference, drawn.other)
    return Spot(layer.pair.layer, layer.pair.op, tuple(values), drawn.low, drawn.high, counts)
