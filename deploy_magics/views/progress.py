"""How far long work is: a line in a terminal, a bar with a Stop button in a notebook, and nothing for short work."""

from __future__ import annotations

import contextvars
import re
import secrets
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from deploy_magics.progress import Progress, Reporter, Tuning
from deploy_magics.views import _tuning
from deploy_magics.views._names import clean, escape, shorten, width
from deploy_magics.views.text import encodable

AFTER_S = 2.0
EVERY_S = 0.2


def reporter() -> Reporter:
    """Make the reporter that fits where this runs; what ``deploy_magics.progress.reporting`` is given."""
    module = sys.modules.get("IPython")
    shell = module.get_ipython() if module is not None else None
    return NotebookReporter() if shell is not None and hasattr(shell, "kernel") else TerminalReporter()


def clock(seconds: float) -> str:
    """Write a duration.

    Examples
    --------
    >>> clock(7.9), clock(75)
    ('0:07', '1:15')
    """
    whole = int(seconds)
    return f"{whole // 60}:{whole % 60:02d}"


def line(progress: Progress, elapsed: float) -> str:
    """Write progress as one line.

    Examples
    --------
    >>> line(Progress("bench: a, b", 0.43, "ratio 1.12"), 12)
    'bench: a, b   43 %  ratio 1.12  0:12'
    """
    share = "" if progress.fraction is None else f"{100 * min(1.0, max(0.0, progress.fraction)):3.0f} %"
    parts = (clean(progress.title), share, clean(progress.detail), clock(elapsed))
    return "  ".join(part for part in parts if part)


class _Later:
    """Calls back once after a time, also while the work reports nothing, and then not more often than it may."""

    def __init__(self, show: Callable[[Progress, float], None], after: float, every: float) -> None:
        self._show = show
        self._every = every
        self._began = time.monotonic()
        self._last = Progress("")
        self._shown_at: float | None = None
        self._closed = False
        self._lock = threading.RLock()
        self._waiting = True
        self._timer = self._later(after)

    @property
    def elapsed(self) -> float:
        """Seconds since the work began."""
        return time.monotonic() - self._began

    def update(self, progress: Progress) -> None:
        """Keep this state, and show it if the last one has been seen long enough."""
        with self._lock:
            self._last = progress
            if self._waiting or self._closed or self._shown_at is None:
                return
            left = self._shown_at + self._every - time.monotonic()
            if left <= 0:
                self._now()
            else:  # this may be the last report for long
                self._waiting = True
                self._timer = self._later(left)

    def close(self) -> bool:
        """End; tells whether anything was shown."""
        with self._lock:
            self._timer.cancel()
            self._closed = True
            return self._shown_at is not None

    def _later(self, seconds: float) -> threading.Timer:
        # A display sent from another thread belongs to the cell only if it has this one's context.
        timer = threading.Timer(seconds, contextvars.copy_context().run, (self._due,))
        timer.daemon = True
        timer.start()
        return timer

    def _due(self) -> None:
        with self._lock:
            self._waiting = False
            if not self._closed:
                self._now()

    def _now(self) -> None:
        self._shown_at = time.monotonic()
        self._show(self._last, self.elapsed)


class TerminalReporter:
    """One line on standard error, written over itself; in a log, one line at the end of work that lasted.

    A search has a line for each of its tasks: that of the task whose turn it is is written over itself, and stays when
    the turn passes on. In a log a task gets its line when it is done.

    Parameters
    ----------
    stream : TextIO, optional
        Where to write; standard error if not given.
    after, every : float
        Seconds before the line appears, and between two changes of it.
    searches_only : bool
        Whether in a log only a search gets lines.
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        *,
        after: float = AFTER_S,
        every: float = EVERY_S,
        searches_only: bool = False,
    ) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self._live = self._stream.isatty()
        self._searches_only = searches_only
        self._wide = 0
        self._last = Progress("")
        self._tuning: Tuning | None = None
        self._tasks = _tuning.TaskLines(self._over if self._live else None, self._stay)
        self._later = _Later(self._show, after, every)

    def update(self, progress: Progress) -> None:
        """Show this state."""
        self._last = progress
        self._later.update(progress)

    def close(self) -> None:
        """Wipe the line, but not a task's; in a log, write the one line that says how long it took."""
        if not self._later.close():
            return
        last = self._last if isinstance(self._last, Tuning) else self._tuning
        if last is not None:
            self._tasks.end(last)
        if self._live:
            self._write("\r" + " " * self._wide + "\r" if self._wide else "")
        elif last is not None or not self._searches_only:
            reached = _tuning.reached(last) if last is not None else ""
            said = f", {reached}" if reached else ""
            self._stay(f"{clean(self._last.title)}: {self._later.elapsed:.1f} s{said}")

    def _show(self, progress: Progress, elapsed: float) -> None:
        if isinstance(progress, Tuning):
            self._tuning = progress
            if self._tasks.show(progress):
                return
        elif self._tuning is not None:
            self._tasks.end(self._tuning)
        if self._live:
            self._over(shorten(line(progress, elapsed), _room()))

    def _over(self, text: str) -> None:
        text = text[: _room()]  # a line that wraps cannot be written over
        wide = width(text)
        self._write("\r" + text + " " * (self._wide - wide))
        self._wide = wide

    def _stay(self, text: str) -> None:
        self._write(("\r" + text + " " * (self._wide - width(text)) if self._wide else text) + "\n")
        self._wide = 0

    def _write(self, text: str) -> None:
        self._stream.write(encodable(text, getattr(self._stream, "encoding", None) or "utf-8"))
        self._stream.flush()


