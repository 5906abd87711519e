"""What stands under the table of ``%bench``: what may have made its figures worse than they look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from deploy_magics.result import Note, Ratio
from deploy_magics.steps._bench_run import runs_on

if TYPE_CHECKING:
    from deploy_magics.running.compiled import Runnable
    from deploy_magics.steps._bench_run import Setup
    from deploy_magics.timing import Measurement, Track

FEW_RUNS = 30
_DRIFT = 0.05
# torch.utils.benchmark warns of an interquartile range above 10 % of the median.
_SPREAD = 0.10


def notes(found: Measurement, models: Sequence[Runnable], setup: Setup) -> tuple[Note, ...]:
    """Collect the notes, warnings first."""
    measured = [track for track in found.tracks if track.runs]
    lines = [
        *_of_processes(found, setup),
        *_of_precision(found, setup),
        *_of_runs(measured),
        *found.machine.notes(),
        *_assumed(models),
        *_of_compiled(models, setup),
    ]
    cores = found.machine.cores
    if setup.threads * setup.instances > cores:
        wanted = f"{setup.threads} threads" if setup.instances == 1 else f"{setup.threads * setup.instances} threads"
        lines.append(Note(f"{wanted} on {cores:g} cores disturb one another", "warning"))
    return tuple(sorted(lines, key=lambda note: note.level != "warning"))


def _assumed(models: Sequence[Runnable]) -> list[Note]:
    """Say at which sizes models were measured; what holds for several of them, once."""
    said: dict[str, list[str]] = {}
    for model in models:
        if model.assumed:
            sizes = f"measured at {', '.join(model.assumed)}; set others with --dim or --batch"
            said.setdefault(sizes, []).append(model.name)
    return [Note(text if len(names) == len(models) else f"{', '.join(names)}: {text}") for text, names in said.items()]


def _of_compiled(models: Sequence[Runnable], setup: Setup) -> list[Note]:
    """Say why some models have no row on some runtimes."""
    bound: dict[str, list[str]] = {}
    for model in models:
        if not all(runs_on(model, runtime) for runtime in setup.runtimes):
            bound.setdefault(str(getattr(model, "runtime", "")), []).append(model.name)
    return [
        Note(f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} made for {on}, which alone runs it")
        for on, names in bound.items()
    ]


def _of_processes(found: Measurement, setup: Setup) -> list[Note]:
    lines = []
    if 0 < found.processes < setup.processes and setup.frames is None:
        text = f"{found.processes} processes of each in place of {setup.processes}, as single runs are slow"
        lines.append(Note(f"{text}; a larger --budget allows more"))
    if found.design == "in turn":
        lines.append(Note("memory holds one process of each at a time, so they were started and ended in turn"))
    elif found.design == "alone":
        text = "memory holds one process at a time, so candidates were not interleaved and intervals are wider"
        lines.append(Note(text, "warning"))
    return lines


def _of_precision(found: Measurement, setup: Setup) -> list[Note]:
    """Say where intervals are wider than asked for."""
    if found.ending != "budget":
        return []
    base = next((index for index, track in enumerate(found.tracks) if track.runs), 0)
    ratios = [found.ratio(i, base) for i, track in enumerate(found.tracks) if track.runs and i != base]
    widths = [100 * (r.high - r.low) / r.value for r in ratios if isinstance(r, Ratio)]
    if not widths or max(widths) <= setup.precision:
        return []
    text = f"the widest interval spans {max(widths):.1f} %, more than the {setup.precision:g} % asked for"
    return [Note(f"{text}; a larger --budget narrows it")]


def _of_runs(measured: Sequence[Track]) -> list[Note]:
    """Say which candidates have few runs, or runs that did not settle."""
    few = {t.candidate.label: f"{t.runs}" for t in measured if t.runs < FEW_RUNS}
    rest = [track for track in measured if track.runs >= FEW_RUNS]
    restless = [t.candidate.label for t in rest if sum(not w.steady for w in t.warmed.values()) > len(t.warmed) / 2]
    drifts: dict[str, str] = {}
    spreads: dict[str, str] = {}
    for track in rest:
        first, last, spread = _course(track)
        if abs(last / first - 1) > _DRIFT:
            drifts[track.candidate.label] = f"{first * 1e3:.3g} to {last * 1e3:.3g} ms"
        if spread > _SPREAD:
            spreads[track.candidate.label] = f"{spread:.0%} of the median"
    lines = []
    if few:
        lines.append(f"few runs, so figures are rough: {_listed(few)}")
    if restless:
        lines.append(f"not steady when the warm-up's time was over: {', '.join(restless)}")
    if drifts:
        lines.append(f"the median latency moved in the course of the run: {_listed(drifts)}")
    if spreads:
        lines.append(f"the middle half of all latencies spans much: {_listed(spreads)}")
    return [Note(text, "warning") for text in lines]


def _course(track: Track) -> tuple[float, float, float]:
    """Give the medians of the first and last third of all runs, and the interquartile range over the median."""
    import numpy as np

    values = track.latencies()
    third = len(values) // 3
    low, middle, high = np.percentile(values, (25, 50, 75))
    return float(np.median(values[:third])), float(np.median(values[-third:])), float((high - low) / middle)


def _listed(named: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in named.items())
