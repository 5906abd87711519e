"""Make the picture in README: ``python -m tests.browser.picture``, on a machine that does nothing else."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.conftest import FLAGS
from tests.browser.notebook import NotebookPage, write_notebook
from tests.browser.server import LabServer
from tests.house.repository import ROOT

CELLS = ["%load_ext deploy_magics", "%bench squeezenet mobilenet_v2 shufflenet_v2 --threads 1 --budget 15"]


def main(target: Path) -> None:
    """Run a comparison in a real JupyterLab and keep a picture of its cell and what it shows."""
    target.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = LabServer(Path(folder))
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        try:
            write_notebook(server.root / "picture.ipynb", CELLS)
            context = browser.new_context(viewport={"width": 1180, "height": 1500}, device_scale_factor=1.5)
            page = NotebookPage(context, server)
            page.open("picture.ipynb")
            page.page.keyboard.press("Control+b")
            page.run_all(300)
            page.page.mouse.move(2, 2)
            page.page.wait_for_timeout(1000)
            page.outputs(1).screenshot(path=str(target))
        finally:
            browser.close()
            server.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "workbooks/images/comparison.png")
