"""The result of ``%bench`` from what was measured: table, headline, facts."""

from __future__ import annotations

import platform
from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Literal

from deploy_magics.result import Cell, Column, Missing, Ratio, Row, Samples, Table
from deploy_magics.steps._bench_beside import Beside
from deploy_magics.steps._bench_notes import notes
from deploy_magics.steps._bench_words import SPEEDUP, headline

if TYPE_CHECKING:
    from deploy_magics.running import Arrays
    from deploy_magics.running.compiled import Runnable
    from deploy_magics.steps._bench_ops import Operators
    from deploy_magics.steps._bench_run import Setup
    from deploy_magics.steps.bench import BenchResult
    from deploy_magics.timing import Measurement, Track

_ENDINGS = {
    "precision": "ended as precise as asked for",
    "budget": "ended by its budget",
    "frames": "ended with its frames",
    "interrupt": "interrupted",
    "failure": "ended by a failure",
}


def make(
    found: Measurement,
    models: Sequence[Runnable],
    feeds: Sequence[Arrays],
    setup: Setup,
    operators: Operators,
    beside: Beside | None = None,
) -> BenchResult:
    """Make the result.

    Parameters
    ----------
    found : Measurement
        What was measured.
    models, feeds : sequences
        The models, and the inputs of each.
    setup : Setup
        How it was asked for.
    operators : Operators
        Where the time of a run goes, as far as that was asked for.
    beside : Beside, optional
        What is told beside the times.
    """
    from deploy_magics.steps.bench import BenchResult

    beside = beside or Beside()

    baseline = next((index for index, track in enumerate(found.tracks) if track.runs), None)
    grid = pairs(found, beside.wrong)
    to_base = grid[baseline] if baseline is not None else [None] * len(grid)
    rows = tuple(_with(row(track, cell), beside) for track, cell in zip(found.tracks, to_base, strict=True))
    several = len(found.tracks) > 1
    table = Table(
        columns=_columns(setup, beside, several=several),
        rows=rows,
        baseline=baseline if several else None,
        pairs={SPEEDUP: grid} if several else {},
        notes=(*_conventions(setup, found), *beside.conventions),
    )
    return BenchResult(
        step="bench",
        headline=headline(table, beside),
        tables=(table, *operators.tables),
        samples=tuple(
            Samples(
                track.candidate.label,
                "ms",
                track.latencies() * 1e3,
                track.times(found.origin_ns),
                track.process_of_run(),
            )
            for track in found.tracks
            if track.runs
        ),
        facts=((("model", beside.model),) if beside.model else ()) + _facts(found, models, feeds, setup),
        notes=(*beside.notes, *notes(found, models, setup), *operators.notes),
        status="interrupted" if found.ending == "interrupt" else "complete",
        meta={
            **_meta(found, models, setup),
            **({"compared": dict(beside.meta)} if beside.meta else {}),
            **({"operators": _plain(operators)} if operators.found else {}),
        },
    )


def _with(made: Row, beside: Beside) -> Row:
    name = str(made.cells["name"])
    if made.status == "failed":
        return made
    made = replace(made, cells={**made.cells, **beside.cells(name)})
    if name not in beside.wrong:
        return made
    return replace(made, status="wrong", note="; ".join(filter(None, (WRONG, made.note))))


WRONG = "computes something else"

# Where runtimes are compared, what each costs besides its latency tells more than how its latencies are spread.
_SPREAD = ("mean", "p99", "throughput")


def _columns(setup: Setup, beside: Beside, *, several: bool) -> tuple[Column, ...]:
    """Give the columns; what tells of runtimes follows the median, as a narrow terminal shows the first ones only."""
    plain = [column for column in columns(setup) if several or column.key != SPEEDUP]
    if beside.model:
        plain[0] = replace(plain[0], title="runtime")
    if not beside.columns:
        return tuple(plain)
    plain = [replace(column, shown=False) if column.key in _SPREAD else column for column in plain]
    place = next(index for index, column in enumerate(plain) if column.key == "p50") + 1
    return (*plain[:place], *beside.columns, *plain[place:])


