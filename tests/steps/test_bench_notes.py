from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from deploy_magics.steps._bench_notes import _assumed


def model(name: str, *assumed: str) -> Any:
    return SimpleNamespace(name=name, assumed=assumed)


def test_sizes_that_are_the_same_for_all_are_told_once() -> None:
    (note,) = _assumed([model("before", "N=1"), model("after", "N=1")])
    assert note.text == "measured at N=1; set others with --dim or --batch"


def test_sizes_of_some_models_are_told_with_their_names() -> None:
    (note,) = _assumed([model("fixed"), model("open", "N=1", "H=224")])
    assert note.text == "open: measured at N=1, H=224; set others with --dim or --batch"
