from __future__ import annotations

import math

import pytest

from deploy_magics.errors import ArgumentError
from deploy_magics.teaching import check


@pytest.mark.parametrize(
    ("answer", "expected", "tolerance", "verdict"),
    [
        (3, 3, 0.0, "holds"),
        ("3", 3, 0.0, "holds"),
        (3.1, 3, 0.01, "not yet"),
        (2.99, 3, 0.01, "holds"),
        (math.nan, 3, 0.5, "not yet"),
        (math.inf, 3, 0.5, "not yet"),
        (" ResNet ", "resnet", 0.0, "holds"),
        ("vgg", "resnet", 0.0, "not yet"),
        (None, "resnet", 0.0, "open"),
    ],
)
def test_an_answer_is_judged(answer: object, expected: float | str, tolerance: float, verdict: str) -> None:
    judged = check(answer, expected, tolerance=tolerance)  # type: ignore[arg-type]
    assert judged.verdict == verdict
    assert bool(judged) == (verdict == "holds")


def test_a_wrong_answer_does_not_give_the_right_one_away() -> None:
    assert "2293000" not in repr(check(1, 2_293_000, hint="think of the bias"))


def test_words_where_a_number_is_due_are_one_line() -> None:
    with pytest.raises(ArgumentError, match="should be a number"):
        check("many", 3)


def test_html_is_escaped() -> None:
    assert "<script>" not in check("<script>", "a")._repr_html_()
