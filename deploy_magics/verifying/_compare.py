"""Run two models on the same inputs and compare what they give."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from deploy_magics.errors import ModelError, VerificationError
from deploy_magics.temporary import Folder
from deploy_magics.verifying._arrays import Comparing, is_constant
from deploy_magics.verifying._inputs import Inputs
from deploy_magics.verifying._running import Arrays, Outputs, Run, Running
from deploy_magics.verifying._stored import Source, pairs
from deploy_magics.verifying._tolerance import FLOOR, outputs_near_one, stepped_outputs, tolerance_of, tolerance_on
from deploy_magics.verifying._verification import Verification

if TYPE_CHECKING:
    from deploy_magics.model import Model

Either: TypeAlias = "Model | str | PathLike[str]"
Sources: TypeAlias = "Mapping[str, Source]"


@dataclass(frozen=True)
class Reference:
    """What an original computes, kept so that changed models can be held against it.

    Attributes
    ----------
    feeds : tuple of mappings
        The inputs it ran on.
    outputs : tuple of dict
        What it gave, one dict an input, in files that live as long as this object.
    tolerance : float
        What its arithmetic asks for.
    reason : str
        Why.
    source : Model or path
        The original, to be run again where its outputs may be random.
    running : Running
        How it ran.
    notes : tuple of str
        What is to be known, one line each.
    most_bytes : int, optional
        Bytes that inputs and outputs of one run may take.
    stepped, near_one : frozenset of str
        Outputs that are steps of a quantised scale, and that are made of functions with values near 1.
    folder : Folder, optional
        Where the files are.
    """

    feeds: tuple[Arrays, ...]
    outputs: tuple[Sources, ...]
    tolerance: float
    reason: str
    source: Either
    running: Running
    notes: tuple[str, ...] = ()
    most_bytes: int | None = None
    stepped: frozenset[str] = frozenset()
    near_one: frozenset[str] = frozenset()
    folder: Folder | None = None

    @classmethod
    def of(cls, original: Either, inputs: Inputs | Sequence[Arrays], *, running: Running | None = None) -> Reference:
        """Run the original.

        Raises
        ------
        ModelError
            Where it does not run, or takes too much memory: then nothing can be verified.
        WorkerError
            Where it crashes or passes a bound.
        """
        running = running or Running()
        given = inputs if isinstance(inputs, Inputs) else Inputs(tuple(dict(each) for each in inputs))
        most = None if isinstance(original, str | PathLike) else original.limits.max_bytes
        folder = Folder()
        try:
            with _file(original) as path:
                feeds, outputs, notes = _run_all(given, path, folder.path, running, most)
        except BaseException:
            # A notebook keeps the error, its frames and so this folder, until the next one.
            folder.close()
            raise
        proto = _proto(original)
        return cls(
            tuple(feeds),
            tuple(outputs),
            *tolerance_of(proto),
            original,
            running,
            notes,
            most,
            stepped_outputs(proto),
            outputs_near_one(proto),
            folder,
        )

    def compare(self, changed: Either, *, tolerance: float | None = None) -> Verification:
        """Run a changed model on the same inputs, and compare.

        Parameters
        ----------
        changed : Model or path
            The other model.
        tolerance : float, optional
            Share of its local range by which a value may differ; by default what the original's arithmetic asks for,
            and equality for integers, truth values and text.

        Raises
        ------
        VerificationError
            Where the changed model does not run.
        """
        with _file(changed) as path:
            found = self._against(path, tolerance)
            if found.ok or found.missing or found.added:
                return found
            # A difference may be the original's own: random operators give another result at each run.
            return self._without_random(found, path)

    def close(self) -> None:
        """Remove the files now, and not only when this object goes; harmless when repeated."""
        if self.folder is not None:
            self.folder.close()

    def compare_outputs(self, outputs: Sequence[Sources], *, tolerance: float | None = None) -> Verification:
        """Compare outputs that were computed elsewhere, one mapping for each of :attr:`feeds`."""
        return self._compare(iter(outputs), tolerance)

    def compare_on(self, path: Path, running: Running, *, tolerance: float | None = None) -> Verification:
        """Run a file made for another runtime on the same inputs, and compare.

        Parameters
        ----------
        path : Path
            The file.
        running : Running
            How it is run, and on what.
        tolerance : float, optional
            As for :meth:`compare`; by default what :func:`tolerance_on` gives for the runtime.

        Raises
        ------
        VerificationError
            Where it does not run.
        """
        found = self.elsewhere(running)._against(path, tolerance)
        return found if found.ok else _set_aside(found, self.random_outputs)

    @cached_property
    def random_outputs(self) -> frozenset[str]:
        """The outputs in which the original differs from itself: it is run once more, where that is asked first."""
        with _file(self.source) as original:
            again = self._against(original)
        return frozenset(each.name for each in again.differences if again.problem_of(each))

    def elsewhere(self, running: Running) -> Reference:
        """Give it for what another runtime computes, with a wider tolerance; see :meth:`compare_on`."""
        tolerance, reason = tolerance_on(running.arithmetic, self.tolerance, self.reason)
        return replace(self, running=running, tolerance=tolerance, reason=reason)

    def _compare(self, outputs: Iterator[Sources], tolerance: float | None) -> Verification:
        """Compare outputs as they come; what was compared is not read again."""
        names = list(dict.fromkeys(name for each in self.outputs for name in each))
        comparing = {name: self._comparing(name, tolerance) for name in names}
        theirs: dict[str, None] = {}
        # The items of a sequence are outputs of their own here, and there may be more of them on one input.
        uneven = set()
        added = dict.fromkeys(names, 0)
        for mine, other in zip(self.outputs, outputs, strict=True):
            theirs.update(dict.fromkeys(other))
            uneven |= set(mine) ^ set(other)
            for name in mine:
                if name in other:
                    comparing[name].add(added[name], other[name])
                added[name] += 1
        differences = []
        for name in names:
            if name in theirs:
                found = replace(comparing[name].result(), steps=name.partition("[")[0] in self.stepped)
                differences.append(replace(found, problem="there on other inputs only") if name in uneven else found)
        if not any(len(feed) for feed in self.feeds):
            # Without inputs there is but one result, and it is the whole of what the model computes.
            differences = [replace(each, constant=False) for each in differences]
        return Verification(
            differences=tuple(differences),
            inputs=len(self.feeds),
            runtime=self.running.title,
            tolerance=self.tolerance if tolerance is None else tolerance,
            reason=self.reason if tolerance is None else "as given",
            asked=tolerance is not None,
            missing=tuple(name for name in names if name not in theirs),
            added=tuple(name for name in theirs if name not in names),
            notes=self.notes,
        )

    def _comparing(self, name: str, tolerance: float | None) -> Comparing:
        quantised = "quantised" in self.reason
        return Comparing(
            name,
            [each[name] for each in self.outputs if name in each],
            # One step of a quantised scale is a share of the whole output's range, not of a channel's.
            channel_floor=1.0 if quantised else math.sqrt(self.tolerance),
            floor=FLOOR if name.partition("[")[0] in self.near_one else 0.0,
        )

    def _against(self, path: Path, tolerance: float | None = None) -> Verification:
        """Run a file on all inputs and compare, keeping the outputs of one run at a time."""
        return self._compare(self._run_changed(path), tolerance)

    def _run_changed(self, path: Path) -> Iterator[Outputs]:
        try:
            with self.running.open(path, self.most_bytes) as run:
                for feeds in self.feeds:
                    with tempfile.TemporaryDirectory(dir=self.folder.path if self.folder else None) as folder:
                        yield run(feeds, Path(folder))
        except ModelError as error:
            raise VerificationError(
                f"the changed model does not run: {error.message}", hint="the original is kept"
            ) from None

    def _without_random(self, found: Verification, path: Path) -> Verification:
        """Set outputs aside in which the original differs from itself; one that has become fixed is a difference."""
        random = self.random_outputs
        if not random:
            return found
        with closing(Folder()) as folder:
            with self.running.open(path, self.most_bytes) as run:
                outputs = [_run_into(run, feeds, folder.path) for feeds in self.feeds]
            repeated = replace(self, outputs=tuple(outputs))._against(path)
        fixed = {each.name for each in repeated.differences if each.name in random and not repeated.problem_of(each)}
        changed = [
            replace(each, problem="it was random and is the same at each run now") if each.name in fixed else each
            for each in found.differences
        ]
        return _set_aside(replace(found, differences=tuple(changed)), random - fixed)


def compare(
    original: Either,
    changed: Either,
    feeds: Inputs | Sequence[Arrays],
    *,
    runtime: str = "ort",
    tolerance: float | None = None,
    threads: int = 1,
    timeout: float = 300.0,
    memory: int | None = None,
) -> Verification:
    """Say whether two models compute the same.

    Parameters
    ----------
    original, changed : Model or path
        The models; each runs in a worker process.
    feeds : Inputs or sequence of mappings
        Inputs to run both on, arrays by name; see :func:`inputs_for`.
    runtime : str
        Short name of the runtime that runs them.
    tolerance : float, optional
        Share of its local range by which a value may differ; by default 1e-4 for a model that computes in float32, 1e-2
        in float16 or with 8-bit integers, 5e-2 in bfloat16, and equality for outputs that are integers or text.
    threads : int
        Threads inside one operator.
    timeout : float
        Bound on all runs of one model, in seconds.
    memory : int, optional
        Bound on each worker's resident memory, in bytes.

    Returns
    -------
    Verification
        Figures an output, and whether they are within the tolerance; :meth:`Verification.require` raises where not.

    Raises
    ------
    ModelError
        Where the original does not run.
    VerificationError
        Where the changed model does not run.
    """
    running = Running(runtime, threads, timeout, memory)
    return Reference.of(original, feeds, running=running).compare(changed, tolerance=tolerance)


def _all_constant(outputs: Sequence[Outputs]) -> bool:
    names = {name for each in outputs for name in each}
    return all(is_constant([each[name] for each in outputs if name in each]) for name in names)


def _run_into(run: Run, feeds: Arrays, folder: Path) -> Outputs:
    return run(feeds, Path(tempfile.mkdtemp(dir=folder)))


def _run_all(
    given: Inputs, path: Path, folder: Path, running: Running, most: int | None
) -> tuple[list[Arrays], list[Outputs], tuple[str, ...]]:
    """Run the original on all that is given and that it takes.

    Returns
    -------
    tuple
        The inputs it ran on, its outputs, and notes.
    """
    feeds: list[Arrays] = list(given.feeds)
    notes = []
    try:
        with running.open(path, most) as run:
            outputs = [_run_into(run, each, folder) for each in feeds]
            for wide in given.signed:
                try:
                    found = _run_into(run, wide, folder)
                except ModelError:
                    notes.append("the original does not take inputs of both signs: compared on 0 to 1 only")
                    continue
                if all(_finite(array) for array in found.values()):
                    feeds.append(wide)
                    outputs.append(found)
                else:
                    notes.append("inputs of both signs give numbers that are not finite: compared on 0 to 1 only")
            for other in given.other_sizes:
                try:
                    outputs.append(_run_into(run, other, folder))
                    feeds.append(other)
                except ModelError:
                    text = "the original does not run at every size of its open dimensions that was tried"
                    notes += [text] if text not in notes else []
            if given.wider and _all_constant(outputs):
                for wide in given.wider:
                    try:
                        outputs.append(_run_into(run, wide, folder))
                        feeds.append(wide)
                    except ModelError:
                        # Ranges beyond the usual are an attempt; what has run is compared without them.
                        continue
    except ModelError as failed:
        raise ModelError(
            f"nothing can be verified, since the model itself does not run: {failed.message}", hint=failed.hint
        ) from None
    return feeds, outputs, tuple(notes)


def _finite(array: Source) -> bool:
    import numpy as np

    if array.dtype.kind in "biuSUOT":
        return True
    return all(np.isfinite(block.astype(np.complex128)).all() for _, block, _ in pairs(array, array))


def _set_aside(found: Verification, random: frozenset[str]) -> Verification:
    """Leave of outputs that are random their type to be compared."""
    differences = [
        replace(each, problem=each.problem if each.problem.startswith("type ") else "") if each.name in random else each
        for each in found.differences
    ]
    return replace(found, differences=tuple(differences), random=random)


@contextmanager
def _file(model: Either) -> Iterator[Path]:
    if isinstance(model, str | PathLike):
        yield Path(model)
    else:
        with model.file() as path:
            yield path


def _proto(model: Either) -> Any:
    if isinstance(model, str | PathLike):
        import onnx

        return onnx.load(str(model), load_external_data=False)
    return model.skeleton
