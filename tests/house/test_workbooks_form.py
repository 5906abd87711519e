"""The committed workbooks are small, and show themselves without JavaScript."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.house.repository import ROOT

_BOOKS = sorted((ROOT / "workbooks").glob("*.ipynb"))
_BYTES = 300_000
_WIDGET = "application/vnd.jupyter.widget-view+json"


def _read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)


def test_the_four_workbooks_of_the_spine_are_here() -> None:
    stems = {path.stem for path in _BOOKS}
    assert {"00_start_here", "01_inspect_and_flops", "02_simplify", "03_benchmark"} <= stems


@pytest.mark.parametrize("path", _BOOKS, ids=lambda path: path.stem)
class TestWorkbook:
    def test_is_valid_and_small(self, path: Path) -> None:
        nbformat.validate(_read(path))
        assert path.stat().st_size <= _BYTES

    def test_keeps_no_widget_state(self, path: Path) -> None:
        # With it, a viewer asks a network for the widget's code and hides the HTML that would do without.
        book = _read(path)
        assert "widgets" not in book.metadata
        assert "widget-state" not in json.dumps(book.metadata)

    def test_outputs_say_the_same_without_a_widget(self, path: Path) -> None:
        for cell in _read(path).cells:
            for output in cell.get("outputs", []):
                assert output.output_type != "error", output
                data = output.get("data", {})
                assert _WIDGET not in data, "a widget's view is left in a committed output"

    def test_names_its_kernel_plainly(self, path: Path) -> None:
        book = _read(path)
        assert book.metadata["kernelspec"]["name"] == "python3"
        assert book.metadata["kernelspec"]["display_name"] == "Python 3 (ipykernel)"
