from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from deploy_magics import cli, workbooks
from deploy_magics.errors import ArgumentError, DeployError, MissingPartError


def write(folder: Path, name: str, *cells: str, substitutions: list[list[str]] | None = None) -> None:
    made = [new_markdown_cell("# A workbook"), *(new_code_cell(cell) for cell in cells)]
    if substitutions:
        made[1].metadata["deploy_magics"] = {"test_substitutions": substitutions}
    notebook = new_notebook(cells=made)
    # A kernel nobody has: which Python runs must not depend on what is installed under a name.
    notebook.metadata["kernelspec"] = {"name": "elsewhere", "display_name": "Elsewhere", "language": "python"}
    nbformat.write(notebook, folder / f"{name}.ipynb")


@pytest.fixture
def books(tmp_path: Path) -> Path:
    folder = tmp_path / "workbooks"
    folder.mkdir()
    (folder / "data.txt").write_text("beside it")
    write(
        folder,
        "00_start_here",
        "import sys, pathlib\nslow = 100\nprint(sys.executable)",
        "pathlib.Path('made.txt').write_text(pathlib.Path('data.txt').read_text()); print(slow)",
        substitutions=[["slow = 100", "slow = 1"]],
    )
    write(folder, "01_fails", "x = 1", "%load_ext deploy_magics\n%deploy --nope", "print('never')")
    return folder


def texts(outcome: workbooks.Outcome) -> str:
    cells = [cell for cell in outcome.notebook.cells if cell.cell_type == "code"]
    return "".join(out.get("text", "") for cell in cells for out in cell.outputs)


def test_each_is_run_by_this_python_in_a_scratch_copy(books: Path) -> None:
    before = sorted(path.name for path in books.iterdir())
    told: list[str] = []
    first, second = workbooks.run(folder=books, report=lambda one: told.append(str(one)))
    assert first.ok
    assert texts(first).splitlines() == [sys.executable, "100"]
    assert (
        second.problem == "failed at cell [2]: ArgumentError: %deploy has no option '--nope'; %deploy --help lists them"
    )
    assert "never" not in texts(second)
    assert told == [str(first), str(second)]
    assert told[0].split()[0] == "00_start_here"
    assert told[0].endswith("s  ok")
    assert sorted(path.name for path in books.iterdir()) == before


def test_quick_puts_the_test_parameters_in(books: Path) -> None:
    (only,) = workbooks.run(["0"], folder=books, quick=True)
    assert texts(only).splitlines()[-1] == "1"
    assert "slow = 100" in (books / "00_start_here.ipynb").read_text()


def test_a_substitution_with_nothing_to_replace_fails(books: Path) -> None:
    write(books, "02_gone", "pass", substitutions=[["slow", "fast"]])
    (only,) = workbooks.run(["02_gone"], folder=books, quick=True)
    assert only.problem == "failed at cell [1]: 'slow', which a test replaces, is not there"


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        ("import os\nos._exit(3)", "failed at cell [1]: its kernel died (it printed nothing)"),
        ("import time\ntime.sleep(60)", "failed at cell [1]: it took longer than 1 s"),
        ("raise ValueError('two\\nlines')", "failed at cell [1]: ValueError: two"),
    ],
)
def test_how_it_failed_is_one_line(books: Path, cell: str, problem: str) -> None:
    write(books, "03_odd", cell)
    (only,) = workbooks.run(["3"], folder=books, timeout=1)
    assert only.problem == problem


