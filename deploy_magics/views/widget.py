"""The widgets of a result: a table for each table, a histogram of what was measured, its curves and drawings.

Each is one ES module that lies beside this file and asks nothing of a network. Data travel once, as JSON text, when
the widget is made; from the page come back the rows selected and the row pinned as baseline.

A widget that is made is held by ipywidgets until it is closed, in the kernel and in the page, together with its module
and its data. So only the results shown last keep theirs; the static HTML of an older one shows itself again.
"""

from __future__ import annotations

import json
import weakref
from collections import OrderedDict
from functools import cache
from importlib.resources import files
from typing import Any

import anywidget
import ipywidgets
import traitlets

from deploy_magics.result import Curve, Depth, Note, Result, Stack, Table, Timeline
from deploy_magics.views import _chart, _payload
from deploy_magics.views._bins import Distribution, distributions
from deploy_magics.views._palette import colours

MIME = "application/vnd.jupyter.widget-view+json"
# How many results keep their widgets. A table and a histogram send about 80 KB, most of it their modules: 30 results
# are a few megabytes in the kernel and in the page, and more than a reader compares in one notebook.
KEPT = 30


@cache
def module(name: str) -> str:
    """Read a bundled ES module."""
    return files("deploy_magics.views").joinpath("static", f"{name}.js").read_text(encoding="utf-8")


