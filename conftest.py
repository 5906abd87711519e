"""What holds for the whole test session: nothing of the user's is touched, fast tests run first, no process is left.

It stands here rather than in ``tests`` so that it also holds for the doctests of the package.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, settings

_ROOT = Path(__file__).parent
_MARK = "DEPLOY_MAGICS_TEST_SESSION"
_KEPT = "DEPLOY_MAGICS_TEST_CACHE"
# Directories that come after all others, in this order: they take long, and what takes longest must not be left for one
# worker alone in the end.
_LATE = ("tests/workbooks", "tests/browser", "tests/house")
_GRACE_S = 10.0


def _use_own_folders() -> Path:
    """Point everything that keeps files for a user at a folder of this session; gives that folder."""
    kept = os.environ.get(_KEPT)
    home = Path(kept).resolve() if kept else Path(tempfile.mkdtemp(prefix="deploy-magics-tests-"))
    places = {
        "XDG_CACHE_HOME": "cache",
        "XDG_CONFIG_HOME": "config",
        "XDG_DATA_HOME": "data",
        "IPYTHONDIR": "ipython",
        "JUPYTER_CONFIG_DIR": "jupyter/config",
        "JUPYTER_DATA_DIR": "jupyter/data",
        "JUPYTER_RUNTIME_DIR": "jupyter/runtime",
    }
    # What takes long to make and is the same for all: test processes that run side by side make it once.
    common = {"DEPLOY_MAGICS_CACHE": "cache/deploy_magics", "ZIG_GLOBAL_CACHE_DIR": "cache/zig"}
    if "PYTEST_XDIST_WORKER" not in os.environ:
        places |= common
    for variable, folder in places.items():
        (home / folder).mkdir(parents=True, exist_ok=True)
        os.environ[variable] = str(home / folder)
    return home


def pytest_configure(config: pytest.Config) -> None:
    """Set the environment before any test module is imported, so that kernels and workers inherit it."""
    config.stash[_HOME] = _use_own_folders()
    os.environ[_MARK] = uuid.uuid4().hex
    os.environ.setdefault("MPLBACKEND", "agg")
    # Two cores under load make any single example slow; a deadline would only test the machine.
    settings.register_profile("project", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.register_profile("ci", parent=settings.get_profile("project"), derandomize=True, print_blob=True)
    settings.load_profile("ci" if os.environ.get("CI") else "project")


_HOME = pytest.StashKey[Path]()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the session's folder, unless it was given to be kept."""
    if _KEPT not in os.environ:
        shutil.rmtree(config.stash[_HOME], ignore_errors=True)


# Before xdist, which reads the groups in the same hook.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run fast tests first, so that what is broken shows early; the order within a folder stays."""

    def place(item: pytest.Item) -> str:
        return item.path.relative_to(_ROOT).as_posix() if item.path.is_relative_to(_ROOT) else ""

    def lateness(item: pytest.Item) -> int:
        return next((index for index, folder in enumerate(_LATE, 1) if place(item).startswith(folder + "/")), 0)

    items.sort(key=lateness)
    for item in items:
        # A file's tests share its fixtures; workbooks share nothing, and each takes as long as many files.
        alone = place(item).startswith("tests/workbooks/")
        item.add_marker(pytest.mark.xdist_group(item.nodeid if alone else place(item)))


def _own_processes() -> list[psutil.Process]:
    """Find the processes this session started, also those whose parent has gone: they carry its mark."""
    mark, found = os.environ[_MARK], []
    for process in psutil.process_iter():
        if process.pid == os.getpid():
            continue
        try:
            ours = process.environ().get(_MARK) == mark and process.status() != psutil.STATUS_ZOMBIE
            # Python's own helper lives until this process ends, and holds nothing.
            if ours and "multiprocessing.resource_tracker" not in " ".join(process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.fixture(scope="session", autouse=True)
def no_process_is_left() -> Iterator[None]:
    """Fail at the end of the session if a worker, kernel or server that it started still runs."""
    yield
    end = time.monotonic() + _GRACE_S
    while (left := _own_processes()) and time.monotonic() < end:
        time.sleep(0.1)
    lines = []
    for process in left:
        try:
            lines.append(f"{process.pid} {' '.join(process.cmdline())[:200]}")
            process.kill()
        except psutil.Error:
            continue
    if lines:
        pytest.fail("processes outlived the tests that started them:\n" + "\n".join(lines), pytrace=False)
