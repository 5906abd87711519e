from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deploy_magics.binding import NOTEBOOK, SHELL, Binding, Call, Resolver, shell_words, split_line
from deploy_magics.errors import ArgumentError, DeployError
from tests.magics import toys


class ModelProto:
    """Looks like onnx's own to what does not import onnx."""


ModelProto.__module__ = "onnx.onnx_pb2"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("a.onnx", "my net.onnx"):
        (tmp_path / name).touch()
    return tmp_path


def parse(line: str, names: dict[str, Any] | None = None, function: Any = toys.toy) -> Call:
    names = names or {}
    return Binding(function, "%toy", NOTEBOOK).parse(split_line(line, names), Resolver(names))


def models(line: str, names: dict[str, Any] | None = None) -> tuple[Any, ...]:
    return parse(line, names).values["models"]  # type: ignore[no-any-return]


class TestModels:
    def test_paths_and_names_of_the_zoo_stay_text(self) -> None:
        assert models("a.onnx resnet50 'my net.onnx'") == ("a.onnx", "resnet50", "my net.onnx")

    def test_labels(self) -> None:
        assert models("before=a.onnx after='my net.onnx'") == (("before", "a.onnx"), ("after", "my net.onnx"))

    def test_a_variable_gives_its_object_and_its_name(self) -> None:
        net = ModelProto()
        assert models("net x=net {net} y={net}", {"net": net}) == (("net", net), ("x", net), ("net", net), ("y", net))

    def test_attributes_of_variables(self) -> None:
        class Slim:
            model = ModelProto()

        assert models("slim.model", {"slim": Slim}) == (("slim.model", Slim.model),)

    def test_lists_and_dicts_are_several(self) -> None:
        a, b = ModelProto(), ModelProto()
        assert models("nets", {"nets": [a, b]}) == (a, b)
        assert models("nets", {"nets": {"x": a, "y": b}}) == (("x", a), ("y", b))
        assert models("one={nets[0]}", {"nets": [a, b]}) == (("one", a),)

    def test_a_function_with_its_inputs_is_one(self) -> None:
        net = (max, ([1.0], [2.0]))
        assert models("net", {"net": net}) == (("net", net),)

    def test_a_labelled_pair_is_one(self) -> None:
        a = ModelProto()
        assert models("pair", {"pair": ("x", a)}) == (("x", a),)
        assert models("new=pair", {"pair": ("x", a)}) == (("new", a),)

    def test_a_module_with_its_example_is_one(self) -> None:
        pair = (ModelProto(), (1.0,))
        assert models("pair", {"pair": pair}) == (("pair", pair),)

    def test_a_variable_wins_over_a_file_and_that_is_noted(self, folder: Path) -> None:
        (folder / "net").touch()
        net, names = ModelProto(), {}
        names["net"] = net
        resolver = Resolver(names)
        call = Binding(toys.toy, "%toy").parse(split_line("net 'net'", names), resolver)
        assert call.values["models"] == (("net", net), "net")
        assert resolver.notes == ["'net' is a variable of this notebook and was taken; the file 'net' was not"]

    def test_a_variable_that_is_no_model_gives_way(self) -> None:
        resolver = Resolver({"lenet": 3})
        call = Binding(toys.toy, "%toy").parse(split_line("lenet", {}), resolver)
        assert call.values["models"] == ("lenet",)
        assert resolver.notes == ["the variable 'lenet' is no model, so the zoo's 'lenet' was taken"]

    def test_a_path_may_hold_an_equals_sign(self, folder: Path) -> None:
        (folder / "lr=1").mkdir()
        (folder / "lr=1" / "a.onnx").touch()
        (folder / "lr=2.onnx").touch()
        assert models("lr=1/a.onnx lr=2.onnx") == ("lr=1/a.onnx", "lr=2.onnx")

    def test_text_in_a_variable_is_a_path(self) -> None:
        assert models("{path}", {"path": "a.onnx"}) == ("a.onnx",)
        assert models("path", {"path": "a.onnx"}) == (("path", "a.onnx"),)


