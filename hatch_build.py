"""Puts the workbooks into the wheel; an editable install finds them beside the package."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class WorkbooksHook(BuildHookInterface):  # type: ignore[type-arg]  # the configuration is of no interest here
    """Adds the files of ``workbooks`` as ``deploy_magics/_workbooks``."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the files to add; called by hatchling before it builds."""
        if version == "editable":
            return
        folder = Path(self.root) / "workbooks"
        for path in sorted(folder.rglob("*")):
            if path.is_file() and ".ipynb_checkpoints" not in path.parts:
                target = Path("deploy_magics/_workbooks", path.relative_to(folder))
                build_data["force_include"][str(path)] = target.as_posix()