def test_an_interrupt_ends_the_kernel(books: Path, tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    cell = f"import os, pathlib, time\npathlib.Path({str(begun)!r}).write_text(str(os.getpid()))\ntime.sleep(60)"
    write(books, "05_long", cell)

    def press() -> None:
        deadline = time.monotonic() + 30
        while not (begun.exists() and begun.read_text()) and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        workbooks.run(["5"], folder=books)
    process = int(begun.read_text())
    deadline = time.monotonic() + 10
    while psutil.pid_exists(process) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not psutil.pid_exists(process)


def test_executed_notebooks_can_be_kept_without_widget_state(books: Path, tmp_path: Path) -> None:
    write(books, "04_widget", "import ipywidgets\nipywidgets.IntSlider()")
    workbooks.run(["4"], folder=books, save=tmp_path / "done")
    saved = nbformat.read(tmp_path / "done" / "04_widget.ipynb", as_version=4)
    assert saved.cells[1].outputs
    assert "widgets" not in saved.metadata


def test_names_and_numbers(books: Path) -> None:
    assert [path.stem for path in workbooks.choose(books)] == ["00_start_here", "01_fails"]
    for name in ("1", "01", "01_fails", "01_fails.ipynb", "workbooks/01_fails.ipynb"):
        assert [path.stem for path in workbooks.choose(books, [name])] == ["01_fails"]
    with pytest.raises(ArgumentError, match="there is no workbook '01_fail'; did you mean '01_fails'"):
        workbooks.choose(books, ["01_fail"])
    with pytest.raises(DeployError, match="there are no workbooks in"):
        workbooks.choose(books.parent)


def test_those_of_a_checkout_are_used_where_they_are() -> None:
    assert workbooks.find() == Path(__file__).parents[2] / "workbooks"


def test_those_of_an_installed_package_are_copied_once(
    books: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site-packages" / "deploy_magics"
    package.mkdir(parents=True)
    monkeypatch.setattr(workbooks, "_PACKAGE", package)
    with pytest.raises(DeployError, match="holds no workbooks"):
        workbooks.find()
    books.rename(package / "_workbooks")
    target = tmp_path / "mine"
    assert workbooks.find(target) == target
    (target / "data.txt").write_text("changed by the reader")
    (target / "01_fails.ipynb").unlink()
    assert workbooks.find(target) == target
    assert (target / "data.txt").read_text() == "changed by the reader"
    assert (target / "01_fails.ipynb").is_file()


class TestCommand:
    @pytest.fixture(autouse=True)
    def here(self, books: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(workbooks, "find", lambda copy_to=None: books)

    def test_run_prints_a_line_each_and_fails_if_one_does(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(["workbooks", "--run", "--quick"]) == 1
        lines = capsys.readouterr().out.splitlines()
        assert [line.split()[0] for line in lines[:2]] == ["00_start_here", "01_fails"]
        assert lines[2].endswith("1 of 2 failed")
        assert cli.main(["workbooks", "--run", "0"]) == 0
        assert capsys.readouterr().out.splitlines()[-1].endswith("all 1 ok")

    def test_a_missing_part_names_its_extra(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def missing(module: str, *, extra: str, purpose: str) -> None:
            if module == "jupyterlab":
                raise MissingPartError(f"{purpose} needs {module!r}", hint=f"pip install 'deploy-magics[{extra}]'")

        monkeypatch.setattr(workbooks, "require", missing)
        assert cli.main(["workbooks"]) == 1
        assert "pip install 'deploy-magics[lab]'" in capsys.readouterr().err

    def test_opening_starts_lab_on_the_first_with_this_python_as_kernel(
        self, books: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        seen: dict[str, object] = {}

        class Server:
            def __init__(self, command: list[str], env: dict[str, str]) -> None:
                kernel = Path(env["JUPYTER_PATH"].split(":")[0]) / "kernels" / "python3" / "kernel.json"
                settings = (
                    Path(env["JUPYTER_CONFIG_PATH"].split(":")[0]) / "labconfig" / "default_setting_overrides.json"
                )
                (notification,) = json.loads(settings.read_text()).values()
                seen.update(command=command, argv=json.loads(kernel.read_text())["argv"], **notification)

            def wait(self) -> int:
                return 0

        monkeypatch.setattr(workbooks.subprocess, "Popen", Server)
        monkeypatch.setattr(workbooks.signal, "signal", lambda *_: None)
        assert cli.main(["workbooks", "--port", "8899", "--no-browser"]) == 0
        command = seen["command"]
        assert isinstance(command, list)
        assert command[:3] == [sys.executable, "-m", "jupyterlab"]
        assert f"--ServerApp.root_dir={books}" in command
        assert "--LabApp.default_url=/lab/tree/00_start_here.ipynb" in command
        assert "--ServerApp.port=8899" in command
        assert "--no-browser" in command
        assert seen["argv"][0] == sys.executable  # type: ignore[index]
        assert seen["fetchNews"] == "false"
        assert "00_start_here.ipynb in JupyterLab on port 8899" in capsys.readouterr().out

    def test_a_port_that_is_taken_is_told_before_lab_starts(
        self, books: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(workbooks.subprocess, "Popen", lambda *_, **__: pytest.fail("started"))
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            assert cli.main(["workbooks", "--port", str(port)]) == 1
        err = capsys.readouterr().err
        assert err.startswith(f"deploy-magics: port {port} cannot be used: Address already in use; choose another")
        assert err.count("\n") == 1
