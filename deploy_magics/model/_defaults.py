"""Sizes for dynamic dimensions that nobody bound, so that a model runs without being asked about.

The rules are few, and in this order:

==========================  ======  =====================================================================
dimension                   size    recognised by
==========================  ======  =====================================================================
past, cache                 0       its name: a decoder's first step has no past
batch                       1       its name, whatever its place
height, width               320     its name, or the last two of four or five without one beside few channels
sequence, length, time      128     its name
first one                   1       its place
==========================  ======  =====================================================================

320 can be halved six times: detectors and segmenters add maps of several strides, and classifiers with a dynamic
size pool whatever comes. Anything else is an error that says what to give.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from deploy_magics.errors import ModelError
from deploy_magics.model._spec import Dim, TensorSpec
from deploy_magics.model._text import plain, quote

SIDE = 320
SEQUENCE = 128

_RULES: tuple[tuple[re.Pattern[str], int], ...] = (
    (re.compile(r"past|cache"), 0),
    (re.compile(r"batch|^(n|b|bs|bz|num_?samples|num_?images)$"), 1),
    (re.compile(r"height|width|^(h|w|ih|iw|img_?h|img_?w|rows|cols)$|spatial"), SIDE),
    (re.compile(r"seq|^(length|len|s|t|l)$|time|frame|token|_len(gth)?$|sample"), SEQUENCE),
)


def sizes(inputs: Sequence[TensorSpec], *, strict: bool = True) -> tuple[dict[str, int], dict[str, tuple[Dim, ...]]]:
    """Choose a size for each dynamic dimension.

    Parameters
    ----------
    inputs : sequence of TensorSpec
        With what the user bound already applied.
    strict : bool
        Raise where no rule fits; else leave it out.

    Returns
    -------
    dims : dict
        Sizes by name.
    shapes : dict
        Shapes by input, for dimensions without a name.

    Raises
    ------
    ModelError
        Where no rule fits, with what to give.

    Examples
    --------
    >>> sizes([TensorSpec("x", "float32", ("batch", 3, "height", None))])
    ({'batch': 1, 'height': 320}, {'x': (None, None, None, 320)})
    """
    dims: dict[str, int] = {}
    shapes: dict[str, tuple[Dim, ...]] = {}
    for spec in inputs:
        if spec.shape is None:
            if strict and spec.is_tensor:
                raise ModelError(
                    f"not even the rank of input {quote(spec.name)} is known", hint=_give(spec, ("1", "..."))
                )
            continue
        chosen: list[Dim] = []
        for place, dim in enumerate(spec.shape):
            if isinstance(dim, int) or dim in dims:
                chosen.append(None)
                continue
            size = _size(dim, place, spec.shape)
            if size is None and strict:
                raise _ask(spec, place, dim)
            if isinstance(dim, str) and size is not None:
                dims[dim] = size
            chosen.append(size if dim is None else None)
        if any(size is not None for size in chosen):
            shapes[spec.name] = tuple(chosen)
    return dims, shapes


def is_batch(dim: Dim, place: int) -> bool:
    """Tell whether a dynamic dimension is what ``batch`` sets.

    Examples
    --------
    >>> is_batch("N", 0), is_batch(None, 0), is_batch("seq_len", 0), is_batch(3, 0)
    (True, True, False, False)
    """
    if isinstance(dim, int) or (dim is None and place):
        return False
    name = (dim or "").lower()
    for pattern, size in _RULES:
        if name and pattern.search(name):
            return size == 1
    return place == 0


def _size(dim: str | None, place: int, shape: Sequence[Dim]) -> int | None:
    name = (dim or "").lower()
    # "past + 1" and the like is computed from others and has no size of its own to choose.
    if name and not re.search(r"[+*/()-]", name):
        for pattern, size in _RULES:
            if pattern.search(name):
                return size
    if place == 0 and not re.search(r"[+*/()-]", name):
        return 1
    spatial = len(shape) in (4, 5) and (place in _sides(shape))
    return SIDE if spatial else None


def _sides(shape: Sequence[Dim]) -> tuple[int, ...]:
    """Places of height and width: the last two, or before the last where that is a few channels."""
    last = shape[-1]
    if len(shape) == 4 and isinstance(last, int) and last in (1, 3, 4) and not isinstance(shape[1], int):
        return (1, 2)
    return (len(shape) - 2, len(shape) - 1)


def _ask(spec: TensorSpec, place: int, dim: str | None) -> ModelError:
    if isinstance(dim, str):
        return ModelError(
            f"dimension {quote(dim)} of input {quote(spec.name)} is dynamic, and nothing says how large it should be",
            hint=f"give --dim {plain(dim)}=..." if re.fullmatch(r"\w+", dim) else _give(spec, _known(spec)),
        )
    return ModelError(
        f"dimension {place} of input {quote(spec.name)} is dynamic, and nothing says how large it should be",
        hint=_give(spec, _known(spec)),
    )


def _known(spec: TensorSpec) -> tuple[str, ...]:
    return tuple(str(dim) if isinstance(dim, int) else "..." for dim in spec.shape or ())[:8]


def _give(spec: TensorSpec, shape: Sequence[str]) -> str:
    return f"give --shape {plain(spec.name)}={'x'.join(shape)}"
