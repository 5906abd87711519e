from __future__ import annotations

import pytest

from tests.magics.conftest import Shell


def models(shell: Shell, body: str, line: str = "") -> tuple[object, ...]:
    shell.names.pop("r", None)
    shell.printed(f"%%toy -o r {line}\n{body}")
    return shell.names["r"].meta["models"]  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("resnet50", ("resnet50",)),
        ("resnet50  # the big one", ("resnet50",)),
        ("\n# which?\nresnet50\n\n", ("resnet50",)),
        ("resnet50\nlenet", ("resnet50", "lenet")),
        ("'resnet50'", ("resnet50",)),
        ("['resnet50', 'lenet']", ("resnet50", "lenet")),
        ("'resnet50', 'lenet'", ("resnet50", "lenet")),
        ("{'a': 'resnet50', 'b': 'lenet'}", (("a", "resnet50"), ("b", "lenet"))),
        ("('a', 'lenet')", (("a", "lenet"),)),
        ("x = 'lenet'\nx", (("x", "lenet"),)),
        ("x = 'lenet'\n[x, 'vgg16']", (("x", "lenet"), "vgg16")),
        ("import math\nlenet", ("lenet",)),
        ("def name():\n    return 'lenet'\nname()", ("lenet",)),
        ("%env TOY=1\n'lenet'", ("lenet",)),
    ],
)
def test_the_last_expression_is_the_model(shell: Shell, body: str, expected: tuple[object, ...]) -> None:
    assert models(shell, body) == expected


def test_models_of_the_line_come_first(shell: Shell) -> None:
    assert models(shell, "lenet", "before=resnet50") == (("before", "resnet50"), "lenet")


def test_a_bare_path_is_a_path(shell: Shell) -> None:
    import pathlib

    folder = pathlib.Path("nets-v2.1")
    folder.mkdir()
    (folder / "a.onnx").touch()
    assert models(shell, "nets-v2.1/a.onnx") == ("nets-v2.1/a.onnx",)
    assert models(shell, str((folder / "a.onnx").resolve())) == (str((folder / "a.onnx").resolve()),)


def test_a_variable_wins_over_the_zoo(shell: Shell) -> None:
    shell.names["resnet50"] = "lenet"
    assert models(shell, "resnet50") == (("resnet50", "lenet"),)


def test_what_the_body_defines_stays(shell: Shell) -> None:
    models(shell, "made = 'lenet'\nmade")
    assert shell.names["made"] == "lenet"


class TestAnErrorInTheBody:
    def test_points_at_its_line_of_the_cell(self, shell: Shell) -> None:
        out = shell.fails("%%toy -o r\nx = 3\n\n1/0\nresnet50")
        assert "----> 4 1/0" in out
        assert "ZeroDivisionError: division by zero" in out
        assert "deploy_magics" not in out
        assert "run_cell_magic" not in out
        assert "r" not in shell.names

    def test_shows_the_functions_it_came_through(self, shell: Shell) -> None:
        out = shell.fails("%%toy\ndef inner():\n    raise ValueError('deep')\ninner()")
        assert "----> 4 inner()" in out
        assert "----> 3     raise ValueError('deep')" in out

    def test_of_syntax_points_at_it(self, shell: Shell) -> None:
        out = shell.fails("%%toy\nx = = 3\nx")
        assert "SyntaxError" in out
        assert "x = = 3" in out

    def test_of_a_name_is_pythons_own(self, shell: Shell) -> None:
        assert "NameError: name 'nope' is not defined" in shell.fails("%%toy\nx = nope\nx")

    def test_of_this_project_stays_one_line(self, shell: Shell) -> None:
        line = shell.line("%%toy\nfrom deploy_magics.errors import ModelError\nraise ModelError('broken')\n1")
        assert line == "ModelError: broken"


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("%%toy\n# nothing here", "the cell of %%toy is empty; end it with a model, or write %toy MODEL in one line"),
        ("%%toy\n\n", "the cell of %%toy is empty"),
        ("%%toy\nnet = 'lenet'", "does not end with an expression; add a last line: net"),
        ("%%toy\nfor i in []:\n    pass", "does not end with an expression; add a last line: model"),
        ("%%toy\nprint()", "gave None; end it with a model"),
        ("%%toy\nresnet51", "there is no variable, file or network of the zoo 'resnet51'"),
        (
            "%%toy\n[resnet50, lenet]",
            "there is no variable 'resnet50'; a network of the zoo is in quotes here: 'resnet50'",
        ),
        ("%%toy\nimport math\nnets/a.onnx", "there is no file 'nets/a.onnx'"),
        ("%%toy\nimport math\n/nets/a.onnx", "there is no file '/nets/a.onnx'"),
        ("%%toy\nimport math\n./nets/a.onnx", "there is no file './nets/a.onnx'"),
        ("%%toy\nimport math\n3rd/a.onnx", "'3rd/a.onnx' is not Python; write a path in quotes where it follows other"),
        ("%%toy\nawait nothing()", "a %%toy cell cannot await; await in a cell before"),
        ("%%toy --thread 1\nprint('ran')\n'lenet'", "%toy has no option '--thread'"),
    ],
)
def test_what_is_wrong_is_one_line(shell: Shell, cell: str, words: str) -> None:
    out = shell.fails(cell).strip()
    assert words in out.splitlines()[-1]
    assert "ran" not in out


def test_an_empty_cell_is_told_by_ipython(shell: Shell) -> None:
    assert "the cell body is empty. Did you mean the line magic %toy (single %)?" in shell.fails("%%toy")