def _room() -> int:
    import shutil

    return shutil.get_terminal_size().columns - 1


class NotebookReporter:
    """A bar with the figure of the moment and a Stop button; HTML that is written over where widgets cannot be had.

    A search has its tasks and its curve below the bar.

    Stop interrupts the kernel through the Jupyter server, for most kernels at work do not hear their widgets. Where the
    server refuses or cannot be reached, the widget asks the kernel itself.

    Parameters
    ----------
    after, every : float
        Seconds before the bar appears, and between two changes of it.
    """

    def __init__(self, *, after: float = AFTER_S, every: float = EVERY_S) -> None:
        self._id = secrets.token_hex(8)
        self._widget: Any = None
        self._tuning: Tuning | None = None
        self._displayed = False
        self._later = _Later(self._show, after, every)

    def update(self, progress: Progress) -> None:
        """Show this state."""
        self._later.update(progress)

    def close(self) -> None:
        """Take the bar away; what stays in the notebook is an output without content."""
        if self._later.close():
            self._take_away()

    def _take_away(self) -> None:
        if self._widget is not None:
            from deploy_magics.views.widget import close

            close(self._widget)
        self._publish({"text/html": ""})  # takes no room, and a converter does not warn of an output without data

    def _show(self, progress: Progress, elapsed: float) -> None:
        fraction = -1.0 if progress.fraction is None else min(1.0, max(0.0, float(progress.fraction)))
        begins = isinstance(progress, Tuning) and self._tuning is None
        self._tuning = progress if isinstance(progress, Tuning) else self._tuning
        if self._widget is not None and not begins:
            with self._widget.hold_sync():
                self._widget.title, self._widget.detail = clean(progress.title), clean(progress.detail)
                if isinstance(progress, Tuning):
                    self._widget.tell(progress, elapsed)
                self._widget.fraction, self._widget.elapsed = fraction, elapsed
            return
        try:
            from deploy_magics.views._progress_widget import ProgressBar, TuningProgress
        except ImportError:  # the widget packages are not there; HTML is shown instead
            value = f' value="{fraction:.3f}"' if fraction >= 0 else ""
            table = _tuning.html(self._tuning) if self._tuning is not None else ""
            bar = f"<progress max=1{value}></progress> {escape(line(progress, elapsed))}"
            self._publish({"text/html": bar + table})
            return
        traits: dict[str, Any] = {
            "title": clean(progress.title),
            "detail": clean(progress.detail),
            "fraction": fraction,
            "elapsed": elapsed,
            "kernel": kernel_id(),
        }
        if self._widget is not None:
            # Another widget in the same output stays hidden in JupyterLab, so it gets one of its own.
            self._take_away()
            self._id, self._displayed = secrets.token_hex(8), False
        self._widget = TuningProgress(progress, **traits) if isinstance(progress, Tuning) else ProgressBar(**traits)
        self._publish(self._widget.view())

    def _publish(self, bundle: dict[str, Any]) -> None:
        from IPython.display import display

        display(bundle, raw=True, display_id=self._id, update=self._displayed)  # type: ignore[no-untyped-call]
        self._displayed = True


def kernel_id() -> str:
    """Name this kernel as the Jupyter server does, from its connection file; "" where a server did not start it.

    Jupyter servers call that file ``kernel-<id>.json``.
    """
    module = sys.modules.get("IPython")
    shell = module.get_ipython() if module is not None else None
    application = getattr(getattr(shell, "kernel", None), "parent", None)
    name = Path(str(getattr(application, "connection_file", "") or "")).name
    found = re.fullmatch(r"kernel-([\w-]+)\.json", name)
    return found.group(1) if found else ""
