"""A search for faster code as it goes: the lines of a terminal, HTML without widgets, and what the widget is sent."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from deploy_magics.progress import TaskRow, Tuning
from deploy_magics.views._curve import compared, value_text
from deploy_magics.views._names import clean, escape, shorten
from deploy_magics.views._numbers import write

UNIT = "ms"
MAX_NAME = 200


def task_line(tuning: Tuning, index: int) -> str:
    """Write one task's state as TVM's own tuner does.

    Examples
    --------
    >>> rows = (TaskRow("conv2d", 29.87, 29.87, 40, 40, 64.33, 1.0, "done"),)
    >>> task_line(Tuning("tune", tasks=rows), 0)
    '[Task  1/ 1]  Current/Best:   29.87/  29.87 GFLOPS | Progress: (40/40) | 64.33 s Done.'
    """
    row = tuning.tasks[index]
    speed = f"{row.current or 0.0:7.2f}/{row.best or 0.0:7.2f} GFLOPS"
    done = " Done." if row.state == "done" else ""
    return (
        f"[Task {index + 1:2d}/{len(tuning.tasks):2d}]  Current/Best: {speed} | "
        f"Progress: ({row.trials}/{row.planned}) | {row.seconds:.2f} s{done}"
    )


def active(tuning: Tuning) -> int | None:
    """Find the task whose turn it is."""
    return next((index for index, row in enumerate(tuning.tasks) if row.state == "active"), None)


class TaskLines:
    """Writes the lines of a terminal or a log, each task's final line once.

    Parameters
    ----------
    over : callable or None
        Writes a line over the one before; None in a log, where only what is final is written.
    stay : callable
        Writes a line that stays, over the one before.
    """

    def __init__(self, over: Callable[[str], None] | None, stay: Callable[[str], None]) -> None:
        self._over = over
        self._stay = stay
        self._current: int | None = None
        self._done: set[int] = set()

    def show(self, tuning: Tuning) -> bool:
        """Write what is new; tells whether a task's line is the one that is written over."""
        now = active(tuning)
        left, self._current = self._current, now
        if left is not None and left != now and self._over and tuning.tasks[left].state != "done":
            self._stay(task_line(tuning, left))
        for index, row in enumerate(tuning.tasks):
            if row.state == "done" and index not in self._done:
                self._done.add(index)
                self._stay(task_line(tuning, index))
        if now is not None and self._over:
            self._over(task_line(tuning, now))
        return now is not None

    def end(self, tuning: Tuning) -> None:
        """Write the last lines; that of a task in the middle of its search stays as it is."""
        self.show(tuning)
        if self._current is not None and self._over:
            self._stay(task_line(tuning, self._current))
        self._current = None


def reached(tuning: Tuning) -> str:
    """Say what the search has brought the model; "" before its latency is known."""
    points = _points(tuning)
    if not points:
        return ""
    start, end = points[0][1], points[-1][1]
    if start == end:
        return f"estimated latency {value_text(end)} {UNIT}"
    said = compared(start, end, UNIT)
    return f"estimated latency {value_text(start)} → {value_text(end)} {UNIT}{f', {said}' if said else ''}"


def html(tuning: Tuning) -> str:
    """Write the tasks as a plain table; for front ends without widgets."""
    rows = "".join(_html_row(row) for row in tuning.tasks)
    heads = "".join(f"<th>{head}</th>" for head in ("share", "GFLOPS", "best", "trials", "s"))
    table = (
        f'<table><thead align="right"><tr><th align="left">task</th>{heads}<th align="left">state</th></tr></thead>'
        f'<tbody align="right">{rows}</tbody></table>'
    )
    said = reached(tuning)
    return (f"<div>{escape(said)}</div>" if said else "") + (table if tuning.tasks else "")


def _html_row(row: TaskRow) -> str:
    name = escape(shorten(row.name, 60))
    cells = (f"{100 * row.share:.0f} %", _gflops(row.current), _gflops(row.best), _trials(row), f"{row.seconds:.1f}")
    figures = "".join(f"<td>{cell}</td>" for cell in cells)
    mark = ("<b>", "</b>") if row.state == "active" else ("", "")
    return f'<tr><td align="left">{name}</td>{figures}<td align="left">{row.state.join(mark)}</td></tr>'


def _gflops(value: float | None) -> str:
    return "–" if value is None else write(value, 2)


def _trials(row: TaskRow) -> str:
    return f"{row.trials}/{row.planned}" if row.planned else f"{row.trials}"


def names(tuning: Tuning) -> list[str]:
    """Give the tasks' names, which do not change, apart from their figures.

    An arrow is one character here: a line would be broken within "64->64".
    """
    return [shorten(clean(row.name), MAX_NAME).replace("->", "→") for row in tuning.tasks]


def figures(row: TaskRow) -> list[Any]:
    """Give a task's figures, no finer than they are drawn, so that what looks the same is not sent again."""
    return [
        _finite(row.current, 2),
        _finite(row.best, 2),
        row.trials,
        row.planned,
        _finite(row.seconds, 1),
        _finite(row.share, 3),
        row.state,
    ]


def _finite(value: float | None, places: int) -> float | None:
    return None if value is None or not math.isfinite(value) else round(float(value), places)


def points(tuning: Tuning) -> list[list[float]]:
    """Give the curve's points, as fine as they are drawn."""
    return [[round(moment, 2), float(f"{value:.5g}")] for moment, value in _points(tuning)]


def _points(tuning: Tuning) -> list[tuple[float, float]]:
    return [point for point in tuning.curve if all(map(math.isfinite, point))]
