"""The bundles that are committed are those that the sources give."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.views.stage import ROOM

SOURCES = ROOM / "js"
BUNDLES = ("table.js", "histogram.js", "curve.js", "picture.js", "progress.js", "tuning.js")


def test_the_committed_bundles_are_what_the_sources_build(tmp_path: Path) -> None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("no Node.js here: the bundles cannot be rebuilt")
    work = tmp_path / "views"
    shutil.copytree(SOURCES, work / "js", ignore=shutil.ignore_patterns("node_modules"))
    shutil.copytree(ROOM / "static", work / "static", ignore=shutil.ignore_patterns("*.js"))
    modules = SOURCES / "node_modules"
    if modules.is_dir():
        (work / "js" / "node_modules").symlink_to(modules)
    else:
        command = [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        done = subprocess.run(command, cwd=work / "js", capture_output=True, text=True, timeout=120, check=False)
        if done.returncode:
            pytest.skip(f"the bundler cannot be installed here: {done.stderr.strip().splitlines()[-1:]}")
    command = [node, "build.mjs", str(tmp_path / "built")]
    done = subprocess.run(command, cwd=work / "js", capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    for name in BUNDLES:
        assert (tmp_path / "built" / name).read_bytes() == (ROOM / "static" / name).read_bytes(), (
            f"static/{name} is stale: run `npm ci && npm run build` in deploy_magics/views/js"
        )


@pytest.mark.parametrize("name", BUNDLES)
def test_a_bundle_is_one_small_module_that_asks_nothing_of_a_network(name: str) -> None:
    text = (ROOM / "static" / name).read_text()
    assert len(text.encode()) < 60_000
    assert not re.search(r"\bimport\b\s*[\w{*\"'(]", text)
    assert re.search(r"export\s*\{\w+ as default\}", text)
    addresses = set(re.findall(r"https?://[\w.]+", text))
    assert addresses <= {"http://www.w3.org"}  # the name of SVG


def test_the_lock_names_no_registry_and_one_tool() -> None:
    lock = json.loads((SOURCES / "package-lock.json").read_text())
    names = {name.removeprefix("node_modules/") for name in lock["packages"] if name}
    assert {name for name in names if not name.startswith("@esbuild/")} == {"esbuild"}
    assert all("resolved" not in package for package in lock["packages"].values())


@pytest.mark.parametrize("path", sorted((SOURCES / "src").glob("*")), ids=lambda p: p.name)
def test_a_source_is_short_and_puts_no_markup_into_the_page(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) < 400
    for danger in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert danger not in text