class TestOptions:
    def test_only_what_was_given_is_set(self) -> None:
        assert parse("resnet50").values == {"models": ("resnet50",)}

    def test_values(self) -> None:
        line = "resnet50 --on ort,tvm --on x --threads=4 --precision 1e-1 --by node --force"
        values = parse(line).values
        assert values.pop("models") == ("resnet50",)
        assert values == {"on": ("ort", "tvm", "x"), "threads": 4, "precision": 0.1, "by": "node", "force": True}

    def test_values_from_variables(self) -> None:
        names = {"n": 4, "names": ["ort", "tvm"], "sizes": {"x": (1, 3)}, "by": "node"}
        values = parse("resnet50 --threads {n} --on {names} --shape {sizes} --by $by", names).values
        assert values["threads"] == 4
        assert values["on"] == ("ort", "tvm")
        assert values["shape"] == {"x": (1, 3)}
        assert values["by"] == "node"

    def test_shapes_and_dims(self) -> None:
        values = parse("resnet50 --shape x=1x3x?xN --shape y:0=2,2 --shape a=b=7 --dim N=1 --dim M=2").values
        assert values["shape"] == {"x": (1, 3, "?", "N"), "y:0": (2, 2), "a=b": (7,)}
        assert parse("resnet50 --shape 1x3x?").values["shape"] == {"": (1, 3, "?")}
        assert parse("resnet50 --shape {sizes}", {"sizes": [1, 3]}).values["shape"] == {"": (1, 3)}
        assert values["dim"] == {"N": 1, "M": 2}

    def test_data_is_a_seed_a_file_or_an_object(self) -> None:
        feeds = {"x": 1}
        assert parse("resnet50 --data 3").values["data"] == 3
        assert parse("resnet50 --data feeds.npz", {"feeds": feeds}).values["data"] == "feeds.npz"
        assert parse("resnet50 --data feeds", {"feeds": feeds}).values["data"] is feeds
        assert parse("resnet50 --data {feeds}", {"feeds": feeds}).values["data"] is feeds

    def test_a_home_folder_is_put_in(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", "/far/me")
        assert parse("resnet50 --data ~/feeds.npz").values["data"] == "/far/me/feeds.npz"
        mark = parse("resnet50 --mark ~/x", function=toys.slow).values["mark"]
        assert mark == Path("/far/me/x")

    def test_options_may_stand_anywhere(self) -> None:
        call = parse("--threads 2 resnet50 -o kept lenet --force")
        assert call.values == {"models": ("resnet50", "lenet"), "threads": 2, "force": True}
        assert call.extras == {"keep": "kept"}

    def test_an_option_that_only_checkers_can_type_is_a_value(self) -> None:
        assert parse("resnet50 --expected x", {"x": 5}).values["expected"] == 5


class TestO:
    @pytest.mark.parametrize(
        ("function", "line", "output", "kept"),
        [
            (toys.write, "-o kept", None, "kept"),
            (toys.write, "-o out/", "out/", None),
            (toys.write, "-o slim.onnx", "slim.onnx", None),
            (toys.write, "-o kept --output slim.onnx", "slim.onnx", "kept"),
            (toys.always, "-o out", "out", None),
            (toys.always, "-o out/", "out/", None),
            (toys.always, "-o 'my out'", "my out", None),
            (toys.always, "-o kept --output out", "out", "kept"),
        ],
    )
    def test_a_path_is_where_to_write(self, function: Any, line: str, output: str | None, kept: str | None) -> None:
        Path("kept").mkdir()  # What there is makes no difference.
        call = parse(f"a.onnx {line}", function=function)
        assert call.values.get("output") == output
        assert call.extras.get("keep") == kept

    def test_a_home_folder_is_put_in(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", "/far/me")
        assert parse("a.onnx -o ~/out", function=toys.write).values["output"] == "/far/me/out"

    @pytest.mark.parametrize("function", [toys.write, toys.always])
    def test_in_a_shell_it_is_short_for_output(self, function: Any) -> None:
        binding = Binding(function, "x", SHELL)
        assert binding.parse(shell_words(["a.onnx", "-o", "out"]), Resolver()).values["output"] == "out"
        assert "--output, -o PATH" in binding.help()

    def test_in_a_notebook_the_help_says_both(self) -> None:
        text = " ".join(Binding(toys.write, "%x", NOTEBOOK).help().split())
        assert "a path, with a / or a dot in it, is --output." in text
        assert "Short for --output; where that is given as well" in " ".join(
            Binding(toys.always, "%x", NOTEBOOK).help().split()
        )

    @pytest.mark.parametrize(
        ("function", "line", "words"),
        [
            (toys.write, "-o 3x", "-o needs the name of a variable, not '3x'"),
            (toys.always, "-o ''", "-o needs the name of a variable, not ''"),
            (toys.write, "-o a/ --output b", "-o a/ and --output both say where to write; leave one out"),
            (toys.toy, "-o out/", "-o needs the name of a variable, not 'out/'"),
        ],
    )
    def test_what_is_wrong_is_said(self, function: Any, line: str, words: str) -> None:
        with pytest.raises(ArgumentError) as caught:
            parse(f"a.onnx {line}", function=function)
        assert words in str(caught.value)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", "%toy needs a model; for example %toy resnet50"),
        ("resnet51", "there is no file or network of the zoo 'resnet51'; did you mean 'resnet50'"),
        ("b.onnx", "there is no file 'b.onnx'; did you mean 'a.onnx'?"),
        ("nowhere/else.onnx", "there is no file 'nowhere/else.onnx'; check the path"),
        ("=a.onnx", "label one as name=model"),
        ("a=", "label one as name=model"),
        ("x=nets", "2 models cannot share the label 'x'"),
        ("a.onnx --threds 2", "%toy has no option '--threds'; did you mean '--threads'"),
        ("a.onnx -threads 2", "did you mean '--threads'?"),
        ("a.onnx --threads=x", "--threads needs a whole number, not 'x'"),
        ("a.onnx --threads {word}", "--threads needs a whole number, not 'many'"),
        ("a.onnx --threads", "--threads needs a value"),
        ("a.onnx --threads 1 --threads 2", "--threads is given twice"),
        ("a.onnx --precision two", "--precision needs a number, not 'two'"),
        ("a.onnx --by nod", "--by is one of node, op, not 'nod'; did you mean 'node'?"),
        ("a.onnx --on ,", "--on has an empty item in ','"),
        ("a.onnx --shape 13", "--shape takes a name and a size, not '13'; for example --shape input=1x3x224x224"),
        ("a.onnx --shape 1xx3", "--shape 1xx3 is no shape; write 1x3x224x224"),
        ("a.onnx --shape 1x3 --shape 2x3", "--shape binds the only input twice"),
        ("a.onnx --shape x=1xx3", "--shape x=1xx3 is no shape"),
        ("a.onnx --shape x=1 --shape x=2", "--shape binds 'x' twice"),
        ("a.onnx --dim N=x", "--dim N=x is no size"),
        ("a.onnx -o", "-o needs a value"),
        ("a.onnx -o 3x", "-o needs the name of a variable, not '3x'"),
        ("a.onnx -o for", "-o needs the name of a variable, not 'for'"),
        ("a.onnx -o x -o y", "-o is given twice"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(line: str, words: str) -> None:
    with pytest.raises(DeployError) as caught:
        parse(line, {"nets": [1, 2], "word": "many"} if "nets" in line or "word" in line else {})
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_step_that_takes_nothing_says_so() -> None:
    with pytest.raises(ArgumentError, match="%toy does not take 'resnet50'"):
        parse("resnet50", function=toys.plain)


def test_the_body_is_asked_for_models_only_once_the_line_is_right() -> None:
    binding = Binding(toys.toy, "%toy", NOTEBOOK)
    with pytest.raises(ArgumentError, match="--nope"):
        binding.parse(split_line("--nope", {}), Resolver(), models=lambda: pytest.fail("ran"))
    call = binding.parse(split_line("resnet50", {}), Resolver(), models=lambda: ["lenet"])
    assert call.values["models"] == ("resnet50", "lenet")


def test_calling_is_the_function_itself() -> None:
    result = Binding(toys.toy, "%toy").call({"models": ("a", "b"), "threads": 3})
    assert result.meta["models"] == ("a", "b")
    assert result.meta["threads"] == 3


class TestHelp:
    def text(self) -> str:
        return Binding(toys.toy, "%toy", NOTEBOOK, cell=True).help({"threads": 8})

    def test_has_what_the_docstring_says(self) -> None:
        text = self.text()
        assert text.startswith("Usage: %toy MODEL... [OPTIONS]")
        assert "%%toy [OPTIONS]" in text
        assert "Look at models, and do nothing to them." in text
        assert "Models to look at." in text
        assert "How sure to be, in percent. [2.0]" in text
        assert "What `rows` are. One of node, op. [op]" in text
        assert "%toy before=resnet50 after=slim --threads 2" in text
        assert "-o NAME" in text

    def test_tells_configured_defaults(self) -> None:
        assert "Threads for each. [8, from %config]" in self.text()

    def test_is_plain_text_of_bounded_width(self) -> None:
        text = self.text()
        assert "\x1b" not in text
        assert max(map(len, text.splitlines())) <= 120

    def test_in_a_shell_it_speaks_of_files_and_not_of_variables(self) -> None:
        text = Binding(toys.toy, "deploy-magics toy", SHELL).help()
        assert text.startswith("Usage: deploy-magics toy MODEL... [OPTIONS]")
        assert "--json FILE" in text
        assert text.rstrip().endswith("deploy-magics toy before=a.onnx after=b.onnx")
        assert "%" not in text.partition("Examples:")[2]
        assert "-o NAME" not in text

    def test_an_own_option_is_not_doubled(self) -> None:
        call = Binding(toys.toy, "x", SHELL).parse(shell_words(["a.onnx", "--force"]), Resolver())
        assert call.values["force"] is True
        assert "force" not in call.extras