class _View(anywidget.AnyWidget):
    """What the widgets of a result share.

    Attributes
    ----------
    data : str
        JSON of all that is drawn.
    uid : str
        Names the static HTML that is hidden while this lives.
    """

    data = traitlets.Unicode().tag(sync=True)
    uid = traitlets.Unicode().tag(sync=True)

    def __init__(self, data: dict[str, Any], uid: str = "", **traits: Any) -> None:
        text = json.dumps(data, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        super().__init__(data=text, uid=uid, **traits)


class ComparisonTable(_View):
    """A table that is sorted, filtered, compared with any of its rows and copied.

    Attributes
    ----------
    selected : list[int]
        Rows selected, as indices into the table's rows. Setting it selects in the page.
    baseline : int
        Row to which ratios refer, -1 for none. Setting it pins in the page.
    """

    selected = traitlets.List(traitlets.Int()).tag(sync=True)
    baseline = traitlets.Int(-1).tag(sync=True)

    def __init__(
        self,
        table: Table,
        uid: str = "",
        *,
        hues: dict[str, str] | None = None,
        head: dict[str, Any] | None = None,
        notes: tuple[Note, ...] = (),
    ) -> None:
        plain = _payload.table(table, hues or {})
        data = {"table": plain, "head": head, "notes": _payload.notes(notes)}
        super().__init__(data, uid, baseline=plain["baseline"], _esm=module("table"))
        self._names = [str(value) for value in table.values(table.columns[0].key)]

    @property
    def selected_names(self) -> list[str]:
        """Names of the rows selected."""
        return [self._names[index] for index in self.selected if 0 <= index < len(self._names)]


class LatencyHistogram(_View):
    """Distributions laid over one another, and below them a strip in time order where drift can be seen."""

    def __init__(
        self,
        distribution: Distribution,
        uid: str = "",
        *,
        hues: dict[str, str] | None = None,
        head: dict[str, Any] | None = None,
        notes: tuple[Note, ...] = (),
    ) -> None:
        plain = _payload.distribution(distribution, hues or {})
        super().__init__(
            {"distribution": plain, "head": head, "notes": _payload.notes(notes)}, uid, _esm=module("histogram")
        )


class CurveChart(_View):
    """How a figure changed while the step worked."""

    def __init__(
        self,
        curve: Curve,
        uid: str = "",
        *,
        hues: dict[str, str] | None = None,
        head: dict[str, Any] | None = None,
        notes: tuple[Note, ...] = (),
    ) -> None:
        data = {"curve": _payload.curve(curve), "head": head, "notes": _payload.notes(notes)}
        super().__init__(data, uid, _esm=module("curve"))


class Picture(_View):
    """A stacked bar or a timeline, drawn here."""

    def __init__(
        self,
        chart: Stack | Timeline,
        uid: str = "",
        *,
        parts: dict[str, str],
        head: dict[str, Any] | None = None,
        notes: tuple[Note, ...] = (),
    ) -> None:
        data = {"picture": _payload.chart(chart, parts), "head": head, "notes": _payload.notes(notes)}
        super().__init__(data, uid, _esm=module("picture"))


class DepthChart(_View):
    """Figures along the depth of a network; a layer that is clicked shows its distributions."""

    def __init__(
        self,
        chart: Depth,
        uid: str = "",
        *,
        parts: dict[str, str],
        head: dict[str, Any] | None = None,
        notes: tuple[Note, ...] = (),
    ) -> None:
        data = {"depth": _payload.depth(chart, parts), "head": head, "notes": _payload.notes(notes)}
        super().__init__(data, uid, _esm=module("depth"))


def close(widget: ipywidgets.DOMWidget) -> None:
    """Close a widget and the layout that ipywidgets made for it, which it would hold for good."""
    layout = widget.layout
    widget.close()
    if layout is not None:
        layout.close()


class _Shown:
    """The widgets of one result that was shown, or after their end the rows that were selected in them."""

    def __init__(self, root: ipywidgets.DOMWidget, children: list[_View]) -> None:
        self.tables = [child for child in children if isinstance(child, ComparisonTable)]
        # From the outside in: a page takes a box away in one step, and then what was in it.
        self._widgets: list[ipywidgets.DOMWidget] = list(dict.fromkeys([root, *children]))
        self._selected: list[str] = []

    @property
    def selection(self) -> list[str]:
        """Names of the rows selected."""
        return [*self._selected, *(name for table in self.tables for name in table.selected_names)]

    def close(self) -> None:
        """Close the widgets; twice does no harm."""
        self._selected = self.selection
        widgets, self._widgets, self.tables = self._widgets, [], []
        for widget in widgets:
            close(widget)


# What was shown last for a result, by its identity: a result is a value and holds no live object itself.
_shown: dict[int, _Shown] = {}
# All whose widgets live, the oldest first; also those of results that are gone, for a page still shows them.
_alive: OrderedDict[int, _Shown] = OrderedDict()


def build(result: Result, uid: str = "", dists: list[Distribution] | None = None) -> ipywidgets.DOMWidget | None:
    """Make the widget of a result.

    The widgets made before for the same result are closed, and so are those of all but the last ``KEPT`` results.

    Parameters
    ----------
    result : Result
        What to show. Its headline and facts stand above the first widget, its notes below the last.
    uid : str
        Names the static HTML that the widget hides while it lives.
    dists : list[Distribution], optional
        The result's distributions, if they have been made already.

    Returns
    -------
    ipywidgets.DOMWidget or None
        None where there is nothing that a widget could add to the HTML: no rows, no samples, no curve and no drawing.
    """
    dists = distributions(result) if dists is None else dists
    if not dists and not result.curves and not result.charts and not any(table.rows for table in result.tables):
        return None
    hues = colours(result)
    children: list[_View] = []
    parts: list[Part] = [*result.tables, *dists, *result.curves, *result.charts]
    for part in parts:
        shared: dict[str, Any] = {"hues": hues}
        if not children:
            shared["head"] = _payload.head(result)
        if len(children) == len(parts) - 1:
            shared["notes"] = result.notes
        if isinstance(part, Stack | Timeline | Depth):
            del shared["hues"]
            kind = DepthChart if isinstance(part, Depth) else Picture
            children.append(kind(part, uid, parts=_chart.hues(result), **shared))  # type: ignore[arg-type]
        else:
            children.append(_view(part, uid, shared))
    root = children[0] if len(children) == 1 else ipywidgets.VBox(children)
    _remember(result, _Shown(root, children))
    return root


Part = Table | Distribution | Curve | Stack | Timeline | Depth


def _view(part: Table | Distribution | Curve, uid: str, shared: dict[str, Any]) -> _View:
    if isinstance(part, Table):
        return ComparisonTable(part, uid, **shared)
    return CurveChart(part, uid, **shared) if isinstance(part, Curve) else LatencyHistogram(part, uid, **shared)


def publish(widget: ipywidgets.DOMWidget) -> None:
    """Show a widget as an output that holds the widget and nothing else.

    The HTML before it is what a reader sees where widgets are not drawn; a text of this output would stand there too.
    """
    from IPython.display import display

    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    display({MIME: view}, raw=True)  # type: ignore[no-untyped-call]  # IPython.display is not annotated


def selection(result: Result) -> list[str]:
    """Name the rows selected in the tables shown last for a result."""
    shown = _shown.get(id(result))
    return shown.selection if shown is not None else []


def _remember(result: Result, shown: _Shown) -> None:
    key = id(result)
    if key in _shown:
        _end(_shown[key])
    else:
        weakref.finalize(result, _shown.pop, key, None)
    _shown[key] = shown
    _alive[id(shown)] = shown
    while len(_alive) > KEPT:
        _end(next(iter(_alive.values())))


def _end(shown: _Shown) -> None:
    _alive.pop(id(shown), None)
    shown.close()
