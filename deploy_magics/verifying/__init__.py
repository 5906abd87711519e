"""Are two models the same? Both run on the same inputs, and what they give is compared.

Of use to every step that changes a model: ``compare(original, changed, inputs_for(original)).require("the result")``.
"""

from __future__ import annotations

from deploy_magics.verifying._arrays import Difference, difference
from deploy_magics.verifying._compare import Reference, compare
from deploy_magics.verifying._inputs import Inputs, around, inputs_for
from deploy_magics.verifying._running import Running
from deploy_magics.verifying._tolerance import TOLERANCES, tolerance_of, tolerance_on
from deploy_magics.verifying._verification import Verification

__all__ = [
    "TOLERANCES",
    "Difference",
    "Inputs",
    "Reference",
    "Running",
    "Verification",
    "around",
    "compare",
    "difference",
    "inputs_for",
    "tolerance_of",
    "tolerance_on",
]
