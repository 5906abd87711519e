from __future__ import annotations

import time

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from deploy_magics.errors import DeployError
from deploy_magics.model import Limits
from tests.magics import toys
from tests.magics.conftest import Shell


def test_a_result_is_shown_and_returned(shell: Shell) -> None:
    assert shell.printed("%toy resnet50").count("toy saw resnet50") == 1
    assert shell.names["_"].headline == "toy saw resnet50"


def test_two_magics_in_one_cell_are_both_shown_once(shell: Shell) -> None:
    out = shell.printed("%toy resnet50\n%toy lenet")
    assert out.count("toy saw resnet50") == 1
    assert out.count("toy saw lenet") == 1


def test_magics_in_a_loop_are_all_shown(shell: Shell) -> None:
    out = shell.printed("for name in ['lenet', 'vgg16']:\n    %toy {name}")
    assert "toy saw lenet" in out
    assert "toy saw vgg16" in out


def test_an_assigned_result_is_shown_again_when_asked_for(shell: Shell) -> None:
    shell.run("kept = %toy resnet50")
    assert isinstance(shell.names["kept"], toys.ToyResult)
    assert "toy saw resnet50" in shell.printed("kept")
    assert "toy saw resnet50" in shell.printed("from IPython.display import display\ndisplay(kept)")


def test_display_in_the_same_cell_shows_it_once_more(shell: Shell) -> None:
    out = shell.printed("from IPython.display import display\n%toy resnet50 -o r\ndisplay(r)")
    assert out.count("toy saw resnet50") == 2


@pytest.mark.parametrize(
    "cell", ["%toy resnet50;", "%toy resnet50 ;  # quiet", "%%toy\nresnet50;", "%%toy -o r;\nresnet50"]
)
def test_a_semicolon_silences(shell: Shell, cell: str) -> None:
    assert "saw" not in shell.printed(cell)


@pytest.mark.parametrize(
    "cell", ["%toy -o r resnet50", "%toy resnet50 -o r;", "%toy resnet50 --threads 2 -o r", "%%toy -o r\nresnet50"]
)
def test_o_keeps_the_result(shell: Shell, cell: str) -> None:
    shell.printed(cell)
    assert shell.names["r"].headline == "toy saw resnet50"


def test_a_step_prints_nothing_of_its_own(shell: Shell) -> None:
    assert shell.printed("%toy resnet50;") == ""


class TestErrors:
    def test_are_one_line_and_stop_the_cell(self, shell: Shell) -> None:
        line = shell.line("%toy resnet51\nafter = 1")
        assert line.startswith("ModelError: there is no variable, file or network of the zoo 'resnet51'")
        assert "after" not in shell.names

    def test_of_an_unbalanced_quote(self, shell: Shell) -> None:
        assert shell.line("%toy 'resnet50") == 'ArgumentError: the quote opened at "\'resnet50" is not closed'

    def test_of_the_step_itself(self, shell: Shell) -> None:
        assert shell.line("%toy resnet50 --threads 0") == "ArgumentError: threads must be 1 or more"

    def test_of_an_expansion_that_names_nothing(self, shell: Shell) -> None:
        assert "there is no variable 'nope'" in shell.line("%toy {nope}")

    def test_keep_nothing(self, shell: Shell) -> None:
        shell.line("%toy resnet50 --threads 0 -o r")
        assert "r" not in shell.names

    def test_a_line_magic_with_a_cell_is_told(self, shell: Shell) -> None:
        assert shell.line("%%plain\nresnet50") == "ArgumentError: %%plain has no cell form; write %plain in one line"


def test_names_inside_a_function(shell: Shell) -> None:
    shell.printed(
        "def look(net):\n    return get_ipython().run_line_magic('toy', 'net x={net};')\nresult = look('lenet')"
    )
    assert shell.names["result"].meta["models"] == (("net", "lenet"), ("x", "lenet"))


def test_an_ambiguous_name_is_noted_with_the_result(shell: Shell) -> None:
    shell.names["lenet"] = "vgg16"
    out = " ".join(shell.printed("%toy lenet").split())
    assert "'lenet' is a variable of this notebook and was taken; the zoo's 'lenet' was not" in out


def test_a_cell_with_await_around_a_magic(shell: Shell) -> None:
    shell.printed("import asyncio\nname = await asyncio.sleep(0, 'lenet')\n%toy {name} -o r")
    assert shell.names["r"].meta["models"] == ("lenet",)


