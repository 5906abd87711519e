from __future__ import annotations

import pickle

import pytest

from deploy_magics.errors import DeployError, Interrupted, MissingPartError, ModelError, require


def test_an_error_renders_as_one_line() -> None:
    error = ModelError("bad\n  file", hint="try\nanother")
    assert error._render_traceback_() == ["ModelError: bad file; try another"]
    assert Interrupted(message="stopped")._render_traceback_() == ["Interrupted: stopped"]


def test_the_traceback_is_there_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DeployError, "show_traceback", True)
    with pytest.raises(ModelError) as caught:
        raise ModelError("bad")
    assert any("test_errors.py" in line for line in caught.value._render_traceback_())


def test_an_error_keeps_its_parts_on_the_way_out_of_a_worker() -> None:
    again = pickle.loads(pickle.dumps(ModelError("bad", hint="try")))
    assert (type(again), again.message, again.hint, str(again)) == (ModelError, "bad", "try", "bad; try")


def test_a_missing_part_names_the_extra() -> None:
    with pytest.raises(MissingPartError, match=r"counting needs the package 'nowhere'.*deploy-magics\[torch\]"):
        require("nowhere.at.all", extra="torch", purpose="counting")


def test_a_part_broken_inside_is_not_called_missing(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "half_there.py").write_text("import nowhere_at_all\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="nowhere_at_all"):
        require("half_there", extra="torch", purpose="counting")
