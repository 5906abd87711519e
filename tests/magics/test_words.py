from __future__ import annotations

import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy_magics.binding import split_line
from deploy_magics.errors import ArgumentError


def plain(line: str, **names: Any) -> list[str]:
    words = split_line(line, names)
    return [words.plain(text) for text in words.texts]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", []),
        ("  a   b ", ["a", "b"]),
        ("'my net.onnx' b", ["my net.onnx", "b"]),
        ('"my net.onnx"', ["my net.onnx"]),
        ("before='my net.onnx'", ["before=my net.onnx"]),
        (r"my\ net.onnx", ["my net.onnx"]),
        (r"C:\nets\a.onnx", [r"C:\nets\a.onnx"]),
        (r'"say \"hi\".onnx"', ['say "hi".onnx']),
        ("a # a note 'with a quote", ["a"]),
        ("a#b.onnx", ["a#b.onnx"]),
        ("''", [""]),
        ("$$x {{x}}", ["$x", "{x}"]),
        ("'$x {x}'", ["$x {x}"]),
        ("a$ 5$", ["a$", "5$"]),
    ],
)
def test_words(line: str, expected: list[str]) -> None:
    assert plain(line) == expected


@pytest.mark.parametrize(
    ("line", "silent"),
    [("a;", True), ("a ;", True), ("a;  # note", True), ("a;b", False), ("'a;'", False), ("a", False)],
)
def test_a_semicolon_at_the_end_silences(line: str, silent: bool) -> None:
    words = split_line(line, {})
    assert words.silent is silent
    assert words.texts[0].rstrip() in ("a", "a;b", "a;")


def test_expansions_inside_a_word_are_text() -> None:
    assert plain('run_{n}.onnx --threads=$n "x {n + 1}"', n=2) == ["run_2.onnx", "--threads=2", "x 3"]


def test_an_expansion_that_is_the_word_keeps_its_object() -> None:
    nets = [object(), object()]
    words = split_line("{nets[1]} label=$first.__class__", {"nets": nets, "first": 3})
    kept = words.kept(words.texts[0])
    assert kept is not None
    assert kept.value is nets[1]
    assert kept.source == "{nets[1]}"
    assert words.texts[1].startswith("label=")
    labelled = words.kept(words.texts[1].partition("=")[2])
    assert labelled is not None
    assert labelled.value is int


def test_braces_may_hold_quotes_and_braces() -> None:
    assert plain("""{names['a b']} {len({1, 2})}""", names={"a b": "c"}) == ["c", "2"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("a 'b c", 'the quote opened at "\'b c" is not closed'),
        ('a="b', "is not closed"),
        ("{n", "the brace opened at '{n' is not closed"),
        ("{nn}", "there is no variable 'nn'; did you mean 'n'?"),
        ("$nope", "$nope names nothing: there is no variable 'nope'; write $$"),
        ("{}", "is not a Python expression"),
        ("{1 +}", "is not a Python expression; write {{ and }}"),
        ("{1 / 0}", "{1 / 0} raised ZeroDivisionError"),
    ],
)
def test_what_cannot_be_read_is_one_line(line: str, words: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        split_line(line, {"n": 2})
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.lists(st.text(st.characters(blacklist_categories=("Cs", "Co", "Cc")))))
def test_what_a_shell_quotes_comes_back(texts: list[str]) -> None:
    assert plain(shlex.join(texts)) == texts


@given(st.text(st.characters(blacklist_categories=("Cs", "Co"))))
def test_any_text_is_read_or_refused_in_one_line(line: str) -> None:
    said = ""
    try:
        split_line(line, {})
    except ArgumentError as error:
        said = str(error)
    assert "\n" not in said
