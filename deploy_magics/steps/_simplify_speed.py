"""The speed of a model before and after, measured as ``%bench`` does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from deploy_magics.errors import DeployError, Interrupted
from deploy_magics.result import Note, Ratio

if TYPE_CHECKING:
    from deploy_magics.arguments import FeedSource
    from deploy_magics.model import Model
    from deploy_magics.steps.bench import BenchResult
    from deploy_magics.steps.simplify import SimplifyResult


@dataclass(frozen=True)
class Pair:
    """A model, and what became of it."""

    before: Model
    after: Model


def with_speed(result: SimplifyResult, pairs: Sequence[Pair], *, data: FeedSource | None = None) -> SimplifyResult:
    """Add tables and samples of the speed of each pair to a result.

    Parameters
    ----------
    result : SimplifyResult
        What simplification gave.
    pairs : sequence of Pair
        Originals and results.
    data : int, path, mapping or callable, optional
        Inputs; random by default.

    Raises
    ------
    Interrupted
        On an interrupt; holds the result with what was measured.
    """
    from deploy_magics.steps.bench import BenchResult
    from deploy_magics.steps.bench import bench as measure

    for pair in pairs:
        who = f"{pair.before.name}: " if len(pairs) > 1 else ""
        if pair.after is pair.before:
            result = replace(result, notes=(*result.notes, Note(f"{who}nothing changed, so speed was not measured")))
            continue
        names = ("before", "after") if len(pairs) == 1 else (pair.before.name, pair.after.name)
        try:
            found = measure((names[0], pair.before), (names[1], pair.after), data=data)
        except Interrupted as stop:
            partial = stop.partial
            kept = _joined(result, partial, who) if isinstance(partial, BenchResult) else result
            raise Interrupted(replace(kept, status="interrupted"), f"{stop}; the simplified models are kept") from None
        except DeployError as error:
            note = Note(f"{who}speed could not be measured: {error}", "warning")
            result = replace(result, notes=(*result.notes, note))
            continue
        result = _joined(result, found, who)
    return result


def _joined(result: SimplifyResult, found: BenchResult, who: str) -> SimplifyResult:
    ratio = found.table.rows[1].cells.get("speedup")
    says = ""
    if isinstance(ratio, Ratio):
        says = f"{ratio.value:.2f}x as fast, {ratio.low:.2f} to {ratio.high:.2f} ({ratio.verdict})"
    return replace(
        result,
        headline=result.headline if who else f"{result.headline}; {found.headline}",
        tables=(*result.tables, replace(found.table, title=f"{who}speed")),
        samples=(*result.samples, *found.samples),
        facts=(*result.facts, *([(f"{who}speed", says)] if says else [])),
        notes=(*result.notes, *(replace(note, text=f"{who}{note.text}") for note in found.notes)),
        meta={**result.meta, "speed": [*result.meta.get("speed", []), {"who": who, **found.meta}]},
    )
