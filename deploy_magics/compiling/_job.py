"""What the worker does: import, lower, schedule, build and link."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy_magics.compiling.compiled import Function
from deploy_magics.lowering.artefact import Manifest
from deploy_magics.lowering.target import Target


@dataclass(frozen=True)
class Done:
    """What came of it."""

    manifest: Manifest
    functions: tuple[Function, ...]
    seconds: dict[str, float]
    notes: tuple[str, ...]


def prepare() -> None:
    """Import TVM, while something else prepares the model."""
    from deploy_magics.lowering._tvm import tvm

    tvm()


def compile_file(
    source: str,
    output: str,
    workspace: str,
    *,
    inputs: Mapping[str, tuple[str, Sequence[int]]],
    outputs: Sequence[str],
    machine: Mapping[str, Any],
    model: Mapping[str, str],
    layout: str,
    how: str,
    records: str | None,
    threads: int | None,
) -> Done:
    """Compile an ONNX file; see :func:`deploy_magics.compiling.compile_model`."""
    import time

    from deploy_magics.lowering.build import export
    from deploy_magics.lowering.pipeline import Signature, make

    signature = Signature(
        {name: tuple(shape) for name, (_, shape) in inputs.items()},
        {name: dtype for name, (dtype, _) in inputs.items()},
        tuple(outputs),
    )
    target = Target.from_plain(machine)
    chosen = _Chosen(records, target, model["name"], threads) if records is not None else None
    made = make(Path(source), signature, target, model=model, layout=layout, how=how, decide=chosen)
    began = time.monotonic()
    export(made.executable, target, Path(output), made.manifest, workspace=Path(workspace))
    seconds = {**made.seconds, "link": time.monotonic() - began}
    tuned = chosen.keys if chosen is not None else frozenset()
    tasks = made.lowered.tasks if made.lowered is not None else ()
    functions = tuple(
        Function(
            task.label,
            task.space.kind if task.space is not None else "other",
            task.weight,
            task.flops,
            "tuned" if task.key in tuned else "rule",
        )
        for task in tasks
    )
    notes = made.notes if chosen is None else (*made.notes, *chosen.notes(len([t for t in tasks if t.space])))
    return Done(made.manifest, functions, seconds, notes)


class _Chosen:
    """Picks the best decisions from records, once the tasks are known."""

    def __init__(self, folder: str, target: Target, model: str, threads: int | None) -> None:
        self._folder = folder
        self._target = target
        self._model = model
        self._threads = threads
        self.keys: frozenset[str] = frozenset()
        self._kin: str | None = None

    def __call__(self, lowered: Any) -> Any:
        from deploy_magics.lowering.pipeline import Decided
        from deploy_magics.lowering.records import Records, RecordsError, Wanted
        from deploy_magics.lowering.schedules import SPACE_VERSION

        tasks = {task.key: task.label for task in lowered.tasks if task.space is not None}
        wanted = Wanted(self._model, tasks, self._target.to_plain(), SPACE_VERSION, kin=True)
        fitting = Records.read(self._folder).fitting(wanted)
        spaces = {task.key: task.space for task in lowered.tasks if task.space is not None}
        found = {key: point for key, point in fitting.decisions(self._threads).items() if spaces[key].valid(point)}
        if not found:
            raise RecordsError(f"{self._folder!r} holds no trial of {self._model} that ran", hint="tune for longer")
        self.keys = frozenset(found)
        self._kin = fitting.kin
        return Decided(found, {"trials": len(fitting.trials), "tasks": sorted(found)})

    def notes(self, tunable: int) -> tuple[str, ...]:
        """Say what machine the records come from, and how much of the model they cover."""
        said = []
        if self._kin is not None:
            said.append(
                f"the records were made on the processor {self._kin}, whose registers are alike: what they chose is "
                f"possible on {self._target.cpu}, but tuning there may find better"
            )
        if len(self.keys) < tunable:
            said.append(f"records hold {len(self.keys)} of its {tunable} tasks; the others are scheduled by rule")
        return tuple(said)
