from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import deploy_magics
import deploy_magics.steps
from deploy_magics import cli
from deploy_magics.errors import Interrupted
from deploy_magics.result import load_result
from deploy_magics.steps import Step, _registry
from tests.magics import toys


@pytest.fixture(autouse=True)
def toy_steps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for module in (_registry, deploy_magics.steps):
        for name, value in toys.REGISTRY.items():
            monkeypatch.setattr(module, name, value)


def test_a_step_prints_its_result(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["toy", "before=resnet50", "lenet", "--threads", "2"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("toy saw before, lenet\n")
    assert err == ""


def test_the_result_is_saved_for_load_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["plain", "--json", "out.json"]) == 0
    assert load_result(tmp_path / "out.json").headline == "plain saw "
    capsys.readouterr()
    assert cli.main(["plain", "--json", "out.json"]) == 1
    assert "'out.json' exists and is left as it is; add --force" in capsys.readouterr().err
    assert cli.main(["plain", "--json", "out.json", "--force"]) == 0


def test_an_existing_file_is_told_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "out.json").touch()
    monkeypatch.setitem(toys.TOYS, "plain", Step("plain", lambda: pytest.fail("ran"), "", "", 1, False))
    assert cli.main(["plain", "--json", "out.json"]) == 1


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["toy"], 2, "deploy-magics: toy needs a model; for example deploy-magics toy resnet50"),
        (["toy", "lenet", "--threads", "x"], 2, "--threads needs a whole number, not 'x'"),
        (["toy", "lenet", "--threds", "1"], 2, "deploy-magics: toy has no option '--threds'; did you mean '--threads'"),
        (["toy", "lenet", "-o", "x"], 2, "has no option '-o'"),
        (["toy", "lenet51"], 1, "there is no file or network of the zoo 'lenet51'; did you mean 'lenet'"),
        (["tpy"], 2, "deploy-magics: there is no step 'tpy'; did you mean 'toy'?"),
        (["--verson"], 2, "did you mean '--version'?"),
        (["plain", "--json", "nowhere/a.json"], 1, "cannot write 'nowhere/a.json': there is no folder 'nowhere'"),
        (["plain", "--json", "."], 1, "'.' is a folder; give a file's name"),
    ],
)
def test_what_is_wrong_is_one_line_on_stderr(
    arguments: list[str], status: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("deploy-magics: ")
    assert words in err
    assert err.count("\n") == 1


def test_a_file_that_cannot_be_written_in_the_end_costs_no_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def late() -> toys.ToyResult:
        (tmp_path / "there").rmdir()
        return toys.plain()

    (tmp_path / "there").mkdir()
    monkeypatch.setitem(toys.TOYS, "plain", Step("plain", late, "", "", 1, False))
    assert cli.main(["plain", "--json", "there/a.json"]) == 1
    out, err = capsys.readouterr()
    assert "plain saw" in out
    assert "cannot write 'there/a.json'" in err


def test_a_saved_result_is_shown_and_is_no_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["plain", "--json", "run.json"]) == 0
    printed = capsys.readouterr().out
    assert cli.main(["toy", "run.json"]) == 1
    expected = "deploy-magics: 'run.json' is a saved result and no model; deploy-magics show run.json shows it\n"
    assert capsys.readouterr().err == expected
    assert cli.main(["show", "run.json"]) == 0
    assert capsys.readouterr().out == printed


def test_a_name_with_spaces_wants_quotes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "my model.onnx").touch()
    assert cli.main(["toy", "my", "model.onnx"]) == 1
    assert 'did you mean "my model.onnx"? put it in quotes' in capsys.readouterr().err


def test_an_interrupt_prints_and_saves_what_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped() -> toys.ToyResult:
        partial = toys.plain()
        partial.status = "interrupted"
        raise Interrupted(partial, "interrupted after 1 s; what was measured is kept")

    monkeypatch.setitem(toys.TOYS, "plain", Step("plain", stopped, "", "", 1, False))
    assert cli.main(["plain", "--json", "part.json"]) == 130
    out, err = capsys.readouterr()
    assert "plain saw" in out
    assert err == "deploy-magics: interrupted after 1 s; what was measured is kept\n"
    assert json.loads((tmp_path / "part.json").read_text())["status"] == "interrupted"


def test_an_interrupt_of_anything_else_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped() -> toys.ToyResult:
        raise KeyboardInterrupt

    monkeypatch.setitem(toys.TOYS, "plain", Step("plain", stopped, "", "", 1, False))
    assert cli.main(["plain"]) == 130
    assert capsys.readouterr().err == "deploy-magics: interrupted\n"


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["help"]])
def test_help_lists_the_steps_in_order(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(arguments) == 0
    out = capsys.readouterr().out
    assert out.index("toy") < out.index("slow") < out.index("plain") < out.index("workbooks")
    assert "What is it?" in out


def test_help_of_a_step(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["toy", "nonsense", "--help"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Usage: deploy-magics toy MODEL... [OPTIONS]")
    assert "Threads for each. [1]" in out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"deploy-magics {deploy_magics.__version__}\n"


def test_the_shell_completes_models_and_values(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "my net.onnx").touch()
    assert cli.main(["__complete", "toy", "re"]) == 0
    offered = capsys.readouterr().out.splitlines()
    assert {"resnet50", "my net.onnx"} <= set(offered)
    assert cli.main(["__complete", "toy", "lenet", "--on", ""]) == 0
    assert "ort" in capsys.readouterr().out.splitlines()


class TestProgram:
    """The program itself, with the real steps."""

    def run(self, *arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "deploy_magics.cli", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, **options)  # type: ignore[call-overload, no-any-return]

    def test_deploy(self) -> None:
        done = self.run("deploy")
        assert done.returncode == 0, done.stderr
        assert "%bench" in done.stdout

    def test_a_reader_that_leaves_is_no_error(self) -> None:
        command = f"{sys.executable} -m deploy_magics.cli deploy | true"
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
        assert done.stderr == ""

    def test_a_terminal_without_unicode(self) -> None:
        done = self.run("deploy", env={**__import__("os").environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"})
        assert done.returncode == 0, done.stderr
        assert done.stdout.isascii()
