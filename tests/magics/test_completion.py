from __future__ import annotations

import pathlib
import warnings

import pytest
from IPython.core.completer import provisionalcompleter

from tests.magics.conftest import Shell
from tests.magics.test_binding import ModelProto


@pytest.fixture(params=["jedi", "plain"])
def complete(shell: Shell, request: pytest.FixtureRequest):  # type: ignore[no-untyped-def]
    """Complete a line by IPython's newer way, and check that the older one agrees."""
    shell.ip.Completer.use_jedi = request.param == "jedi"
    shell.names["slim"] = ModelProto()
    shell.names["number"] = 3
    pathlib.Path("local.onnx").touch()
    pathlib.Path("my net.onnx").touch()
    pathlib.Path("nets").mkdir()
    pathlib.Path("nets/inner.onnx").touch()

    def run(line: str) -> set[str]:
        with provisionalcompleter():
            new = {found.text for found in shell.ip.Completer.completions(line, len(line))}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PendingDeprecationWarning)
            _, old = shell.ip.complete(None, line, len(line))
        # Jedi takes the line for Python and adds names and keywords of its own, whatever a completer says.
        assert set(old) <= new if request.param == "jedi" else set(old) == new
        return set(old)

    return run


def test_flags(complete) -> None:  # type: ignore[no-untyped-def]
    assert complete("%toy resnet50 --th") == {"--threads"}
    assert {"--on", "--threads", "--help"} <= complete("%toy resnet50 --")
    assert "-o" in complete("%toy resnet50 -")


def test_values_of_a_literal(complete) -> None:  # type: ignore[no-untyped-def]
    assert complete("%toy resnet50 --by ") == {"node", "op"}
    assert complete("%toy resnet50 --by n") == {"node"}
    assert complete("%toy resnet50 --by=o") == {"op"}


def test_runtimes(complete) -> None:  # type: ignore[no-untyped-def]
    assert "ort" in complete("%toy resnet50 --on ")
    assert "ort" in complete("%toy resnet50 --on ort,")


def test_models(complete) -> None:  # type: ignore[no-untyped-def]
    assert {"resnet50", "repvgg_a0"} <= complete("%toy re")
    assert {"slim", "resnet50", "local.onnx", "'my net.onnx'"} <= complete("%toy ")
    assert "number" not in complete("%toy ")
    assert complete("%toy before=sl") == {"slim"}
    assert complete("%toy nets/") == {"nets/inner.onnx"}


def test_o_completes_paths_where_something_is_written(complete) -> None:  # type: ignore[no-untyped-def]
    assert complete("%write lenet -o ne") == {"nets/"}
    assert complete("%write lenet --output ne") == {"nets/"}


def test_cell_form_and_assignment(complete) -> None:  # type: ignore[no-untyped-def]
    assert complete("%%toy --th") == {"--threads"}
    assert complete("x = %toy --th") == {"--threads"}


def test_a_step_without_models_offers_its_flags(complete) -> None:  # type: ignore[no-untyped-def]
    assert "--help" in complete("%plain --")


def test_python_is_left_alone(complete) -> None:  # type: ignore[no-untyped-def]
    assert "--threads" not in complete("toy = 3; to")


def test_reloading_adds_no_second_completer(shell: Shell) -> None:
    shell.printed("%reload_ext deploy_magics")
    hooks = shell.ip.strdispatchers["complete_command"].regexs
    assert sum("toy" in str(getattr(key, "pattern", key)) for key in hooks) == 1
