"""What a run gave, as tables, facts and notes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy_magics.result import Cell, Column, Missing, Note, Row, Samples, Table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from deploy_magics.running.compiled import Runnable
    from deploy_magics.steps._tvm_run_measure import Measured, Options
    from deploy_magics.steps._tvm_run_top import Likeliest

_SCHEDULES = {"rule": "by rule", "none": "not scheduled", "tuned": "as tuned"}
_MOST_ODD = 3


def headline(model: Runnable, found: Measured, top: Likeliest | None) -> str:
    """Say in one sentence how long it takes, and what it says."""
    import numpy as np

    if found.seconds:
        count = len(found.seconds)
        of = "1 measurement" if count == 1 else f"median of {count} measurements"
        text = f"{model.name}: {1e3 * float(np.median(found.seconds)):.4g} ms ({of})"
    else:
        text = f"{model.name}: it ran, and was not timed"
    return f"{text}; most likely {top.best}" if top is not None and top.best else text


def time_table(model: Runnable, found: Measured) -> Table:
    """Make the table of how long it takes, in the order in which TVM's own command prints it."""
    import numpy as np

    each = "of a run" if found.number == 1 else f"of a run; each measurement is the mean of {found.number}"
    values = np.array(found.seconds) * 1e3
    kinds: dict[str, Callable[[Any], Any]] = {
        "mean": np.mean,
        "median": np.median,
        "max": np.max,
        "min": np.min,
        "std": np.std,
    }
    titles = {"mean": "Mean", "median": "Median", "max": "Greatest", "min": "Least", "std": "Standard deviation of the"}
    cells: dict[str, Cell] = {"name": model.name, "number": found.number, "repeat": len(values)}
    cells |= {key: float(measure(values)) for key, measure in kinds.items()}
    goals = {"mean": "latency_mean", "median": "latency", "max": "latency_max"}
    columns = [Column(key, key, "ms", help=f"{titles[key]} time {each}.", goal=goals.get(key, "")) for key in kinds]
    return Table(
        (
            Column("name", "model", kind="text"),
            *columns,
            Column("repeat", "measurements", kind="integer"),
            Column("number", "runs of each", kind="integer", help="Runs of which a measurement is the mean."),
        ),
        (Row(cells),),
        title="execution time",
    )


def outputs_table(outputs: Mapping[str, NDArray[Any]]) -> Table:
    """Make a row of each output."""
    return Table(
        (
            Column("name", "output", kind="text"),
            Column("dtype", "dtype", kind="text"),
            Column("shape", "shape", kind="text"),
            Column("min", "min", digits=4, help="Of the finite values."),
            Column("max", "max", digits=4, help="Of the finite values."),
            Column("mean", "mean", digits=4, help="Of the finite values."),
        ),
        tuple(_output(name, array) for name, array in outputs.items()),
        title="outputs",
    )


def _output(name: str, array: NDArray[Any]) -> Row:
    import numpy as np

    shape = "x".join(map(str, array.shape)) or "one number"
    values = array.astype(np.float64)
    finite = values[np.isfinite(values)]
    cells: dict[str, Cell] = {"name": name, "dtype": array.dtype.name, "shape": shape}
    for key, measure in (("min", np.min), ("max", np.max), ("mean", np.mean)):
        cells[key] = float(measure(finite)) if finite.size else Missing("no finite value" if values.size else "empty")
    return Row(cells)


def odd_values(outputs: Mapping[str, NDArray[Any]]) -> dict[str, str]:
    """Say which outputs have values that are not finite, and how many of each kind."""
    import numpy as np

    found = {}
    for name, array in outputs.items():
        if array.dtype.kind != "f":
            continue
        parts = [
            f"{count} {what}"
            for what, test in (("NaN", np.isnan), ("infinite", np.isinf))
            if (count := int(np.count_nonzero(test(array))))
        ]
        if parts:
            found[name] = f"output {name!r} holds {' and '.join(parts)} of {array.size} values"
    return found


def samples(model: Runnable, found: Measured) -> tuple[Samples, ...]:
    """Give every measurement."""
    import numpy as np

    if not found.seconds:
        return ()
    count = len(found.seconds)
    values = np.array(found.seconds) * 1e3
    return (Samples(model.name, "ms", values, np.array(found.times), np.zeros(count, np.int32)),)


def facts(
    found: Measured, options: Options, inputs: str, versions: Mapping[str, str], output: Path | None
) -> tuple[tuple[str, str], ...]:
    """Give what stands above the tables."""
    manifest = found.manifest
    pairs = [("on", f"TVM {versions['tvm']}"), ("threads", str(found.threads or options.threads))]
    if options.tracker is not None:
        at = options.tracker
        pairs.append(("device", f"{at.key} at {at.host}:{at.port}"))
    pairs += [("target", manifest.machine.title), ("scheduled", _SCHEDULES.get(manifest.schedule, manifest.schedule))]
    pairs += [("inputs", inputs), ("ready after", f"{found.ready_s:.1f} s")]
    if output is not None:
        pairs.append(("written to", str(output)))
    return tuple(pairs)


def notes(
    model: Runnable,
    found: Measured,
    options: Options,
    odd: Mapping[str, str],
    hidden: Sequence[str],
    *,
    random: bool,
    top: bool,
) -> tuple[Note, ...]:
    """Give what a reader should know.

    Parameters
    ----------
    model, found, options
        What ran, what came of it, and how that was asked for.
    odd
        What is not finite in which output.
    hidden
        Notes on tables that could not be made.
    random, top
        Whether the inputs were drawn, and whether classes were asked for.
    """
    lines = [Note(text, "warning") for text in list(odd.values())[:_MOST_ODD]]
    if len(odd) > _MOST_ODD:
        lines.append(Note(f"{len(odd) - _MOST_ODD} more outputs hold values that are not finite", "warning"))
    lines += [Note(text, "warning") for text in hidden]
    if found.threads is not None and found.threads != options.threads:
        text = f"the device ran it on {found.threads} of {options.threads} threads"
        lines.append(Note(f"{text}: start its server with TVM_NUM_THREADS={options.threads}", "warning"))
    if random and top:
        lines.append(Note("the inputs are random, so the classes mean nothing; give some with --inputs"))
    if model.assumed:
        lines.append(Note(f"compiled for {', '.join(model.assumed)}; set others with --shape or --dim"))
    if not hasattr(model, "manifest"):
        lines.append(Note("compiled here by rule, for this run; keep what is compiled with %tvm_compile"))
    if found.manifest.schedule == "none":
        lines.append(Note("nothing is scheduled: every loop runs as it is written, on one thread"))
    if found.seconds:
        text = "timed in one process by TVM's own evaluator, which gives no interval"
        lines.append(Note(f"{text}; to compare with something else, use %bench"))
    return tuple(lines)


def meta(
    model: Runnable, found: Measured, options: Options, inputs: str, versions: Mapping[str, str]
) -> dict[str, Any]:
    """Give how it was made, as JSON's own types."""
    return {
        "model": {"name": model.name, "source": model.source, "sha256": model.digest},
        "manifest": found.manifest.to_plain(),
        "threads": found.threads or options.threads,
        "repeat": len(found.seconds),
        "number": found.number,
        "inputs": inputs,
        "device": None if options.tracker is None else options.tracker.key,
        "ready_s": found.ready_s,
        "versions": dict(versions),
    }
