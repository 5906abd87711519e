"""The workbooks: found, opened in JupyterLab, or run one after the other without a reader.

Both take the Python that runs this as the kernel. A machine often has a kernel named ``python3`` of another
environment, where this package is not installed, and Jupyter would take that one.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from deploy_magics.errors import ArgumentError, DeployError, did_you_mean, require

if TYPE_CHECKING:
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbformat import NotebookNode

FIRST = "00_start_here"
COPY = "deploy-magics-workbooks"
_PACKAGE = Path(__file__).parent
_FIRST_PORT, _PORTS = 8888, 50
_SETTINGS = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}}
_ARGV = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]


@dataclass(frozen=True)
class Outcome:
    """How a workbook's run ended.

    Attributes
    ----------
    name : str
        The workbook's stem.
    seconds : float
        How long it ran, with the start of its kernel.
    problem : str
        One line that says what failed and where; "" where nothing did.
    notebook : NotebookNode
        The notebook with the outputs of this run.
    """

    name: str
    seconds: float
    problem: str
    notebook: NotebookNode

    @property
    def ok(self) -> bool:
        """Whether it ran to its end."""
        return not self.problem

    def __str__(self) -> str:
        return f"{self.name:<28} {self.seconds:6.1f} s  {self.problem or 'ok'}"


def find(copy_to: Path | None = None) -> Path:
    """Find the folder of the workbooks.

    Parameters
    ----------
    copy_to : Path, optional
        Where the workbooks of an installed package are copied to, so that a reader can change them; what is there
        already is left as it is. Those of a checkout are used where they are.

    Raises
    ------
    DeployError
        Where there are none, or they cannot be copied.
    """
    checkout = _PACKAGE.parent / "workbooks"
    if (checkout / f"{FIRST}.ipynb").is_file():
        return checkout
    packaged = _PACKAGE / "_workbooks"
    if not packaged.is_dir():
        raise DeployError("this installation holds no workbooks", hint="reinstall deploy-magics")
    if copy_to is None:
        return packaged
    try:
        for source in sorted(packaged.rglob("*")):
            target = copy_to / source.relative_to(packaged)
            if source.is_file() and not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)
    except OSError as error:
        raise DeployError(f"cannot copy the workbooks to {str(copy_to)!r}: {error.strerror or error}") from None
    return copy_to


def choose(folder: Path, names: Sequence[str] = ()) -> list[Path]:
    """Find workbooks by name or number, all of them where none is given.

    Raises
    ------
    ArgumentError
        Where there is none of a name.
    DeployError
        Where the folder holds none.
    """
    books = sorted(folder.glob("[0-9]*.ipynb"))
    if not books:
        raise DeployError(f"there are no workbooks in {str(folder)!r}")
    chosen = []
    for name in names:
        stem = Path(name).name.removesuffix(".ipynb")
        found = [book for book in books if book.stem == stem or book.stem.split("_")[0] == stem.zfill(2)]
        if not found:
            stems = [book.stem for book in books]
            hint = did_you_mean(stem, stems) or f"there are: {', '.join(stems)}"
            raise ArgumentError(f"there is no workbook {name!r}", hint=hint)
        chosen += found
    return chosen or books


def open_lab(
    book: Path, *, port: int | None = None, browser: bool = True, say: Callable[[str], object] | None = None
) -> int:
    """Open a workbook in JupyterLab, until the server is stopped.

    Parameters
    ----------
    book : Path
        The workbook.
    port : int, optional
        Port of the server, which must be free; by default the first that is, from 8888 on.
    browser : bool
        Whether to open a browser; without, the server prints its address.
    say : callable, optional
        Takes a line that tells what is opened.

    Returns
    -------
    int
        The server's exit status.

    Raises
    ------
    MissingPartError
        Where JupyterLab is not installed.
    DeployError
        Where another program listens on the port.
    """
    _require_kernel("opening a workbook")
    require("jupyterlab", extra="lab", purpose="opening a workbook")
    port = _free_port(port)
    if say is not None:
        say(f"opening {book} in JupyterLab on port {port}; Ctrl-C twice ends it")
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        f"--ServerApp.root_dir={book.parent}",
        f"--LabApp.default_url=/lab/tree/{book.name}",
    ]
    command += [f"--ServerApp.port={port}"]
    command += [] if browser else ["--no-browser"]
    # Jupyter refuses the superuser, who is all there is in many a container; it listens on this machine alone.
    command += ["--allow-root"] if getattr(os, "geteuid", lambda: 1)() == 0 else []
    with _own_kernelspec() as path:
        env = {**os.environ, **{name: _before(name, path) for name in ("JUPYTER_PATH", "JUPYTER_CONFIG_PATH")}}
        server = subprocess.Popen(command, env=env)
        # Whoever ends this process means the server.
        signal.signal(signal.SIGTERM, lambda *_: server.terminate())
        while True:
            try:
                return server.wait()
            except KeyboardInterrupt:
                # The terminal sent it to the server as well, which asks before it ends.
                continue


def _free_port(wanted: int | None) -> int:
    """Give the port that was asked for, or the first that is free."""
    for port in [wanted] if wanted is not None else range(_FIRST_PORT, _FIRST_PORT + _PORTS):
        with socket.socket() as probe:
            if os.name == "posix":
                # As servers do, so that one that has just ended does not count.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OverflowError:
                raise ArgumentError(f"a port is a number up to 65535, not {port}") from None
            except OSError as error:
                reason = error.strerror or str(error)
    if wanted is None:
        raise DeployError(f"no port from {_FIRST_PORT} on is free", hint="choose one: --port 9000")
    taken = f"port {wanted} cannot be used: {reason}"
    raise DeployError(taken, hint="choose another, or leave --port out to take the first that is free")


def _before(variable: str, path: str) -> str:
    return os.pathsep.join(filter(None, [path, os.environ.get(variable, "")]))


def run(
    names: Sequence[str] = (),
    *,
    folder: Path | None = None,
    quick: bool = False,
    timeout: float = 600.0,
    save: Path | None = None,
    report: Callable[[Outcome], object] | None = None,
) -> list[Outcome]:
    """Run workbooks, each in a fresh kernel and in a scratch copy of their folder.

    Parameters
    ----------
    names : sequence of str
        Which, by name or number; by default all.
    folder : Path, optional
        Where they are.
    quick : bool
        Whether to put in the smaller parameters that a cell's metadata names, for tests:
        ``{"deploy_magics": {"test_substitutions": [[old, new], ...]}}``. A text that is not there any more fails.
    timeout : float
        Bound on each cell, in seconds.
    save : Path, optional
        Folder to write the executed notebooks to, without the widgets' state.
    report : callable, optional
        Told of each outcome as it comes.

    Raises
    ------
    MissingPartError
        Where nbclient or ipykernel is not installed.
    ArgumentError
        Where there is no workbook of a name.
    """
    _require_kernel("running the workbooks")
    require("nbclient", extra="workbooks", purpose="running the workbooks")
    import nbformat

    folder = folder if folder is not None else find()
    outcomes = []
    for book in choose(folder, names):
        notebook = nbformat.read(book, as_version=4)  # type: ignore[no-untyped-call]
        start = time.perf_counter()
        problem = _substitute(notebook) if quick else ""
        with tempfile.TemporaryDirectory(prefix="deploy-magics-") as scratch:
            place = Path(scratch) / folder.name
            shutil.copytree(folder, place, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
            problem = problem or _execute(notebook, place, timeout)
        outcomes.append(Outcome(book.stem, time.perf_counter() - start, problem, notebook))
        if save is not None:
            save.mkdir(parents=True, exist_ok=True)
            nbformat.write(notebook, save / book.name)  # type: ignore[no-untyped-call]
        if report is not None:
            report(outcomes[-1])
    return outcomes


def _execute(notebook: NotebookNode, place: Path, timeout: float) -> str:
    """Run a notebook in place; give the one line that says what failed, or ""."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    at = 0

    def started(cell: NotebookNode, **_: Any) -> None:
        nonlocal at
        at = next((number for number, one in enumerate(cells, 1) if one is cell), at)

    client = NotebookClient(
        notebook,
        timeout=timeout,
        resources={"metadata": {"path": str(place)}},
        kernel_manager_class=_manager_class(),
        # Saved state makes a viewer ask a network for the widgets and hide the HTML that stands beside them.
        store_widget_state=False,
        on_cell_start=started,
    )
    # What the kernel's libraries print below Python is for nobody, unless it is the last that is heard of it.
    with tempfile.TemporaryFile() as log:
        try:
            _in_thread(client, log)
        except CellExecutionError as error:
            first = (error.evalue or "").strip().splitlines() or [""]
            return f"failed at cell [{at}]: {error.ename}: {first[0]}"
        except CellTimeoutError:
            return f"failed at cell [{at}]: it took longer than {timeout:g} s"
        except DeadKernelError:
            log.seek(0)
            said = [line for line in log.read().decode("utf-8", "replace").splitlines() if line.strip()]
            last = [line for line in said if not line.startswith("[IPKernelApp]")][-1:] or ["it printed nothing"]
            return f"failed at cell [{at}]: its kernel died ({last[0][:200]})"
    return ""


