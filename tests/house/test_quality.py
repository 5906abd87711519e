"""The tools that read the code find nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.repository import ROOT, tracked

_BIN = Path(sys.executable).parent
_LINES = 400


@pytest.mark.parametrize(
    "command",
    [
        pytest.param([sys.executable, "-m", "ruff", "check", "--quiet", "."], id="ruff-check"),
        pytest.param([sys.executable, "-m", "ruff", "format", "--check", "--quiet", "."], id="ruff-format"),
        pytest.param([sys.executable, "-m", "mypy"], id="mypy"),
        pytest.param([str(_BIN / "lint-imports")], id="import-linter"),
    ],
)
def test_tool_finds_nothing(command: list[str]) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def test_no_module_is_too_long() -> None:
    long = {}
    for path in tracked("deploy_magics/*.py", "tests/*.py", "conftest.py"):
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > _LINES:
            long[path.relative_to(ROOT).as_posix()] = lines
    assert not long, f"modules over {_LINES} lines ask to be two"
