"""Plugging in a runtime as a package does, for workers too: an entry point in a folder on the path."""

from __future__ import annotations

from pathlib import Path

import pytest


def plug(monkeypatch: pytest.MonkeyPatch, folder: Path, name: str, target: str) -> None:
    """Bring the runtime ``target`` (``package.module:Class``) under a name, until the test ends."""
    info = folder / f"{name}-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[deploy_magics.runtimes]\n{name} = {target}\n")
    monkeypatch.syspath_prepend(str(folder))
