"""``%simplify``: a smaller model that computes the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from deploy_magics.arguments import AModel, Dims, FeedSource, OutputPath, Shapes
from deploy_magics.errors import ArgumentError, DeployError, Interrupted
from deploy_magics.result import Cell, Missing, Note, Result, Row, Table
from deploy_magics.steps._bounds import check_amounts, check_tolerance
from deploy_magics.steps._registry import step
from deploy_magics.steps._simplify_tables import Totals, detail, held, sizes, summary, summary_row, totals

if TYPE_CHECKING:
    from deploy_magics.model import Model
    from deploy_magics.steps._simplify_run import Options, Outcome


@dataclass
class SimplifyResult(Result):
    """Models before and after simplification, and how far they lie apart.

    Attributes
    ----------
    models : tuple of Model
        The simplified ones, in the order given; one that could not be simplified is left out. Where nothing was to be
        gained it is the original. Empty in a result that was read from a file.
    """

    models: tuple[Model, ...] = ()

    @property
    def model(self) -> Model:
        """The simplified model, where there is one; raises DeployError where there are none or several."""
        if len(self.models) == 1:
            return self.models[0]
        if not self.models:
            raise DeployError("this result holds no model", hint="run %simplify again")
        raise DeployError(f"this result holds {len(self.models)} models", hint="take one of its .models")


@step(answers="Can it be made smaller without changing what it computes?", workbook="02_simplify", order=30, cell=True)
def simplify(
    *models: AModel,
    output: Annotated[str | Path | None, OutputPath()] = None,
    force: bool = False,
    data: FeedSource | None = None,
    tolerance: float | None = None,
    max_growth: float = 1.5,
    bench: bool = False,
    timeout: float = 300.0,
    memory: float | None = None,
    shape: Shapes = None,
    dim: Dims = None,
) -> SimplifyResult:
    """Make models smaller without changing what they compute, and show that they compute the same.

    onnxsim folds constants and batch normalisation and takes out what does nothing; where it refuses or fails, ONNX
    Runtime's own offline optimisation is tried, and the result says so. Original and result then run on the same
    inputs: three random ones, others at another size where the model leaves dimensions open, and yours. A result that
    differs by more than the tolerance is an error, and the original is kept.

    Parameters
    ----------
    *models
        Models: a path, zoo name, notebook variable, ModelProto or torch module; ``label=model`` labels one. In the cell
        form the last expression of the body is the model or a list of them.
    output
        File to write the result to, or a folder, in which it is named ``<name>_simplified.onnx``. By default nothing
        is written: keep the result with ``-o NAME``.
    force
        Overwrite files that exist.
    data
        An ``.npz`` file with an array for each input, on which the two are compared as well.
    tolerance
        Largest difference allowed, as a share of the output's range. By default 1e-4 for a model that computes in
        float32, 1e-2 in float16 or with 8-bit integers, 5e-2 in bfloat16, and none for outputs that are integers,
        truth values or text; a tolerance given here holds for integers too.
    max_growth
        The result may have at most so many times the bytes of the model. Folding turns a small rule (a shape and a
        number) into a large table; such constants stay unfolded to keep within this.
    bench
        Measure the speed of both as well, with ``%bench``.
    timeout
        Bound on each part of the work, in seconds.
    memory
        Bound on the memory of each worker process, in GiB; by default three quarters of what is free.
    shape
        Fix dynamic dimensions, ``--shape input=1x3x224x224`` (of one input also ``1x3x224x224``); ``?`` keeps one
        open. What is not bound stays dynamic.
    dim
        Fix a dynamic dimension by its name, ``--dim batch=1``.

    Returns
    -------
    SimplifyResult
        Nodes of each operator type before and after, totals, and the difference found; ``.model`` is the simplified
        model (``.models`` where there were several).

    Raises
    ------
    ModelError
        Where the model does not run, so that nothing could be verified, or cannot be simplified.
    VerificationError
        Where the result computes something else.

    Examples
    --------
    Keep the result in a variable, and compare::

        %%simplify -o slim
        resnet50

        %bench before=resnet50 after=slim

    Write it to a file, with one size in place of a dynamic one::

        %simplify detector.onnx --output detector_slim.onnx --dim batch=1

    Several models, compared on real data, with their speed::

        %simplify a.onnx b.onnx --output slim/ --data inputs.npz --bench
    """
    from deploy_magics.model import Model
    from deploy_magics.progress import progress
    from deploy_magics.steps import _simplify_run as runs
    from deploy_magics.steps import _simplify_speed as speed

    options = _options(data, tolerance, max_growth, timeout, memory)
    if not models:
        raise ArgumentError("no model was given", hint="name one: %simplify resnet50")
    originals = Model.all_of(models, shapes=shape, dims=dim)
    paths = runs.output_paths(originals, output, force=force) if output is not None else []
    lines: list[_Line] = []
    with progress(f"simplify: {', '.join(model.name for model in originals)}") as tracker:
        for index, original in enumerate(originals):

            def tell(share: float, detail: str, index: int = index) -> None:
                tracker.update((index + share) / len(originals), detail)

            try:
                outcome = runs.run(original, options, tell)
                # Counted first: the file to write may be the original's own.
                counted = _totals(outcome)
                if paths:
                    outcome = _saved(outcome, paths[index], force)
                lines.append(_Line(original, outcome, None, *counted))
            except DeployError as error:
                if len(originals) == 1:
                    raise
                lines.append(_Line(original, None, error, totals(original), None))
            except KeyboardInterrupt:
                raise _interrupted(lines, originals) from None
    if all(line.outcome is None for line in lines):
        raise DeployError(f"none could be simplified: {'; '.join(f'{x.original.name}: {x.error}' for x in lines)}")
    result = _result(lines, paths)
    if not bench:
        return result
    pairs = [speed.Pair(line.original, line.outcome.model) for line in lines if line.outcome is not None]
    return speed.with_speed(result, pairs, data=data)


@dataclass(frozen=True)
class _Line:
    """One model of the result: what came of it, or the error."""

    original: Model
    outcome: Outcome | None
    error: DeployError | None
    before: Totals
    after: Totals | None


def _options(data: Any, tolerance: float | None, max_growth: float, timeout: float, memory: float | None) -> Options:
    from deploy_magics.steps._simplify_run import Options

    check_tolerance(tolerance)
    check_amounts(timeout=timeout, memory=memory)
    if not 1 <= max_growth < float("inf"):
        raise ArgumentError(f"--max-growth is a factor of 1 or more, not {max_growth:g}")
    return Options(data, tolerance, max_growth, timeout, None if memory is None else int(memory * 2**30))


def _saved(outcome: Outcome, path: Path, force: bool) -> Outcome:
    from dataclasses import replace

    from deploy_magics.model import Model

    written = outcome.model.save(path, force=force)
    return replace(outcome, model=Model.of(written, label=outcome.model.name))


def _totals(outcome: Outcome) -> tuple[Totals, Totals]:
    before = totals(outcome.original)
    return before, totals(outcome.model) if outcome.changed else before


def _result(lines: Sequence[_Line], paths: Sequence[Path]) -> SimplifyResult:
    several = len(lines) > 1
    tables: list[Table] = [summary([_summary_row(line) for line in lines])] if several else []
    notes: list[Note] = []
    for line in lines:
        who = f"{line.original.name}: " if several else ""
        if line.outcome is None or line.after is None:
            notes.append(Note(f"{who}{line.error}", "warning"))
            continue
        changed = line.outcome.changed
        tables.append(detail(line.original.name, line.before, line.after, titled=several, ops=changed))
        notes += [Note(f"{who}{text}", "warning" if bad else "info") for text, bad in _remarks(line.outcome)]
    done = [line for line in lines if line.outcome is not None]
    made = done[0].after if len(lines) == 1 and done else None
    return SimplifyResult(
        step="simplify",
        headline=_headline(lines),
        tables=tuple(tables),
        facts=_facts(done[0].outcome, paths) if not several and done and done[0].outcome else (),
        notes=tuple(notes),
        meta={"models": [_plain(line) for line in lines], "written": [str(path) for path in paths]},
        models=tuple(line.outcome.model for line in lines if line.outcome is not None),
        held=() if made is None else held(made),
    )


def _headline(lines: Sequence[_Line]) -> str:
    done = [line for line in lines if line.outcome is not None and line.after is not None]
    if len(lines) > 1:
        gained = sum(line.outcome is not None and line.outcome.changed for line in done)
        lost = sum(line.after is not None and line.after.nodes < line.before.nodes for line in done)
        failed = len(lines) - len(done)
        more = f"; {failed} could not be simplified" if failed else ""
        if not gained:
            return f"nothing to simplify in {len(done)} of {len(lines)} models{more}"
        # Without a node less, what was gained is bytes: constants stored once, or shorter.
        smaller = f", {gained - lost} only bytes" if gained > lost else ""
        return f"{lost} of {len(lines)} models lost nodes{smaller}, and compute the same{more}"
    line = done[0]
    assert line.outcome is not None
    assert line.after is not None
    if not line.outcome.changed:
        return f"{line.original.name}: nothing to simplify"
    unit, before, after = sizes(line.before.size_bytes, line.after.size_bytes)
    size = f"{before} → {after} {unit}" if before != after else f"{before} {unit} as before"
    verdict = line.outcome.verification.verdict
    return f"{line.original.name}: {line.before.nodes} → {line.after.nodes} nodes, {size}; {verdict}"


def _facts(outcome: Outcome, paths: Sequence[Path]) -> tuple[tuple[str, str], ...]:
    facts = [("simplified by", f"{outcome.done.backend} in {outcome.done.seconds:.1f} s")]
    facts += outcome.verification.facts()
    facts.append(("run on", outcome.verification.runtime))
    facts += [("written to", str(path)) for path in paths]
    return tuple(facts)


def _remarks(outcome: Outcome) -> list[tuple[str, bool]]:
    lines = [(text, False) for text in outcome.done.notes]
    if not outcome.changed:
        lines.append(("the result is no smaller than the original, which is kept", False))
    lines += outcome.verification.remarks()
    if outcome.verification.proves_nothing and not outcome.verification.random:
        lines.append(("give inputs on which its outputs differ: --data inputs.npz", False))
    return lines


def _summary_row(line: _Line) -> Row:
    if line.outcome is None or line.after is None:
        why = Missing(str(line.error))
        cells: dict[str, Cell] = {
            "model": line.original.name,
            "nodes_before": line.before.nodes,
            "by": why,
            "nodes": why,
        }
        return Row(cells, status="failed", note=str(line.error))
    found = line.outcome.verification
    return summary_row(
        line.original.name,
        line.before,
        line.after,
        error=Missing(found.verdict) if found.proves_nothing else found.max_rel,
        by=line.outcome.done.backend if line.outcome.changed else "nothing to gain",
        seconds=line.outcome.done.seconds,
    )


def _plain(line: _Line) -> dict[str, Any]:
    plain: dict[str, Any] = {"name": line.original.name, "before": line.before.to_plain()}
    if line.outcome is None or line.after is None:
        return {**plain, "error": str(line.error)}
    return {
        **plain,
        "after": line.after.to_plain(),
        "backend": line.outcome.done.backend,
        "seconds": line.outcome.done.seconds,
        "changed": line.outcome.changed,
        "verification": line.outcome.verification.to_plain(),
    }


def _interrupted(lines: Sequence[_Line], originals: Sequence[Model]) -> Interrupted:
    current = originals[len(lines)].name
    done = [line for line in lines if line.outcome is not None]
    if not done:
        return Interrupted(None, f"interrupted while simplifying {current!r}; the original is kept")
    partial = _result(lines, ())
    partial.status = "interrupted"
    text = f"interrupted while simplifying {current!r}; {len(done)} of {len(originals)} models are done and kept"
    return Interrupted(partial, text)
