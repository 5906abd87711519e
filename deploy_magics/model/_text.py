"""Names from a model as they may stand in a line: quoted, shortened, without control characters."""

from __future__ import annotations

import re
from collections.abc import Iterable

from deploy_magics.errors import did_you_mean

_LONGEST = 60
_NOISE = re.compile(
    r"\[ONNXRuntimeError\] : \d+ : \w+ : |Load model from \S+ failed: ?|\S+\.(?:cc|h):\d+ (?:.*?\) (?=[A-Z]))?"
)


def quote(name: object, longest: int = _LONGEST) -> str:
    """Quote a name that may be anything.

    Examples
    --------
    >>> quote("conv1")
    "'conv1'"
    >>> len(quote("x" * 1000)) < 70
    True
    """
    text = name if isinstance(name, str) else str(name) if not isinstance(name, bytes) else name.decode("latin-1")
    return repr(text if len(text) <= longest else text[: longest // 2] + "…" + text[-(longest // 2 - 1) :])


def plain(name: object) -> str:
    """Give a name as :func:`quote` does, without the quotes: for an option that is to be typed."""
    return quote(name)[1:-1]


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Suggest what a word may have meant, among names short enough to stand in a line."""
    return did_you_mean(word[:_LONGEST], [name for name in known if len(name) <= _LONGEST])


def listed(names: list[str], most: int = 3) -> str:
    """List the first few names, and say how many more there are.

    Examples
    --------
    >>> listed(["a", "b", "c", "d", "e"])
    "'a', 'b', 'c' and 2 more"
    """
    text = ", ".join(quote(name) for name in names[:most])
    return text if len(names) <= most else f"{text} and {len(names) - most} more"


def size(count: float) -> str:
    """Write a number of bytes for people.

    Examples
    --------
    >>> size(512), size(97.7 * 2**20), size(3 * 2**60)
    ('512 B', '97.7 MiB', '3145728.0 TiB')
    """
    if count >= 2**70:
        return "more than 2^70 bytes"
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def first_line(error: BaseException | str, longest: int = 240) -> str:
    """Give what a native library says in one line, without its source files' names.

    Examples
    --------
    >>> first_line("[ONNXRuntimeError] : 1 : FAIL : This is an invalid model. Error: the graph is not acyclic.")
    'This is an invalid model. Error: the graph is not acyclic.'
    >>> first_line("Load model from a.onnx failed:/src/model.cc:256 Model::Model(A&&, const B&) Unsupported IR version")
    'Unsupported IR version'
    """
    text = " ".join(_NOISE.sub("", " ".join(str(error).split())).split())
    return text if len(text) <= longest else text[: longest - 1] + "…"
