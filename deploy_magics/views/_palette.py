"""One colour a candidate, the same in table, histogram and time line.

After Okabe and Ito's colours for all kinds of colour vision (https://jfly.uni-koeln.de/color/), those too pale for
white or too dark for black moved until each has a contrast of at least 3:1 with both: one set serves every theme.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deploy_magics.result import Result

COLOURS = ("#0079bd", "#d55e00", "#009e73", "#c0699a", "#a98600", "#7d74d8", "#2a97b5", "#8a7968")
GREY = "#868686"


def colours(result: Result) -> dict[str, str]:
    """Give each candidate that was measured its colour, by name, in the order measured."""
    names = dict.fromkeys(samples.name for samples in result.samples)
    return {name: COLOURS[index % len(COLOURS)] for index, name in enumerate(names)}
