"""What is kept of networks that were made here."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from deploy_magics.zoo._cache import made_in_worker


def make(name: str, path: str) -> None:
    """Stand for an export; runs in a worker."""
    Path(path).write_text(name)


def test_files_of_former_sources_are_swept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DEPLOY_MAGICS_CACHE", str(tmp_path / "cache"))
    source = tmp_path / "source.py"

    def make_of(text: str, name: str = "net") -> Path:
        source.write_text(text)
        path = made_in_worker(name, [source], "tests.zoo.test_cache:make", 2**30)
        assert path.read_text() == name
        return path

    old, other, recent = make_of("first"), make_of("first", "other"), make_of("second")
    day_before_yesterday = time.time() - 2 * 86400
    for path in (old, other):
        os.utime(path, (day_before_yesterday, day_before_yesterday))
    made = [make_of("third"), recent, other]
    assert sorted((tmp_path / "cache").rglob("*.onnx")) == sorted(made)
    assert not old.parent.exists()
