"""A real JupyterLab server with folders of its own, so that no setting of the user's reaches a test."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.request
from functools import cached_property
from pathlib import Path
from typing import Any

_START_S = 90.0
# JupyterLab asks at its first start whether it may fetch news, in a dialog that would cover the page.
_SETTINGS = {
    "@jupyterlab/apputils-extension/notification.jupyterlab-settings": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    "@jupyterlab/docmanager-extension/plugin.jupyterlab-settings": {"autosave": False},
}
_WINDOWING = "@jupyterlab/notebook-extension/tracker.jupyterlab-settings"


class LabServer:
    """A running JupyterLab; its files lie in :attr:`root`.

    Parameters
    ----------
    home : Path
        Empty folder for notebooks, settings and logs.
    python : str, optional
        Interpreter whose JupyterLab and kernel are used; this one where it is not given.
    """

    def __init__(self, home: Path, python: str | None = None) -> None:
        self.python = python or sys.executable
        self.root = home / "notebooks"
        self.token = secrets.token_hex(16)
        self._log = home / "server.log"
        folders = {
            "JUPYTER_CONFIG_DIR": home / "config",
            "JUPYTER_DATA_DIR": home / "data",
            "JUPYTER_RUNTIME_DIR": home / "runtime",
            "JUPYTERLAB_SETTINGS_DIR": home / "settings",
            "JUPYTERLAB_WORKSPACES_DIR": home / "workspaces",
            "IPYTHONDIR": home / "ipython",
        }
        for folder in (self.root, *folders.values()):
            folder.mkdir(parents=True, exist_ok=True)
        self._settings = home / "settings"
        for name, value in _SETTINGS.items():
            self._set(name, value)
        self.windowing(None)
        self._runtime = home / "runtime"
        command = [
            self.python, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1",
            "--ServerApp.port=0", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={self.root}",
            f"--IdentityProvider.token={self.token}", "--LabApp.extension_manager=readonly",
            "--LabApp.news_url=", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        ]  # fmt: skip
        environment = {**os.environ, **{name: str(folder) for name, folder in folders.items()}}
        # A virtual environment's own tools come first on PATH, as if it had been activated.
        environment["PATH"] = f"{Path(self.python).parent}{os.pathsep}{environment['PATH']}"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True
            )
        try:
            self.url = self._wait()
        except BaseException:
            self.close()
            raise

    def _set(self, name: str, value: dict[str, Any]) -> None:
        setting = self._settings / name
        setting.parent.mkdir(parents=True, exist_ok=True)
        setting.write_text(json.dumps(value))

    def windowing(self, mode: str | None) -> None:
        """Set how pages opened from now on treat cells out of sight: JupyterLab's words, or None for its default.

        Before 4.6 the default took them out of the page, where a test cannot find them: there, "defer" stands for it.
        """
        if mode is None and self.version < (4, 6):
            mode = "defer"
        self._set(_WINDOWING, {"windowingMode": mode} if mode else {})

    def _wait(self) -> str:
        """Wait for the file in which the server writes its address, then for its answer."""
        end = time.monotonic() + _START_S
        while time.monotonic() < end:
            if self._process.poll() is not None:
                break
            for found in self._runtime.glob("jpserver-*.json"):
                try:
                    return f"http://127.0.0.1:{int(json.loads(found.read_text())['port'])}"
                except ValueError:
                    continue  # being written
            time.sleep(0.05)
        raise RuntimeError(f"JupyterLab did not start:\n{self.log()}")

    def api(self, path: str, method: str = "GET") -> Any:
        """Ask the server's REST interface; gives the parsed answer, None where it is empty."""
        request = urllib.request.Request(f"{self.url}/api/{path}", method=method)
        request.add_header("Authorization", f"token {self.token}")
        with urllib.request.urlopen(request, timeout=30) as answer:
            body = answer.read()
        return json.loads(body) if body else None

    def stop_kernels(self) -> None:
        """End every session and its kernel."""
        for session in self.api("sessions"):
            self.api(f"sessions/{session['id']}", "DELETE")
        for kernel in self.api("kernels"):
            self.api(f"kernels/{kernel['id']}", "DELETE")

    @cached_property
    def version(self) -> tuple[int, ...]:
        """Version of its JupyterLab, as far as it is numbers: ``(4, 6)``."""
        question = "import jupyterlab; print(*jupyterlab.__version__.split('.')[:2])"
        told = subprocess.run([self.python, "-c", question], capture_output=True, text=True, check=True).stdout
        return tuple(int(part) for part in told.split())

    def log(self) -> str:
        """Give the end of what the server printed."""
        return self._log.read_text(errors="replace")[-4000:]

    def close(self) -> None:
        """End the server, and its kernels with it."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(15)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
