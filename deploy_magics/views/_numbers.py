"""How a number is written: decimals that follow from a column's largest value, so that they stand in line.

The widgets write numbers by the same rules (``js/src/numbers.js``); a test holds the two together.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal

MAX_DECIMALS = 9
EXTRA_DECIMALS = 2


def decimals(digits: int, values: Iterable[float]) -> int:
    """Choose the decimals of a column: its largest value gets so many significant digits.

    Parameters
    ----------
    digits : int
        Significant digits of the largest value.
    values : iterable of float
        The column's values; those that are not finite are passed over.

    Examples
    --------
    >>> decimals(4, [5.1234, 12.5])
    2
    >>> decimals(4, [25557032.0])
    0
    """
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    if largest == 0.0:
        return 0
    return min(MAX_DECIMALS, max(0, digits - 1 - math.floor(math.log10(largest))))


def own_decimals(value: float, base: int) -> int:
    """Give the decimals one value needs in a column of ``base`` decimals.

    A value that would be rounded to zero is given two significant digits instead if that takes few decimals more: a
    latency of 0.02 ms beside one of 120.3 ms is not 0.0 ms.

    Examples
    --------
    >>> own_decimals(12.5, 1), own_decimals(0.02, 1), own_decimals(1e-9, 1)
    (1, 3, 1)
    """
    if value == 0 or not math.isfinite(value) or abs(value) >= 0.5 * 10.0**-base:
        return base
    needed = 1 - math.floor(math.log10(abs(value)))
    return needed if needed <= base + EXTRA_DECIMALS else base


def write(value: float, places: int) -> str:
    """Write one number with so many decimals, thousands parted by commas; what is not zero is not written as zero.

    Examples
    --------
    >>> write(25557032, 0), write(0.125, 2), write(1.2e-9, 2), write(float("inf"), 2)
    ('25,557,032', '0.13', '<0.01', '∞')
    """
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    sign = "−" if value < 0 else ""
    if abs(value) >= 1e21:
        mantissa, exponent = f"{abs(value):.1e}".split("e")
        return f"{sign}{mantissa}e{int(exponent)}"
    if isinstance(value, int):
        return f"{sign}{abs(value):,d}" if places == 0 else f"{sign}{Decimal(abs(value)):,.{places}f}"
    exact = Decimal(abs(value)).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    if exact == 0 and value != 0:
        least = f"{Decimal(1).scaleb(-places):f}"
        return f">−{least}" if value < 0 else f"<{least}"
    return f"{sign}{exact:,.{places}f}"


def missing_places(places: int, longest: int) -> str:
    """Give the blanks that put a number of ``places`` decimals in line with one of ``longest``.

    Figure spaces are as wide as a digit and the punctuation space as a point, in tabular figures.
    """
    if places >= longest:
        return ""
    return ("\u2008" if places == 0 else "") + "\u2007" * (longest - places)
