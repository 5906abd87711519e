"""The headline of ``%bench``: which is faster, and how sure that is."""

from __future__ import annotations

import math

from deploy_magics.result import Cell, Missing, Ratio, Row, Table
from deploy_magics.steps._bench_beside import Beside

SPEEDUP = "speedup"


def headline(table: Table, beside: Beside | None = None) -> str:
    """Say in one sentence which is faster, and how sure that is.

    Rows in a coarser type are told apart from the others, and those that compute something else are not told of at all
    but for that.
    """
    beside = beside or Beside()
    names = [str(name) for name in table.values("name")]
    failed = [name for name, row in zip(names, table.rows, strict=True) if row.status == "failed"]
    ran = [index for index, row in enumerate(table.rows) if row.status != "failed"]
    wrong = [names[index] for index in ran if table.rows[index].status == "wrong"]
    right = [index for index in ran if table.rows[index].status != "wrong"]
    base = table.baseline if table.baseline in right else next(iter(right), None)
    apart = [index for index in right if names[index] in beside.coarser and index != base]
    ok = [index for index in right if index not in apart]
    said = []
    if len(ok) > 2:
        said.append(_among(table, names, ok))
    elif len(ok) == 2:
        said.append(_versus(table.pairs[SPEEDUP][ok[0]][ok[1]], names[ok[1]], names[ok[0]]))
    elif not apart:
        said += [_alone(table.rows[index], names[index]) for index in ok]
    for index in apart:
        versus = _versus(table.pairs[SPEEDUP][base or 0][index], names[index], names[base or 0])
        said.append(f"in {beside.coarser[names[index]]}, {versus}")
    if wrong:
        said.append(f"{', '.join(wrong)} {'computes' if len(wrong) == 1 else 'compute'} something else")
    if not ran:
        said.append("nothing was measured")
    if failed:
        said.append(f"{', '.join(failed)} failed")
    return (f"{beside.model}: " if beside.model else "") + "; ".join(said)


def _alone(row: Row, name: str) -> str:
    p50, rate = row.cells["p50"], row.cells["throughput"]
    if not isinstance(p50, float) or not isinstance(rate, float):
        return f"{name} was not measured"
    return f"{name} takes {_latency_text(p50)} (p50), {_digits(rate)} inferences/s"


def _latency_text(ms: float) -> str:
    return f"{_digits(ms)} ms" if ms >= 0.1 else f"{_digits(ms * 1e3)} µs"


def _versus(cell: Cell, name: str, base: str) -> str:
    if not isinstance(cell, Ratio):
        return f"{name} and {base} cannot be compared: {cell.why if isinstance(cell, Missing) else 'not measured'}"
    digits = _places(cell)
    interval = f"95 % interval {cell.low:.{digits}f} to {cell.high:.{digits}f}"
    if cell.verdict == "no difference shown":
        return f"no difference shown between {base} and {name} ({cell.value:.{digits}f}x, {interval})"
    return f"{name} is {cell.verdict} than {base}: {cell.value:.{digits}f}x its speed ({interval})"


def _among(table: Table, names: list[str], ok: list[int]) -> str:
    """Say which of several is fastest, and which others it does not stand out from."""
    grid, base = table.pairs[SPEEDUP], table.baseline if table.baseline in ok else ok[0]
    speeds = {index: cell.value for index in ok if isinstance(cell := grid[base][index], Ratio)}
    best = max(speeds, key=lambda index: speeds[index])
    level = [index for index in ok if index != best and not _behind(grid[best][index])]
    if level:
        together = ", ".join(names[index] for index in sorted([best, *level]))
        text = f"no difference shown between the fastest of {len(ok)}: {together}"
    else:
        text = f"{names[best]} is the fastest of {len(ok)}"
    return text if best == base else f"{text}; {_versus(grid[base][best], names[best], names[base])}"


def _behind(cell: Cell) -> bool:
    return isinstance(cell, Ratio) and cell.verdict == "slower"


def _places(ratio: Ratio) -> int:
    """Choose decimals that show the interval's width with two digits, and the ratio with three at least."""
    width = ratio.high - ratio.low
    least = 2 - min(2, math.floor(math.log10(ratio.value))) if ratio.value >= 1 else 2
    return least if width <= 0 else min(4, max(least, math.ceil(-math.log10(width)) + 1))


def _digits(value: float) -> str:
    """Write a figure with four significant digits, without an exponent."""
    places = max(0, 3 - math.floor(math.log10(value))) if value > 0 else 0
    return f"{value:.{places}f}"
