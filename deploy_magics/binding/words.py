"""A magic's line, cut into words: quotes taken off, ``$x`` and ``{x}`` replaced by what they name.

IPython would expand a line before a magic sees it, silently and as text. Here an expansion that names nothing is an
error, and one that is a whole word keeps its object, so that ``{models[0]}`` can be a model.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from deploy_magics.errors import ArgumentError, did_you_mean

_NAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
# Private-use characters cannot come from a keyboard, so a mark never meets a real word.
_MARK = re.compile("\ue000(\\d+)\ue001")
_WHOLE = re.compile("(?:[^\ue000=]*=)?\ue000\\d+\ue001")


@dataclass(frozen=True)
class Kept:
    """An object that stands for a word.

    Attributes
    ----------
    source : str
        What was written, ``"{models[0]}"``.
    value : object
        What that names.
    """

    source: str
    value: Any


@dataclass
class Words:
    """A line's words.

    Attributes
    ----------
    texts : list[str]
        One text a word, in which a kept object is a short mark; :meth:`kept` and :meth:`plain` read it.
    silent : bool
        Whether the line ended in ``;``.
    """

    texts: list[str] = field(default_factory=list)
    silent: bool = False
    _kept: list[Kept] = field(default_factory=list)

    def keep(self, source: str, value: Any) -> str:
        """Keep an object and give the mark that stands for it."""
        self._kept.append(Kept(source, value))
        return f"\ue000{len(self._kept) - 1}\ue001"

    def kept(self, text: str) -> Kept | None:
        """Give the object that the whole of this text stands for; None for a text that is just text."""
        found = _MARK.fullmatch(text)
        return self._kept[int(found[1])] if found else None

    def plain(self, text: str) -> str:
        """Give the text with the value of each kept object in its place."""
        return _MARK.sub(lambda found: str(self._kept[int(found[1])].value), text)

    def written(self, text: str) -> str:
        """Give the text as it was written, for messages."""
        return _MARK.sub(lambda found: self._kept[int(found[1])].source, text)


def shell_words(arguments: Sequence[str]) -> Words:
    """Take words that a shell has cut already; nothing in them is expanded."""
    return Words(list(arguments))


def split_line(line: str, namespace: Mapping[str, Any]) -> Words:
    """Cut a magic's line into words.

    Parameters
    ----------
    line : str
        What follows the magic's name. A word that begins with ``#`` begins a comment.
    namespace : Mapping[str, Any]
        Variables that ``$x`` and ``{x}`` may name.

    Raises
    ------
    ArgumentError
        For a quote or brace that is not closed, and for an expansion that names nothing.

    Examples
    --------
    >>> split_line("'my net.onnx' --threads 2  # a note", {}).texts
    ['my net.onnx', '--threads', '2']
    >>> split_line("run_{n}.onnx;", {"n": 2}).texts
    ['run_2.onnx']
    """
    return _Splitter(line, namespace).split()


class _Splitter:
    def __init__(self, line: str, namespace: Mapping[str, Any]) -> None:
        self.line = line
        self.namespace = namespace
        self.words = Words()
        self.at = 0

    def split(self) -> Words:
        line, words = self.line, self.words
        while self.at < len(line):
            if line[self.at].isspace():
                self.at += 1
            elif line[self.at] == "#":
                break
            elif line[self.at] == ";" and _ends(line, self.at):
                words.silent = True
                break
            else:
                words.texts.append(self._word())
        return words

    def _word(self) -> str:
        line, start, quoted = self.line, self.at, False
        parts: list[str] = []
        while self.at < len(line) and not line[self.at].isspace():
            char, after = line[self.at], line[self.at + 1 : self.at + 2]
            if char == ";" and _ends(line, self.at):
                break
            if char in "'\"":
                quoted = True
                parts.append(self._quoted(char))
            elif char == "\\" and after == " ":
                parts.append(" ")
                self.at += 2
            else:
                parts.append(self._piece())
        text = "".join(parts)
        written = line[start : self.at]
        if quoted and _NAME.fullmatch(text) and written[0] in "'\"" and written[-1] == written[0]:
            # Quotes say that it is a file or a name of the zoo, never a variable.
            return self.words.keep(written, text)
        return text if _WHOLE.fullmatch(text) else self.words.plain(text)

    def _quoted(self, quote: str) -> str:
        opened = self.at
        parts: list[str] = []
        self.at += 1
        while self.at < len(self.line):
            char, after = self.line[self.at], self.line[self.at + 1 : self.at + 2]
            if char == quote:
                self.at += 1
                return "".join(parts)
            if quote == '"' and char == "\\" and after in ('"', "\\"):
                parts.append(after)
                self.at += 2
            elif quote == "'":
                parts.append(char)
                self.at += 1
            else:
                parts.append(self._piece())
        raise ArgumentError(f"the quote opened at {self.line[opened:]!r} is not closed")

    def _piece(self) -> str:
        """Read one character, or one expansion."""
        line, at = self.line, self.at
        if line[at : at + 2] in ("$$", "{{", "}}"):
            self.at += 2
            return line[at]
        if line[at] == "{":
            self.at = _closing(line, at) + 1
            return self._expand(line[at : self.at], line[at + 1 : self.at - 1])
        if line[at] == "$" and (found := _NAME.match(line, at + 1)):
            self.at = found.end()
            return self._expand(line[at : self.at], found[0])
        self.at += 1
        return line[at]

    def _expand(self, source: str, expression: str) -> str:
        literal = "$$" if source.startswith("$") else "{{ and }}"
        try:
            value = eval(expression.strip(), dict(self.namespace))
        except NameError as error:
            name = error.name or expression
            near = did_you_mean(name, (known for known in self.namespace if not known.startswith("_")))
            raise ArgumentError(
                f"{source} names nothing: there is no variable {name!r}",
                hint=near or f"write {literal} for the character itself",
            ) from None
        except SyntaxError:
            raise ArgumentError(
                f"{source} is not a Python expression", hint=f"write {literal} for the character itself"
            ) from None
        except Exception as error:  # noqa: BLE001 - the user's own expression may raise anything
            raise ArgumentError(f"{source} raised {type(error).__name__}: {error}") from None
        return self.words.keep(source, value)


def _closing(line: str, at: int) -> int:
    """Find the brace that closes the one at ``at``, past strings and inner braces."""
    depth, quote = 0, ""
    for i in range(at, len(line)):
        char = line[i]
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        else:
            depth += {"{": 1, "}": -1}.get(char, 0)
            if depth == 0:
                return i
    raise ArgumentError(
        f"the brace opened at {line[at:]!r} is not closed", hint="write {{ and }} for the character itself"
    )


def _ends(line: str, at: int) -> bool:
    """Tell whether nothing but a comment follows."""
    rest = line[at + 1 :].strip()
    return not rest or rest.startswith("#")
