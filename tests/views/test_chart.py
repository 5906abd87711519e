"""Stacked bars and timelines are drawn in every view, and hostile names stay names."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from deploy_magics.result import Result, Span, Stack, Timeline, load_result
from deploy_magics.views import _chart, html, text

HOSTILE = '<script>alert("1")</script>'
STACK = Stack("one frame", "ms", (("read", 0.004), ("inference", 12.5), (HOSTILE, 3.0)), ("30 frames/s", 33.3))
TIMELINE = Timeline(
    "when",
    "ms",
    ("one", HOSTILE),
    (Span(0, "read", 5.0, 5.0, "1"), Span(0, "inference", 5.0, 17.5, "1"), Span(1, HOSTILE, 18.0, 25.0, "<b>")),
)
RESULT = Result("toy", "drawn", charts=(STACK, TIMELINE))


def pictures(page: str) -> list[str]:
    found = re.findall(r"data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)", page)
    return [base64.b64decode(each).decode() for each in found]


def test_a_saved_result_keeps_its_drawings() -> None:
    assert load_result(RESULT.to_json()).charts == RESULT.charts


def test_html_holds_pictures_that_parse_and_no_markup_of_names() -> None:
    page = html.render(RESULT)
    drawn = pictures(page)
    assert len(drawn) == 2
    for svg in drawn:
        assert ElementTree.fromstring(svg).tag.endswith("svg")
        assert "<script" not in svg
    assert "<script" not in page
    # The words and figures are there without the picture too.
    assert "12.5 ms (81 %)" in page


def test_text_says_what_the_pictures_show() -> None:
    said = text.render(RESULT, columns=200, encoding="utf-8")
    assert "inference 12.5 ms (81 %)" in said
    assert "30 frames/s leaves 33.3 ms" in said


def test_figure_and_widget_draw_them() -> None:
    from deploy_magics.views import widget

    figure = RESULT.plot()
    assert len(figure.axes) == 2
    assert next(iter(figure.axes[1].get_yticklabels())).get_text() == "one"
    built = widget.build(RESULT)
    assert built is not None
    kinds = [type(child).__name__ for child in built.children]  # type: ignore[attr-defined]
    assert kinds == ["Picture", "Picture"]
    widget.close(built)


def test_one_part_has_one_colour_everywhere() -> None:
    hues = _chart.hues(RESULT)
    assert len(set(hues.values())) == len(hues) == 3
    assert all(hues[part] in _chart.draw_timeline(TIMELINE, hues) for part in TIMELINE.names)


def test_blocks_lie_inside_the_picture_and_in_order() -> None:
    svg = _chart.draw_stack(STACK, _chart.hues(RESULT))
    places = [(float(x), float(w)) for x, w in re.findall(r'<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)"', svg)]
    assert len(places) == 3
    assert all(x >= 0 and x + w <= _chart.WIDTH for x, w in places)
    assert [x for x, _ in places] == sorted(x for x, _ in places)


@pytest.mark.parametrize("parts", [(), (("a", -1.0),), (("a", float("nan")),)])
def test_parts_that_cannot_be_drawn_are_refused(parts: tuple[tuple[str, float], ...]) -> None:
    with pytest.raises(ValueError, match="needs parts"):
        Stack("x", "ms", parts)


def test_spans_that_cannot_be_drawn_are_refused() -> None:
    for span in (Span(2, "a", 0, 1), Span(0, "a", 2, 1), Span(0, "a", 0, float("inf"))):
        with pytest.raises(ValueError, match="the timeline 'x' has"):
            Timeline("x", "ms", ("one",), (span,))


def test_words_inside_are_white_or_black_whichever_is_read_more_easily() -> None:
    from deploy_magics.views._palette import COLOURS, EVEN, luminance

    for colour in COLOURS:
        white, black = 1.05 / (luminance(colour) + 0.05), (luminance(colour) + 0.05) / 0.05
        assert max(white, black) >= 4.4, colour
        assert (white > black) == (luminance(colour) < EVEN)
    bar = Stack("one", "ms", (("dark", 1.0), ("light", 1.0)))
    svg = _chart.draw_stack(bar, {"dark": "#0078a8", "light": "#d87800"})
    assert re.findall(r'class="(in[ on]*)"', svg) == ["in", "in on"]


def test_a_long_headline_fits_the_figure_in_two_lines() -> None:
    figure = replace(RESULT, headline="a headline of many words " * 20).plot()
    figure.canvas.draw()
    title = figure._suptitle
    assert title.get_text().count("\n") == 1
    assert title.get_window_extent().x1 <= figure.bbox.x1
