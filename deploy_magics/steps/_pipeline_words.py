"""What is said of a pipeline: headline, facts and notes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deploy_magics.result import Missing, Note, Ratio
from deploy_magics.steps._pipeline_figures import Figures
from deploy_magics.steps._pipeline_goal import alone, together, worth
from deploy_magics.steps._pipeline_tables import title

if TYPE_CHECKING:
    from deploy_magics.pipelining import Measured, Source
    from deploy_magics.pipelining.engine import Setup
    from deploy_magics.pipelining.measured import Mode
    from deploy_magics.result import Goal
    from deploy_magics.running.compiled import Runnable

_LONGER = 1.25


def headline(model: Runnable, figures: Figures, goal: Goal | None) -> str:
    """Say in one sentence how many frames come out of it, and where the time goes."""
    rate = figures.rate("serial")
    longest = figures.longest
    share = 100 * figures.mean_s("serial")[longest] / sum(figures.mean_s("serial").values())
    frames = "one frame" if isinstance(rate, Missing) else f"{_rate(rate)} frames/s"
    text = f"{model.name}: {_rate(figures.inferences('serial'))} inferences/s, but {frames}"
    if figures.found.frames("overlap"):
        over, gain = figures.rate("overlap"), figures.gain
        if not isinstance(over, Missing):
            text += f", {_rate(over)} overlapped"
        if isinstance(gain, Ratio):
            text += f" ({gain.value:.2f}x, {figures.bottleneck} is the bottleneck)"
    else:
        text += f"; {title(longest)} takes {share:.0f} % of a frame"
    return f"{text}; {verdict(figures, goal)}" if goal is not None else text


def verdict(figures: Figures, goal: Goal) -> str:
    """Say whether a goal is met, or by how much it is not."""
    rates = {mode: rate for mode in figures.found.order if not isinstance(rate := figures.rate(mode), Missing)}
    if not rates:
        return f"whether {goal} holds is not known"
    best = max(rates.values())
    if goal.met(best):
        only = " only where stages overlap" if len(rates) > 1 and not goal.met(rates["serial"]) else ""
        return f"{goal.value:g} frames/s are met{only}"
    return f"{goal.value:g} frames/s are missed by {_rate(goal.value - best)}"


def facts(found: Measured, figures: Figures, source: Source, setup: Setup, runtime: str) -> tuple[tuple[str, str], ...]:
    """Give what stands above the tables."""
    pairs = [("data", source.title), ("runtime", runtime), ("threads", str(setup.threads))]
    if found.first is not None:
        pairs.append(("first frame", f"{1e3 * float(found.first.latency_s()[0]):.3g} ms"))
    frame = sum(figures.mean_s("serial").values())
    moved = f"{_bytes(found.bytes_in)} in, {_bytes(found.bytes_out)} out: {1e3 * figures.moving_s:.2g} ms"
    pairs.append(("moving", f"{moved}, {100 * figures.moving_s / frame:.1f} % of a frame"))
    counts = " + ".join(str(found.frames(mode)) for mode in found.order)
    pairs.append(("timed", f"{counts} frames"))
    if found.gave:
        pairs.append(("first result", found.gave if len(found.gave) <= 80 else f"{found.gave[:79]}…"))
    return tuple(pairs)


def notes(
    found: Measured, figures: Figures, model: Runnable, source: Source, setup: Setup, goal: Goal | None
) -> tuple[Note, ...]:
    """Give what a reader should know, warnings first."""
    lines = []
    if found.failure is not None:
        lines.append(Note(str(found.failure), "warning"))
    if found.machine is not None:
        lines += found.machine.notes()
    if goal is not None:
        lines += _to_meet(figures, goal)
    if found.frames("overlap"):
        lines += _of_overlap(figures, setup)
    if source.note:
        lines.append(Note(source.note))
    if model.assumed:
        lines.append(Note("the model's open dimensions take the sizes of what preprocess gives"))
    total = found.frames("serial")
    if found.items is not None and total > found.items:
        lines.append(Note(f"the {found.items} items were gone through several times, so caches may know them"))
    return tuple(sorted(lines, key=lambda note: note.level != "warning"))


def _to_meet(figures: Figures, goal: Goal) -> list[Note]:
    """Say what would have to shrink, and by how much."""
    rates = [figures.rate(mode) for mode in figures.found.order]
    known = [rate for rate in rates if not isinstance(rate, Missing)]
    if not known or goal.met(max(known)):
        return []
    frame = 1e3 / goal.value
    if figures.found.frames("overlap"):
        slow = together(figures.thread_s("overlap"), goal.value)
        if not slow:
            return [Note(f"no thread takes more than the {frame:.3g} ms of a frame: they wait for one another's cores")]
        said = " and ".join(map(str, slow))
        return [
            Note(f"to meet {goal.value:g} frames/s every thread may take {frame:.3g} ms of a frame; to shrink: {said}")
        ]
    found = alone(figures.mean_s("serial"), goal.value)
    now = 1e3 * sum(figures.mean_s("serial").values())
    text = f"{goal.value:g} frames/s leave {frame:.3g} ms to a frame, which takes {now:.3g} ms"
    able = worth(found)
    if not able:
        return [Note(f"{text}; no stage alone can bring that: several have to shrink")]
    return [Note(f"{text}; what would bring it alone: {', or '.join(map(str, able))}")]


def _of_overlap(figures: Figures, setup: Setup) -> list[Note]:
    lines = []
    serial, overlapped = figures.thread_s("serial"), figures.thread_s("overlap")
    if isinstance(figures.gain, Ratio):
        busy = figures.busy().get(figures.bottleneck, 0.0)
        lines.append(
            Note(
                f"overlapping gains {figures.gain.value:.2f}x of {figures.best_gain:.2f}x at best (a frame over its "
                f"longest thread); the bottleneck {figures.bottleneck} is at work {100 * busy:.0f} % of the time"
            )
        )
    longer = sum(overlapped.values()) / max(1e-12, sum(serial.values()))
    if longer > _LONGER:
        lines.append(
            Note(
                f"stages take {longer:.2g} times as long while they overlap: they share cores, caches and Python's lock"
            )
        )
    lines.append(
        Note(
            f"at most {setup.queue} frames wait between two threads; both ways took turns in one process, and the "
            "gain's 95 % interval is of rounds"
        )
    )
    return lines


def meta(found: Measured, figures: Figures, model: Runnable, source: Source, setup: Setup) -> dict[str, Any]:
    """Give how it was made, as JSON's own types."""
    modes: tuple[Mode, ...] = found.order
    return {
        "model": {"name": model.name, "source": model.source, "sha256": model.digest},
        "data": {"title": source.title, "items": source.count},
        "runtime": setup.runtime,
        "threads": setup.threads,
        "queue": setup.queue,
        "frames": {mode: found.frames(mode) for mode in modes},
        "stage_ms": {mode: {name: 1e3 * lasts for name, lasts in figures.mean_s(mode).items()} for mode in modes},
        "bottleneck": figures.bottleneck,
        "ready_s": found.ready_s,
        "bytes_in": found.bytes_in,
        "bytes_out": found.bytes_out,
        "failure": None if found.failure is None else str(found.failure),
    }


def _rate(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _bytes(count: int) -> str:
    for power, unit in ((20, "MiB"), (10, "KiB")):
        if count >= 2**power:
            return f"{count / 2**power:.3g} {unit}"
    return f"{count} B"
