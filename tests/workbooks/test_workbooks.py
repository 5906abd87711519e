from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from deploy_magics import workbooks
from tests.house.repository import ROOT

_BOOKS = sorted((ROOT / "workbooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def runs() -> Iterator[Mapping[Path, Future[list[workbooks.Outcome]]]]:
    """Run all of them, two at a time, those that take longest first; they wait for processes most of the time."""
    longest = sorted(_BOOKS, key=lambda path: -path.stat().st_size)
    with ThreadPoolExecutor(2) as pool:
        yield {path: pool.submit(workbooks.run, [path.stem], folder=path.parent, quick=True) for path in longest}
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("path", _BOOKS, ids=lambda path: path.stem)
def test_a_workbook_runs_from_top_to_bottom(runs: Mapping[Path, Future[list[workbooks.Outcome]]], path: Path) -> None:
    [outcome] = runs[path].result()
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
