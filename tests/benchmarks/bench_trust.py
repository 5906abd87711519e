"""How far ``%bench`` can be trusted: runs it many times on what is known, and prints a Markdown table.

``python -m tests.benchmarks.bench_trust`` does everything, which takes about 40 minutes; ``--only``, ``--repeats``,
``--json`` and ``--merge`` make pieces of it. See the README beside this file.
"""

# ruff: noqa: T201
from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.benchmarks import nets

HERE = Path(__file__).parent
CASES = ("aa", "hogs", "work", "loop")
Piece = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(CASES), help="cases, with commas: aa, hogs, work, loop")
    parser.add_argument("--repeats", type=int, default=40, help="repeats of each case (default 40)")
    parser.add_argument("--budget", type=float, default=10.0, help="seconds of each run of bench (default 10)")
    parser.add_argument("--json", type=Path, help="file that pieces are added to, after each repeat")
    parser.add_argument("--merge", type=Path, nargs="+", metavar="FILE", help="only print the table of these files")
    options = parser.parse_args(arguments)
    cases = [case.strip() for case in options.only.split(",")]
    unknown = [case for case in cases if case not in CASES]
    if unknown:
        parser.error(f"there is no case {', '.join(unknown)}; there are {', '.join(CASES)}")
    if options.merge:
        print(table([piece for path in options.merge for piece in json.loads(path.read_text())]))
        return
    pieces: list[Piece] = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            for case in cases:
                for piece in repeat(case, Path(folder), options.repeats, options.budget):
                    pieces.append(piece)
                    print(f"{case} {piece['repeat']}: {_line(piece)}", flush=True)
                    if options.json is not None:
                        _add(options.json, piece)
        except KeyboardInterrupt:
            print("interrupted", flush=True)
    print(table(pieces))


