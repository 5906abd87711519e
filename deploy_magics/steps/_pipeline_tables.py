"""What a pipeline's run gave, as tables and drawings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from deploy_magics.pipelining import STAGES, THREADS
from deploy_magics.result import Cell, Chart, Column, Missing, Row, Samples, Span, Stack, Table, Timeline
from deploy_magics.steps._pipeline_figures import NAMES, Figures
from deploy_magics.steps._pipeline_goal import Shrink, alone, together
from deploy_magics.timing.statistics import percentile

if TYPE_CHECKING:
    from deploy_magics.pipelining import Measured
    from deploy_magics.result import Goal

_FRAMES_DRAWN = 6
_ABOUT = {
    "read": "The data give the next item; a picture is decoded.",
    "preprocess": "preprocess(item).",
    "inputs": "What it gave is moved into the runtime.",
    "inference": "The model runs.",
    "outputs": "The outputs are moved out of the runtime.",
    "postprocess": "postprocess(outputs, context).",
}
_TITLES = {"inputs": "inputs in", "outputs": "outputs out"}


def title(stage: str) -> str:
    """Name a stage for people."""
    return _TITLES.get(stage, stage)


def rates_table(figures: Figures) -> Table:
    """Make the table that sets frames beside inferences, a row for each way of running the stages."""
    found = figures.found
    rows = []
    for mode in found.order:
        latencies = figures.latency_s(mode) * 1e3
        cells: dict[str, Cell] = {
            "name": NAMES[mode],
            "frames": figures.rate(mode),
            "inferences": figures.inferences(mode),
            "p50": float(percentile(latencies, 50)) if len(latencies) else None,  # type: ignore[arg-type]
            "p99": percentile(latencies, 99),
            "max": float(latencies.max()),
            "count": len(latencies),
        }
        if len(found.order) > 1:
            cells["gain"] = 1.0 if mode == "serial" else figures.gain
        rows.append(Row(cells))
    gain = Column("gain", "gain", kind="ratio", better="higher", help="Frames a second over one after another's.")
    return Table(
        (
            Column("name", "stages", kind="text"),
            Column(
                "frames",
                "frames",
                "frames/s",
                better="higher",
                help="Frames a second through all stages, which is what the application sees.",
                goal="frames/s",
            ),
            Column(
                "inferences",
                "inferences",
                "inferences/s",
                help="Inferences a second if there were nothing but inference, which is what a benchmark of it says.",
                goal="throughput",
            ),
            Column(
                "p50", "frame p50", "ms", help="From reading an item to its result, queues included.", goal="latency"
            ),
            Column("p99", "frame p99", "ms", help="From 662 frames on.", goal="latency_p99"),
            Column("max", "frame max", "ms", shown=False, help="No frame is dropped.", goal="latency_max"),
            Column("count", "timed", "frames", kind="integer", shown=False),
            *([gain] if len(found.order) > 1 else []),
        ),
        tuple(rows),
        baseline=0 if len(rows) > 1 else None,
    )


def stages_table(figures: Figures, goal: Goal | None) -> Table:
    """Make the table of stages: what each takes, its share, and what a goal leaves to it."""
    found = figures.found
    serial = figures.stage_s("serial") * 1e3
    means = serial.mean(axis=0)
    first = found.first.stage_s()[0] * 1e3 if found.first is not None else None
    overlapped = figures.stage_s("overlap").mean(axis=0) * 1e3 if found.frames("overlap") else None
    busy = figures.busy() if overlapped is not None else {}
    needed = shrinks(figures, goal) if goal is not None else []
    goal = goal if needed else None
    by_stage = {one.stage: one for one in needed}
    rows = []
    for place, stage in enumerate(STAGES):
        cells: dict[str, Cell] = {
            "stage": title(stage),
            "mean": float(means[place]),
            "share": float(100 * means[place] / means.sum()),
            "p50": percentile(serial[:, place], 50),
            "p99": percentile(serial[:, place], 99),
        }
        if first is not None:
            cells["first"] = float(first[place])
        thread = next(name for name, stages in THREADS if place in stages)
        if overlapped is not None:
            cells["overlapped"] = float(overlapped[place])
            cells["thread"] = thread
            cells["busy"] = 100 * busy[thread] if thread in busy else Missing("a rate needs two frames in one burst")
        if goal is not None:
            cells["needed"] = _needed(by_stage.get(thread if overlapped is not None else stage))
        rows.append(Row(cells))
    columns = [
        Column("stage", "stage", kind="text"),
        Column("mean", "mean", "ms", digits=4, help="Mean of a frame; means sum up to the frame's."),
        Column("share", "share", "%", digits=3, help="Of a frame whose stages run one after another."),
        Column("p50", "p50", "ms", digits=4),
        Column("p99", "p99", "ms", digits=4, shown=False, help="From 662 frames on."),
        Column("first", "first frame", "ms", digits=4, help="Of the very first frame, which is in no other figure."),
    ]
    if overlapped is not None:
        columns += [
            Column("overlapped", "overlapped", "ms", digits=4, help="Mean while stages overlap."),
            Column("busy", "busy", "%", digits=3, help="Share of the time for which the stage's thread is at work."),
            Column("thread", "thread", kind="text", shown=False, help="Inference and moving share one."),
        ]
    if goal is not None:
        help_text = "What this stage would have to take, if all others stay as they are."
        columns.append(Column("needed", f"to meet {goal.value:g} frames/s", kind="text", help=help_text))
    footer: dict[str, Cell] = {"stage": "a frame", "mean": float(means.sum()), "share": 100.0}
    if first is not None:
        footer["first"] = float(first.sum())
    return Table(tuple(columns), tuple(rows), title="Stages", footer=Row(footer))


def shrinks(figures: Figures, goal: Goal) -> list[Shrink]:
    """Say what would have to shrink: of overlapped stages the threads, else each stage by itself."""
    if figures.found.frames("overlap"):
        return together(figures.thread_s("overlap"), goal.value)
    return alone(figures.mean_s("serial"), goal.value)


def _needed(shrink: Shrink | None) -> Cell:
    if shrink is None:
        return Missing("nothing has to shrink here")
    if not shrink.possible:
        return "cannot alone"
    return f"{1e3 * shrink.needed_s:.3g} ms ({shrink.now_s / shrink.needed_s:.2g}x faster)"


def charts(figures: Figures, goal: Goal | None) -> tuple[Chart, ...]:
    """Draw where a frame's time goes, and when each stage ran."""
    parts = tuple((title(stage), 1e3 * lasts) for stage, lasts in figures.mean_s("serial").items())
    mark = (f"{goal.value:g} frames/s", 1e3 / goal.value) if goal is not None else None
    return (Stack("one frame", "ms", parts, mark), timeline(figures.found))


