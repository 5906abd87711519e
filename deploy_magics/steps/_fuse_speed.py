"""The speed of a torch module before and after fusion, measured as ``%bench`` does."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy_magics.errors import DeployError, Interrupted
from deploy_magics.result import Note, Ratio, Row, Table

if TYPE_CHECKING:
    from deploy_magics.model import Model, TorchModule
    from deploy_magics.steps.bench import BenchResult
    from deploy_magics.steps.fuse import FuseResult

_PROCESSES = 5
_TITLES = {"torch": "eager PyTorch", "ort": "ONNX Runtime"}


@dataclass(frozen=True)
class Pair:
    """Both modules as ONNX models; None, with the reason, where they could not be exported."""

    before: Model | None
    after: Model | None
    why: str = ""


@dataclass(frozen=True)
class Asked:
    """How speed is measured: threads, seconds for each runtime, and the seed of the order of bursts."""

    threads: int
    budget: float
    seed: int


@dataclass(frozen=True)
class _Packed:
    """A torch module in a file, with what a result tells of a model."""

    name: str
    source: str
    path: Path
    runtime = "torch"
    assumed = ()

    @property
    def size_bytes(self) -> int:
        return self.path.stat().st_size

    @property
    def digest(self) -> str:
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def exported(given: TorchModule, module: Any, dims: Mapping[str, int] | None) -> Pair:
    """Export both; a module that torch cannot export is fused all the same."""
    try:
        before = given.exported(dims=dims)
        after = before if module is given.module else given.exported(module, dims=dims)
    except DeployError as error:
        if dims:
            raise
        return Pair(None, None, str(error))
    return Pair(before.renamed(given.name), after.renamed(f"{given.name}_fused"))


def with_speed(result: FuseResult, given: TorchModule, module: Any, pair: Pair, asked: Asked) -> FuseResult:
    """Add the speed on eager PyTorch and on ONNX Runtime to a result.

    Raises
    ------
    Interrupted
        On an interrupt; holds the result with what was measured.
    """
    from deploy_magics.steps.bench import BenchResult
    from deploy_magics.steps.bench import bench as measure

    for on in ("torch", "ort"):
        if on == "ort" and (pair.before is None or pair.after is None):
            continue
        try:
            if on == "torch":
                found = _eager(given, module, pair, asked)
            else:
                before, after = ("before", pair.before), ("after", pair.after)
                found = measure(before, after, threads=asked.threads, budget=asked.budget, seed=asked.seed)
        except Interrupted as stop:
            kept = _joined(result, stop.partial, on) if isinstance(stop.partial, BenchResult) else result
            raise Interrupted(kept, str(stop)) from None
        except DeployError as error:
            note = Note(f"speed on {_TITLES[on]} could not be measured: {error}", "warning")
            result = replace(result, notes=(*result.notes, note))
            continue
        result = _joined(result, found, on)
    return result


def _eager(given: TorchModule, module: Any, pair: Pair, asked: Asked) -> BenchResult:
    """Measure both modules in eager PyTorch."""
    from deploy_magics.converting.torchscript import pack
    from deploy_magics.progress import progress
    from deploy_magics.running import get
    from deploy_magics.steps import _bench_result as results
    from deploy_magics.steps._bench_ops import Operators
    from deploy_magics.steps._bench_run import Setup
    from deploy_magics.temporary import Folder
    from deploy_magics.timing import Candidate, MeasurementInterrupted, measure

    runtime = get("torch")
    setup = Setup((runtime,), asked.threads, None, None, 1, _PROCESSES, 2.0, asked.budget, asked.seed)
    feeds = _feeds(given, pair)
    with closing(Folder()) as folder, progress(f"fuse: speed of {given.name} in PyTorch") as tracker:
        held: list[Any] = []
        for name, each in (("before", given.module), ("after", module)):
            path = folder.path / f"{name}.pickle"
            pack(each, given.inputs, tuple(feeds), path)
            held.append(_Packed(name, given.source, path))
        candidates = [
            Candidate(
                label=each.name,
                factory="deploy_magics.running:open_session",
                args=(str(each.path), runtime.name, asked.threads, {"packed": str(each.path), "outputs": ()}),
                inputs=feeds,
                imports=("deploy_magics.running", *runtime.modules),
            )
            for each in held
        ]
        stopped = False
        try:
            found = measure(
                candidates, processes=_PROCESSES, budget=asked.budget, seed=asked.seed, report=tracker.update
            )
        except MeasurementInterrupted as stop:
            stopped, found = True, stop.measurement
        failed = next((track.error for track in found.tracks if track.error is not None), None)
        if failed is not None and not stopped:
            raise failed
        made = results.make(found, held, [feeds, feeds], setup, Operators())
    if stopped:
        raise Interrupted(made, "interrupted")
    return made


def _feeds(given: TorchModule, pair: Pair) -> dict[str, Any]:
    """Give inputs: those of the exported model, at a batch of one where that is open, else the example's."""
    if pair.before is not None and len(pair.before.inputs) == len(given.inputs):
        return dict(pair.before.feeds())
    return {f"input_{place}": value for place, value in enumerate(given.inputs)}


def _joined(result: FuseResult, found: BenchResult, on: str) -> FuseResult:
    """Add rows to the table of speeds, which stands before the long lists."""
    rows = tuple(
        Row({**row.cells, "name": f"{on} {row.cells['name']}"}, row.status, row.note) for row in found.table.rows
    )
    speeds = next((table for table in result.tables if table.title == "speed"), None)
    columns = tuple(column for column in found.table.columns if column.key not in ("load", "first"))
    if speeds is None:
        joined = Table(columns, rows, title="speed", notes=found.table.notes)
    else:
        joined = replace(speeds, rows=(*speeds.rows, *rows))
    ratio = found.table.rows[1].cells.get("speedup")
    says = ""
    if isinstance(ratio, Ratio):
        says = f"{ratio.value:.2f}x as fast, {ratio.low:.2f} to {ratio.high:.2f} ({ratio.verdict})"
    notes = [replace(note, text=f"{_TITLES[on]}: {note.text}") for note in found.notes]
    first, *rest = (table for table in result.tables if table.title != "speed")
    return replace(
        result,
        tables=(first, joined, *rest),
        samples=(*result.samples, *(replace(each, name=f"{on} {each.name}") for each in found.samples)),
        facts=(*result.facts, *([(f"speed on {_TITLES[on]}", says)] if says else [])),
        notes=(*result.notes, *notes),
        meta={**result.meta, "speed": {**result.meta.get("speed", {}), on: found.meta}},
    )
