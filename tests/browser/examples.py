"""What the notebooks of the tests import: a result as a benchmark gives it, and work that lasts.

The server's fixture puts a copy beside the notebooks, so that a picture shows a notebook and not this code.
"""

from __future__ import annotations

import time

import numpy as np

from deploy_magics.errors import Interrupted
from deploy_magics.progress import progress, reporting
from deploy_magics.result import Cell, Column, Missing, Note, Ratio, Result, Row, Samples, Table


def bench_like() -> Result:
    """Make a comparison of three candidates and one that failed, each figure from the same samples."""
    rng = np.random.default_rng(7)
    scales = {"before": 9.0, "after": 7.0, "<b>folded</b>": 7.9}
    values = {name: scale * (1 + 0.05 * rng.gamma(2.0, 1.0, 600)) for name, scale in scales.items()}
    times, process = np.linspace(0, 6, 600), np.arange(600) % 5
    medians = [float(np.median(v)) for v in values.values()]

    def speed(of: int, against: int) -> Cell:
        if max(of, against) >= len(medians):
            return Missing("it failed")
        ratio = medians[against] / medians[of]
        word = "faster" if ratio > 1.05 else "slower" if ratio < 0.95 else "no difference shown"
        return Ratio(ratio, ratio * 0.985, ratio * 1.015, word if of != against else "")

    columns = (
        Column("name", "model", kind="text"),
        Column("p50", "p50", "ms", better="lower"),
        Column("p90", "p90", "ms", better="lower"),
        Column("p99", "p99", "ms", better="lower"),
        Column("rate", "throughput", "1/s", better="higher"),
        Column("std", "std", "ms", shown=False, better="lower"),
        Column("speed", "speed", kind="ratio", better="higher"),
    )
    rows = [
        Row(
            {
                "name": name,
                "p50": medians[place],
                "p90": float(np.quantile(taken, 0.9)),
                "p99": Missing("p99 needs 662 samples, there are 600"),
                "rate": 1000 / medians[place],
                "std": float(taken.std()),
                "speed": speed(place, 0),
            }
        )
        for place, (name, taken) in enumerate(values.items())
    ]
    rows.append(Row({"name": "broken"}, status="failed", note="its worker crashed"))
    pairs = {"speed": [[speed(of, against) for of in range(4)] for against in range(4)]}
    return Result(
        "bench",
        f"after is faster than before: {medians[0] / medians[1]:.2f}x its speed",
        (Table(columns, tuple(rows), baseline=0, pairs=pairs),),
        tuple(Samples(name, "ms", taken, times, process) for name, taken in values.items()),
        facts=(("runtime", "ONNX Runtime"), ("threads", "1"), ("processes", "5")),
        notes=(Note("The machine was quiet."),),
    )


def many_rows(count: int = 5000) -> Result:
    """Make a long table of uniform random figures."""
    figures = np.random.default_rng(0).random((count, 6))
    columns = (Column("name", "name", kind="text"), *(Column(f"c{k}", f"c{k}", "ms", better="lower") for k in range(6)))
    rows = [
        Row({"name": f"row {place}", **{f"c{k}": float(figure) for k, figure in enumerate(line)}})
        for place, line in enumerate(figures)
    ]
    return Result("many", f"{count:,} rows", (Table(columns, tuple(rows)),))


def lasting(seconds: float) -> Result:
    """Work that reports its progress and keeps what it has when it is stopped, as every step that measures does."""
    from deploy_magics.views.progress import NotebookReporter

    def result(rounds: int, headline: str) -> Result:
        return Result("lasting", headline, (Table((Column("n", "rounds", kind="integer"),), (Row({"n": rounds}),)),))

    done = 0
    end = time.monotonic() + seconds
    try:
        with reporting(NotebookReporter), progress("lasting work") as tracker:
            while time.monotonic() < end:
                time.sleep(0.05)
                done += 1
                tracker.update(1 - (end - time.monotonic()) / seconds, f"round {done}")
    except KeyboardInterrupt:
        partial = result(done, "stopped before its end")
        partial.status = "interrupted"
        raise Interrupted(partial, f"interrupted after {done} rounds; what was measured is kept") from None
    return result(done, "ran to its end")


def searching(seconds: float) -> Result:
    """Search for nothing, and report it as a search for faster code does; what it found is kept when it is stopped."""
    from deploy_magics.progress import TaskRow, Tuning
    from deploy_magics.result import Curve
    from deploy_magics.views.progress import NotebookReporter

    curve, trials, began = [(0.0, 20.0)], 0, time.monotonic()

    def result(headline: str) -> Result:
        table = Table((Column("trials", "trials", kind="integer"),), (Row({"trials": trials}),))
        return Result("tune", headline, (table,), curves=(Curve("estimated latency", "s", "ms", tuple(curve)),))

    try:
        with reporting(NotebookReporter), progress("tune: net") as tracker:
            # As a real one: the bar of what comes before it is there already, and gives way to it.
            tracker.update(None, "cutting it into tasks")
            time.sleep(3)
            while (now := time.monotonic() - began) < seconds:
                time.sleep(0.05)
                trials += 1
                curve.append((now, 8 + 12 * 0.98**trials))
                rows = (
                    TaskRow("conv2d 3x3 64->64 <b>+relu</b>", 20.0, 29.87, 40, 40, 1.2, 0.6, "done"),
                    TaskRow("conv2d 1x1 64->256", 9.0, 9.0 + trials, trials, 40, now, 0.3, "active"),
                    TaskRow("matmul 1x512 512->1000", planned=40, share=0.1),
                )
                tracker.report(Tuning("tune: net", now / seconds, f"trial {trials}", rows, tuple(curve)))
    except KeyboardInterrupt:
        partial = result("stopped before its end")
        partial.status = "interrupted"
        raise Interrupted(partial, f"interrupted after {trials} trials; the records are kept") from None
    return result("searched to its end")