def columns(setup: Setup) -> tuple[Column, ...]:
    """Give the columns; eight are shown at first."""
    each = f"each of a batch of {setup.batch} counts" if setup.batch else "one a run"
    ratio = "The first candidate's latency over this one's: above 1 is faster"
    if setup.instances > 1:
        ratio = "Throughput over the first candidate's"
    memory = "Most memory of a process, less what Python, the runtime and the given inputs took before."
    return (
        Column("name", "model", kind="text"),
        _latency("p50", "Median latency of one run, over all processes.", shown=True),
        _latency("mean", "Mean latency of one run; rare slow runs weigh in it.", shown=True),
        _latency("std", "Standard deviation of the latencies."),
        _latency("min", "Least latency."),
        _latency("max", "Greatest latency; no run is dropped."),
        _latency("p90", "Nine of ten runs are no slower; from 64 runs on."),
        _latency("p95", "19 of 20 runs are no slower; from 130 runs on."),
        _latency("p99", "99 of 100 runs are no slower; from 662 runs on.", shown=True),
        Column(
            "throughput",
            "throughput",
            "inferences/s",
            better="higher",
            help=f"Inferences a second, {each}.",
            goal="throughput",
        ),
        _once("load", "load", "Time to load the model, without importing the runtime or placing inputs.", shown=True),
        _once("first", "first call", "Time of the first run after loading."),
        Column("memory", "peak memory", "MiB", better="lower", digits=3, help=memory, goal="memory"),
        _count("runs", "runs", "", "Runs that were timed, in all processes."),
        _count("processes", "processes", "", "Processes that timed them."),
        _count("warmup", "warm-up", "runs", "Runs of each process before the timed ones, until they were steady."),
        Column(SPEEDUP, "speed-up", kind="ratio", better="higher", help=f"{ratio}, with its 95 % interval."),
    )


def _latency(key: str, text: str, *, shown: bool = False) -> Column:
    goal = {"std": "", "min": "", "p50": "latency"}.get(key, f"latency_{key}")
    return Column(key, key, "ms", better=None if key == "std" else "lower", shown=shown, help=text, goal=goal)


def _once(key: str, title: str, text: str, *, shown: bool = False) -> Column:
    said = f"{text} Median of the processes."
    goal = {"first": "first_call"}.get(key, key)
    return Column(key, title, "ms", better="lower", shown=shown, digits=3, help=said, goal=goal)


def _count(key: str, title: str, unit: str, text: str) -> Column:
    return Column(key, title, unit, kind="integer", shown=False, help=text)


def pairs(found: Measurement, wrong: Collection[str] = ()) -> list[list[Cell]]:
    """Compare each with each: ``[i][j]`` is ``j`` over ``i``; not what computes something else."""

    def cell(to: int, index: int) -> Cell:
        if to == index and found.tracks[index].runs:
            return Ratio.exact(1.0)
        for track in (found.tracks[to], found.tracks[index]):
            if not track.runs:
                return Missing(f"{track.candidate.label} was not measured")
            if track.candidate.label in wrong:
                return Missing(f"{track.candidate.label} {WRONG}")
        return found.ratio(index, to)

    count = range(len(found.tracks))
    return [[cell(to, index) for index in count] for to in count]


