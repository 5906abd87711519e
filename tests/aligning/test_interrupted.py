"""An interrupt and a full disk in the middle: what was measured is kept, and nothing is left behind."""

from __future__ import annotations

import resource
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from deploy_magics import temporary
from deploy_magics.aligning import engine
from deploy_magics.errors import DeployError, Interrupted
from deploy_magics.steps.align import align
from deploy_magics.steps.cut import cut
from tests.aligning.test_aligning import network
from tests.simplifying import graphs


def test_an_interrupt_keeps_the_layers_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine.Settings, "__init__", _small_chunks(engine.Settings.__init__))
    real, calls = engine.compared, []

    def interrupted(*args: Any) -> Any:
        calls.append(args)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*args)

    monkeypatch.setattr(engine, "compared", interrupted)
    with pytest.raises(Interrupted, match=r"interrupted while comparing b; [2-6] of 7 layers are kept") as caught:
        align(("a", network()), ("b", network()), samples=1)
    partial = caught.value.partial
    assert partial is not None
    assert partial.status == "interrupted"
    assert not partial.agrees  # type: ignore[attr-defined]
    assert "of 7 layers that were compared" in partial.headline


def _small_chunks(real: Any) -> Any:
    def made(self: Any, *args: Any, **more: Any) -> None:
        real(self, *args, **{"chunk_bytes": 9_000, **more})

    return made


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let this process and its workers write no longer file, as a full disk would."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("long", ["inputs", "outputs"])
def test_a_full_disk_is_one_line_and_leaves_nothing(long: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(temporary, "_roots", {})
    size = [1, 2**17]
    first = ["x"] if long == "inputs" else ["x", "size"]
    proto = graphs.model(
        [graphs.node("Relu" if long == "inputs" else "Expand", first, ["a"]), graphs.node("Neg", ["a"], ["y"])],
        [graphs.value("x", size if long == "inputs" else [1, 1])],
        [graphs.value("y", size)],
        [graphs.weight("size", size)],
    )
    for work in (lambda: align(("a", proto), ("b", proto), samples=1), lambda: cut(("a", proto), outputs=["a"])):
        with files_of_at_most(2**18), pytest.raises(DeployError, match=r"cannot write in '.*': ") as caught:
            work()
        assert "\n" not in str(caught.value)
        # The models themselves live as long as the frames that the error holds; what they gave does not.
        assert [path.name for path in tmp_path.rglob("*.bin")] == []
        assert [path.name for path in tmp_path.rglob("inputs")] == []
