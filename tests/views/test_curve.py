"""A curve of a result, wherever a result is drawn."""

from __future__ import annotations

import base64
import io
import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from deploy_magics.result import Curve, Note, Result
from deploy_magics.views import _curve, html, text, widget
from tests.views.stage import Stage, states

FALLING = Curve("estimated latency", "s", "ms", ((0, 6.72), (9, 4.4), (40, 2.1), (64.3, 2.1)))
CURVES = (
    FALLING,
    Curve("<b>one</b> point", "s<i>", "ms</text>", ((3, 6.72),)),
    Curve("rate", "trials", "1/s", ((0, 0), (5, 12), (9, 3))),
    Curve("nothing", "s", "", ((0, 0), (5, 0))),
    Curve("below zero", "s", "dB", ((0, -3), (5, -9))),
)


@pytest.mark.parametrize(
    ("start", "end", "unit", "said"),
    [
        (6.72, 2.1, "ms", "3.2× faster than at the start"),
        (2.1, 6.72, "s", "3.2× slower than at the start"),
        (10.0, 9.5, "ms", "1.05× faster than at the start"),
        (1000.0, 5.0, "ms", "200× faster than at the start"),
        (10.0, 30.0, "GFLOPS", "3.0× higher than at the start"),
        (10.0, 10.01, "ms", "as at the start"),
        (0.0, 10.0, "ms", ""),
        (-3.0, -9.0, "dB", ""),
    ],
)
def test_the_end_is_compared_with_the_start(start: float, end: float, unit: str, said: str) -> None:
    assert _curve.compared(start, end, unit) == said


def test_in_a_terminal_a_curve_is_one_line() -> None:
    result = Result("tune", "squeezenet is faster", curves=(FALLING,), notes=(Note("quiet"),))
    assert text.render(result, columns=100, encoding="utf-8").splitlines() == [
        "squeezenet is faster",
        "",
        "estimated latency: 6.72 → 2.10 ms after 64 s, 3.2× faster than at the start",
        "",
        "quiet",
    ]
    assert "6.72 -> 2.10 ms after 64 s, 3.2x faster" in text.render(result, columns=100, encoding="ascii")


def test_a_saved_notebook_has_a_picture_and_its_words() -> None:
    page = html.render(Result("tune", "", curves=CURVES))
    pictures = re.findall(r'<img class="dm-hist-image"[^>]*src="data:image/svg\+xml;base64,([^"]+)"', page)
    assert len(pictures) == len(CURVES)
    for data in pictures:
        drawing = base64.b64decode(data).decode()
        ET.fromstring(drawing)
        assert "nan" not in drawing
    assert "<b>one" not in page
    assert "estimated latency: 6.72 → 2.10 ms after 64 s" in page
    words = "".join(ET.fromstring(base64.b64decode(pictures[0]).decode()).itertext())
    assert "6.72" in words
    assert "2.10 ms" in words


def test_a_path_has_no_more_steps_than_can_be_seen() -> None:
    places = [(index / 100, 100 - index / 100) for index in range(10_000)]
    path = _curve.steps(places)
    assert path.count("H") <= 200
    assert path.endswith("V0.0")


def test_every_curve_has_its_axes_in_the_figure() -> None:
    figure = Result("tune", "costs $5", curves=CURVES).plot()
    assert len(figure.axes) == len(CURVES)
    first = figure.axes[0]
    assert first.get_title(loc="left") == "estimated latency: 3.2× faster than at the start"
    assert (first.get_xlabel(), first.get_ylabel()) == ("s", "ms")
    assert first.get_ylim()[0] == 0
    figure.savefig(io.BytesIO(), format="png", dpi=30)


def test_a_widget_of_its_own_stands_below_the_others() -> None:
    built = widget.build(Result("tune", "faster", curves=(FALLING,), notes=(Note("quiet"),)), "abc")
    assert isinstance(built, widget.CurveChart)
    assert '"notes":[["info","quiet"]]' in built.data
    assert built.uid == "abc"
    widget.close(built)


def test_the_page_draws_it(stage: Stage) -> None:
    for kind, state in states(Result("tune", "faster", curves=CURVES)):
        assert kind == "curve"
        stage.mount(kind, **state)

    def check(page: Any) -> None:
        drawn = page.locator('[data-testid="dm-steps"]')
        assert drawn.count() == len(CURVES)
        assert page.locator('[data-testid="dm-js-error"]').count() == 0
        assert "NaN" not in page.content()
        label = drawn.first.get_attribute("aria-label")
        assert label == "From 6.72 to 2.10 ms, 3.2× faster than at the start"
        assert page.locator('[data-testid="dm-steps-now"]').first.text_content() == "2.10 ms"

    stage.act(check)
