"""Names from a model are data: made safe to print, to draw and to put in HTML."""

from __future__ import annotations

import html
import unicodedata

# Invisible characters that turn the order of what follows, or hide it. A name that uses one shows it as an escape.
_FORMAT_ALLOWED = {"\u200c", "\u200d"}


def clean(text: object) -> str:
    r"""Make a text safe to show on one line.

    Control characters, line breaks, characters that reverse the reading order and bytes that were not UTF-8 become
    visible escapes, so that a name can neither command a terminal nor pose as another one.

    Examples
    --------
    >>> clean("a\x1b[31mb")
    'a\\x1b[31mb'
    >>> clean("a\u202egpj.exe")
    'a\\u202egpj.exe'
    >>> clean("größe")
    'größe'
    """
    text = str(text)
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible(char) for char in text)


def _visible(char: str) -> str:
    category = unicodedata.category(char)
    if category in ("Cc", "Cs", "Zl", "Zp") or (category == "Cf" and char not in _FORMAT_ALLOWED):
        code = ord(char)
        return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    return char


def shorten(text: str, limit: int) -> str:
    """Cut the middle out of a long text; both ends of a node's name tell it from its neighbours.

    Examples
    --------
    >>> shorten("backbone.layer1.0.conv1.weight", 15)
    'backbon….weight'
    >>> shorten("short", 15)
    'short'
    """
    if len(text) <= limit:
        return text
    if limit < 3:
        return text[:limit]
    head = (limit - 1 + 1) // 2
    tail = limit - 1 - head
    return f"{text[:head]}…{text[len(text) - tail :]}"


def escape(text: object) -> str:
    r"""Clean a text and escape it for HTML, attribute values included.

    Examples
    --------
    >>> escape("<b>'&\"")
    '&lt;b&gt;&#x27;&amp;&quot;'
    """
    return html.escape(clean(text), quote=True)


def width(text: str) -> int:
    """Count the terminal columns that a text takes; wide East Asian characters take two, combining ones none.

    Examples
    --------
    >>> width("abc"), width("模型")
    (3, 4)
    """
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) or c in _FORMAT_ALLOWED else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )
