from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from deploy_magics.views._names import clean, escape, shorten, width

anything = st.text(st.characters(codec=None))


@given(anything)
def test_a_clean_name_is_one_line_that_can_be_encoded(text: str) -> None:
    cleaned = clean(text)
    assert len(cleaned.splitlines()) <= 1
    assert "\x1b" not in cleaned
    assert "\u202e" not in cleaned
    cleaned.encode("utf-8")
    assert clean(cleaned) == cleaned


@given(st.text(st.characters(categories=["L", "N", "P", "S"])))
def test_letters_figures_and_signs_stay(text: str) -> None:
    assert clean(text) == text


@given(anything)
def test_an_escaped_name_has_no_markup(text: str) -> None:
    escaped = escape(text)
    assert not set("<>\"'") & set(escaped)


@given(anything, st.integers(3, 60))
def test_a_shortened_name_fits_and_keeps_both_ends(text: str, limit: int) -> None:
    short = shorten(text, limit)
    assert len(short) <= limit
    if len(text) > limit:
        assert short[0] == text[0]
        assert short[-1] == text[-1]


@given(st.text(st.characters(codec="ascii", categories=["L", "N"])))
def test_a_latin_letter_is_one_column_wide(text: str) -> None:
    assert width(text) == len(text)
    assert width(unicodedata.normalize("NFD", "é")) == 1
