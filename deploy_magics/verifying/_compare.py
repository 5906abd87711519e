"""Run two models on the same inputs and compare what they give."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from deploy_magics.errors import ModelError, VerificationError
from deploy_magics.verifying._arrays import difference, is_constant
from deploy_magics.verifying._inputs import Inputs
from deploy_magics.verifying._tolerance import FLOOR, tolerance_of
from deploy_magics.verifying._verification import Verification

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from deploy_magics.model import Model

Arrays: TypeAlias = "Mapping[str, NDArray[Any]]"
Outputs: TypeAlias = "list[dict[str, NDArray[Any]]]"
Either: TypeAlias = "Model | str | PathLike[str]"


@dataclass(frozen=True)
class Running:
    """How models are run for a comparison.

    Attributes
    ----------
    runtime : str
        Short name of the runtime.
    threads : int
        Threads inside one operator.
    timeout : float
        Bound on all runs of one model, in seconds.
    memory : int, optional
        Bound on the worker's resident memory, in bytes.
    """

    runtime: str = "ort"
    threads: int = 1
    timeout: float = 300.0
    memory: int | None = None

    @property
    def title(self) -> str:
        """Name and version, for people."""
        from deploy_magics import runtimes

        found = runtimes.get(self.runtime)
        return f"{found.title} {found.version()}"

    def run(self, path: Path, feeds: Sequence[Arrays]) -> list[dict[str, NDArray[Any]]]:
        """Run a file on each of several inputs, in a worker.

        The runtime's own optimisation is off where it can be: what is compared is what the graph says, and not what two
        rounds of rewriting make of it.
        """
        from deploy_magics import runtimes

        return runtimes.run_once(
            path,
            feeds,
            runtime=self.runtime,
            threads=self.threads,
            options={"optimize": "none"} if self.runtime == "ort" else {},
            timeout=self.timeout,
            memory=self.memory,
        )


@dataclass(frozen=True)
class Reference:
    """What an original computes, kept so that changed models can be held against it.

    Attributes
    ----------
    feeds : tuple of mappings
        The inputs it ran on.
    outputs : tuple of dict
        What it gave, one dict an input.
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
    """

    feeds: tuple[Arrays, ...]
    outputs: tuple[dict[str, NDArray[Any]], ...]
    tolerance: float
    reason: str
    source: Either
    running: Running
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, original: Either, inputs: Inputs | Sequence[Arrays], *, running: Running | None = None) -> Reference:
        """Run the original.

        Raises
        ------
        ModelError
            Where it does not run: then nothing can be verified.
        WorkerError
            Where it crashes or passes a bound.
        """
        running = running or Running()
        given = inputs if isinstance(inputs, Inputs) else Inputs(tuple(dict(each) for each in inputs))
        with _file(original) as path:
            feeds, outputs, notes = _run_all(given, lambda more: running.run(path, more))
            tolerance, reason = tolerance_of(_proto(original))
        return cls(tuple(feeds), tuple(outputs), tolerance, reason, original, running, notes)

    def compare(self, changed: Either, *, tolerance: float | None = None) -> Verification:
        """Run a changed model on the same inputs, and compare.

        Parameters
        ----------
        changed : Model or path
            The other model.
        tolerance : float, optional
            Share of an output's range by which they may differ; by default what the original's arithmetic asks for,
            and equality for integers, truth values and text.

        Raises
        ------
        VerificationError
            Where the changed model does not run.
        """
        with _file(changed) as path:
            outputs = self._run_changed(path)
            found = self.compare_outputs(outputs, tolerance=tolerance)
            if found.ok or found.missing or found.added:
                return found
            # A difference may be the original's own: random operators give another result at each run.
            return self._without_random(found, path, outputs)

    def compare_outputs(self, outputs: Sequence[Arrays], *, tolerance: float | None = None) -> Verification:
        """Compare outputs that were computed elsewhere, one mapping for each of :attr:`feeds`."""
        names = list(dict.fromkeys(name for each in self.outputs for name in each))
        theirs = list(dict.fromkeys(name for each in outputs for name in each))
        # The items of a sequence are outputs of their own here, and there may be more of them on one input.
        shared = [name for name in names if name in theirs]
        differences = []
        for name in shared:
            pairs = [(one, two) for one, two in zip(self.outputs, outputs, strict=True) if name in one and name in two]
            found = difference(name, [one[name] for one, _ in pairs], [two[name] for _, two in pairs], floor=FLOOR)
            uneven = any((name in one) != (name in two) for one, two in zip(self.outputs, outputs, strict=True))
            differences.append(replace(found, problem="there on other inputs only") if uneven else found)
        if not any(feed for feed in self.feeds):
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

    def _run_changed(self, path: Path) -> list[dict[str, NDArray[Any]]]:
        try:
            return self.running.run(path, self.feeds)
        except ModelError as error:
            raise VerificationError(
                f"the changed model does not run: {error.message}", hint="the original is kept"
            ) from None

    def _without_random(self, found: Verification, path: Path, outputs: Sequence[Arrays]) -> Verification:
        """Set outputs aside in which the original differs from itself; one that has become fixed is a difference."""
        with _file(self.source) as original:
            again = self.compare_outputs(self.running.run(original, self.feeds))
        random = {each.name for each in again.differences if again.problem_of(each)}
        if not random:
            return found
        repeated = replace(self, outputs=tuple(dict(each) for each in outputs)).compare_outputs(self._run_changed(path))
        fixed = {each.name for each in repeated.differences if each.name in random and not repeated.problem_of(each)}
        differences = [
            replace(each, problem="it was random and is the same at each run now")
            if each.name in fixed
            else replace(each, problem=_form_only(each.problem) if each.name in random else each.problem)
            for each in found.differences
        ]
        return replace(found, differences=tuple(differences), random=frozenset(random - fixed))


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
        Share of an output's range by which they may differ; by default 1e-4 for a model that computes in float32, 1e-2
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


def _all_constant(outputs: Sequence[Arrays]) -> bool:
    names = {name for each in outputs for name in each}
    return all(is_constant([each[name] for each in outputs if name in each]) for name in names)


def _run_all(
    given: Inputs, run: Callable[[Sequence[Arrays]], Outputs]
) -> tuple[list[Arrays], Outputs, tuple[str, ...]]:
    """Run the original on all that is given and that it takes.

    Returns
    -------
    tuple
        The inputs it ran on, its outputs, and notes.
    """
    feeds: list[Arrays] = [*given.feeds, *given.other_sizes]
    notes: tuple[str, ...] = ()
    try:
        outputs = run(feeds)
    except ModelError as error:
        feeds, outputs = _run_required(given, run, error)
        notes = ("the original does not run at every size of its open dimensions that was tried",)
    if given.wider and _all_constant(outputs):
        with contextlib.suppress(ModelError):
            outputs += run(given.wider)
            feeds += given.wider
    return feeds, outputs, notes


def _run_required(
    given: Inputs, run: Callable[[Sequence[Arrays]], Outputs], error: ModelError
) -> tuple[list[Arrays], Outputs]:
    """Run without the other sizes after that failed with them, and then on each of those by itself."""
    try:
        if not given.other_sizes:
            raise error
        outputs = run(given.feeds)
    except ModelError as failed:
        raise ModelError(
            f"nothing can be verified, since the model itself does not run: {failed.message}", hint=failed.hint
        ) from None
    feeds: list[Arrays] = list(given.feeds)
    for other in given.other_sizes if len(given.other_sizes) > 1 else ():
        with contextlib.suppress(ModelError):
            outputs += run([other])
            feeds.append(other)
    return feeds, outputs


def _form_only(problem: str) -> str:
    return problem if problem.startswith("type ") else ""


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