def _in_thread(client: NotebookClient, log: IO[bytes]) -> None:
    """Execute in a thread of its own, so that an interrupt reaches this one.

    In the main thread nbclient takes the signal for itself, and reports it as a kernel that died.
    """
    ended: list[BaseException | None] = []

    def work() -> None:
        try:
            client.execute(stderr=log)
            ended.append(None)
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
            ended.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(0.2)
    except KeyboardInterrupt:
        provisioner = client.km.provisioner if client.km is not None else None
        if provisioner is not None and (pid := getattr(provisioner, "pid", None)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        thread.join(10)
        raise
    if ended[0] is not None:
        raise ended[0]


def _substitute(notebook: NotebookNode) -> str:
    """Put a notebook's test parameters in; give a line where one has nothing to replace."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for number, cell in enumerate(code, 1):
        for old, new in cell.metadata.get("deploy_magics", {}).get("test_substitutions", []):
            if old not in cell.source:
                return f"failed at cell [{number}]: {old!r}, which a test replaces, is not there"
            cell.source = cell.source.replace(old, new)
    return ""


def own_kernelspecs() -> KernelSpecManager:
    """Give a manager of kernel specifications that knows one: this Python, by whatever name it is asked for."""
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager

    class OwnSpecs(KernelSpecManager):
        def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
            return KernelSpec(argv=_ARGV, display_name=kernel_name, language="python")

    return OwnSpecs()


def _manager_class() -> type[AsyncKernelManager]:
    from jupyter_client.manager import AsyncKernelManager
    from traitlets import default

    class OwnManager(AsyncKernelManager):
        @default("kernel_spec_manager")
        def _own_specs(self) -> KernelSpecManager:
            return own_kernelspecs()

    return OwnManager


@contextmanager
def _own_kernelspec() -> Iterator[str]:
    """Give a folder for JUPYTER_PATH and JUPYTER_CONFIG_PATH.

    In it ``python3`` is this Python, and JupyterLab does not begin by asking whether to fetch its news; whoever has
    answered that keeps the answer, since this is a default only.
    """
    with tempfile.TemporaryDirectory(prefix="deploy-magics-") as path:
        spec = Path(path) / "kernels" / "python3"
        spec.mkdir(parents=True)
        plain = {
            "argv": _ARGV,
            "display_name": "Python 3 (ipykernel)",
            "language": "python",
            "metadata": {"debugger": True},
        }
        (spec / "kernel.json").write_text(json.dumps(plain), encoding="utf-8")
        lab = Path(path) / "labconfig"
        lab.mkdir()
        (lab / "default_setting_overrides.json").write_text(json.dumps(_SETTINGS), encoding="utf-8")
        yield path


def _require_kernel(purpose: str) -> None:
    require("ipykernel", extra="lab", purpose=purpose)
