"""The widgets that show progress; apart from their reporter, so that a kernel without widgets can do without."""

from __future__ import annotations

import _thread
import math
import signal
import threading
from typing import Any, ClassVar

import anywidget
import traitlets

from deploy_magics.progress import Tuning
from deploy_magics.views import _tuning
from deploy_magics.views._curve import compared
from deploy_magics.views._palette import COLOURS
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
    bundle: ClassVar[str] = "progress"

    def __init__(self, **traits: Any) -> None:
        super().__init__(_esm=module(self.bundle), **traits)
        self.on_msg(self._heard)

    def view(self) -> dict[str, Any]:
        """Give the output that shows this widget and nothing else."""
        return {MIME: {"version_major": 2, "version_minor": 0, "model_id": self.model_id}}

    def _heard(self, _: Any, content: Any, __: Any) -> None:
        # From front ends without a server to ask, or one that refused. A kernel that hears its widgets in a thread of
        # its own does so at once. Heard late, the work is over and this widget closed.
        if isinstance(content, dict) and content.get("stop") is True and self.comm is not None:
            interrupt_main()


class TuningProgress(ProgressBar):
    """The bar, and below it the tasks of a search and what it has brought the model.

    A task's figures are a trait of their own, ``row0``, ``row1``, ...: so a report sends the rows that changed and no
    other, and a page that is opened again is given them all. The curve is sent in parts, ``curve0``, ``curve1``, ...,
    for the same reason.

    Attributes
    ----------
    names : list[str]
        The tasks' names.
    parts : int
        How many parts of the curve there are.
    now : float
        The moment of the last report on the curve's own clock, which may have begun later than the work.
    said : str
        How the latency compares with the start.
    hue : str
        Colour of the curve.
    """

    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    parts = traitlets.Int(0).tag(sync=True)
    now = traitlets.Float(0.0).tag(sync=True)
    said = traitlets.Unicode().tag(sync=True)
    hue = traitlets.Unicode(COLOURS[0]).tag(sync=True)
    bundle: ClassVar[str] = "tuning"
    PART: ClassVar[int] = 40

    def __init__(self, tuning: Tuning, **traits: Any) -> None:
        self._behind = math.inf
        self.tell(tuning, traits.get("elapsed", 0.0))  # first, so that the page is given it with the rest
        super().__init__(**traits)

    def tell(self, tuning: Tuning, elapsed: float) -> None:
        """Take over a report."""
        points = _tuning.points(tuning)
        parts = [points[begin : begin + self.PART] for begin in range(0, len(points), self.PART)]
        told = {f"row{index}": _tuning.figures(row) for index, row in enumerate(tuning.tasks)}
        told |= {f"curve{index}": part for index, part in enumerate(parts)}
        new = {name: traitlets.List(value).tag(sync=True) for name, value in told.items() if not self.has_trait(name)}
        if new:
            self.add_traits(**new)
        for name, value in told.items():
            setattr(self, name, value)
        self.names = _tuning.names(tuning)
        self.parts = len(parts)
        if points:
            # A point is reported soon after its moment: the least distance seen tells the two clocks apart.
            self._behind = min(self._behind, max(0.0, elapsed - points[-1][0]))
            self.now = round(max(points[-1][0], elapsed - self._behind), 1)
            self.said = compared(points[0][1], points[-1][1], _tuning.UNIT)


def interrupt_main() -> None:
    """Interrupt the main thread, as the key does; from another thread, and also while it waits in a system call."""
    main = threading.main_thread()
    if hasattr(signal, "pthread_kill") and main.ident is not None and threading.current_thread() is not main:
        signal.pthread_kill(main.ident, signal.SIGINT)
    else:
        _thread.interrupt_main()  # marks the signal; a wait that lasts goes on until it ends