def row(track: Track, speedup: Cell) -> Row:
    """Make the row of one candidate."""
    import numpy as np

    from deploy_magics.timing.statistics import percentile

    name = track.candidate.label
    note = str(track.error) if track.error is not None else ""
    if not track.runs:
        return Row({"name": name}, status="failed", note=note or "not measured")
    values = track.latencies() * 1e3
    peak = track.peak()
    cells: dict[str, Cell] = {
        "name": name,
        "mean": float(values.mean()),
        "std": float(values.std(ddof=1)) if len(values) > 1 else Missing("there is one run"),
        "min": float(values.min()),
        "max": float(values.max()),
        "throughput": track.throughput(),
        "load": float(np.median([loaded.load_ns for loaded in track.loaded.values()])) / 1e6,
        "first": float(np.median([loaded.first_ns for loaded in track.loaded.values()])) / 1e6,
        "memory": Missing("this system does not say") if peak is None else peak / 2**20,
        "runs": track.runs,
        "processes": track.processes,
        "warmup": round(float(np.median([warmed.runs for warmed in track.warmed.values()]))) if track.warmed else 0,
        SPEEDUP: speedup,
    }
    for which in (50, 90, 95, 99):
        cells[f"p{which}"] = percentile(values, which)
    status: Literal["ok", "partial"] = "partial" if track.error is not None else "ok"
    return Row(cells, status=status, note=f"after {track.runs} runs: {note}" if note else "")


def _conventions(setup: Setup, found: Measurement) -> tuple[str, ...]:
    """Say below the table how its figures are meant."""
    run = f"a batch of {setup.batch}" if setup.batch else "one inference"
    lines = [f"latency: one run of {run}, inputs in place"]
    if setup.instances > 1:
        lines = [f"{setup.instances} sessions ran at once in each process; {lines[0]}"]
    if len(found.tracks) > 1:
        what = "throughput" if setup.instances > 1 else "median latency"
        lines.append(f"speed-up: ratio of {what} within rounds, 95 % interval from how the processes differ")
    return tuple(lines)


def _facts(
    found: Measurement, models: Sequence[Runnable], feeds: Sequence[Arrays], setup: Setup
) -> tuple[tuple[str, str], ...]:
    from deploy_magics.running import version

    inputs = {", ".join(f"{n} {'x'.join(map(str, a.shape))} {a.dtype}" for n, a in some.items()) for some in feeds}
    runtimes = ", ".join(f"{runtime.title} {version(runtime)}" for runtime in setup.usable)
    facts = [("runtime", runtimes), ("threads", str(setup.threads))]
    if setup.batch:
        facts.append(("batch", str(setup.batch)))
    if setup.instances > 1:
        facts.append(("instances", f"{setup.instances} at once"))
    if len(inputs) == 1 and len(line := inputs.pop()) <= 100:
        facts.append(("inputs", line or "none"))
    return (*facts, measured_fact(found))


def measured_fact(found: Measurement) -> tuple[str, str]:
    """Say how much was measured, and what ended it."""
    rounds = f"{found.rounds} round{'s' if found.rounds != 1 else ''}"
    return "measured", f"{found.processes} processes, {rounds}, {found.seconds:.1f} s, {_ENDINGS[found.ending]}"


def _plain(operators: Operators) -> dict[str, list[dict[str, Any]]]:
    """Give all operators of each candidate, those without a row of their own included."""
    return {label: [asdict(each) for each in times] for label, times in operators.found.items()}


def _meta(found: Measurement, models: Sequence[Runnable], setup: Setup) -> dict[str, Any]:
    from deploy_magics.running import version
    from deploy_magics.timing.machine import processor

    return {
        "arguments": {
            "on": [runtime.name for runtime in setup.runtimes],
            "threads": setup.threads,
            "batch": setup.batch,
            "frames": setup.frames,
            "instances": setup.instances,
            "processes": setup.processes,
            "precision": setup.precision,
            "budget": setup.budget,
            "seed": setup.seed,
        },
        "models": [
            {"name": model.name, "source": model.source, "sha256": model.digest, "bytes": model.size_bytes}
            for model in models
        ],
        "versions": {
            "python": platform.python_version(),
            **{runtime.name: version(runtime) for runtime in setup.usable},
        },
        "machine": {"processor": processor(), "system": platform.platform(), **found.machine.to_plain()},
        "measured": {
            "design": found.design,
            "processes": found.processes,
            "rounds": found.rounds,
            "seconds": found.seconds,
            "ending": found.ending,
        },
    }
