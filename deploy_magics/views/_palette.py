"""One colour a candidate, the same in table, histogram and time line.

Blue and orange, as Okabe and Ito's palette begins, and six more found by a search on two conditions: a contrast of at
least 3:1 with white and with black, so that one set serves every theme, and a distance of at least 19 (CIE76) between
any two as protanopes and deuteranopes see them (Machado, Oliveira and Fernandes 2009). Both are tested.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deploy_magics.result import Result

COLOURS = ("#0078a8", "#d87800", "#7848c0", "#007860", "#d83030", "#a89060", "#f06090", "#0090ff")
GREY = "#868686"
EVEN = 0.179
"""Luminance on which white and black have the same contrast: the root of 1.05 x 0.05, less 0.05 (WCAG 2)."""


def colours(result: Result) -> dict[str, str]:
    """Give each candidate that was measured its colour, by name, in the order measured."""
    names = dict.fromkeys(samples.name for samples in result.samples)
    return {name: COLOURS[index % len(COLOURS)] for index, name in enumerate(names)}


def luminance(colour: str) -> float:
    """Give a colour's relative luminance, from 0 for black to 1 for white (WCAG 2, for sRGB).

    Examples
    --------
    >>> luminance("#000000"), luminance("#ffffff"), round(luminance("#d87800"), 2)
    (0.0, 1.0, 0.28)
    """
    parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
