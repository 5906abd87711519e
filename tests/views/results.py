"""Results like those of the steps, for looking at them and for tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deploy_magics.result import Column, Missing, Note, Ratio, Result, Row, Samples, Status, Table

BENCH_COLUMNS = (
    Column("model", "model", kind="text"),
    Column("p50", "p50", "ms", better="lower", help="Half of the inferences were faster than this."),
    Column("mean", "mean", "ms", better="lower", shown=False),
    Column("std", "std", "ms", better="lower", shown=False),
    Column("min", "min", "ms", better="lower", shown=False),
    Column("max", "max", "ms", better="lower", shown=False),
    Column("p90", "p90", "ms", better="lower", shown=False),
    Column("p95", "p95", "ms", better="lower"),
    Column("p99", "p99", "ms", better="lower"),
    Column("rate", "throughput", "inferences/s", better="higher"),
    Column("memory", "peak memory", "MiB", better="lower", digits=3),
    Column("ratio", "latency ratio", kind="ratio", better="lower", digits=3, ratio_of="p50"),
)


def samples(name: str, count: int, base: float, seed: int, *, drift: float = 0.0, unit: str = "ms") -> Samples:
    """Draw latencies with a steep left side, a long tail and a few stragglers."""
    random = np.random.default_rng(seed)
    times = np.sort(random.uniform(0, 9.0, count))
    values = base * (1 + 0.02 * random.gamma(2, 1, count) + drift * times / 9.0)
    values += (random.random(count) < 0.05) * base * random.exponential(0.12, count)
    values += (random.random(count) < 0.003) * base * random.exponential(2.0, count)
    return Samples(name, unit, values, times, np.arange(count, dtype=np.int32) % 5)


def bench(
    names: Sequence[str] = ("before", "after"),
    bases: Sequence[float] = (12.4, 10.9),
    counts: Sequence[int] = (1800, 2050),
    *,
    failed: tuple[str, str] | None = None,
    status: Status = "complete",
    notes: tuple[Note, ...] = (Note("2 cores, load 0.4 before the run; no throttling, no steal."),),
) -> Result:
    """Make what a benchmark gives, without timing anything."""
    measured = [samples(n, c, b, i) for i, (n, b, c) in enumerate(zip(names, bases, counts, strict=True))]
    medians = [float(np.median(each.values)) for each in measured]
    rows = [_bench_row(each, place, medians) for place, each in enumerate(measured)]
    if failed:
        rows.append(Row({"model": failed[0]}, status="failed", note=failed[1]))
    pairs = [[_pair(medians, i, j) for j in range(len(rows))] for i in range(len(rows))]
    table = Table(
        BENCH_COLUMNS,
        tuple(rows),
        baseline=0,
        pairs={"ratio": pairs},
        notes=("Ratio of p50 to the baseline's, with its 95 % interval.",),
    )
    return Result(
        "bench",
        f"{names[-1]} measured against {names[0]}",
        tables=(table,),
        samples=tuple(measured),
        status=status,
        facts=(("threads", "1"), ("runtime", "ONNX Runtime")),
        notes=notes,
    )


def _bench_row(each: Samples, place: int, medians: list[float]) -> Row:
    values = each.values
    p50, p90, p95, p99 = (float(v) for v in np.percentile(values, [50, 90, 95, 99]))
    few = Missing(f"p99 needs 662 samples, there are {len(values)}")
    return Row(
        {
            "model": each.name,
            "p50": p50,
            "mean": float(values.mean()),
            "std": float(values.std()),
            "min": float(values.min()),
            "max": float(values.max()),
            "p90": p90,
            "p95": p95,
            "p99": p99 if len(values) >= 662 else few,
            "rate": 1000 / p50,
            "memory": 180.2 - 22 * place,
            "ratio": _pair(medians, 0, place),
        }
    )


def _pair(medians: list[float], i: int, j: int) -> Ratio | Missing:
    if i >= len(medians) or j >= len(medians):
        return Missing("it failed")
    if i == j:
        return Ratio.exact(1.0)
    ratio = medians[j] / medians[i]
    low, high = 0.987 * ratio, 1.013 * ratio
    return Ratio(ratio, low, high, "faster" if high < 1 else "slower" if low > 1 else "no difference shown")


def many(count: int = 5000) -> Result:
    """Make a table of a large network's nodes."""
    random = np.random.default_rng(1)
    columns = (
        Column("node", "node", kind="text"),
        Column("op", "op", kind="text"),
        Column("macs", "MACs", "M"),
        Column("flops", "FLOPs", "M"),
        Column("params", "params", kind="integer"),
        Column("read", "read", "KiB"),
        Column("written", "written", "KiB"),
        Column("intensity", "intensity", "FLOP/B", digits=3),
        Column("share", "share", "%", digits=3),
    )
    rows = []
    for index in range(count):
        op = ("Conv", "Relu", "BatchNormalization", "Gemm", "Add")[int(random.integers(5))]
        macs = round(float(random.gamma(1, 20)), 3) if op in ("Conv", "Gemm") else 0.0
        cells = {
            "node": f"/layer{index // 100}/block{index % 100}/{op.lower()}_{index}",
            "op": op,
            "macs": macs,
            "flops": 2 * macs,
            "params": int(random.integers(0, 200_000)) if macs else Missing("has no weights"),
            "read": float(random.gamma(2, 300)),
            "written": float(random.gamma(2, 200)),
            "intensity": macs / 5,
            "share": macs / 1000,
        }
        rows.append(Row(cells))
    total = sum(float(row.cells["macs"]) for row in rows)  # type: ignore[arg-type]
    footer = Row({"node": "total", "macs": total, "flops": 2 * total})
    table = Table(columns, tuple(rows), title="Work by node", footer=footer, notes=("Not counted: TopK.",))
    return Result("flops", f"{count:,} nodes", tables=(table,))