class TestInterrupt:
    @pytest.fixture(autouse=True)
    def press_stop(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def stop(_: float) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(time, "sleep", stop)

    def test_keeps_and_shows_what_there_is_then_stops(self, shell: Shell) -> None:
        out = shell.fails("%slow lenet -o r\nafter = 1")
        assert "slow saw lenet" in out
        assert out.strip().splitlines()[-1] == "Interrupted; what was measured is kept"
        assert "Traceback" not in out
        assert shell.names["r"].status == "interrupted"
        assert "after" not in shell.names

    def test_of_a_step_that_keeps_nothing_is_one_line(self, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
        def stop() -> toys.ToyResult:
            raise KeyboardInterrupt

        step = toys.TOYS["plain"]
        monkeypatch.setitem(toys.TOYS, "plain", type(step)("plain", stop, "", "", 1, False))
        assert shell.line("%plain") == "Interrupted: plain was interrupted; nothing was kept"


class TestHelp:
    def test_question_mark_and_option_show_the_same(self, shell: Shell) -> None:
        asked = shell.printed("%toy --help")
        pager: list[str] = []
        shell.ip.set_hook("show_in_pager", lambda _, data, start, screen_lines: pager.append(data["text/plain"]), 0)
        shell.printed("%toy?")
        assert "Threads for each." in asked
        assert asked.strip() in pager[0]

    def test_wins_over_whatever_else_is_wrong(self, shell: Shell) -> None:
        assert "Usage: %toy" in shell.printed("%toy no_such_net --threads x --help")
        assert "Usage: %toy" in shell.printed("%%toy -h\n1/0")


class TestConfig:
    def test_gives_defaults_that_an_option_overrides(self, shell: Shell) -> None:
        shell.printed("%config DeployMagics.threads = 4\n%toy lenet -o a;\n%toy lenet --threads 2 -o b;\n%plain ;")
        assert shell.names["a"].meta["threads"] == 4
        assert shell.names["b"].meta["threads"] == 2
        assert "[4, from %config]" in shell.printed("%toy --help")

    @pytest.mark.parametrize("value", ["-1", "'two'", "0", "2.5"])
    def test_refuses_a_wrong_value_in_one_line(
        self, shell: Shell, value: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        shell.printed(f"%config DeployMagics.threads = {value}")
        (record,) = caplog.records
        assert "threads" in record.getMessage()
        assert "\n" not in record.getMessage()
        assert shell.printed("%config DeployMagics.threads") == ""

    def test_max_bytes_bounds_models_opened_from_then_on(self, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Limits, "default_max_bytes", Limits.default_max_bytes)
        shell.printed("%config DeployMagics.max_bytes = 1000")
        assert Limits().max_bytes == 1000
        assert Limits(max_bytes=5).max_bytes == 5

    def test_progress_can_be_switched_off(self, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
        from deploy_magics.magics import _run

        made: list[str] = []
        monkeypatch.setattr(_run, "_reporter", lambda: made.append("reporter"))
        shell.printed("%slow lenet --seconds 0")
        assert made == ["reporter"]
        shell.printed("%config DeployMagics.progress = False\n%slow lenet --seconds 0")
        assert made == ["reporter"]

    def test_a_cell_without_model_or_the_other_form_is_told_of_both(self, shell: Shell) -> None:
        line = shell.line("%toy")
        assert line == (
            "ArgumentError: %toy needs a model; for example %toy resnet50, or %%toy and a cell that ends with one"
        )

    def test_traceback_is_shown_when_asked_for(self, shell: Shell) -> None:
        shell.printed("%config DeployMagics.traceback = True")
        assert "Traceback (most recent call last)" in shell.fails("%toy resnet51")
        shell.printed("%config DeployMagics.traceback = False")
        shell.line("%toy resnet51")

    def test_lists_every_setting_with_its_meaning(self, shell: Shell) -> None:
        out = shell.printed("%config DeployMagics")
        for name in ("max_bytes", "threads", "precision", "budget", "traceback", "progress"):
            assert f"DeployMagics.{name}=" in out


def test_loading_twice_and_unloading(shell: Shell) -> None:
    shell.printed("%reload_ext deploy_magics")
    assert [type(one).__name__ for one in shell.ip.configurables].count("DeployMagics") == 1
    assert shell.printed("%toy lenet").count("toy saw lenet") == 1
    shell.printed("%unload_ext deploy_magics")
    assert "toy" not in shell.ip.magics_manager.magics["line"]
    assert "not found" in shell.fails("%toy lenet")
    shell.printed("%load_ext deploy_magics")


def test_another_magic_is_never_shadowed(shell: Shell) -> None:
    shell.printed("%unload_ext deploy_magics")
    shell.ip.register_magic_function(lambda line: "mine", magic_name="toy")
    with pytest.warns(UserWarning, match="%toy is another magic here; use deploy_magics.toy"):
        shell.ip.extension_manager.load_extension("deploy_magics")
    assert shell.ip.run_line_magic("toy", "") == "mine"


def test_errors_are_one_line_elsewhere_too(shell: Shell) -> None:
    shell.names["DeployError"] = DeployError
    assert shell.line("raise DeployError('it is so', hint='mend it')") == "DeployError: it is so; mend it"


def test_no_step_takes_the_name_of_a_magic_of_ipython() -> None:
    from deploy_magics.steps import names

    config = Config()
    config.HistoryManager.enabled = False
    fresh = InteractiveShell(config=config)
    taken = {name for table in fresh.magics_manager.lsmagic().values() for name in table}
    assert "timeit" in taken
    assert not taken & set(names())
