"""One model through the search: simplified, cut into tasks, tuned, and compiled with the best."""

from __future__ import annotations

import shutil
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from deploy_magics.errors import DeployError

if TYPE_CHECKING:
    from deploy_magics.arguments import FeedSource
    from deploy_magics.compiling import Compiled
    from deploy_magics.lowering.target import Target
    from deploy_magics.model import Model
    from deploy_magics.progress import Tracker, Tuning
    from deploy_magics.tuning import Crew, Tuned


@dataclass(frozen=True)
class Options:
    """How to tune; see :func:`deploy_magics.steps.tvm_tune.tvm_tune` for what each means."""

    trials: int
    minutes: float | None
    patience: int
    records: Path | None
    threads: int
    tracker: str | None
    key: str
    layout: str
    seed: int
    output: Path | None
    force: bool
    data: FeedSource | None
    tolerance: float | None
    build_s: float
    run_s: float
    timeout: float
    memory: int | None


@dataclass(frozen=True)
class Outcome:
    """What came of it.

    Attributes
    ----------
    tuned : Tuned
        What the search found.
    compiled : Compiled or None
        The model, compiled with the best; None where it was stopped before.
    notes : tuple of str
        What a reader should know, one line each.
    """

    tuned: Tuned
    compiled: Compiled | None
    notes: tuple[str, ...]


def run(model: Model, target: Target, options: Options, tracker: Tracker) -> Outcome:
    """Search, and compile with the best of what was found.

    Raises
    ------
    DeployError
        Where the model cannot be tuned, or what was found cannot be compiled; records are kept.
    """
    from deploy_magics.compiling import simplified
    from deploy_magics.lowering.records import Records
    from deploy_magics.temporary import Folder
    from deploy_magics.tuning import Budget, tune
    from deploy_magics.workers import memory_bound

    began = time.monotonic()
    concrete = model.concrete()
    last: list[Tuning] = []

    def tell(tuning: Tuning) -> None:
        last[:] = [tuning]
        tracker.report(tuning)

    with ExitStack() as stack:
        folder = Folder()
        stack.callback(folder.close)
        # What cannot be written or read is said before any work.
        records = Records.open(options.records if options.records is not None else folder.path / "records")
        # The processes import TVM while the model is made smaller.
        crew = stack.enter_context(_crew(target, options))
        tracker.update(None, "simplifying")
        source, notes = simplified(concrete, folder.path, options.timeout, options.memory or memory_bound())
        tracker.update(None, "cutting it into tasks")
        shapes = {
            spec.name: [extent for extent in spec.shape or () if isinstance(extent, int)] for spec in concrete.inputs
        }
        with concrete.file():
            plan = crew.plan(source, shapes, options.layout, model.name, model.digest)
        if not any(job.knobs for job in plan.jobs):
            raise DeployError(
                f"{model.name} has nothing to tune: none of its functions has a choice",
                hint=f"compile it: %tvm_compile {model.name}",
            )
        budget = Budget(options.trials, options.minutes, options.patience)
        title = f"tvm_tune: {model.name}"
        tuned = tune(plan, crew, records, budget, seed=options.seed, tell=tell, title=title, began=began)
        crew.close()
        if tuned.interrupted:
            return Outcome(tuned, None, tuple(notes))
        try:
            compiled = _compiled(model, target, options, records.folder, tuned, last, tracker)
        except KeyboardInterrupt:
            return Outcome(replace(tuned, interrupted=True), None, tuple(notes))
    return Outcome(tuned, compiled, (*notes, *compiled.notes))


def _crew(target: Target, options: Options) -> Crew:
    from deploy_magics.tuning import Bounds, Crew

    bounds = Bounds(options.build_s, options.run_s, options.memory)
    if options.tracker is None:
        return Crew(target, threads=options.threads, bounds=bounds)
    from deploy_magics.tuning.remote import RemoteCrew, Tracker

    return RemoteCrew(target, Tracker.parse(options.tracker, options.key), threads=options.threads, bounds=bounds)


def _compiled(
    model: Model,
    target: Target,
    options: Options,
    records: Path,
    tuned: Tuned,
    last: list[Tuning],
    tracker: Tracker,
) -> Compiled:
    """Compile the model with the best decisions; the display of the search stays meanwhile."""
    from deploy_magics import compiling

    chosen = compiling.Options(
        layout=tuned.plan.layout,
        records=records if any(task.best is not None for task in tuned.tasks) else None,
        threads=options.threads,
        output=options.output,
        force=options.force,
        data=options.data,
        tolerance=options.tolerance,
        timeout=options.timeout,
        memory=options.memory,
    )

    def tell(share: float, what: str) -> None:
        del share
        if last:
            tracker.report(replace(last[0], fraction=None, detail=what))

    try:
        return compiling.compile_model(model, target, chosen, tell=tell)
    except DeployError as error:
        kept = options.records or _keep(records)
        hint = f"the trials are kept in {str(kept)!r}: %tvm_compile {model.name} --records {kept}"
        ran = "1 trial" if tuned.trials == 1 else f"{tuned.trials} trials"
        raise type(error)(f"{ran} ran, but the result could not be made: {error}", hint=hint) from error


def _keep(records: Path) -> Path:
    """Save records from a folder that is about to go."""
    kept = Path(tempfile.mkdtemp(prefix="deploy-magics-records-"))
    shutil.copytree(records, kept, dirs_exist_ok=True)
    return kept
