"""The result of ``%%postprocess`` from what was found and measured: tables, curves, headline, notes."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from deploy_magics.errors import DeployError, Interrupted
from deploy_magics.result import Cell, Column, Curve, Missing, Note, Ratio, Row, Samples, Table
from deploy_magics.steps import _bench_result as bench
from deploy_magics.steps import _bench_words as bench_words
from deploy_magics.steps._bench_notes import notes as bench_notes
from deploy_magics.steps._bench_words import SPEEDUP

if TYPE_CHECKING:
    from deploy_magics.postprocessing import Detections, Difference
    from deploy_magics.steps._bench_run import Setup
    from deploy_magics.steps._postprocess_run import Work
    from deploy_magics.steps.postprocess import PostprocessResult
    from deploy_magics.timing import Candidate, Measurement


_SHOWN = ("name", "found", "p50", "mean", "p99", "first", SPEEDUP)
_UNITS = {"share": "% of rows", "threshold": ""}


@dataclass(frozen=True)
class Point:
    """What was measured at one place of a crossover.

    Attributes
    ----------
    place : float
        Share of rows above the threshold in percent, or threshold.
    measured : Measurement
        What was measured there.
    """

    place: float
    measured: Measurement


def brief(setup: Setup, places: int) -> Setup:
    """Give the setup of one place of a crossover: fewer processes, and together three times the time at most."""
    return replace(setup, processes=min(3, setup.processes), precision=10.0, budget=3 * setup.budget / places)


def timed(
    candidates: Sequence[Candidate], setup: Setup, report: Callable[[float, str], None] | None = None
) -> tuple[Measurement, bool]:
    """Time functions, and tell whether that was interrupted after some were timed.

    Raises
    ------
    DeployError
        Where one failed while it was timed: it was seen to work before.
    Interrupted
        Where nothing was timed yet.
    """
    from deploy_magics.timing import MeasurementInterrupted, measure

    interrupted = False
    try:
        found = measure(
            candidates,
            processes=setup.processes,
            precision=setup.precision / 100,
            budget=setup.budget,
            seed=setup.seed,
            report=report,
        )
    except MeasurementInterrupted as stop:
        found, interrupted = stop.measurement, True
        if not any(track.runs for track in found.tracks):
            raise Interrupted(None, "interrupted before anything was measured") from None
    for track in found.tracks:
        if track.error is not None:
            raise DeployError(f"{track.candidate.label} could not be timed: {track.error}")
    return found, interrupted


def make(
    measured: Measurement,
    found: Mapping[str, Detections],
    gaps: Mapping[str, Difference],
    outputs: Any,
    source: str,
    setup: Setup,
    work: Work,
    by: str | None,
    points: Sequence[Point],
) -> PostprocessResult:
    """Make the result.

    Parameters
    ----------
    measured : Measurement
        What was measured on the real outputs.
    found : mapping
        Detections of each function.
    gaps : mapping
        How far each but the first is from the first.
    outputs, source
        The outputs, and where they are from.
    setup : Setup
        How it was asked for.
    work : Work
        The functions.
    by : str or None
        What the crossover is over.
    points : sequence of Point
        What was measured of it.
    """
    from deploy_magics.steps.postprocess import PostprocessResult

    grid = bench.pairs(measured)
    rows = []
    for track, cell in zip(measured.tracks, grid[0], strict=True):
        row, name = bench.row(track, cell), track.candidate.label
        gap = gaps.get(name)
        cells: dict[str, Cell] = {
            "found": len(found[name]),
            "score_gap": gap.score_error if gap else 0.0,
            "box_gap": gap.box_error if gap else 0.0,
        }
        rows.append(replace(row, cells={**row.cells, **cells}))
    table = Table(
        columns=_columns(setup),
        rows=tuple(rows),
        baseline=0,
        pairs={SPEEDUP: grid},
        notes=(
            "latency: one call, the model's outputs in place",
            "speed-up: ratio of median latency within rounds, 95 % interval from how the processes differ",
        ),
    )
    first = next(iter(found))
    count = len(found[first])
    headline = (
        f"{bench_words.headline(table)}; all find the same {'detection' if count == 1 else f'{count} detections'}"
    )
    tables: tuple[Table, ...] = (table,)
    notes = [*bench_notes(measured, (), setup)]
    curves: tuple[Curve, ...] = ()
    if not count:
        text = "nothing was found, so how functions treat detections was neither compared nor timed"
        notes.insert(0, Note(f"{text}; try a lower --threshold or other data", "warning"))
    if by is not None and points:
        crossed = crossover(by, points)
        tables, curves = (table, crossed), _curves(by, points)
        notes += [Note(text) for text in _ends(by, points)]
    return PostprocessResult(
        step="postprocess",
        headline=headline,
        tables=tables,
        samples=tuple(
            Samples(
                track.candidate.label,
                "ms",
                track.latencies() * 1e3,
                track.times(measured.origin_ns),
                track.process_of_run(),
            )
            for track in measured.tracks
            if track.runs
        ),
        facts=_facts(measured, outputs, source, work),
        notes=tuple(notes),
        curves=curves,
        meta=_meta(measured, setup, work, source),
    )


def _columns(setup: Setup) -> tuple[Column, ...]:
    """Take the columns of ``%bench`` that mean something of a function, and add what was found."""
    gap = "Largest difference to what the first function finds"
    own = (
        Column("found", "detections", kind="integer", help="Detections found in the outputs."),
        Column("score_gap", "score difference", digits=2, shown=False, help=f"{gap}, of scores."),
        Column("box_gap", "box difference", "px", digits=2, shown=False, help=f"{gap}, of coordinates."),
    )
    taken = [
        replace(column, shown=column.key in _SHOWN) for column in bench.columns(setup) if column.key not in _NOT_OURS
    ]
    name, *rest = taken
    return (replace(name, title="function"), *own, *rest)


_NOT_OURS = ("load", "throughput")


def crossover(by: str, points: Sequence[Point]) -> Table:
    """Lay out the times over shares or thresholds, with each function's speed over the first's."""
    names = [track.candidate.label for track in points[0].measured.tracks]
    place = Column("place", by if by == "threshold" else "survivors", _UNITS[by], digits=4, help=_MEANING[by])
    times = [
        Column(f"t{i}", name, "ms", better=None, help=f"Median latency of {name}.") for i, name in enumerate(names)
    ]
    ratios = [
        Column(
            f"r{i}", f"speed-up of {name}", kind="ratio", better="higher", help=f"Over {names[0]}, with its interval."
        )
        for i, name in enumerate(names)
        if i
    ]
    rows = []
    for point in points:
        cells: dict[str, Cell] = {"place": point.place}
        for i, track in enumerate(point.measured.tracks):
            cells[f"t{i}"] = _median_ms(point, i) if track.runs else Missing("not measured")
            if i:
                cells[f"r{i}"] = point.measured.ratio(i)
        rows.append(Row(cells))
    notes = ("heads drawn in the shape of the model's, whose share is known",) if by == "share" else ()
    return Table(columns=(place, *times, *ratios), rows=tuple(rows), title=f"Over the {by}", notes=notes)


_MEANING = {"share": "Rows whose score is above the threshold.", "threshold": "Least score of a detection."}


def _median_ms(point: Point, index: int) -> float:
    import numpy as np

    return float(np.median(point.measured.tracks[index].latencies())) * 1e3


def _curves(by: str, points: Sequence[Point]) -> tuple[Curve, ...]:
    """Draw how each function's speed over the first's changes: below 1 it does not pay."""
    unit = "% of rows above the threshold" if by == "share" else "threshold"
    first, *others = (track.candidate.label for track in points[0].measured.tracks)
    return tuple(
        Curve(
            f"{name} over {first}",
            unit,
            "x",
            tuple((point.place, _median_ms(point, 0) / _median_ms(point, index)) for point in points),
        )
        for index, name in enumerate(others, 1)
        if all(track.runs for point in points for track in point.measured.tracks)
    )


def _ends(by: str, points: Sequence[Point]) -> list[str]:
    """Say of each function from where on it is not shown to be faster than the first."""
    first, *others = (track.candidate.label for track in points[0].measured.tracks)
    texts = []
    for index, name in enumerate(others, 1):
        faster = [isinstance(r := point.measured.ratio(index), Ratio) and r.verdict == "faster" for point in points]
        places = [_place(by, point.place) for point, fast in zip(points, faster, strict=True) if not fast]
        if not places:
            texts.append(f"{name} is faster than {first} at every {by} that was measured")
        elif not any(faster):
            texts.append(f"{name} is faster than {first} at no {by} that was measured")
        else:
            texts.append(f"{name} is not shown to be faster than {first} at a {by} of {', '.join(places)}")
    return texts


def _place(by: str, value: float) -> str:
    return f"{value:g} %" if by == "share" else f"{value:g}"


def _facts(measured: Measurement, outputs: Any, source: str, work: Work) -> tuple[tuple[str, str], ...]:
    arrays = outputs if isinstance(outputs, Mapping) else {"": outputs}
    shapes = ", ".join(f"{name} {'x'.join(map(str, a.shape))} {a.dtype}".strip() for name, a in arrays.items())
    facts = [("outputs of", source), ("shape", shapes)]
    if any("threshold" in some for some in work.keywords().values()):
        facts.append(("threshold", f"{work.threshold:g}"))
    return (*facts, bench.measured_fact(measured))


def _meta(measured: Measurement, setup: Setup, work: Work, source: str) -> dict[str, Any]:
    from deploy_magics.timing.machine import processor

    return {
        "arguments": {
            "functions": list(work.functions),
            "outputs": source,
            "threshold": work.threshold,
            "processes": setup.processes,
            "precision": setup.precision,
            "budget": setup.budget,
            "seed": setup.seed,
        },
        "versions": {"python": platform.python_version()},
        "machine": {"processor": processor(), "system": platform.platform(), **measured.machine.to_plain()},
    }
