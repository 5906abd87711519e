"""A result as text that a person can read in a terminal."""

from __future__ import annotations

import shutil
import sys
import textwrap

from deploy_magics.result import Result
from deploy_magics.views import _chart
from deploy_magics.views._curve import sentence
from deploy_magics.views._names import clean, shorten, width
from deploy_magics.views._plan import CellView, ColumnView, Plan, plan, state

MAX_ROWS = 200
MAX_NAME = 44
GAP = "  "
# What a terminal that has no Unicode can show instead; the rest becomes a question mark.
ASCII = {
    "–": "-", "−": "-", "—": "-", "×": "x", "…": "..", "─": "-", "·": "|", "µ": "u", "μ": "u", "±": "+/-",
    "∞": "inf", "°": "deg", "≤": "<=", "≥": ">=", "²": "^2", "³": "^3", "→": "->", "\u2007": " ", "\u2008": " ",
    "\u00a0": " ", "\u202f": " ", "‘": "'", "’": "'", "“": '"', "”": '"',
}  # fmt: skip


def render(result: Result, *, columns: int | None = None, encoding: str | None = None) -> str:
    """Write a result as text.

    Parameters
    ----------
    result : Result
        What to write.
    columns : int, optional
        Width in characters; that of the terminal if not given. Columns that do not fit are named below the table.
    encoding : str, optional
        Encoding of where it will be written; that of standard output if not given. Where it has no Unicode, plain
        ASCII is used.

    Examples
    --------
    >>> from deploy_magics.result import Column, Row, Table
    >>> table = Table(
    ...     (Column("m", "model", kind="text"), Column("t", "p50", unit="ms", better="lower")),
    ...     (Row({"m": "before", "t": 12.5}), Row({"m": "after", "t": 9.25})),
    ... )
    >>> print(render(Result("bench", "after is faster", tables=(table,)), columns=60))
    after is faster
    <BLANKLINE>
    model     p50
               ms
    ───────────────
    before  12.50
    after    9.25 *
    <BLANKLINE>
    * best of its column
    """
    total = columns if columns is not None else shutil.get_terminal_size().columns
    total = max(total, 40)
    parts = [_head(result, total)]
    parts += [_table(plan(table, max_rows=MAX_ROWS), total) for table in result.tables]
    parts.append("\n".join(_wrap(sentence(curve), total) for curve in result.curves))
    parts.append("\n".join(_wrap(_chart.sentence(chart), total) for chart in result.charts))
    notes = [_wrap(("! " if note.level == "warning" else "") + clean(note.text), total) for note in result.notes]
    parts.append("\n".join(notes))
    text = "\n\n".join(part for part in parts if part)
    return encodable(text, encoding if encoding is not None else getattr(sys.stdout, "encoding", None) or "utf-8")


def _head(result: Result, total: int) -> str:
    lines = [_wrap(clean(result.headline), total)] if result.headline else []
    if result.status == "interrupted":
        lines.append(_wrap("INTERRUPTED: what was measured until then is kept.", total))
    if result.facts:
        lines.append(_wrap(" · ".join(f"{clean(name)} {clean(value)}" for name, value in result.facts), total))
    return "\n".join(lines)


def _table(plan: Plan, total: int) -> str:
    title = clean(plan.table.title)
    if not plan.rows:
        return "\n".join(line for line in (title, "(no rows)", _notes(plan, [], [], total)) if line)
    units = any(view.column.unit for view in plan.shown)
    views = list(plan.shown)
    dropped: list[ColumnView] = []
    blocks = [_column(plan, view, units) for view in views]
    while len(blocks) > 1 and _total(blocks) > total:
        # A ratio is the answer to the question asked; it goes last.
        victim = max(range(1, len(views)), key=lambda i: (views[i].column.kind not in ("ratio", "verdict"), i))
        dropped.insert(0, views.pop(victim))
        blocks.pop(victim)
    head = 2 if units else 1
    rule = "─" * min(total, _total(blocks))
    lines = [title] if title else []
    for index in range(len(blocks[0])):
        if index == head or (plan.table.footer and index == len(blocks[0]) - 1):
            lines.append(rule)
        line = GAP.join(block[index] for block in blocks).rstrip()
        if head <= index < head + len(plan.rows):
            lines += _with_status(plan, index - head, line, blocks[0][index], total)
        else:
            lines.append(line)
    notes = _notes(plan, views, [*dropped, *plan.more], total)
    return "\n".join(lines) + (f"\n\n{notes}" if notes else "")


def _total(blocks: list[list[str]]) -> int:
    return sum(width(block[0]) for block in blocks) + len(GAP) * (len(blocks) - 1)


