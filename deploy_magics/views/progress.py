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

from deploy_magics.progress import Progress, Reporter
from deploy_magics.views._names import clean, escape, shorten, width

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
        # A display sent from another thread belongs to the cell only if it has this one's context.
        context = contextvars.copy_context()
        self._timer = threading.Timer(after, context.run, (self._first,))
        self._timer.daemon = True
        self._timer.start()

    @property
    def elapsed(self) -> float:
        """Seconds since the work began."""
        return time.monotonic() - self._began

    def update(self, progress: Progress) -> None:
        """Keep this state, and show it if the last one has been seen long enough."""
        with self._lock:
            self._last = progress
            now = time.monotonic()
            if self._shown_at is not None and not self._closed and now - self._shown_at >= self._every:
                self._shown_at = now
                self._show(progress, self.elapsed)

    def close(self) -> bool:
        """End; tells whether anything was shown."""
        self._timer.cancel()
        with self._lock:
            self._closed = True
            return self._shown_at is not None

    def _first(self) -> None:
        with self._lock:
            if not self._closed:
                self._shown_at = time.monotonic()
                self._show(self._last, self.elapsed)


class TerminalReporter:
    """One line on standard error, written over itself; in a log, one line at the end of work that lasted.

    Parameters
    ----------
    stream : TextIO, optional
        Where to write; standard error if not given.
    after, every : float
        Seconds before the line appears, and between two changes of it.
    """

    def __init__(self, stream: TextIO | None = None, *, after: float = AFTER_S, every: float = EVERY_S) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self._live = self._stream.isatty()
        self._wide = 0
        self._last = Progress("")
        self._later = _Later(self._show, after, every)

    def update(self, progress: Progress) -> None:
        """Show this state."""
        self._last = progress
        self._later.update(progress)

    def close(self) -> None:
        """Wipe the line; in a log, write the one line that says how long it took."""
        if not self._later.close():
            return
        if self._live:
            self._write("\r" + " " * self._wide + "\r")
        else:
            self._write(f"{clean(self._last.title)}: {self._later.elapsed:.1f} s\n")

    def _show(self, progress: Progress, elapsed: float) -> None:
        if not self._live:
            return
        import shutil

        text = shorten(line(progress, elapsed), shutil.get_terminal_size().columns - 1)
        wide = width(text)
        self._write("\r" + text + " " * (self._wide - wide))
        self._wide = wide

    def _write(self, text: str) -> None:
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        self._stream.write(text.encode(encoding, "replace").decode(encoding))
        self._stream.flush()


class NotebookReporter:
    """A bar with the figure of the moment and a Stop button; HTML that is written over where widgets cannot be had.

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
        self._displayed = False
        self._later = _Later(self._show, after, every)

    def update(self, progress: Progress) -> None:
        """Show this state."""
        self._later.update(progress)

    def close(self) -> None:
        """Take the bar away; what stays in the notebook is an output without content."""
        if not self._later.close():
            return
        if self._widget is not None:
            from deploy_magics.views.widget import close

            close(self._widget)
        self._publish({"text/html": ""})  # takes no room, and a converter does not warn of an output without data

    def _show(self, progress: Progress, elapsed: float) -> None:
        fraction = -1.0 if progress.fraction is None else min(1.0, max(0.0, float(progress.fraction)))
        if self._widget is not None:
            with self._widget.hold_sync():
                self._widget.title, self._widget.detail = clean(progress.title), clean(progress.detail)
                self._widget.fraction, self._widget.elapsed = fraction, elapsed
            return
        try:
            from deploy_magics.views._progress_widget import ProgressBar
        except ImportError:  # the widget packages are not there; a line of HTML is shown instead
            value = f' value="{fraction:.3f}"' if fraction >= 0 else ""
            self._publish({"text/html": f"<progress max=1{value}></progress> {escape(line(progress, elapsed))}"})
            return
        self._widget = ProgressBar(
            title=clean(progress.title),
            detail=clean(progress.detail),
            fraction=fraction,
            elapsed=elapsed,
            kernel=kernel_id(),
        )
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
