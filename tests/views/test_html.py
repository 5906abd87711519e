from __future__ import annotations

import base64
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest

from deploy_magics.result import Note, Result
from deploy_magics.views import html
from deploy_magics.views._palette import COLOURS
from tests.views import results

VOID = {"br", "img"}
# What JupyterLab's sanitiser lets through in a notebook that is not trusted, as far as it is used here.
ALLOWED = {
    "a", "b", "bdi", "br", "code", "details", "div", "i", "img", "small", "span", "summary", "table", "tbody", "td",
    "tfoot", "th", "thead", "tr",
}  # fmt: skip
ALLOWED_ATTRIBUTES = {"class", "title", "style", "align", "colspan", "src", "alt", "width", "data-testid"}


class Reader(HTMLParser):
    """Reads HTML strictly: every element closed in its order, tags and attributes noted."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.words: list[str] = []
        self.titles: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.titles += [value for name, value in attrs if name == "title" and value]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return "".join(self.words)


CASES = {
    "bench": results.bench(),
    "interrupted": results.bench(
        failed=("broken", "out of memory"), status="interrupted", notes=(Note("busy", "warning"),)
    ),
    "one": results.bench(("only",), (5.0,), (900,)),
    "many": results.many(),
    "hostile": results.hostile(),
    "wide": results.wide(),
    "tall and wide": results.wide(60, 300),
    "empty": results.empty(),
    "bare": Result("x", "one line"),
}


@pytest.mark.parametrize("name", CASES)
def test_it_is_well_formed_and_needs_no_more_than_a_sanitiser_lets_through(name: str) -> None:
    reader = Reader(html.render(CASES[name], "u1"))
    assert reader.tags - {"style"} <= ALLOWED
    assert reader.attributes <= ALLOWED_ATTRIBUTES


@pytest.mark.parametrize("name", CASES)
def test_it_is_small(name: str) -> None:
    assert len(html.render(CASES[name], "u1").encode()) < 150_000


def test_names_are_data() -> None:
    shown = html.render(CASES["hostile"], "u1")
    reader = Reader(shown)
    for name in ("<script>alert(1)</script>", "</td><script>alert(4)</script>", "</style><script>alert(3)</script>"):
        assert name in reader.text
    assert "<img src=x onerror=alert(1)>" in reader.text
    assert "script" not in reader.tags
    assert "\u202e" not in shown
    assert "\x1b" not in shown
    shown.encode("utf-8")
    assert any('has <b>no</b> "value"' in title for title in reader.titles)


def test_without_its_style_sheet_it_says_the_same() -> None:
    plain = re.sub(r"<style>.*?</style>", "", html.render(CASES["interrupted"], "u1"), flags=re.S)
    words = Reader(plain).text
    for said in ("measured against", "Interrupted.", "baseline", "failed out of memory", "faster", "0.88×", "busy"):
        assert said in words
    row = next(row for row in re.findall(r"<tr.*?</tr>", plain, re.S) if ">after<" in row)
    assert "<b>" in row  # the best is bold without styles
    assert 'align="left"' in row
    assert '<tbody align="right">' in plain


def test_a_missing_value_is_a_dash_that_says_why() -> None:
    shown = html.render(results.bench(counts=(100, 90)))
    assert 'title="p99 needs 662 samples, there are 100">–</td>' in shown


def test_rows_and_columns_beyond_the_bound_are_counted() -> None:
    shown = html.render(results.many(5000))
    assert shown.count("<tr") < 220
    assert "and 4,900 more rows" in shown
    many = html.render(results.wide(60, 300))
    assert "more columns:" in many
    assert re.search(r"and \d+ more columns; <code>to_dataframe\(\)</code> has all", many)


def test_every_hidden_column_of_a_few_rows_can_be_unfolded() -> None:
    shown = html.render(results.bench())
    folded = shown[shown.index("<details>") : shown.index("</details>")]
    for title in ("mean", "std", "min", "max", "p90"):
        assert f">{title} " in folded


def test_one_colour_a_candidate_in_table_and_histogram() -> None:
    shown = html.render(results.bench())
    picture = _pictures(shown)[0]
    for colour in COLOURS[:2]:
        assert f"background-color:{colour}" in shown
        assert colour in picture


def _pictures(shown: str) -> list[str]:
    found = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', shown)
    return [base64.b64decode(data).decode() for data in found]


@pytest.mark.parametrize("name", ["bench", "interrupted", "one", "hostile"])
def test_the_histogram_is_a_picture_that_stands_by_itself(name: str) -> None:
    (picture,) = _pictures(html.render(CASES[name]))
    root = ET.fromstring(picture)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    texts = [element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert any("p50" in text for text in texts)
    assert "http" not in picture.replace("http://www.w3.org/2000/svg", "")


def test_what_lies_beyond_the_axis_is_counted_in_the_picture() -> None:
    (picture,) = _pictures(html.render(results.bench()))
    assert re.search(r"\d+ beyond, up to [\d.]+ →", picture)


def test_the_place_of_a_dead_widget_is_hidden_only_for_its_own_output() -> None:
    shown = html.render(results.bench(), "abc123")
    assert "dm-static-abc123" in shown
    assert ".dm-static-abc123) + .jp-OutputArea-child" in shown
    assert "OutputArea" not in html.render(results.bench())
    with pytest.raises(ValueError, match="letters and digits"):
        html.render(results.bench(), "a b")


def test_nothing_is_asked_of_a_network() -> None:
    for case in CASES.values():
        shown = html.render(case, "u1")
        assert not re.search(r'(?:src|href)="(?!data:)', shown)
        assert "@import" not in shown
        assert "url(" not in shown
