"""What the wheel holds, built as pip builds it."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.house.repository import ROOT, tracked


@pytest.fixture(scope="module")
def wheel_names(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)],
        cwd=ROOT, check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_wheel_has_everything_that_runs(wheel_names: list[str]) -> None:
    sources = "deploy_magics/views/js/"
    wanted = {path.relative_to(ROOT).as_posix() for path in tracked("deploy_magics")}
    wanted = {name for name in wanted if not name.startswith(sources)}
    assert "deploy_magics/py.typed" in wanted
    assert not wanted - set(wheel_names)


def test_wheel_has_the_workbooks(wheel_names: list[str]) -> None:
    books = {path.relative_to(ROOT / "workbooks").as_posix() for path in tracked("workbooks")}
    assert books
    assert {f"deploy_magics/_workbooks/{name}" for name in books} <= set(wheel_names)


def test_wheel_has_the_bundles_and_not_what_they_are_made_from(wheel_names: list[str]) -> None:
    assert [name for name in wheel_names if name.startswith("deploy_magics/views/static/") and name.endswith(".js")]
    suspect = ("node_modules", "views/js/", "package.json", "package-lock.json", "__pycache__", ".ipynb_checkpoints")
    assert not [name for name in wheel_names if any(part in name for part in suspect)]


def test_wheel_has_nothing_beside_the_package(wheel_names: list[str]) -> None:
    tops = {Path(name).parts[0] for name in wheel_names}
    assert all(top == "deploy_magics" or top.endswith(".dist-info") for top in tops)