def hostile() -> Result:
    """Make a result whose every text tries to be markup, or to command a terminal."""
    long = "/backbone/" + "very_long_scope_name/" * 12 + "conv"
    columns = (
        Column("n", "name", kind="text"),
        Column("v", "value <b>", "ms<i>", better="lower", help='"><script>alert(9)</script>'),
        Column("r", "ratio", kind="ratio", ratio_of="v", digits=3),
    )
    rows = (
        Row({"n": "<script>alert(1)</script>", "v": 1.5, "r": Ratio.exact(1.0)}),
        Row({"n": long, "v": float("nan"), "r": Missing('has <b>no</b> "value"')}),
        Row({"n": "模型 \u202egpj.exe \x1b[31mred \udc80", "v": 0.0002, "r": Ratio(0.00013, 0, 0.4, "faster")}),
        Row({"n": "inf", "v": float("inf"), "r": Ratio(5, 4, float("inf"), "<u>slower</u>")}),
        Row({"n": "part", "v": 123.4, "r": Ratio(82, 70, 90)}, status="partial", note="<i>worker 3</i> ended"),
        Row({"n": "`|` =1+1"}, status="failed", note="</td><script>alert(4)</script>"),
    )
    table = Table(columns, rows, title="<img src=x onerror=alert(1)>", baseline=0, notes=("<script>alert(2)</script>",))
    return Result(
        "x",
        "</style><script>alert(3)</script>",
        tables=(table,),
        samples=(Samples("<script>alert(1)</script>", "ms<i>", np.arange(1.0, 9), np.arange(8.0), np.zeros(8)),),
        facts=(("<b>f</b>", "</div>"),),
        notes=(Note("<u>n</u>", "warning"),),
    )


def wide(columns: int = 400, rows: int = 3) -> Result:
    """Make a table with very many columns."""
    heads = [Column(f"c{i}", f"metric {i}", "ms" if i % 3 else "", better="lower") for i in range(columns)]
    lines = [Row({"m": f"row {j}", **{f"c{i}": i * 1.37 + j for i in range(columns)}}) for j in range(rows)]
    return Result(
        "wide", f"{columns} columns", tables=(Table((Column("m", "model", kind="text"), *heads), tuple(lines)),)
    )


def empty() -> Result:
    """Make a result whose only table has no rows."""
    return Result("empty", "nothing to count", tables=(Table((Column("n", "node", kind="text"),), (), title="Nodes"),))


FIVE = Result(
    "x",
    "five rows",
    tables=(
        Table(
            (
                Column("n", "name", kind="text"),
                Column("v", "p50", "ms", better="lower"),
                Column("t", "note", kind="text"),
                Column("r", "ratio", kind="ratio", better="lower", digits=3, ratio_of="v"),
            ),
            (
                Row({"n": "c", "v": 3.0, "t": "x", "r": Ratio(1.0, 1.0, 1.0)}),
                Row({"n": "a", "v": 1.0, "t": "y", "r": Ratio(1 / 3, 0.3, 0.4, "faster")}),
                Row({"n": "d10", "v": 1.0, "t": "x", "r": Ratio(1 / 3, 0.3, 0.4, "faster")}),
                Row({"n": "d9", "v": Missing("not measured"), "t": "y", "r": Missing("no p50")}),
                Row({"n": "b"}, status="failed", note="it crashed"),
            ),
            baseline=0,
        ),
    ),
)
