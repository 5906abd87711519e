"""Print how fast decoding and suppression are, in one run: ``python -m tests.benchmarks.postprocess``.

Held to, on a head of 25,200 x 85 with 1 % survivors: the best decoder takes 1/2,000 of the plain Python loop's time,
1/40 of the vectorised form's that computes every sigmoid, and at most three times that of reading the objectness
column once; and suppression of 1,000 boxes is at least level with opencv's.

Forms take turns in bursts. A figure is the median of the bursts' medians; a ratio that of the bursts side by side, with
the quarter and three-quarter points of these.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from deploy_magics import postprocessing as post
from deploy_magics.timing.machine import processor

BURST_S = 0.05
Forms = dict[str, Callable[[], Any]]


def write(line: str) -> None:
    """Print a line."""
    sys.stdout.write(f"{line}\n")


def burst(run: Callable[[], Any]) -> float:
    """Give the median time of the runs of one burst in ms, after one run that is not timed where runs are short."""
    began = time.perf_counter()
    run()
    times = [time.perf_counter() - began]
    if times[0] < BURST_S:
        times = []
        end = time.perf_counter() + BURST_S
        while time.perf_counter() < end:
            began = time.perf_counter()
            run()
            times.append(time.perf_counter() - began)
    return 1e3 * statistics.median(times)


def timed(forms: Forms, rounds: int) -> dict[str, list[float]]:
    """Time all in turn, in an order drawn anew in each round."""
    order = np.random.default_rng(0)
    names = list(forms)
    for run in forms.values():
        run()
    found: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(rounds):
        for index in order.permutation(len(names)):
            found[names[index]].append(burst(forms[names[index]]))
    return found


def ratios(found: dict[str, list[float]], over: str, name: str) -> tuple[float, float, float]:
    """Give the median and the middle half of a time over another's."""
    values = np.divide(found[over], found[name])
    low, middle, high = np.percentile(values, (25, 50, 75))
    return float(middle), float(low), float(high)


def table(title: str, found: dict[str, list[float]], over: Sequence[str]) -> None:
    """Print times, and how many times each of some is slower than each."""
    write(f"\n{title}\n\n| form | ms | {' | '.join(f'{name} / it' for name in over)} |")
    write(f"|---|---|{'---|' * len(over)}")
    for name, times in found.items():
        cells = [f"{m:,.3g} ({a:,.3g} to {b:,.3g})" for m, a, b in (ratios(found, other, name) for other in over)]
        write(f"| {name} | {statistics.median(times):.4g} | {' | '.join(cells)} |")


def say(what: str, goal: str, value: float, met: bool) -> None:
    """Print a line of the last table."""
    write(f"| {what} | {goal} | {value:,.2f} | {'yes' if met else 'no'} |")


def decoding(rounds: int, anchors: post.Anchors | None) -> dict[str, list[float]]:
    """Time all decoders on one head, seen to find the same."""
    head = post.draw_head()
    kinds = (post.decode_loop, post.decode_simple, post.decode_fast, post.decode_compiled, post.decode_parallel)
    forms: Forms = {kind.__name__: partial(kind, head, 0.25, anchors) for kind in kinds}
    expected = forms["decode_loop"]()
    for name, form in forms.items():
        gap = post.compare(expected, form())
        assert gap.same, (name, gap)
    write(f"\n{len(expected)} of {len(head):,} rows survive")
    forms["read the column"] = lambda: head[:, 4].copy()
    return timed(forms, rounds)


def crowded(rounds: int) -> dict[str, list[float]]:
    """Time the decoders where every row survives, which is where threads have most to do."""
    head = post.draw_head(share=1.0)
    kinds = (post.decode_simple, post.decode_fast, post.decode_compiled, post.decode_parallel)
    return timed({kind.__name__: partial(kind, head) for kind in kinds}, rounds)


def boxes(spread: bool) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Give 1,000 boxes: as a detector leaves them, in a hundred clusters, or spread so that most of them stay."""
    if not spread:
        found = post.decode_fast(post.draw_head(share=1000 / 25_200))
        return found.boxes, found.scores
    rng = np.random.default_rng(0)
    corner = rng.uniform(0, 640, (1000, 2))
    box = np.concatenate([corner, corner + rng.uniform(8, 48, (1000, 2))], axis=1).astype(np.float32)
    return box, rng.uniform(0.25, 1, 1000).astype(np.float32)


def suppressing(rounds: int, spread: bool) -> dict[str, list[float]]:
    """Time all forms of suppression on 1,000 boxes, seen to keep the same."""
    box, score = boxes(spread)
    assert len(box) == 1000
    kinds = (post.nms_loop, post.nms_simple, post.nms_fast, post.nms_compiled, post.nms_opencv)
    forms: Forms = {kind.__name__: partial(kind, box, score, 0.45) for kind in kinds}
    # As opencv has it fastest: its own form of boxes, made before, in float64 (from float32 it takes twice as long).
    sizes = np.concatenate([box[:, :2], box[:, 2:] - box[:, :2]], axis=1).astype(np.float64)
    forms["NMSBoxes alone"] = lambda: cv2.dnn.NMSBoxes(sizes, score, 0.0, 0.45)
    expected = set(forms["nms_loop"]().tolist())
    for name, form in forms.items():
        apart = expected ^ set(np.asarray(form()).ravel().tolist())
        # opencv computes in float32, so a pair on the edge may go the other way.
        assert len(apart) <= (2 if "opencv" in name or "NMS" in name else 0), (name, apart)
    write(f"\n{len(expected)} of {len(box):,} boxes stay")
    return timed(forms, rounds)


def main() -> None:
    """Measure and print all tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    cv2.setNumThreads(1)
    before = os.getloadavg()[0]
    write(f"{processor()}, {os.cpu_count()} cores, load {before:.1f}, numpy {np.__version__}, opencv {cv2.__version__}")
    plain, anchored = decoding(rounds, None), None
    table("Decoding 25,200 x 85, boxes as they stand", plain, ["decode_loop", "decode_simple"])
    anchored = decoding(rounds, post.Anchors.of())
    table("Decoding 25,200 x 85, boxes by YOLOv5's anchors", anchored, ["decode_loop", "decode_simple"])
    table("Decoding 25,200 x 85 where all rows survive", crowded(rounds), ["decode_simple"])
    dense, spread = suppressing(rounds, False), suppressing(rounds, True)
    table("Suppression of 1,000 boxes in 100 clusters", dense, ["NMSBoxes alone", "nms_opencv"])
    table("Suppression of 1,000 boxes that are spread", spread, ["NMSBoxes alone", "nms_opencv"])
    write("\n| what | goal | found | met |\n|---|---|---|---|")
    for words, found in (("plain boxes", plain), ("anchors", anchored)):
        for form in ("decode_fast", "decode_compiled"):
            value = ratios(found, "decode_loop", form)[0]
            say(f"{form}, {words}: the loop's time over it", "at least 2,000", value, value >= 2000)
            value = ratios(found, "decode_simple", form)[0]
            say(f"{form}, {words}: decode_simple's time over it", "at least 40", value, value >= 40)
            value = ratios(found, form, "read the column")[0]
            say(f"{form}, {words}: over reading the column", "at most 3", value, value <= 3)
    for words, found in (("clusters", dense), ("spread", spread)):
        for form in ("nms_fast", "nms_compiled"):
            for other in ("NMSBoxes alone", "nms_opencv"):
                value = ratios(found, other, form)[0]
                say(f"{form}, {words}: {other}'s time over it", "at least 1", value, value >= 1)


if __name__ == "__main__":
    main()