def _column(plan: Plan, view: ColumnView, units: bool) -> list[str]:
    """Write a column's header, cells and footer, all equally wide."""
    cells = [*view.cells, *([view.footer] if view.footer is not None else [])]
    has_best = any(cell.best for cell in cells)
    texts = [_text(cell, has_best, view) for cell in cells]
    if not view.numeric:
        texts = [shorten(text, MAX_NAME) for text in texts]
    if plan.table.footer and view is plan.shown[0] and not texts[-1].strip():
        texts[-1] = "total"
    heads = [clean(view.column.title), clean(view.column.unit)] if units else [clean(view.column.label)]
    if view.numeric and has_best:
        heads = [f"{head}  " for head in heads]
    wide = max(map(width, (*heads, *texts)))
    if view.numeric and not view.has_verdicts:
        return [" " * (wide - width(text)) + text for text in (*heads, *texts)]
    return [text + " " * (wide - width(text)) for text in (*heads, *texts)]


def _text(cell: CellView, has_best: bool, view: ColumnView) -> str:
    mark = " *" if cell.best else "  " if has_best else ""
    if not view.has_intervals and not view.has_verdicts:
        return cell.text + cell.pad + mark
    parts = [cell.text.rjust(max(width(other.text) for other in view.cells)) + mark]
    if view.has_intervals:
        longest = max(width(other.interval) for other in view.cells)
        parts.append((f"({cell.interval})" if cell.interval else "").rjust(longest + 2))
    if view.has_verdicts:
        parts.append(cell.verdict.ljust(max(width(other.verdict) for other in view.cells)))
    return " ".join(parts)


def _with_status(plan: Plan, index: int, line: str, name: str, total: int) -> list[str]:
    row, mark = plan.rows[index], state(plan.table, index)
    note = clean(row.note)
    if mark == "failed":
        indent = " " * (width(name) + len(GAP)) if width(name) < total // 2 else "  "
        first = name + GAP if width(name) < total // 2 else f"{name.rstrip()}\n  "
        wrapped = textwrap.wrap(f"failed: {note}" if note else "failed", max(20, total - len(indent)))
        return [first + wrapped[0], *(indent + rest for rest in wrapped[1:])]
    if mark == "partial":
        note = f"cut short: {note}" if note else "cut short"
    return [line, *(f"  {part}" for part in textwrap.wrap(note, total - 2))]


def _notes(plan: Plan, drawn: list[ColumnView], hidden: list[ColumnView], total: int) -> str:
    legend = []
    if any(cell.best for view in drawn for cell in view.cells):
        legend.append("* best of its column")
    if plan.table.baseline is not None and plan.table.baseline < len(plan.rows):
        legend.append(f"baseline: {shorten(plan.names[plan.table.baseline], MAX_NAME)}")
    lines = [" · ".join(legend)] if legend else []
    for why, titles in _reasons(plan, drawn).items():
        lines.append(_wrap(f"– in {', '.join(titles)}: {why}", total))
    if plan.rows_left:
        said = f"and {plan.rows_left:,} more rows; to_dataframe() has all {len(plan.table.rows):,}"
        lines.append(_wrap(said, total))
    if hidden or plan.columns_left:
        titles = [clean(view.column.title) for view in hidden]
        left = len(titles) - 12 + plan.columns_left
        named = titles if len(titles) <= 12 else [*titles[:12], f"{left} other{'s' if left > 1 else ''}"]
        where = "a wider terminal shows more, --json and to_dataframe() have every column"
        lines.append(_wrap(f"not shown here: {', '.join(named)}; {where}", total))
    lines += [_wrap(clean(note), total) for note in plan.table.notes]
    return "\n".join(lines)


def _reasons(plan: Plan, drawn: list[ColumnView]) -> dict[str, list[str]]:
    reasons: dict[str, list[str]] = {}
    for view in drawn:
        for row, cell in zip(plan.rows, view.cells, strict=True):
            if cell.why and cell.why != "no value" and row.status != "failed":
                titles = reasons.setdefault(cell.why, [])
                if view.column.title not in titles:
                    titles.append(clean(view.column.title))
    return dict(list(reasons.items())[:4])


def _wrap(text: str, total: int) -> str:
    return "\n".join(textwrap.wrap(text, total, break_on_hyphens=False, subsequent_indent="  ")) or text


def encodable(text: str, encoding: str) -> str:
    """Write a text with what an encoding has; one that has no Unicode gets plain ASCII."""
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        for char, plain in ASCII.items():
            text = text.replace(char, plain)
        try:
            return text.encode(encoding, "replace").decode(encoding)
        except LookupError:
            return text.encode("ascii", "replace").decode("ascii")
    return text.replace("\u2007", " ").replace("\u2008", " ")
