"""Times of operators from the file that ONNX Runtime's profiler writes."""

from __future__ import annotations

import json
from bisect import bisect_right
from pathlib import Path
from typing import Any

from deploy_magics.running.operators import OperatorTime, summed

_NODE = "_kernel_time"
# These run graphs of their own: what is inside has entries too, and its time is in theirs already.
_HOLDERS = {"If", "Loop", "Scan"}


def read(path: Path, repeats: int) -> tuple[OperatorTime, ...]:
    """Read the times of operators in the last runs of a session.

    Parameters
    ----------
    path : Path
        What ``end_profiling`` gave.
    repeats : int
        Runs to count, from the last backwards; those before them warmed up.
    """
    events: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8", errors="replace"))
    starts = sorted(event["ts"] for event in events if event.get("name") == "model_run")[-repeats:]
    runs: list[dict[tuple[str, str], list[float]]] = [{} for _ in starts]
    # Nodes that optimisation made may lack a name, and the number tells them apart.
    labels: dict[tuple[str, str, str], str] = {}
    held_until = 0
    nodes = [e for e in events if e.get("cat") == "Node" and str(e["name"]).endswith(_NODE)]
    for event in sorted(nodes, key=lambda event: (event["ts"], -event["dur"])):
        run = bisect_right(starts, event["ts"]) - 1
        if run < 0 or event["ts"] < held_until:
            continue
        kind = str(event["args"].get("op_name", ""))
        if kind in _HOLDERS:
            held_until = event["ts"] + event["dur"]
        name, number = str(event["name"]).removesuffix(_NODE), str(event["args"].get("node_index", ""))
        label = labels.get((name, kind, number))
        if label is None:
            plain = name or kind
            label = plain if plain not in labels.values() else f"{plain} ({number})"
            labels[name, kind, number] = label
        runs[run].setdefault((label, kind), []).append(event["dur"] / 1e6)
    return summed(runs)
