"""What TVM says when something fails, in one line."""

from __future__ import annotations

import re

_MOST = 220
# Lines of the traces that it puts around what is wrong, of Python and of C++.
_TRACE = re.compile(r'(File "|Traceback|Stack trace|\d+: |\[bt\]|>>> |During handling|\^+$)')
_PLACE = re.compile(r"\(?/?\S*/\S+\.(?:cc|h|py)[:\d]*\)?:?")
_KIND = re.compile(r"^(?:\w+\.)*\w*(?:Error|Exception): ")


def gist(error: BaseException, printed: str = "") -> str:
    """Give what an error of TVM says in one line, with the operator that it was at, which is printed and not raised.

    Examples
    --------
    >>> gist(ValueError("a  b"), "Error converting operator Pad, with inputs: [1]")
    'at Pad: a b'
    >>> gist(AssertionError())
    'AssertionError'
    >>> gist(ValueError("Check failed: (a == b) is false: shapes differ"))
    'Check failed: (a == b) is false: shapes differ'
    """
    lines = [line.strip() for line in str(error).splitlines()]
    text = " ".join(line for line in lines if line and not _TRACE.match(line))
    text = " ".join(_KIND.sub("", _PLACE.sub("", text).strip()).split())[:_MOST] or type(error).__name__
    found = re.findall(r"Error converting operator (\S+?),", printed)
    return f"at {found[-1]}: {text}" if found else text
