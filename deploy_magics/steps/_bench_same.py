"""Whether what a runtime makes of a model still computes what the model does, told beside its times.

A runtime that makes its own code of an ONNX file may make code of something else, and be fast at that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy_magics.errors import DeployError, ModelError, VerificationError
from deploy_magics.result import Cell, Missing, Note

if TYPE_CHECKING:
    from deploy_magics.running import Arrays
    from deploy_magics.steps._bench_ready import Entry
    from deploy_magics.timing import Measurement
    from deploy_magics.verifying import Reference, Verification

REFERENCE = "ort"


@dataclass(frozen=True)
class RowCompared:
    """What the comparison of one row found.

    Attributes
    ----------
    differs : Cell
        Its largest difference from the reference, in millionths of the value's local range.
    problem : str
        What is to be said of it; "" for nothing.
    wrong : bool
        Whether it computes something else, so that its time tells nothing.
    tolerance : float, optional
        By what share of its local range a value may differ; None where it was not compared.
    reason : str
        Where the tolerance comes from.
    """

    differs: Cell
    problem: str = ""
    wrong: bool = False
    tolerance: float | None = None
    reason: str = ""

    def to_plain(self) -> dict[str, Any]:
        """Give it as JSON's own types."""
        return {
            "differs_ppm": None if isinstance(self.differs, Missing) else self.differs,
            "not_compared": self.differs.why if isinstance(self.differs, Missing) else "",
            "tolerance": self.tolerance,
            "reason": self.reason,
            "computes_something_else": self.wrong,
            "problem": self.problem,
        }


@dataclass
class Compared:
    """What the comparisons found.

    Attributes
    ----------
    rows : dict
        Each row that was measured, by its label.
    notes : list of Note
        What is to be said of them.
    interrupted : bool
        Whether the user stopped it.
    """

    rows: dict[str, RowCompared] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    interrupted: bool = False


def compared(
    entries: Sequence[Entry], measured: Measurement, threads: int, tell: Callable[[float | None, str], None]
) -> Compared:
    """Run each model that was measured on another runtime than ONNX Runtime once on each, and compare.

    The reference is ONNX Runtime without its optimisations and on the model's own file, on the inputs that were timed;
    with them, as it was timed, it is held against that like the others. What ``%tvm_compile`` made was verified then,
    and is not looked at again. Each runs with as many threads as it was timed with, for which some make other code.
    """
    done = Compared()
    ran = {track.candidate.label for track in measured.tracks if track.runs}
    groups: dict[int, list[Entry]] = {}
    for entry in entries:
        if entry.label in ran:
            groups.setdefault(id(entry.given), []).append(entry)
    try:
        for group in groups.values():
            _one_model(group, done, threads, tell)
    except KeyboardInterrupt:
        done.interrupted = True
    return done


def _one_model(group: Sequence[Entry], done: Compared, threads: int, tell: Callable[[float | None, str], None]) -> None:
    """Compare one model's rows, its reference being run once."""
    given = group[0].given
    if hasattr(given.model, "runtime") or all(entry.runtime.name == REFERENCE for entry in group):
        done.rows.update({entry.label: RowCompared(Missing("not compared")) for entry in group})
        return
    tell(None, f"running {given.model.name} for comparison")
    try:
        reference = reference_for(given.path, given.feeds)
    except (DeployError, OSError) as error:
        why = _not_compared(error)
        done.rows.update({entry.label: RowCompared(Missing(why)) for entry in group})
        done.notes.append(Note(f"{given.model.name}: {why}", "warning"))
        return
    remarks: dict[str, None] = {}
    with closing(reference):
        for entry in group:
            tell(None, f"comparing {entry.label}")
            found, said = compare_entry(entry, reference, threads)
            done.rows[entry.label] = found
            remarks.update(dict.fromkeys(said))
            if found.problem:
                done.notes.append(Note(f"{given.model.name} on {entry.runtime.name}: {found.problem}", "warning"))
    done.notes += [Note(f"{given.model.name}: {remark}", "warning") for remark in remarks]


