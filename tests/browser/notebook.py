"""One notebook open in JupyterLab, driven as a person would: menus, keys and the mouse."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import nbformat
from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Request, expect

from tests.browser.server import LabServer

_IDLE = re.compile(r"Python 3.*\|\s*Idle")
_BUSY = re.compile(r"Python 3.*\|\s*Busy")
_OPEN_S = 60.0


def write_notebook(path: Path, cells: Sequence[str]) -> None:
    """Write a notebook of code cells, or of Markdown where a cell begins with ``#md``."""
    book = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}}
    )
    for text in cells:
        if text.startswith("#md"):
            book.cells.append(nbformat.v4.new_markdown_cell(text.removeprefix("#md").strip()))
        else:
            book.cells.append(nbformat.v4.new_code_cell(text))
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(book, path)


class NotebookPage:
    """A page of JupyterLab with one notebook.

    It keeps what must not happen, for :meth:`faults`: requests that leave this machine and errors in the console.
    """

    def __init__(self, context: BrowserContext, server: LabServer) -> None:
        self.server = server
        self.page: Page = context.new_page()
        self.strays: list[str] = []
        self.errors: list[str] = []
        self._allowed: list[str] = []
        context.on("request", self._on_request)
        self.page.on("websocket", lambda socket: self._check_address(socket.url))
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self._add_error(f"uncaught: {error.stack or error}"))

    def _on_request(self, request: Request) -> None:
        self._check_address(request.url)

    def _check_address(self, address: str) -> None:
        parts = urlsplit(address)
        if parts.scheme not in {"data", "blob", "about"} and parts.hostname != "127.0.0.1":
            self.strays.append(address)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._add_error(f"{message.text} ({message.location.get('url', '')})")

    def _add_error(self, text: str) -> None:
        if not any(re.search(pattern, text) for pattern in self._allowed):
            self.errors.append(text)

    def allow_error(self, pattern: str, *, because: str) -> None:
        """Let console errors of this pattern stand; the reason must be one that is not ours to mend."""
        assert because
        self._allowed.append(pattern)
        self.errors = [error for error in self.errors if not re.search(pattern, error)]

    def faults(self) -> list[str]:
        """List every stray request and console error so far."""
        return [f"request left this machine: {address}" for address in self.strays] + [
            f"console error: {text}" for text in self.errors
        ]

    # -- opening ---------------------------------------------------------------------------------------------------

    def open(self, name: str) -> None:
        """Open a notebook of the server's root folder and wait until its kernel is idle."""
        self.page.goto(f"{self.server.url}/lab/tree/{name}?reset&token={self.server.token}")
        self.wait_idle(_OPEN_S)
        expect(self.cells().first).to_be_visible()

    def reload(self, name: str) -> None:
        """Open a notebook again with a new kernel, as after a day."""
        self.server.stop_kernels()
        self.page.goto("about:blank")
        self.open(name)

    def status(self) -> Locator:
        """Find the kernel's part of the status bar.

        The toolbar's indicator is idle before a kernel exists, and Run All then does nothing.
        """
        return self.page.locator("#jp-main-statusbar")

    def wait_idle(self, timeout: float = 120.0) -> None:
        """Wait until the kernel is idle; ``timeout`` in seconds."""
        expect(self.status()).to_contain_text(_IDLE, timeout=timeout * 1000)

    def wait_busy(self, timeout: float = 30.0) -> None:
        """Wait until the kernel works; ``timeout`` in seconds."""
        expect(self.status()).to_contain_text(_BUSY, timeout=timeout * 1000)

    # -- doing -----------------------------------------------------------------------------------------------------

    def menu(self, *labels: str) -> None:
        """Choose an entry of the main menu by the texts on the way."""
        self.page.locator("#jp-MainMenu .lm-MenuBar-item", has_text=re.compile(f"^{re.escape(labels[0])}$")).click()
        for label in labels[1:]:
            self.page.locator(
                ".lm-Menu:visible .lm-Menu-itemLabel", has_text=re.compile(f"^{re.escape(label)}$")
            ).last.click()

    def start_all(self) -> None:
        """Choose Run, Run All Cells, and return at once."""
        self.menu("Run", "Run All Cells")

    def run_all(self, timeout: float = 120.0) -> None:
        """Run all cells and wait for the end; ``timeout`` in seconds."""
        self.start_all()
        self.wait_done(timeout)

    def wait_done(self, timeout: float = 120.0) -> None:
        """Wait until no cell is running or waiting and the kernel is idle; ``timeout`` in seconds."""
        waiting = self.page.locator(".jp-Notebook .jp-InputPrompt", has_text="[*]")
        end = time.monotonic() + timeout
        quiet = 0
        while quiet < 3:
            if time.monotonic() > end:
                raise AssertionError(f"the notebook still runs after {timeout:g} s: {self.prompts()}")
            settled = waiting.count() == 0 and _IDLE.search(self.status().inner_text()) is not None
            quiet = quiet + 1 if settled else 0
            self.page.wait_for_timeout(50)

    def save(self) -> None:
        """Save with the keys, and wait until the file is written."""
        self.page.locator(".jp-Notebook").first.focus()
        with self.page.expect_response(lambda answer: answer.request.method == "PUT" and "/api/contents" in answer.url):
            self.page.keyboard.press("ControlOrMeta+s")
        expect(self.page.locator(".jp-mod-current.jp-mod-dirty")).to_have_count(0)

    def theme(self, name: str) -> None:
        """Switch the theme: ``"light"`` or ``"dark"``."""
        wanted = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}[name]
        if self.page.locator("body").get_attribute("data-jp-theme-name") == wanted:
            return
        self.menu("Settings", "Theme", wanted)
        expect(self.page.locator("body")).to_have_attribute("data-jp-theme-name", wanted)
        self.page.wait_for_function(
            "light => document.body.dataset.jpThemeLight === light", arg="true" if name == "light" else "false"
        )
        # Lab covers the page while it loads the theme, and fades the cover out.
        expect(self.page.locator("#jupyterlab-splash")).to_have_count(0)

    def screenshot(self, name: str, target: Locator | None = None) -> Path | None:
        """Keep a picture where ``DEPLOY_MAGICS_SCREENSHOTS`` names a folder."""
        folder = os.environ.get("DEPLOY_MAGICS_SCREENSHOTS")
        if not folder:
            return None
        path = Path(folder) / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        (target or self.page).screenshot(path=path)
        return path

    # -- looking ---------------------------------------------------------------------------------------------------

    def cells(self) -> Locator:
        """Find all cells."""
        return self.page.locator(".jp-Notebook .jp-Cell")

    def code_cell(self, index: int) -> Locator:
        """Find a code cell by its place among the code cells."""
        return self.page.locator(".jp-Notebook .jp-CodeCell").nth(index)

    def outputs(self, index: int) -> Locator:
        """Find the output area of a code cell."""
        return self.code_cell(index).locator(".jp-Cell-outputArea")

    def prompts(self) -> list[str]:
        """Read the prompts of the code cells, such as ``["[1]:", "[*]:", "[ ]:"]``."""
        return self.page.locator(".jp-Notebook .jp-CodeCell .jp-InputPrompt").all_inner_texts()

    def test_id(self, name: str, within: Locator | None = None) -> Locator:
        """Find by ``data-testid``."""
        return (within or self.page).locator(f'[data-testid="{name}"]')

    def saved(self, name: str) -> Any:
        """Read a notebook from the disk."""
        return nbformat.read(self.server.root / name, as_version=4)
