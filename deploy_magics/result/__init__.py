"""What every step gives: tables, samples, curves and notes as plain data, and a way to show them.

Nothing here draws. A :class:`Result` finds its view (``deploy_magics.views``) when it is asked to show itself.
"""

from __future__ import annotations

from deploy_magics.result.cells import Cell, Missing, Ratio
from deploy_magics.result.chart import Chart, Span, Stack, Timeline
from deploy_magics.result.curve import Curve
from deploy_magics.result.depth import Depth, Spot
from deploy_magics.result.goals import Goal
from deploy_magics.result.marking import Held
from deploy_magics.result.result import Note, Result, Status, load_result
from deploy_magics.result.samples import Samples
from deploy_magics.result.table import Column, Row, Table

__all__ = [
    "Cell",
    "Chart",
    "Column",
    "Curve",
    "Depth",
    "Goal",
    "Held",
    "Missing",
    "Note",
    "Ratio",
    "Result",
    "Row",
    "Samples",
    "Span",
    "Spot",
    "Stack",
    "Status",
    "Table",
    "Timeline",
    "load_result",
]