def reference_for(path: Path, feeds: Arrays) -> Reference:
    """Run the model on what was timed, and on what shows which outputs depend on that, where it takes it."""
    from deploy_magics import verifying

    try:
        return verifying.Reference.of(path, verifying.around(feeds))
    except ModelError:
        # It takes what was timed, if not every order of it.
        return verifying.Reference.of(path, [feeds])


def compare_entry(entry: Entry, reference: Reference, threads: int) -> tuple[RowCompared, tuple[str, ...]]:
    """Run a row's model as it was timed, and hold it against the reference.

    Returns
    -------
    tuple
        What was found, and what is to be said of the reference's outputs whatever runs them: that one is constant.
    """
    from deploy_magics import verifying

    plain = entry.runtime.name == REFERENCE
    options: Mapping[str, Any] = {"optimize": "all", **entry.options} if plain else entry.options
    running = verifying.Running(entry.runtime.name, threads, options=options)
    try:
        found = reference.compare_on(Path(entry.path), running)
    except VerificationError as error:
        why = error.message.replace("the changed model", "it", 1)
        return RowCompared(Missing(why), f"{why}, so its time means nothing", wrong=True), ()
    except (DeployError, OSError) as error:
        why = _not_compared(error)
        return RowCompared(Missing(why), why), ()
    remarks = tuple(text for text, _ in found.remarks() if "proves nothing" in text or "is random" in text)
    return _judged(found, running.arithmetic, plain=plain), remarks


def _judged(found: Verification, arithmetic: str, *, plain: bool) -> RowCompared:
    # A figure that leaves out what cannot be compared would look better than it is.
    unlike = [f"output {name!r} is gone" for name in found.missing]
    unlike += [f"output {each.name!r}: {each.problem}" for each in found.differences if each.problem]
    wrong = found.value_problems
    differs: Cell = 1e6 * found.max_rel
    if unlike:
        differs = Missing(unlike[0])
    elif found.proves_nothing:
        differs = Missing("comparing it proves nothing: no output depends on the inputs, or all are random")
    problem = ""
    if wrong and arithmetic:
        problem = f"in {arithmetic} it no longer computes what ONNX Runtime computes: {wrong[0]}"
    elif wrong and plain:
        problem = f"with its optimisations, as it was timed, it computes something else than without: {wrong[0]}"
    elif wrong:
        problem = f"does not compute what ONNX Runtime computes, so its time means nothing: {wrong[0]}"
    elif found.problems:
        problem = f"gives another type than ONNX Runtime, if the same values: {found.problems[0]}"
    return RowCompared(differs, problem, bool(wrong), found.tolerance, found.reason)


def _not_compared(error: DeployError | OSError) -> str:
    why = error.message if isinstance(error, DeployError) else error.strerror or str(error)
    return f"not compared with ONNX Runtime: {why}"


def held_to(compared: Compared) -> tuple[str, ...]:
    """Say what was compared with what, and by how much rows may differ: a line below the table; none for no figures."""
    bounds: dict[tuple[float, str], list[str]] = {}
    for label, row in compared.rows.items():
        if row.tolerance is not None:
            bounds.setdefault((row.tolerance, row.reason), []).append(label)
    if not bounds:
        return ()
    several = len(bounds) > 1
    held = ", ".join(
        f"{1e6 * tolerance:,.0f} ppm ({reason}{': ' + ', '.join(labels) if several else ''})"
        for (tolerance, reason), labels in bounds.items()
    )
    return (
        "differs by: largest gap to ONNX Runtime without its optimisations, over the value's own size plus its "
        f"channel's range; held to {held}",
    )


__all__ = ["Compared", "RowCompared", "compare_entry", "compared", "held_to", "reference_for"]
