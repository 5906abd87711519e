"""How large what fills up a last block can get: nobody reads it, but weights of zero are multiplied with it.

Zero times a number is zero; zero times infinity is not a number, in every output. Filling begins as zeros; a bound on
its magnitude is followed from operator to operator.
"""

from __future__ import annotations

import math
from typing import Any

LIMIT = 1e30
"""Largest magnitude of filling that is let through; a float32 overflows at 3.4e38."""
INTEGERS = 65535.0
"""Largest magnitude of quantised values, of 16 bits."""


def unary(name: str, attrs: Any, bounds: tuple[float, ...], most: float) -> float:
    """Bound what an operator of one tensor makes of values of magnitude ``most`` or less.

    Parameters
    ----------
    name : str
        The operator, as Relax calls it, without ``relax.``.
    attrs : tvm.ir.Attrs or None
        Its attributes.
    bounds : tuple of float
        The numbers among its arguments: lower and upper limit of a ``clip``.
    most : float
        Bound on the magnitude of what goes in.
    """
    if name in ("sigmoid", "tanh", "erf", "sin", "cos"):
        return 1.0
    if name == "exp":
        return math.exp(most) if most < math.log(LIMIT) else math.inf
    if name == "square":
        return most * most
    if name == "clip":
        return max(most, *(abs(each) for each in bounds if math.isfinite(each)), 0.0)
    if name == "nn.leakyrelu":
        return most * max(1.0, abs(float(attrs.alpha)))
    # What is rounded, and softplus, are off by less than one; the others bring values nearer to zero.
    return most + 1.0 if name in ("floor", "ceil", "round", "nn.softplus") else most


def binary(name: str, left: float, right: float, *, divisor: float) -> float:
    """Bound what an elementwise operator makes of two tensors' values.

    Parameters
    ----------
    name : str
        ``"add"``, ``"multiply"`` and so on.
    left, right : float
        Bounds on the magnitudes of the two sides.
    divisor : float
        Magnitude of what a ``divide`` divides filling by.
    """
    if name in ("add", "subtract"):
        return left + right
    if name == "multiply":
        return left * right
    if name == "divide":
        return left / divisor if divisor else math.inf
    return max(left, right)