def repeat(case: str, folder: Path, repeats: int, budget: float) -> Iterator[Piece]:
    """Run a case so many times."""
    base = nets.convolutions(folder / "base.onnx")
    more = nets.convolutions(folder / "more.onnx", nets.LAYERS + nets.LAYERS // 20)
    runs: dict[str, Callable[[int], Piece]] = {
        "aa": lambda seed: versus(base, base, seed, budget),
        "hogs": lambda seed: versus(base, base, seed, budget),
        "work": lambda seed: versus(base, more, seed, budget),
        "loop": lambda seed: beside_a_bare_loop(base, seed, budget),
    }
    for number in range(repeats):
        began = time.monotonic()
        # Seeds differ between pieces that are merged.
        seed = time.time_ns() % 2**32
        with hogs(2 if case == "hogs" else 0):
            piece = runs[case](seed)
        yield {"case": case, "repeat": number, "budget": budget, "wall_s": time.monotonic() - began, **piece}


def versus(first: Path, second: Path, seed: int, budget: float) -> Piece:
    """Compare two files."""
    from deploy_magics.steps.bench import bench

    result = bench(("first", first), ("second", second), budget=budget, seed=seed)
    ratio, machine = result.ratio("second"), result.meta["machine"]
    return {
        "ratio": ratio.value,
        "low": ratio.low,
        "high": ratio.high,
        "verdict": ratio.verdict,
        "p50": result.p50("first"),
        "others": machine["others"],
        "steal": machine["steal"],
        **result.meta["measured"],
    }


def beside_a_bare_loop(path: Path, seed: int, budget: float) -> Piece:
    """Compare the median latency to that of bare loops in fresh processes, half of them before and half after."""
    from deploy_magics.steps.bench import bench

    before = [bare_loop(path) for _ in range(3)]
    result = bench(path, budget=budget / 2, seed=seed)
    after = [bare_loop(path) for _ in range(3)]
    bare = statistics.median(before + after)
    machine = result.meta["machine"]
    return {
        "ratio": result.p50(path.stem) / bare,
        "p50": result.p50(path.stem),
        "bare": bare,
        "others": machine["others"],
        "steal": machine["steal"],
    }


def bare_loop(path: Path, seconds: float = 0.8) -> float:
    """Median latency in ms of a bare loop in a fresh process."""
    command = [sys.executable, str(HERE / "bare_loop.py"), str(path), str(seconds)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout)


@contextmanager
def hogs(count: int) -> Iterator[None]:
    """Keep bursty programs beside; they end with this process, however that ends."""
    command = [sys.executable, str(HERE / "hog.py")]
    busy = [subprocess.Popen([*command, str(time.time_ns() % 2**32)], stdin=subprocess.PIPE) for _ in range(count)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def table(pieces: Sequence[Piece]) -> str:
    """Write what was found as a Markdown table."""
    lines = ["| what | target | repeats | found | met |", "|---|---|---|---|---|"]
    for case in CASES:
        of_case = [piece for piece in pieces if piece["case"] == case]
        if of_case:
            lines += [_row(len(of_case), *claim) for claim in _claims(case, of_case)]
    return "\n".join([*lines, "", *_remarks(pieces)])


def _claims(case: str, pieces: Sequence[Piece]) -> Iterator[tuple[str, str, int, Callable[[float], bool]]]:
    """Give each claim of a case: what, the target, in how many repeats it holds, and whether that is enough."""
    near = sum(abs(piece["ratio"] - 1) <= 0.01 for piece in pieces)
    different = sum(piece.get("verdict") != "no difference shown" for piece in pieces)
    if case == "aa":
        yield "same model twice, quiet: ratio within 1 % of one", "at least 95 %", near, lambda x: x >= 0.95
        yield 'same model twice, quiet: "different" said', "at most 5 %", different, lambda x: x <= 0.05
    elif case == "hogs":
        yield (
            'same model twice beside two bursty programs: "different" said',
            "at most 10 %",
            different,
            (lambda x: x <= 0.10),
        )
    elif case == "work":
        slower = sum(piece["verdict"] == "slower" for piece in pieces)
        yield 'a copy with 5 % more work: "slower" said', "at least 90 %", slower, lambda x: x >= 0.90
    else:
        close = sum(abs(piece["ratio"] - 1) <= 0.02 for piece in pieces)
        yield "p50 within 2 % of a bare loop's in fresh processes", "at least 95 %", close, lambda x: x >= 0.95


def _row(repeats: int, what: str, target: str, count: int, enough: Callable[[float], bool]) -> str:
    found = count / repeats
    met = "yes" if enough(found) else "no"
    return f"| {what} | {target} | {repeats} | {count} of {repeats} ({found:.0%}) | {met} |"


def _remarks(pieces: Sequence[Piece]) -> Iterator[str]:
    """Say how precise and how long, and how quiet the machine was."""
    for case in CASES:
        some = [piece for piece in pieces if piece["case"] == case]
        if not some:
            continue
        parts = [f"largest |ratio - 1| {max(abs(piece['ratio'] - 1) for piece in some):.1%}"]
        if case == "work":
            parts = [f"median ratio {statistics.median(piece['ratio'] for piece in some):.3f}"]
        if case == "loop":
            parts += [f"median ratio {statistics.median(piece['ratio'] for piece in some):.3f}"]
        else:
            halves = [math.log(piece["high"] / piece["low"]) / 2 for piece in some]
            parts += [f"median half-width {statistics.median(halves):.1%}"]
        parts += [f"p50 {statistics.median(piece['p50'] for piece in some):.3g} ms"]
        parts += [f"{statistics.median(piece['wall_s'] for piece in some):.0f} s a repeat"]
        busy = [piece["others"] for piece in some if piece["others"] is not None]
        if busy:
            parts += [f"other programs took {statistics.median(busy):.2f} cores (at most {max(busy):.2f})"]
        yield f"- {case}: {', '.join(parts)}"


def _line(piece: Piece) -> str:
    interval = f" [{piece['low']:.4f}, {piece['high']:.4f}] {piece['verdict']}" if "low" in piece else ""
    others = "" if piece["others"] is None else f", others {piece['others']:.2f} cores"
    return f"ratio {piece['ratio']:.4f}{interval}, {piece['wall_s']:.1f} s{others}"


def _add(path: Path, piece: Piece) -> None:
    pieces = json.loads(path.read_text()) if path.exists() else []
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps([*pieces, piece]))
    part.replace(path)


if __name__ == "__main__":
    main()
