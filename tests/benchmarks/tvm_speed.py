"""Print how fast TVM's code is, untuned, by rule and tuned, beside ONNX Runtime.

Run by hand: ``python -m tests.benchmarks.tvm_speed``. For each model all candidates are measured in one run of
``bench``, in fresh processes that take turns; figures are ratios of the same run.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deploy_magics import bench, tvm_compile
from deploy_magics.errors import DeployError

MODELS = ("squeezenet", "mobilenet_v2", "shufflenet_v2", "light_shufflenet", "resnet50")
HEAD = ("model", "threads", "ONNX Runtime ms", "bare / rule", "rule / ORT", "tuned / ORT", "rule / tuned")


def measure(name: str, threads: int, budget: float, tuned: Any | None) -> list[str]:
    """Give the row of one model: latencies as ratios, an interval of 95 % where there is one."""
    base = tvm_compile(name)
    found = bench(
        ("rule", base),
        *([("tuned", tuned)] if tuned is not None else []),
        ("ort", name),
        on=["tvm", "ort"],
        threads=threads,
        budget=budget,
    )
    ort, rule = "ort · ort", "rule · tvm"

    def latency(over: str, under: str) -> str:
        # The step's ratio is of speeds: that of ``under`` over that of ``over`` is latency over latency.
        ratio = found.ratio(under, over)
        return f"{ratio.value:.3f} ({ratio.low:.3f} to {ratio.high:.3f})"

    # The bare build is so much slower that it would only shorten the others' time.
    bare = (("bare", tvm_compile(name, schedule="none")), ("rule", base))
    slow = bench(*bare, on=["tvm"], threads=threads, budget=budget)
    gain = slow.p50("bare") / slow.p50("rule")
    row = [name, str(threads), f"{found.p50(ort):.3f}", f"{gain:.1f}", latency(rule, ort)]
    if tuned is None:
        return [*row, "", ""]
    return [*row, latency("tuned · tvm", ort), latency(rule, "tuned · tvm")]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", default=",".join(MODELS), help="names of the zoo, a,b,c")
    parser.add_argument("--threads", default="1,2", help="thread counts, a,b")
    parser.add_argument("--minutes", type=float, default=0.0, help="time to tune each model for; 0 for none")
    parser.add_argument("--records", type=Path, default=None, help="folder to keep records in, one folder a model")
    parser.add_argument("--budget", type=float, default=10.0, help="seconds of each run of bench")
    chosen = parser.parse_args(arguments)
    print(f"| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}", flush=True)  # noqa: T201
    for name in chosen.models.split(","):
        try:
            tuned = _tuned(name, chosen.minutes, chosen.records)
            for threads in chosen.threads.split(","):
                row = measure(name, int(threads), chosen.budget, tuned)
                print(f"| {' | '.join(row)} |", flush=True)  # noqa: T201
        except DeployError as error:
            print(f"| {name} | | {error} |", flush=True)  # noqa: T201
    return 0


def _tuned(name: str, minutes: float, records: Path | None) -> Any | None:
    if minutes <= 0:
        return None
    from deploy_magics import tvm_tune

    folder = None if records is None else records / name
    return tvm_tune(name, trials=100_000, minutes=minutes, patience=100_000, records=folder)


if __name__ == "__main__":
    sys.exit(main())
