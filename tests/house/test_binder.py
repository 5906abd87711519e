"""Binder gets the environment that the workbooks are tested in."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest
from packaging.requirements import Requirement

from deploy_magics import zoo
from tests.house.repository import ROOT, tracked

_BINDER = ROOT / "binder"


def _requirements() -> list[str]:
    lines = (_BINDER / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def _extras() -> dict[str, list[str]]:
    extras: dict[str, list[str]] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "optional-dependencies"
    ]
    return extras


def test_requirements_are_the_workbooks_extra_with_the_cpu_build_of_torch() -> None:
    lines = _requirements()
    assert "-e .[workbooks]" in lines
    pins = [Requirement(line) for line in lines if not line.startswith("-")]
    assert [pin.name for pin in pins] == ["torch"]
    (version,) = (part.version for part in pins[0].specifier)
    assert version.endswith("+cpu")
    wanted = next(Requirement(line) for line in _extras()["torch"] if line.startswith("torch"))
    assert wanted.specifier.contains(version)


def test_scripts_stop_at_the_first_error() -> None:
    post_build = (_BINDER / "postBuild").read_text(encoding="utf-8")
    assert re.search(r"^set -e", post_build, re.M)
    start = _BINDER / "start"
    if start.exists():
        assert start.read_text(encoding="utf-8").rstrip().endswith('exec "$@"')
    assert all((_BINDER / name).stat().st_mode & 0o111 for name in ("postBuild", "start") if (_BINDER / name).exists())


def test_networks_of_the_workbooks_are_made_beforehand() -> None:
    made = {name for name in zoo.names() if zoo.entry(name).kind in {"torch", "light"}}
    used = set()
    for path in (ROOT / "workbooks").glob("*.ipynb"):
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "code":
                used |= made & set(re.findall(r"[\w.-]+", cell.source))
    listed = re.search(r'NETWORKS = "(.*)"', (_BINDER / "postBuild").read_text(encoding="utf-8"))
    assert listed is not None
    assert used
    assert used <= set(listed.group(1).split()) <= made


def test_repo2docker_takes_it(tmp_path: Path) -> None:
    for path in tracked():
        target = tmp_path / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    tool = Path(sys.executable).parent / "jupyter-repo2docker"
    done = subprocess.run(
        [str(tool), "--no-build", "--debug", "."], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    recipe = done.stdout + done.stderr
    assert done.returncode == 0, recipe[-2000:]
    assert "conda environment for python=3.11" in recipe
    whole_copy = recipe.index("COPY --chown=0:0 src/ ${REPO_DIR}/")
    # The project itself is among the requirements, so they can be installed only once it has been copied.
    install = recipe.index('pip install --no-cache-dir -r "binder/requirements.txt"')
    assert whole_copy < install < recipe.index("RUN ./binder/postBuild")


def test_requirements_can_be_installed(tmp_path: Path) -> None:
    lines = _requirements()
    # The CPU build may be offered by this machine's own settings; else PyTorch's index has to be reached.
    ways = ([line for line in lines if not line.startswith("--")], lines)
    if not any(_resolves(way, tmp_path) for way in ways):
        pytest.skip("pip reaches no index that has these packages from here")


def _resolves(lines: list[str], folder: Path) -> bool:
    """Ask pip what it would install; False where it has no index at hand."""
    listed = folder / "requirements.txt"
    listed.write_text("\n".join(lines) + "\n")
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--no-input"]
    command += ["--timeout", "20", "--retries", "1", "-r", str(listed)]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    except subprocess.TimeoutExpired:
        return False
    if done.returncode == 0:
        assert not re.search(r"nvidia-|cuda-", done.stdout)
        return True
    conflict = re.search(r"ResolutionImpossible|conflicting dependencies|requires a different Python", done.stderr)
    assert not conflict, done.stderr[-2000:]
    return False
