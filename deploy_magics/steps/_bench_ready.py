"""What ``%bench`` does before it measures: each model made ready for each runtime, once, and that time told apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy_magics.errors import DeployError, MissingPartError
from deploy_magics.steps._bench_run import runs_on
from deploy_magics.steps._bench_same import REFERENCE

if TYPE_CHECKING:
    from deploy_magics.arguments import ModelLike
    from deploy_magics.converting import Source
    from deploy_magics.running import Arrays, Prepared, Runtime
    from deploy_magics.running.compiled import Runnable
    from deploy_magics.steps._bench_run import Setup
    from deploy_magics.timing import Candidate

TIMEOUT_S = 300.0
"""Bound on one conversion."""


@dataclass(frozen=True)
class Given:
    """A model as the user named it, opened, with the file and the inputs that it runs on.

    Attributes
    ----------
    fixed : Path, optional
        Its file at the sizes of the inputs, where it leaves some open and is set beside what is made for fixed ones.
    note : str
        Why it could not be had at fixed sizes; "" where it could.
    """

    obj: ModelLike
    model: Runnable
    path: Path
    feeds: Arrays
    fixed: Path | None = None
    note: str = ""


@dataclass(frozen=True)
class Entry:
    """A model on a runtime: a row.

    Attributes
    ----------
    label : str
        Its name in tables.
    given : Given
        The model.
    runtime : Runtime
        The runtime.
    prepared : Prepared, optional
        What the runtime made of the model; None where it reads the model's own file.
    error : DeployError, optional
        Why it cannot be measured.
    """

    label: str
    given: Given
    runtime: Runtime
    prepared: Prepared | None = None
    error: DeployError | None = None

    @property
    def path(self) -> str:
        """The file that the runtime loads."""
        return str(self.given.fixed or self.given.path) if self.prepared is None else self.prepared.path

    @property
    def options(self) -> dict[str, Any]:
        """What the runtime is given with it."""
        return {} if self.prepared is None else dict(self.prepared.options)

    def candidate(self, setup: Setup) -> Candidate:
        """Give what is timed."""
        from deploy_magics.timing import Candidate

        return Candidate(
            label=self.label,
            factory="deploy_magics.running:open_session",
            args=(self.path, self.runtime.name, setup.threads, self.options),
            inputs=self.given.feeds,
            per_call=setup.batch or 1,
            imports=("deploy_magics.running", *getattr(self.runtime, "modules", ())),
            error=self.error,
        )


def entries(
    given: Sequence[Given], setup: Setup, folder: Path, tell: Callable[[float | None, str], None]
) -> list[Entry]:
    """Make each model ready for each runtime that it can be asked to run on.

    What cannot be made ready is an entry that says why, and the others go on.

    Parameters
    ----------
    given : sequence of Given
        The models.
    setup : Setup
        How it was asked for.
    folder : Path
        An empty folder for what is made.
    tell : callable
        Told what is being done.
    """
    if any(runtime.name.partition(":")[0] != REFERENCE for runtime in setup.usable):
        given = [_sized(each, folder / f"sizes {number}") for number, each in enumerate(given)]
    plain = [
        Entry(_label(each, runtime, len(given), len(setup.runtimes)), each, runtime)
        for each in given
        for runtime in setup.runtimes
        if runs_on(each.model, runtime)
    ]
    done = []
    for number, entry in enumerate(plain):
        try:
            done.append(_ready(entry, setup, folder / str(number), tell))
        except DeployError as error:
            done.append(replace(entry, error=error))
        except OSError as error:
            done.append(replace(entry, error=DeployError(f"it could not be converted: {error.strerror or error}")))
    return done


def _sized(given: Given, folder: Path) -> Given:
    """Fix the dimensions that a model leaves open, since others make code for fixed ones and would win by that."""
    from deploy_magics import running, workers
    from deploy_magics.model import Model

    if not isinstance(given.model, Model):
        return given
    shapes = {name: array.shape for name, array in given.feeds.items()}
    try:
        folder.mkdir()
        fixed = running.fixed_file(given.path, shapes, folder, timeout=TIMEOUT_S, memory=workers.memory_bound())
    except (DeployError, OSError) as error:
        why = error.message if isinstance(error, DeployError) else error.strerror or str(error)
        return replace(
            given, note=f"{given.model.name}: its open dimensions could not be fixed for ONNX Runtime: {why}"
        )
    return replace(given, fixed=fixed)


def _label(given: Given, runtime: Runtime, models: int, runtimes: int) -> str:
    """Name a row by what tells it from the others."""
    if runtimes == 1:
        return given.model.name
    return runtime.name if models == 1 else f"{given.model.name} · {runtime.name}"


def _ready(entry: Entry, setup: Setup, folder: Path, tell: Callable[[float | None, str], None]) -> Entry:
    from deploy_magics import running
    from deploy_magics.running import needs_preparing

    runtime = entry.runtime
    MissingPartError.check(running.why_not(runtime))
    if setup.instances > 1 and (why := str(getattr(runtime, "one_at_a_time", ""))):
        raise DeployError(why, hint="measure it with one instance")
    made = _prepared(entry, setup, folder, tell) if needs_preparing(runtime, entry.given.path) else entry
    _require_coarser(made, setup)
    return made


def _require_coarser(entry: Entry, setup: Setup) -> None:
    """Refuse a row in a coarser type that gives float32's own bits: it would bear a name that it does not earn."""
    from deploy_magics import running

    kind = str(getattr(entry.runtime, "arithmetic", ""))
    plain = entry.runtime.name.partition(":")[0]
    if kind and running.same_bits(
        Path(entry.path), (entry.runtime.name, plain), entry.given.feeds, setup.threads, entry.options
    ):
        raise DeployError(
            f"{entry.runtime.title} gives the same bits as {plain} here: this model is not computed in {kind}"
        )


def _prepared(entry: Entry, setup: Setup, folder: Path, tell: Callable[[float | None, str], None]) -> Entry:
    """Convert it."""
    from deploy_magics import running, workers

    runtime = entry.runtime
    tell(None, f"converting {entry.label}")
    folder.mkdir()
    made = folder / "made"
    made.mkdir()
    prepared = running.prepare(
        _source(entry, folder),
        runtime.name,
        made,
        shapes={name: array.shape for name, array in entry.given.feeds.items()},
        threads=setup.threads,
        timeout=TIMEOUT_S,
        memory=workers.memory_bound(),
    )
    return replace(entry, prepared=prepared)


def _source(entry: Entry, folder: Path) -> Source:
    """Give what the runtime converts."""
    from deploy_magics import running
    from deploy_magics.converting import Source
    from deploy_magics.model import Model
    from deploy_magics.running import Prepares

    runtime, model = entry.runtime, entry.given.model
    assert isinstance(runtime, Prepares)
    # What is compiled runs on its own runtime, which loads it as it is.
    assert isinstance(model, Model)
    names, outputs = (tuple(spec.name for spec in specs) for specs in (model.inputs, model.outputs))
    if runtime.takes == "onnx":
        return Source(entry.path, "onnx", names, outputs, names)
    return running.packed(model, entry.given.obj, runtime, entry.given.feeds, folder / "module.pickle")


__all__ = ["Entry", "Given", "entries"]
