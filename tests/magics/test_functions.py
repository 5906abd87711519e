from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deploy_magics.binding import SHELL, Binding, Resolver, shell_words
from deploy_magics.errors import ArgumentError
from deploy_magics.functions import pack
from tests.magics.conftest import Shell
from tests.magics.toys import compare

TWO = "def slow():\n    return 1\ndef fast():\n    return 2\n"


def kept(shell: Shell, body: str, line: str = "", step: str = "compare") -> dict[str, Any]:
    shell.printed(f"%%{step} -o r {line}\n{body}")
    return dict(shell.names["r"].meta)


def test_a_body_gives_the_functions_it_defines(shell: Shell) -> None:
    found = kept(shell, "import math\n" + TWO + "def _helper(): ...\nslow_2 = 3\n", "lenet --times 2")
    assert list(found["functions"]) == ["slow", "fast"]
    assert found["values"] == [1, 2]
    assert (found["models"], found["times"]) == (("lenet",), 2)
    assert shell.names["slow"] is found["functions"]["slow"]


def test_its_last_expression_names_more(shell: Shell) -> None:
    shell.run(
        "import types\nlibrary = types.SimpleNamespace(fast=int, three=lambda: 3)\nlibrary.three.__name__ = 'three'"
    )
    both = kept(shell, TWO + "slow, library.three")
    assert list(both["functions"]) == ["slow", "fast", "three"]
    assert list(kept(shell, "int, float")["functions"]) == ["int", "float"]
    assert list(kept(shell, "{'a': int, 'b': float}")["functions"]) == ["a", "b"]
    shell.run("def fast(): return 9\nlibrary.fast = fast")
    clash = kept(shell, TWO + "[library.fast]")
    assert list(clash["functions"]) == ["slow", "fast", "library.fast"]
    assert clash["values"] == [1, 2, 9]


def test_required_functions_may_have_company(shell: Shell) -> None:
    found = kept(shell, "def end(): ...\ndef extra(): ...\ndef begin(): ...", "lenet", "ends")
    assert set(found["functions"]) == {"begin", "end", "extra"}


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("%%compare\n# nothing\n", "the cell of %%compare is empty"),
        ("%%compare\nx = 1", "there are no functions"),
        ("%%compare\ndef f(): ...", "1 function is not enough: only f"),
        ("%%compare\ndef f(): ...\nasync def g(): ...", "g is a coroutine"),
        ("%%compare\ndef f(): ...\n3", "3 is int and no function"),
        ("%%compare\ndef f(): ...\nf.x = f\n[lambda: 1, lambda: 2]", "two functions are called '<lambda>'"),
        ("%%ends lenet\ndef begin(): ...\ndef ende(): ...", "there is no function 'end'; there is begin, ende"),
        ("%%ends\n" + TWO, "%ends needs a model"),
        ("%%compare --tims 3\n1/0", "did you mean '--times'?"),
        ("%compare", "%compare needs functions"),
        ("%compare nowhere.py", "'nowhere.py' cannot be read: No such file"),
        ("%compare thing.txt", "'thing.txt' is no Python file"),
    ],
)
def test_what_is_wrong_is_one_line(shell: Shell, cell: str, words: str) -> None:
    assert words in shell.line(cell)


def test_an_error_in_the_body_is_its_own(shell: Shell) -> None:
    out = shell.fails("%%compare\n" + TWO + "1/0")
    assert "----> 6 1/0" in out
    assert "deploy_magics" not in out


def test_a_line_takes_a_file_or_a_variable(shell: Shell) -> None:
    Path("two.py").write_text(TWO)
    shell.printed("%compare two.py lenet -o r")
    assert list(shell.names["r"].meta["functions"]) == ["slow", "fast"]
    shell.run("mine = {'a': int, 'b': float}")
    shell.printed("%compare mine -o r")
    assert list(shell.names["r"].meta["functions"]) == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def f(:", "line 1 is not Python"),
        ("def f(): ...\n\n1/0", "line 3, raised ZeroDivisionError: division by zero"),
        ("def f(): ...", "1 function is not enough"),
    ],
)
def test_a_bad_file_is_one_line(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "f.py"
    file.write_text(text)
    with pytest.raises(ArgumentError) as error:
        Binding(compare, "deploy-magics compare", SHELL).parse(shell_words([str(file)]), Resolver())
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_help_tells_of_both_forms(shell: Shell) -> None:
    shown = shell.printed("%compare --help")
    assert "Usage: %compare FILE.py [MODEL] [OPTIONS]" in shown
    assert "%%compare [MODEL] [OPTIONS]" in shown


def test_functions_of_a_notebook_and_of_a_file_reach_another_process(shell: Shell) -> None:
    shell.run("scale = 3\ndef _times(x):\n    return scale * x")
    Path("two.py").write_text("def slow():\n    return _two()\ndef fast():\n    return 2\ndef _two():\n    return 2\n")
    shell.printed("%%compare -o r\ndef a():\n    return _times(2)\ndef b():\n    return 6\n")
    shell.printed("%compare two.py -o s")
    both = {**shell.names["r"].meta["functions"], **shell.names["s"].meta["functions"]}
    code = (
        "import sys; from deploy_magics.functions import unpack\n"
        "print([f() for f in unpack(sys.stdin.buffer.read()).values()])"
    )
    done = subprocess.run([sys.executable, "-c", code], input=pack(both), capture_output=True, check=True)
    assert done.stdout.decode().strip() == "[6, 6, 2, 2]"


def test_what_cannot_travel_is_named(tmp_path: Path) -> None:
    file = (tmp_path / "x").open("w")
    with file, pytest.raises(ArgumentError, match=r"^bad uses what cannot be sent to a worker"):
        pack({"good": len, "bad": lambda: file.name})
