"""Whether what a runtime makes of a model still computes what the model does, told beside its times.

A runtime that makes its own code of an ONNX file may make code of something else, and be fast at that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from deploy_magics.errors import DeployError
from deploy_magics.result import Cell, Missing, Note

if TYPE_CHECKING:
    from deploy_magics.steps._bench_ready import Entry
    from deploy_magics.timing import Measurement
    from deploy_magics.verifying import Reference

REFERENCE = "ort"


@dataclass
class Compared:
    """What the comparisons found.

    Attributes
    ----------
    cells : dict
        The largest difference of each row from ONNX Runtime, in millionths of its output's range, by the row's label.
    notes : list of Note
        Which rows compute something else.
    interrupted : bool
        Whether the user stopped it.
    """

    cells: dict[str, Cell] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    interrupted: bool = False


def compared(
    entries: Sequence[Entry], measured: Measurement, threads: int, tell: Callable[[float | None, str], None]
) -> Compared:
    """Run each model that was measured on another runtime than ONNX Runtime once there, and compare.

    The reference is ONNX Runtime without optimisation, on the inputs that were timed. What ``%tvm_compile`` made was
    verified then, and is not looked at again. Each runs with as many threads as it was timed with, for which some make
    other code.
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
    from deploy_magics import verifying

    others = [entry for entry in group if entry.runtime.name != REFERENCE and not hasattr(entry.given.model, "runtime")]
    for entry in group:
        done.cells[entry.label] = Missing("what the others are compared with" if others else "not compared")
    if not others:
        return
    given = others[0].given
    tell(None, f"running {given.model.name} for comparison")
    try:
        reference = verifying.Reference.of(given.path, [given.feeds])
    except DeployError as error:
        why = f"not compared with ONNX Runtime: {error.message}"
        done.cells.update({entry.label: Missing(why) for entry in group})
        done.notes.append(Note(f"{given.model.name}: {why}", "warning"))
        return
    with closing(reference):
        for entry in others:
            tell(None, f"comparing {entry.label}")
            done.cells[entry.label], problem = compare_entry(entry, reference, threads)
            if problem:
                done.notes.append(Note(f"{given.model.name} on {entry.runtime.name}: {problem}", "warning"))


def compare_entry(entry: Entry, reference: Reference, threads: int) -> tuple[Cell, str]:
    """Run a row's model once, and give its largest difference in ppm, and what is wrong with it, if anything."""
    from deploy_magics import verifying

    running = verifying.Running(entry.runtime.name, threads, options=entry.options)
    try:
        found = reference.compare_on(Path(entry.path), running)
    except DeployError as error:
        why = f"not compared with ONNX Runtime: {error.message}"
        return Missing(why), why
    # A figure that leaves out what cannot be compared would look better than it is.
    unlike = next((f"output {each.name!r}: {each.problem}" for each in found.differences if each.problem), "")
    cell: Cell = Missing(unlike) if unlike else 1e6 * found.max_rel
    if not found.problems:
        return cell, ""
    if ": type " in unlike:
        return cell, f"gives another type than ONNX Runtime, so that its values were not compared: {unlike}"
    if running.arithmetic:
        return cell, f"in {running.arithmetic} it no longer computes what ONNX Runtime computes: {found.problems[0]}"
    return cell, f"does not compute what ONNX Runtime computes, so its time means nothing: {found.problems[0]}"


__all__ = ["Compared", "compare_entry", "compared"]
