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


def colours(result: Result) -> dict[str, str]:
    """Give each candidate that was measured its colour, by name, in the order measured."""
    names = dict.fromkeys(samples.name for samples in result.samples)
    return {name: COLOURS[index % len(COLOURS)] for index, name in enumerate(names)}
