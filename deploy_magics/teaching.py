"""Check cells of the workbooks: tell a learner whether an answer holds, without giving the answer away."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Literal

from deploy_magics.errors import ArgumentError


@dataclass(frozen=True)
class Check:
    """Whether an answer holds, as a notebook shows it.

    Attributes
    ----------
    verdict : {"holds", "not yet", "open"}
        ``"open"`` where no answer was given.
    text : str
        One sentence.
    """

    verdict: Literal["holds", "not yet", "open"]
    text: str

    def __bool__(self) -> bool:
        return self.verdict == "holds"

    def __repr__(self) -> str:
        return f"{self.verdict}: {self.text}"

    def _repr_html_(self) -> str:
        sign = {"holds": "✓", "not yet": "✗", "open": "?"}[self.verdict]
        return f"<p><strong>{sign} {self.verdict}</strong>: {html.escape(self.text)}</p>"


def check(
    answer: float | str | None, expected: float | str, *, tolerance: float = 0.0, why: str = "", hint: str = ""
) -> Check:
    """Compare a learner's answer with the right one.

    Parameters
    ----------
    answer : float, str or None
        What the learner wrote; None for not answered yet.
    expected : float or str
        The right answer. Words are compared without regard to case and surrounding space.
    tolerance : float
        Relative distance from ``expected`` that still holds; for numbers only.
    why : str
        Shown when the answer holds.
    hint : str
        Shown when it does not, and when there is none yet.

    Raises
    ------
    ArgumentError
        Where ``expected`` is a number and the answer is something else.

    Examples
    --------
    >>> check(2_300_000, 2_293_000, tolerance=0.01, why="two convolutions, two linear layers")
    holds: two convolutions, two linear layers
    >>> check(431_080, 2_293_000, hint="parameters are not MACs")
    not yet: 431080 is too small; parameters are not MACs
    >>> check(None, 3, hint="count the layers")
    open: no answer yet; count the layers
    """
    if answer is None:
        return Check("open", _join("no answer yet", hint))
    if isinstance(expected, str):
        same = str(answer).strip().casefold() == expected.strip().casefold()
        return Check("holds", why or "that is it") if same else Check("not yet", _join(f"not {str(answer)!r}", hint))
    try:
        number = float(answer)
    except (TypeError, ValueError):
        raise ArgumentError(f"the answer should be a number, not {str(answer)!r}") from None
    if abs(number - expected) <= tolerance * abs(expected):
        return Check("holds", why or "that is it")
    if number != number:
        return Check("not yet", _join("that is not a number", hint))
    side = "small" if number < expected else "large"
    return Check("not yet", _join(f"{number:.12g} is too {side}", hint))


def _join(*parts: str) -> str:
    return "; ".join(part for part in parts if part)
