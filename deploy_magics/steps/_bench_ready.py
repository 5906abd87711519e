"""What ``%bench`` does before it measures: each model made ready for each runtime, once, and that time told apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy_magics.errors import DeployError, MissingPartError, ModelError
from deploy_magics.steps._bench_run import runs_on

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
    """A model as the user named it, opened, with the file and the inputs that it runs on."""

    obj: ModelLike
    model: Runnable
    path: Path
    feeds: Arrays


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
        return str(self.given.path) if self.prepared is None else self.prepared.path

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


def _label(given: Given, runtime: Runtime, models: int, runtimes: int) -> str:
    """Name a row by what tells it from the others."""
    if runtimes == 1:
        return given.model.name
    return runtime.name if models == 1 else f"{given.model.name} · {runtime.name}"


def _ready(entry: Entry, setup: Setup, folder: Path, tell: Callable[[float | None, str], None]) -> Entry:
    from deploy_magics import running, workers
    from deploy_magics.running import needs_preparing

    runtime = entry.runtime
    MissingPartError.check(running.why_not(runtime))
    if not needs_preparing(runtime, entry.given.path):
        return entry
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
    from deploy_magics.converting import Source
    from deploy_magics.model import Model
    from deploy_magics.running import Prepares

    runtime, model = entry.runtime, entry.given.model
    assert isinstance(runtime, Prepares)
    # What is compiled runs on its own runtime, which loads it as it is.
    assert isinstance(model, Model)
    names, outputs = (tuple(spec.name for spec in specs) for specs in (model.inputs, model.outputs))
    if runtime.takes == "onnx":
        return Source(str(entry.given.path), "onnx", names, outputs, names)
    return _packed(entry, folder / "module.pickle", outputs)


def _packed(entry: Entry, path: Path, outputs: tuple[str, ...]) -> Source:
    """Write the torch module of a model, with the inputs that it will be timed on."""
    from deploy_magics.converting import Source
    from deploy_magics.converting.torchscript import pack
    from deploy_magics.model import Model, module_of

    model = entry.given.model
    assert isinstance(model, Model)
    try:
        found = module_of(model if model.module is not None else entry.given.obj)
    except ModelError:
        raise ModelError(
            f"{entry.runtime.title} needs a torch module, and {model.name!r} holds none",
            hint=getattr(entry.runtime, "instead", "give the module with its input: (module, example)"),
        ) from None
    import torch

    feeds = entry.given.feeds
    values = tuple(
        torch.from_numpy(feeds[name].copy()) if name in feeds else usual
        for name, usual in zip(found.names, found.inputs, strict=True)
    )
    pack(found.module, values, found.names, path)
    return Source(str(path), "torch", found.names, outputs, tuple(spec.name for spec in model.inputs))


__all__ = ["Entry", "Given", "entries"]
