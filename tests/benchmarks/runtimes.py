"""Print whether every runtime here computes the same of every model: ``python -m tests.benchmarks.runtimes``.

Each model runs on each runtime, in a process of its own, on the same inputs as on ONNX Runtime without optimisation:
real ones where the zoo has some, else random ones; the same in another order; and over wider ranges where outputs are
the same for both. A cell is the largest difference of any output in millionths of its local range, "differs" where that
is past the tolerance of ``%bench``; why is written to the standard error stream at once.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from deploy_magics import running, zoo
from deploy_magics.errors import DeployError
from deploy_magics.model import Model
from deploy_magics.steps._bench_ready import Entry, Given, entries
from deploy_magics.steps._bench_run import Setup
from deploy_magics.steps._bench_same import compare_entry, reference_for
from deploy_magics.verifying import Reference

ON = "ort,openvino,tvm,ncnn,mnn,torch,torch:trace,torch:script,openvino:bf16,ncnn:bf16"
SAMPLES = 2


def write(line: str, stream: TextIO | None = None) -> None:
    """Print a line at once, so that a run that is stopped keeps what it found."""
    print(line, file=stream, flush=True)


def models(names: list[str]) -> Iterator[Any]:
    """Give the models to run: those named, or all of the zoo that need no network, and the shared ones."""
    if names:
        yield from names
        return
    yield from (name for name in zoo.names() if zoo.entry(name).kind != "published")
    shared = os.environ.get("DEPLOY_MAGICS_SHARED")
    if shared:
        yield from sorted((Path(shared) / "models").glob("*.onnx"))


def feeds_of(model: Model, name: str) -> dict[str, np.ndarray[Any, Any]]:
    """Give real inputs where there are some."""
    if name in ("digits", "shapes"):
        with np.load(zoo.sample_data(name)) as data:
            return {key: data[key][:SAMPLES] for key in data.files}
    return dict(model.feeds(0))


def cell(entry: Entry, reference: Reference, threads: int) -> tuple[str, list[str], bool]:
    """Give a cell, what is to be said of it, and whether it computes something else."""
    if entry.error is not None:
        return "refused", [str(entry.error)], False
    found, remarks = compare_entry(entry, reference, threads)
    said = [*filter(None, [found.problem]), *remarks]
    if isinstance(found.differs, float):
        text = f"**differs** {found.differs:.3g}" if found.wrong else f"{found.differs:.2g}"
        return text, said, found.wrong
    text = "does not run" if "it does not run" in found.problem else "**differs**" if found.wrong else "not compared"
    return text, said or [found.differs.why], found.wrong


def main() -> int:
    """Print the table row by row; 1 where one differs that computes in the model's own type."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", default="", help="names or files, separated by commas")
    parser.add_argument("--on", default=ON)
    asked = parser.parse_args()
    runtimes = tuple(runtime for name in asked.on.split(",") if (runtime := running.get(name)).why_not() is None)
    write(", ".join(f"{runtime.title} {runtime.version()}" for runtime in runtimes) + "\n")
    write(f"| model | {' | '.join(runtime.name for runtime in runtimes)} | s |\n|---|{'---|' * (len(runtimes) + 1)}")
    setup = Setup(runtimes, 1, None, None, 1, 2, 2.0, 1.0, 0)
    wrong = 0
    for obj in models([each for each in asked.models.split(",") if each]):
        began = time.monotonic()
        name = Path(obj).stem if isinstance(obj, Path) else obj
        model = Model.of(obj)
        feeds = feeds_of(model, name)
        with model.file() as path, tempfile.TemporaryDirectory() as folder:
            given = Given(obj, model, path, feeds)
            made = entries([given], setup, Path(folder), lambda share, text: None)
            try:
                with closing(reference_for(path, feeds)) as reference:
                    cells = [cell(entry, reference, setup.threads) for entry in made]
            except DeployError as error:
                write(f"| {name} | the model itself does not run: {error} |")
                continue
        write(f"| {name} | {' | '.join(text for text, *_ in cells)} | {time.monotonic() - began:.0f} |")
        for entry, (_, said, _) in zip(made, cells, strict=True):
            for line in said:
                write(f"- {name} on {entry.runtime.name}: {line}", sys.stderr)
        wrong += sum(
            differs and not getattr(entry.runtime, "arithmetic", "")
            for entry, (_, _, differs) in zip(made, cells, strict=True)
        )
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
