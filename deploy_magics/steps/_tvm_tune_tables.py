"""What a search found, as tables, facts and notes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy_magics.result import Cell, Column, Curve, Missing, Note, Ratio, Row, Table

if TYPE_CHECKING:
    from deploy_magics.model import Model
    from deploy_magics.steps._tvm_tune_run import Outcome
    from deploy_magics.tuning import TaskOutcome, Tuned

_MOST_REASONS = 3


def headline(outcome: Outcome) -> str:
    """Say in one sentence what was gained."""
    tuned = outcome.tuned
    name = tuned.plan.model
    if tuned.before_ms is None or tuned.after_ms is None:
        return f"{name}: no trial ran"
    gain = tuned.before_ms / tuned.after_ms
    found = f"{tuned.before_ms:.3g} → {tuned.after_ms:.3g} ms estimated ({gain:.2f}x)"
    proof = ""
    if outcome.compiled is not None and outcome.compiled.verification is not None:
        proof = f"; {outcome.compiled.verification.verdict}"
    return f"{name}: {found}, {_trials(tuned.trials)} in {_duration(tuned.seconds)}{proof}"


def interruption(outcome: Outcome, records: Path | None) -> str:
    """Say what a stopped search has kept."""
    tuned = outcome.tuned
    done = f"interrupted after {_trials(tuned.trials)}"
    if records is None:
        return f"{done}; name a folder to keep them: --records FOLDER"
    return f"{done}; all are kept in {str(records)!r}: run it again to go on, or %tvm_compile --records to use them"


def tasks_table(tuned: Tuned) -> Table:
    """Make a row of each task, those first that the model spends most time in."""
    columns = (
        Column("task", "task", kind="text", help="Shape of the result, and what is computed."),
        Column("calls", "calls", kind="integer", help="How often one run of the model calls it."),
        Column("trials", "trials", kind="integer", help="Candidates tried in this run."),
        Column("before", "rule", unit="GFLOP/s", digits=4, help="Speed of what the rule chooses, without a search."),
        Column("best", "best", unit="GFLOP/s", digits=4, help="Speed of the best that was found."),
        Column("gain", "gain", kind="ratio", help="Time of the rule's choice over that of the best."),
        Column("share", "share of time", unit="%", digits=3, help="Part of the model's estimated time, as tuned."),
        Column("time", "time a call", unit="µs", digits=4, shown=False, help="Of the best."),
        Column(
            "failed", "failed", kind="integer", shown=False, help="Trials that crashed, hung or could not be built."
        ),
        Column("known", "known before", kind="integer", shown=False, help="Trials that the records held of it."),
        Column("seconds", "time spent", unit="s", digits=3, shown=False),
        Column("decisions", "decisions", kind="text", shown=False, help="What the best chooses."),
    )
    total = (tuned.after_ms or 0.0) / 1e3
    tasks = sorted(tuned.tasks, key=lambda task: -task.job.weight * (task.best or 0.0))
    return Table(columns, tuple(_row(task, total) for task in tasks))


def _row(task: TaskOutcome, total: float) -> Row:
    nothing = Missing("it has not run" if task.trials else "its turn has not come")
    cells: dict[str, Cell] = {
        "task": task.job.label,
        "calls": task.job.weight,
        "trials": task.trials,
        "before": _speed(task, task.before) or nothing,
        "best": _speed(task, task.best) or nothing,
        "gain": Ratio.exact(task.before / task.best) if task.before and task.best else nothing,
        "share": 100 * task.job.weight * task.best / total if task.best and total else nothing,
        "time": task.best * 1e6 if task.best else nothing,
        "failed": task.failed,
        "known": task.known,
        "seconds": task.seconds,
        "decisions": ", ".join(f"{name} {value}" for name, value in (task.decisions or {}).items()) or nothing,
    }
    return Row(cells)


def _speed(task: TaskOutcome, seconds: float | None) -> float | None:
    return task.job.flops / seconds / 1e9 if seconds and task.job.flops else None


def facts(outcome: Outcome, records: Path | None, output: Path | None) -> tuple[tuple[str, str], ...]:
    """Give the figures that stand above the table."""
    tuned = outcome.tuned
    found = []
    if tuned.before_ms is not None and tuned.after_ms is not None:
        found.append(("estimated latency", f"{tuned.before_ms:.4g} → {tuned.after_ms:.4g} ms"))
    known = f", {tuned.known} known before" if tuned.known else ""
    found.append(("trials", f"{tuned.trials} ({tuned.rate:.1f}/s){known}"))
    if tuned.failed:
        found.append(("failed trials", str(tuned.failed)))
    found.append(("time", _duration(tuned.seconds)))
    if tuned.first_s is not None:
        found.append(("first improvement", f"after {tuned.first_s:.1f} s"))
    found.append(("ended because", tuned.why))
    if records is not None:
        found.append(("records", str(records)))
    if outcome.compiled is not None:
        found.append(("target", outcome.compiled.manifest.machine.title))
        if outcome.compiled.verification is not None:
            found += outcome.compiled.verification.facts()
        if output is not None:
            found.append(("written to", str(output)))
    return tuple(found)


def notes(outcome: Outcome, model: Model) -> tuple[Note, ...]:
    """Give what a reader should know."""
    tuned = outcome.tuned
    lines = [Note(text, "warning" if text.startswith("not verified") else "info") for text in outcome.notes]
    if model.assumed:
        lines.append(Note(f"tuned for {', '.join(model.assumed)}; set others with --shape or --dim"))
    reasons = sorted(tuned.failures.items(), key=lambda item: (-item[1], item[0]))
    for reason, count in reasons[:_MOST_REASONS]:
        lines.append(Note(f"{_trials(count)} failed: {reason}"))
    if len(reasons) > _MOST_REASONS:
        rest = sum(count for _, count in reasons[_MOST_REASONS:])
        lines.append(Note(f"{_trials(rest)} failed for other reasons"))
    if tuned.before_ms is not None:
        text = "the estimate is the sum of the functions' times, each run by itself with its data in the caches"
        lines.append(Note(f"{text}; measure with %bench"))
    if tuned.untimed:
        some = "one function was" if tuned.untimed == 1 else f"{tuned.untimed} functions were"
        lines.append(Note(f"{some} never timed, so the estimate leaves them out: more trials would show", "warning"))
    return tuple(lines)


def curves(tuned: Tuned) -> tuple[Curve, ...]:
    """Give how the estimated latency fell."""
    return (Curve("estimated latency", "s", "ms", tuned.curve),) if tuned.curve else ()


def meta(outcome: Outcome, model: Model) -> dict[str, Any]:
    """Give how it was made, as JSON's own types."""
    tuned = outcome.tuned
    return {
        "model": {"name": model.name, "source": model.source, "sha256": model.digest},
        "target": dict(tuned.plan.target),
        "layout": tuned.plan.layout,
        "versions": dict(tuned.plan.versions),
        "trials": tuned.trials,
        "failed": tuned.failed,
        "known": tuned.known,
        "seconds": tuned.seconds,
        "trials_per_s": tuned.rate,
        "first_improvement_s": tuned.first_s,
        "before_ms": tuned.before_ms,
        "after_ms": tuned.after_ms,
        "why": tuned.why,
        "failures": tuned.failures,
        "tasks": [
            {
                "key": task.job.key,
                "label": task.job.label,
                "calls": task.job.weight,
                "trials": task.trials,
                "before_s": task.before,
                "best_s": task.best,
                "decisions": task.decisions,
            }
            for task in tuned.tasks
        ],
        "manifest": None if outcome.compiled is None else outcome.compiled.manifest.to_plain(),
    }


def _trials(count: int) -> str:
    return "1 trial" if count == 1 else f"{count} trials"


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds / 60:.1f} min"
