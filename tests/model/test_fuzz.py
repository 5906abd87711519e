"""Damaged files: a model or one line, at once, whatever was done to them.

``DEPLOY_MAGICS_FUZZ_SECONDS`` sets for how long (12), ``DEPLOY_MAGICS_FUZZ_SEED`` where it begins (0). A failure names
its seed and keeps the file.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import onnx
import pytest
from onnx import helper

from deploy_magics.errors import DeployError, ModelError
from deploy_magics.model import Limits, Model, _wire
from deploy_magics.workers import Worker
from tests.model import mutate
from tests.model.build import linear, model, tensor, value

SECONDS = float(os.environ.get("DEPLOY_MAGICS_FUZZ_SECONDS", "12"))
FIRST = int(os.environ.get("DEPLOY_MAGICS_FUZZ_SEED", "0"))
SLOWEST_S = 5.0
LIMITS = Limits(max_bytes=2**26)


def handmade() -> list[bytes]:
    branch = helper.make_graph(
        [helper.make_node("Add", ["x", "d"], ["z"])], "b", [], [value("z")], [tensor("d", [1.0])]
    )
    choice = helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch)
    body = [helper.make_node("Mul", ["a", "a"], ["b"])]
    square = helper.make_function("own", "Square", ["a"], ["b"], body, [helper.make_opsetid("", 17)])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    outside = linear(20, 10)
    for weight in outside.graph.initializer:
        onnx.external_data_helper.set_external_data(weight, "weights.bin", 0, len(weight.raw_data))
        weight.ClearField("raw_data")
    ids = model(
        [helper.make_node("Gather", ["table", "ids"], ["y"])],
        [value("ids", ("N", "seq"), onnx.TensorProto.INT64)],
        weights=[tensor("table", [[1.0, 2.0], [3.0, 4.0]])],
    )
    return [
        proto.SerializeToString()
        for proto in (
            model([choice], [value("x"), value("c", (), onnx.TensorProto.BOOL)]),
            model([helper.make_node("Square", ["x"], ["y"], domain="own")], opsets=opsets, functions=[square]),
            linear(20, 10),
            outside,
            ids,
        )
    ]


@pytest.fixture(scope="module")
def corpus(request: pytest.FixtureRequest) -> list[bytes]:
    found = handmade()
    with contextlib.suppress(pytest.skip.Exception):
        folder: Path = request.getfixturevalue("shared_models")
        for path in sorted(folder.glob("*.onnx")):
            if path.stat().st_size < 600_000:
                found.append(path.read_bytes())
    return found


@contextlib.contextmanager
def at_once() -> Iterator[None]:
    """Raise where the body takes too long: in processor time, since the machine may be busy, or by far if it waits."""

    def late(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"took more than {SLOWEST_S:g} s")

    timers = ((signal.SIGPROF, signal.ITIMER_PROF, SLOWEST_S), (signal.SIGALRM, signal.ITIMER_REAL, 12 * SLOWEST_S))
    before = [(number, signal.signal(number, late)) for number, _, _ in timers]
    for _, timer, seconds in timers:
        signal.setitimer(timer, seconds)
    try:
        yield
    finally:
        for _, timer, _ in timers:
            signal.setitimer(timer, 0)
        for number, handler in before:
            signal.signal(number, handler)


def is_one_line(text: str) -> bool:
    return "\n" not in text and len(text) < 400


def told(error: DeployError) -> None:
    """Check what a user is told of an error."""
    assert is_one_line(str(error)), str(error)
    assert error.hint or not isinstance(error, ModelError), str(error)


def use(path: Path) -> tuple[str, Model | None]:
    """Open a file and do with it all that happens in the kernel."""
    with at_once():
        try:
            made = Model.of(path, limits=LIMITS)
        except ModelError as error:
            told(error)
            return "refused", None
    assert all(map(is_one_line, made.warnings)), made.warnings
    with at_once():
        assert made.outputs is not None
        assert repr(made)
        for attempt in (
            made.feeds,
            lambda: sum(array.size for _, array in made.weights()),
            lambda: made.feeds(batch=2),
        ):
            try:
                attempt()
            except ModelError as error:
                told(error)
    return "opened", made


def run(made: Model, worker: Worker) -> str:
    """Do what happens in workers: they may refuse, crash or run out of time, and say so."""
    try:
        with made.file() as path:
            worker.call("deploy_magics.model._native:run", str(path), made.feeds(), timeout=5)
        return "ran"
    except DeployError as error:
        told(error)
        return "did not run"


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timers to interrupt with")
def test_damaged_files(corpus: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "damaged.onnx"
    (tmp_path / "weights.bin").write_bytes(bytes(900))
    counts: Counter[str] = Counter()
    seed, end = FIRST, time.monotonic() + SECONDS
    worker = Worker("run", memory=2**31)
    try:
        while time.monotonic() < end:
            rng = random.Random(seed)
            data, other = rng.choice(corpus), rng.choice(corpus)
            if rng.random() < 0.6:
                data = mutate.of_fields(data, rng)
            if rng.random() < 0.5:
                data = mutate.of_bytes(data, other, rng)
            path.write_bytes(data)
            # Small models have no large weights: let some of theirs count as large.
            monkeypatch.setattr(_wire, "KEEP_BYTES", rng.choice([16, 500, 64 * 2**10]))
            try:
                what, made = use(path)
                counts[what] += 1
                if made is not None and rng.random() < 0.05:
                    if not worker.alive:
                        worker.close()
                        worker = Worker("run", memory=2**31)
                    counts[run(made, worker)] += 1
                if made is not None and rng.random() < 0.01:
                    counts["inferred"] += made.inferred() is not None
                    assert all("\n" not in line for line in made.check())
            except Exception as error:
                kept = Path(tempfile.gettempdir()) / f"deploy-magics-fuzz-{seed}.onnx"
                kept.write_bytes(data)
                error.add_note(f"seed {seed}, kept as {kept}, {dict(counts)}")
                raise
            seed += 1
    finally:
        worker.close()
    print(f"{seed - FIRST} files: {dict(counts)}")  # noqa: T201 - shown with -s
    assert counts["refused"]
    assert counts["opened"]
