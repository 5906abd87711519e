"""The widget that shows progress; apart from its reporter, so that a kernel without widgets can do without."""

from __future__ import annotations

import _thread
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
        Seconds that had passed when it was made; the page counts on from there.
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
        # Only from front ends without a server to ask. Heard late, the work is over and this widget closed.
        if isinstance(content, dict) and content.get("stop") is True and self.comm is not None:
            _thread.interrupt_main()
