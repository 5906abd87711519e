"""Help as plain text: the same for ``%name?``, ``%name --help`` and the shell."""

from __future__ import annotations

import inspect
import io
import re
import textwrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cyclopts import App
    from cyclopts.help import HelpEntry, HelpPanel
    from rich.console import Console, ConsoleOptions

_WIDTH = 96
_NAMES = 26


def render(app: App, *, usage: str, examples: str, notes: str = "") -> str:
    """Give the help of a command.

    Parameters
    ----------
    app : App
        The command, whose docstring cyclopts has read.
    usage : str
        How it is called.
    examples : str
        The section of examples; "" for none.
    notes : str
        What else to say, before the examples.
    """
    buffer = io.StringIO()
    console = _console(buffer, _WIDTH)
    app.usage = f"Usage: {usage}\n"
    app.help_formatter = _Formatter()
    app.help_print([], console=console)
    parts = [buffer.getvalue().strip(), notes.strip(), examples]
    text = re.sub("\n{3,}", "\n\n", "\n\n".join(part for part in parts if part)).replace("::\n", ":\n")
    # reStructuredText's literals are for Sphinx; a reader of plain text needs one mark at most.
    return re.sub(r"``([^`]+)``", r"`\1`", re.sub(r":\w+:`~?([^`]+)`", r"`\1`", text))


def examples(doc: str, command: str | None = None) -> str:
    """Give the section of examples of a NumPy docstring.

    Parameters
    ----------
    doc : str
        The docstring.
    command : str, optional
        A shell's command, ``"deploy-magics bench"``: examples are then written with it in place of the magic, and those
        that only a notebook can run are left out.
    """
    found = re.search(r"^Examples\n-+\n(.*?)(?=^\w[\w ]*\n-+\n|\Z)", inspect.cleandoc(doc), re.MULTILINE | re.DOTALL)
    text = found[1].strip("\n") if found else ""
    if command is not None:
        magic = "%" + command.split()[-1]
        # An example is a line that introduces it and what is indented below.
        chunks = re.split(r"\n(?=\S)", text)
        kept = [chunk for chunk in chunks if re.search(rf"^\s+{magic}\b", chunk, re.MULTILINE)]
        kept = [chunk for chunk in kept if not re.search(r"%%|\s-o\s|[{$]\w", chunk)]
        text = re.sub(rf"^(\s+){magic}\b", rf"\1{command}", "\n".join(kept), flags=re.MULTILINE)
    return f"Examples:\n{textwrap.indent(text, '  ')}" if text else ""


class _Formatter:
    """Lays out cyclopts' panels as two columns of plain text."""

    def render_usage(self, console: Console, options: ConsoleOptions, usage: Any) -> None:
        _line(console, str(usage))

    def render_description(self, console: Console, options: ConsoleOptions, description: Any) -> None:
        text = _text(description)
        if text:
            _line(console, "\n" + text)

    def __call__(self, console: Console, options: ConsoleOptions, panel: HelpPanel) -> None:
        if not panel.entries:
            return
        _line(console, f"\n{_text(panel.title)}:")
        for entry in panel.entries:
            _line(console, _entry(entry))


def _entry(entry: HelpEntry) -> str:
    names = ", ".join([*entry.positive_names, *entry.positive_shorts, *entry.negative_names]) or entry.positional_label
    label = f"  {names} {entry.metavar or ''}".rstrip() if names != entry.positional_label else f"  {entry.metavar}"
    words = [_text(entry.description)]
    if entry.choices and not words[0].startswith("{"):
        words.append(f"One of {', '.join(entry.choices)}.")
    if entry.default is not None:
        words.append(f"[{_text(entry.default)}]")
    about = textwrap.fill(" ".join(" ".join(words).split()), _WIDTH - _NAMES)
    lines = textwrap.indent(about, " " * _NAMES)
    if len(label) < _NAMES - 1:
        return label.ljust(_NAMES) + lines[_NAMES:]
    return f"{label}\n{lines}" if about else label


def _text(part: Any) -> str:
    """Give the text of what cyclopts prepared for a rich console."""
    if part is None or isinstance(part, str):
        return part or ""
    console = _console(io.StringIO(), 10_000)
    with console.capture() as capture:
        console.print(part, end="")
    return "\n".join(line.rstrip() for line in capture.get().splitlines()).strip()


def _console(file: io.StringIO, width: int) -> Console:
    from rich.console import Console

    # In a kernel rich would show its output by itself, and leave the file empty.
    return Console(
        file=file, width=width, color_system=None, highlight=False, force_terminal=False, force_jupyter=False
    )


def _line(console: Console, text: str) -> None:
    console.print(text, highlight=False, markup=False, soft_wrap=True)
