"""How a result looks: text, static HTML, a widget, a matplotlib figure.

In a notebook a result is two outputs. The first is HTML that stands by itself in any saved notebook. The second is a
widget, which hides that HTML while it lives and gives it back when it goes. Neither knows of the other's end: a style
rule inside the widget hides the HTML, so it ends with the widget, and a style rule inside the HTML hides the place of a
widget that is not alive.
"""

from __future__ import annotations

import os
import secrets
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deploy_magics.result import Result
    from deploy_magics.views._bins import Distribution

NOTEBOOK_WIDTH = 110
# Set to 0 to show static HTML alone, as for a notebook that is run without a reader and then kept.
SWITCH = "DEPLOY_MAGICS_WIDGETS"


def show(result: Result, *, widget: bool | None = None) -> None:
    """Show a result where the reader is: HTML and a widget in a notebook, text in a terminal.

    Parameters
    ----------
    result : Result
        What to show.
    widget : bool, optional
        Whether the widget follows the HTML; if not given, unless the environment variable ``DEPLOY_MAGICS_WIDGETS`` is
        0 or ipywidgets cannot be imported.
    """
    from deploy_magics.views import text

    shell = _shell()
    if shell is None or not hasattr(shell, "kernel"):
        sys.stdout.write(text.render(result) + "\n")
        return
    from IPython.display import display

    from deploy_magics.views import html
    from deploy_magics.views._bins import distributions

    uid = secrets.token_hex(5)
    dists = distributions(result)
    bundle = {
        "text/html": html.render(result, uid, dists),
        "text/plain": text.render(result, columns=NOTEBOOK_WIDTH, encoding="utf-8"),
    }
    display(bundle, raw=True)  # type: ignore[no-untyped-call]  # IPython.display is not annotated
    if os.environ.get(SWITCH) != "0" if widget is None else widget:
        _show_widget(result, uid, dists)


def selection(result: Result) -> list[str]:
    """Name the rows that the reader has selected in the widget shown last; empty where there is none."""
    module = sys.modules.get("deploy_magics.views.widget")
    return list(module.selection(result)) if module is not None else []


def _show_widget(result: Result, uid: str, dists: list[Distribution]) -> None:
    try:
        from deploy_magics.views import widget
    except ImportError:  # the widget packages are not there; the HTML has said everything
        return
    built = widget.build(result, uid, dists)
    if built is not None:
        widget.publish(built)


def _shell() -> Any:
    module = sys.modules.get("IPython")
    return module.get_ipython() if module is not None else None
