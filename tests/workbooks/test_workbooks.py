from __future__ import annotations

from pathlib import Path

import pytest

from deploy_magics import workbooks
from tests.house.repository import ROOT

_BOOKS = sorted((ROOT / "workbooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", _BOOKS, ids=lambda path: path.stem)
def test_a_workbook_runs_from_top_to_bottom(path: Path) -> None:
    [outcome] = workbooks.run([path.stem], folder=path.parent, quick=True)
    assert outcome.ok, str(outcome)


@pytest.mark.parametrize("path", _BOOKS, ids=lambda path: path.stem)
def test_a_workbook_has_every_part_a_learner_expects(path: Path) -> None:
    import nbformat

    cells = nbformat.read(path, as_version=4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    opening = cells[0].source
    for promise in ("**You will learn**", "**It runs**", "**You need**", "**You will see**"):
        assert promise in opening
    assert "<details><summary>Solution" in text
    assert "## Summary" in text
    assert "guess" in text.casefold()


def test_workbooks_link_only_to_one_another() -> None:
    import re

    stems = {path.name for path in _BOOKS}
    for path in _BOOKS:
        for target in re.findall(r"\]\(([^)#]+\.ipynb)\)", path.read_text(encoding="utf-8")):
            assert target in stems, f"{path.name} links to {target}"
