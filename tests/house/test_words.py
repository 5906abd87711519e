"""What stands in the repository speaks of the project alone, and its README holds."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import deploy_magics
from tests.house.repository import ROOT, text_of, tracked

# A folder of one machine: these tell nothing to anyone else, and break where they are used.
_MACHINE_PATH = re.compile(r"(?<![\w.~$}/-])/(?:work|root|farm|opt|home/\w+|Users/\w+)/[\w.]")
_UNFINISHED = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X)\b")
# Where packages come from is a setting of each machine; an address of a registry in a lock file would overrule it.
_REGISTRY = {"anaconda", "deb", "download", "npmjs", "pypi", "pythonhosted", "registry", "yarnpkg"}
# PyTorch's own index is the one way to its CPU build, and Binder has no other settings.
_MAY_NAME_A_REGISTRY = {"binder/requirements.txt"}


def _tracked_text() -> list[tuple[str, str]]:
    found = [(path.relative_to(ROOT).as_posix(), text_of(path)) for path in tracked()]
    return [(name, text) for name, text in found if text is not None]


def test_no_path_of_a_machine() -> None:
    found = [
        f"{name}:{number}: {line.strip()[:120]}"
        for name, text in _tracked_text()
        for number, line in enumerate(text.splitlines(), 1)
        if _MACHINE_PATH.search(line)
    ]
    assert not found


def test_no_package_registry_is_named() -> None:
    found = set()
    for name, text in _tracked_text():
        for host in re.findall(r"\bhttps?://([\w.-]+)", text):
            if name not in _MAY_NAME_A_REGISTRY and _REGISTRY & set(host.lower().split(".")[:-1]):
                found.add(f"{name}: {host}")
    assert not sorted(found)


def test_nothing_is_left_unfinished() -> None:
    found = [
        f"{name}:{number}: {line.strip()[:120]}"
        for name, text in _tracked_text()
        if name.endswith((".py", ".js", ".md", ".toml", ".css"))
        for number, line in enumerate(text.splitlines(), 1)
        if len(line) < 1000 and _UNFINISHED.search(line)
    ]
    assert not found


def _readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


def _command(name: str) -> str:
    blocks = re.findall(rf"^<!-- command: {name} -->\n```\w*\n(.*?)\n```$", _readme(), re.M | re.S)
    assert len(blocks) == 1
    return str(blocks[0])


@pytest.mark.parametrize(
    ("name", "extra", "end"),
    [("workbooks", "workbooks", "workbooks"), ("tests", "test", "pytest -n 2 --dist loadgroup")],
)
def test_readme_has_the_command_that_is_run(name: str, extra: str, end: str) -> None:
    printed = subprocess.run([".ci/readme-command", name], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    command = _command(name)
    assert printed == command + "\n"
    assert "\n" not in command
    assert f"-e '.[{extra}]'" in command
    assert command.endswith(end)


def test_an_unknown_command_of_the_readme_is_an_error() -> None:
    done = subprocess.run([".ci/readme-command", "nothing"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode != 0
    assert "no block marked" in done.stderr


def test_ci_runs_the_readmes_command_and_nothing_else() -> None:
    script = (ROOT / ".ci/run").read_text(encoding="utf-8")
    assert "$(.ci/readme-command tests)" in script
    assert "pytest" not in script
    for path in (".ci/run", ".ci/readme-command", "binder/postBuild"):
        subprocess.run(["bash", "-n", path], cwd=ROOT, check=True)


def test_files_that_documents_point_to_exist() -> None:
    missing = []
    for path in tracked("*.md"):
        for target in re.findall(r"\]\(([^)\s]+)\)|<img[^>]+src=\"([^\"]+)\"", path.read_text(encoding="utf-8")):
            place = (target[0] or target[1]).split("#")[0]
            if place and not urlsplit(place).scheme and not (path.parent / place).exists():
                missing.append(f"{path.relative_to(ROOT)}: {place}")
    assert not missing


def test_version_stands_in_the_changelog() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == deploy_magics.__version__
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## {re.escape(project['version'])}\b", changelog, re.M)


def test_licence_is_whole() -> None:
    assert "END OF TERMS AND CONDITIONS" in Path(ROOT / "LICENSE").read_text(encoding="utf-8")
