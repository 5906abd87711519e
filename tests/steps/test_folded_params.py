"""Parameters of real networks once batch normalisation is folded into their convolutions, by really simplifying."""

from __future__ import annotations

import pytest

from deploy_magics.counting import count_model
from deploy_magics.steps.simplify import simplify


@pytest.mark.parametrize(
    ("name", "before", "folded"), [("mobilenet_v2", 3_504_872, 3_487_816), ("shufflenet_v2", 2_278_604, 2_270_514)]
)
def test_simplifying_folds_each_norm_into_a_bias(name: str, before: int, folded: int) -> None:
    found = simplify(name)
    (original,) = found.meta["models"]
    assert (original["before"]["params"], original["after"]["params"]) == (before, folded)
    counted = count_model(found.model)
    assert counted.params == folded
    assert not any(node.kind == "BatchNormalization" for node in counted.nodes)
