"""What holds for every real step, since its magic, command and help are made of its signature."""

from __future__ import annotations

import re

import pytest

from deploy_magics.binding import NOTEBOOK, SHELL, Binding, Resolver, split_line
from deploy_magics.steps import all_steps, get, names

EXTRAS = {flag for extra in (*NOTEBOOK, *SHELL) for flag in extra.flags} - {"--force"}


@pytest.mark.parametrize("name", names())
class TestStep:
    def test_says_what_it_answers_and_where_it_is_taught(self, name: str) -> None:
        step = get(name)
        assert step.answers.endswith("?")
        assert step.workbook
        assert (step.function.__doc__ or "").strip()

    def test_every_option_has_a_sentence_of_help(self, name: str) -> None:
        text = Binding(get(name).function, f"%{name}", NOTEBOOK).help()
        options = text.partition("Options:")[2].partition("\n\n")[0]
        entries = re.split(r"\n  (?=-)", "\n" + options.strip("\n"))
        bare = [entry.strip() for entry in entries if entry.strip() and len(entry.split()) < 3]
        assert not bare

    def test_has_an_example(self, name: str) -> None:
        text = Binding(get(name).function, f"%{name}", NOTEBOOK).help()
        assert f"%{name}" in text.partition("Examples:")[2]

    def test_leaves_the_options_of_every_magic_alone(self, name: str) -> None:
        own = {option.flag for option in Binding(get(name).function, name).options}
        assert not own & EXTRAS

    def test_every_option_can_be_read(self, name: str) -> None:
        binding = Binding(get(name).function, f"%{name}", NOTEBOOK)
        values = {"model": "resnet50", "list": "a,b", "shapes": "x=1x3", "dims": "N=1", "path": "x", "value": "3"}
        for option in binding.options:
            if option.positional:
                continue
            text = values.get(option.kind, option.choices[0] if option.choices else "1")
            if option.kind == "list" and option.choices:
                text = option.choices[0]
            words = f"{option.flag} {'' if option.kind == 'flag' else text}"
            words = f"{'resnet50' if binding.model_option else ''} {words}"
            body = dict.fromkeys(("preprocess", "postprocess"), len) if binding.functions_option else None
            call = binding.parse(split_line(words, {}), Resolver(), functions=body and body.copy)
            assert option.name in call.values


def test_deploy_shows_the_flow_in_order() -> None:
    import deploy_magics

    result = deploy_magics.deploy()
    shown = [row.cells["magic"] for row in result.table.rows]
    assert shown == [f"%{step.name}" for step in all_steps() if step.name != "deploy"]
    assert str(shown[0]).removeprefix("%") in result.headline
    assert result.to_dataframe().columns.tolist() == ["magic", "answers", "form", "workbook"]
