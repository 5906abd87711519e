"""A real shell with toy steps."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import ExecutionResult, InteractiveShell
from traitlets.config import Config

import deploy_magics.steps
from deploy_magics.errors import DeployError
from deploy_magics.steps import _registry
from tests.magics import toys


class Shell:
    """A shell of this process, and what it printed."""

    def __init__(self, ip: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
        self.ip = ip
        self._capsys = capsys

    @property
    def names(self) -> dict[str, Any]:
        return self.ip.user_ns

    def run(self, cell: str) -> ExecutionResult:
        return self.ip.run_cell(cell, store_history=True)

    def printed(self, cell: str) -> str:
        """Run a cell that must end well, and give what it printed."""
        self._capsys.readouterr()
        result = self.run(cell)
        captured = self._capsys.readouterr()
        assert result.success, captured.out + captured.err
        return captured.out + captured.err

    def fails(self, cell: str) -> str:
        """Run a cell that must fail, and give what it printed."""
        self._capsys.readouterr()
        result = self.run(cell)
        captured = self._capsys.readouterr()
        assert not result.success, captured.out
        return captured.out + captured.err

    def line(self, cell: str) -> str:
        """Run a cell that must fail in one line, and give the line."""
        (line,) = self.fails(cell).strip().splitlines()
        return line


@pytest.fixture
def toy_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (_registry, deploy_magics.steps):
        for name, value in toys.REGISTRY.items():
            monkeypatch.setattr(module, name, value)


@pytest.fixture
def shell(
    toy_steps: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Shell]:
    """A shell that has loaded the extension with the toys, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("__main__", "__mp_main__"):
        monkeypatch.setitem(sys.modules, name, sys.modules.get(name))
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    InteractiveShell.clear_instance()
    ip = InteractiveShell.instance(config=config)
    ip.run_line_magic("load_ext", "deploy_magics")
    try:
        yield Shell(ip, capsys)
    finally:
        ip.extension_manager.unload_extension("deploy_magics")
        InteractiveShell.clear_instance()
        DeployError.show_traceback = False
