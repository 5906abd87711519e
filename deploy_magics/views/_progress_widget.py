"""The widget that shows progress; apart from its reporter, so that a kernel without widgets can do without."""

from __future__ import annotations

import _thread
import signal
import threading
from typing import Any

import anywidget
import traitlets

from deploy_magics.views.widget import MIME, module


class ProgressBar(anywidget.AnyWidget):
    """A bar with a Stop button.

    Attributes
    ----------
    title, detail : str
        What is being done, and the figure of the moment.
    fraction : float
        Share done, 0 to 1; -1 where it is not known.
    elapsed : float
        Seconds that had passed at the last report; the page counts on from there.
    kernel : str
        The kernel's id at the Jupyter server; "" where there is none.
    """

    title = traitlets.Unicode().tag(sync=True)
    detail = traitlets.Unicode().tag(sync=True)
    fraction = traitlets.Float(-1.0).tag(sync=True)
    elapsed = traitlets.Float(0.0).tag(sync=True)
    kernel = traitlets.Unicode().tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        super().__init__(_esm=module("progress"), **traits)
        self.on_msg(self._heard)

    def view(self) -> dict[str, Any]:
        """Give the output that shows this widget and nothing else."""
        return {MIME: {"version_major": 2, "version_minor": 0, "model_id": self.model_id}}

    def _heard(self, _: Any, content: Any, __: Any) -> None:
        # From front ends without a server to ask, or one that refused. A kernel that hears its widgets in a thread of
        # its own does so at once. Heard late, the work is over and this widget closed.
        if isinstance(content, dict) and content.get("stop") is True and self.comm is not None:
            interrupt_main()


def interrupt_main() -> None:
    """Interrupt the main thread, as the key does; from another thread, and also while it waits in a system call."""
    main = threading.main_thread()
    if hasattr(signal, "pthread_kill") and main.ident is not None and threading.current_thread() is not main:
        signal.pthread_kill(main.ident, signal.SIGINT)
    else:
        _thread.interrupt_main()  # marks the signal; a wait that lasts goes on until it ends
