"""Cells of the notebooks that the tests run: a result as a benchmark gives it, and work that lasts."""

from __future__ import annotations

# Three candidates with latencies from a seed, of which each figure in the table follows; the slowest is measured first.
BENCH = """
import numpy as np
from deploy_magics.result import Column, Missing, Note, Ratio, Result, Row, Samples, Table

def bench_like():
    rng = np.random.default_rng(7)
    names, scales = ["before", "after", "<b>folded</b>"], [9.0, 7.0, 7.9]
    samples, rows = [], []
    for name, scale in zip(names, scales):
        values = scale * (1 + 0.05 * rng.gamma(2.0, 1.0, 600))
        samples.append(Samples(name, "ms", values, np.linspace(0, 6, 600), np.arange(600) % 5))
        rows.append((name, values))
    medians = [float(np.median(values)) for _, values in rows]
    def ratio(i, j):
        value = medians[i] / medians[j]
        verdict = "faster" if value > 1.05 else "slower" if value < 0.95 else "no difference shown"
        return Ratio(value, value * 0.985, value * 1.015, verdict if i != j else "")
    columns = (
        Column("name", "model", kind="text"),
        Column("p50", "p50", "ms", better="lower"), Column("p90", "p90", "ms", better="lower"),
        Column("p99", "p99", "ms", better="lower"), Column("rate", "throughput", "1/s", better="higher"),
        Column("std", "std", "ms", shown=False, better="lower"),
        Column("speed", "speed", kind="ratio", better="higher"),
    )
    body = tuple(
        Row({"name": name, "p50": medians[k], "p90": float(np.quantile(values, 0.9)),
             "p99": Missing("p99 needs 662 samples, there are 600"), "rate": 1000 / medians[k],
             "std": float(values.std()), "speed": ratio(0, k)})
        for k, (name, values) in enumerate(rows)
    )
    failed = Row({"name": "broken"}, status="failed", note="its worker crashed")
    table = Table(columns, (*body, failed), baseline=0,
                  pairs={"speed": [[ratio(i, j) if max(i, j) < 3 else None for j in range(4)] for i in range(4)]})
    return Result("bench", "after is 1.29x as fast as before", (table,), tuple(samples),
                  facts=(("runtime", "ONNX Runtime"), ("threads", "1")), notes=(Note("The machine was quiet."),))
"""
SHOW = "result = bench_like()\nresult"

# A step that reports its progress and keeps what it has when it is stopped, as every step that measures does.
LASTING = """
import time
from deploy_magics.errors import Interrupted
from deploy_magics.progress import progress, reporting
from deploy_magics.result import Column, Result, Row, Table
from deploy_magics.views.progress import NotebookReporter

def lasting(seconds):
    table = lambda n: Table((Column("n", "rounds", kind="integer"),), (Row({"n": n}),))
    done = 0
    try:
        with reporting(NotebookReporter), progress("lasting work") as tracker:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                time.sleep(0.05)
                done += 1
                tracker.update(1 - (end - time.monotonic()) / seconds, f"round {done}")
    except KeyboardInterrupt:
        partial = Result("lasting", "stopped", (table(done),), status="interrupted")
        raise Interrupted(partial, f"interrupted after {done} rounds; what was measured is kept") from None
    return Result("lasting", "ran to its end", (table(done),))
"""
