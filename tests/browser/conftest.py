"""A real JupyterLab in Chromium.

``DEPLOY_MAGICS_CHROMIUM`` names another Chromium, ``DEPLOY_MAGICS_LAB_PYTHON`` an interpreter with another JupyterLab,
``DEPLOY_MAGICS_SCREENSHOTS`` a folder that keeps pictures.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.notebook import NotebookPage, write_notebook
from tests.browser.server import LabServer

# Without these, Chromium itself looks for updates and names on the network; the last one makes sure of it.
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]

_PATIENCE_MS = 30_000
expect.set_options(timeout=_PATIENCE_MS)

Opener = Callable[..., NotebookPage]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Start Chromium once."""
    path = os.environ.get("DEPLOY_MAGICS_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("no Chromium: install Debian's package chromium, or name one in DEPLOY_MAGICS_CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """Start JupyterLab once, with folders of its own."""
    server = LabServer(tmp_path_factory.mktemp("lab"), os.environ.get("DEPLOY_MAGICS_LAB_PYTHON"))
    shutil.copy(Path(__file__).with_name("examples.py"), server.root)
    yield server
    server.close()


@pytest.fixture
def open_notebook(chromium: Browser, lab: LabServer, request: pytest.FixtureRequest) -> Iterator[Opener]:
    """Give a function that writes a notebook of these cells, opens it and waits for its kernel.

    At the end, a request that left this machine or an error in the console fails the test.
    """
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, permissions=["clipboard-read"])
    context.set_default_timeout(_PATIENCE_MS)
    pages: list[NotebookPage] = []

    def opener(name: str, cells: Sequence[str] | None = None) -> NotebookPage:
        if cells is not None:
            write_notebook(lab.root / name, cells)
        page = NotebookPage(context, lab)
        pages.append(page)
        page.open(name)
        return page

    yield opener
    faults = [fault for page in pages for fault in page.faults()]
    if pages and request.node.stash.get(_FAILED, False):
        pages[-1].screenshot(f"failed-{request.node.name}")
    context.close()
    lab.stop_kernels()
    if faults:
        pytest.fail("\n".join(dict.fromkeys(faults)), pytrace=False)


_FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Remember a failure, so that the fixture can keep a picture of it."""
    report = yield
    if report.failed:
        item.stash[_FAILED] = True
    return report