def timeline(found: Measured) -> Timeline:
    """Set a few frames one after another above the same time of overlapped ones, once these are well under way."""
    lanes, spans = ["one after another"], []
    serial = found.of("serial")[-1]
    chosen = serial.spans[-_FRAMES_DRAWN:]
    first = len(serial.spans) - len(chosen)
    begin = int(chosen[0, 0, 0])
    lasted = int(chosen[-1, -1, 1]) - begin
    for number, frame in enumerate(chosen, first):
        spans += [_span(0, stage, frame, begin, number) for stage in range(len(STAGES))]
    overlapped = found.of("overlap")[-1:]
    if overlapped:
        lanes += [f"overlapped: {name}" for name, _ in THREADS]
        burst = overlapped[0]
        begin = int(burst.spans[burst.frames // 2, 0, 0])
        for number, frame in enumerate(burst.spans):
            for lane, (_, stages) in enumerate(THREADS, 1):
                for stage in stages:
                    start, end = frame[stage]
                    if end > begin and start < begin + lasted:
                        spans.append(_span(lane, stage, frame, begin, number, lasted))
    return Timeline("when each stage ran, numbered by frame", "ms", tuple(lanes), tuple(spans))


def _span(
    lane: int, stage: int, frame: Sequence[Sequence[int]], begin: int, number: int, most: int | None = None
) -> Span:
    start, end = (float(moment - begin) / 1e6 for moment in frame[stage])
    if most is not None:
        start, end = max(0.0, start), min(most / 1e6, end)
    return Span(lane, title(STAGES[stage]), start, end, str(number))


def samples(figures: Figures) -> tuple[Samples, ...]:
    """Give every frame's latency."""
    import numpy as np

    found = figures.found
    starts = {mode: found.spans(mode)[:, 0, 0] for mode in found.order}
    begin = min(int(times.min()) for times in starts.values())
    return tuple(
        Samples(
            NAMES[mode],
            "ms",
            figures.latency_s(mode) * 1e3,
            (starts[mode] - begin) / 1e9,
            np.zeros(len(starts[mode]), np.int32),
        )
        for mode in found.order
    )
