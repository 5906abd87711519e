"""The batch dimension: which inputs have one, and a size for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any

from deploy_magics.errors import ModelError
from deploy_magics.model import _bind, _defaults
from deploy_magics.model._spec import Dim, TensorSpec
from deploy_magics.model._text import quote

if TYPE_CHECKING:
    import numpy as np


def names(inputs: Sequence[TensorSpec]) -> set[str]:
    """Give the inputs whose first dimension is a batch that is still free."""
    return {spec.name for spec in inputs if spec.shape and _defaults.is_batch(spec.shape[0], 0)}


def sizes(inputs: Sequence[TensorSpec], batch: int) -> tuple[dict[str, int], dict[str, tuple[Dim, ...]]]:
    """Give what binds the batch dimension of every input that has a free one.

    Returns
    -------
    dims, shapes : dict
        As ``Binding.merged`` takes them; both empty where every input has just that batch.

    Raises
    ------
    ModelError
        Where the batch is fixed to another size, or there is none.
    """
    if isinstance(batch, bool) or not isinstance(batch, Integral) or not 0 < batch < 2**31:
        raise ModelError(f"a batch must be a positive number, not {quote(batch)}")
    free = names(inputs)
    if not free:
        fixed = [(spec.name, spec.shape[0]) for spec in inputs if spec.shape and isinstance(spec.shape[0], int)]
        if fixed and all(size == batch for _, size in fixed):
            return {}, {}
        reason = (
            f"{quote(fixed[0][0])} has a fixed batch of {fixed[0][1]}" if fixed else "no input has a batch dimension"
        )
        raise ModelError(f"the batch cannot be {batch}: {reason}", hint="export the model with a dynamic batch")
    shapes = {s.name: (batch, *[None] * (len(s.shape) - 1)) for s in inputs if s.name in free and s.shape}
    added = _bind.bind(_bind.Binding(), inputs, (), shapes, None)
    return dict(added.dims), dict(added.shapes)


def applied(
    feeds: Mapping[str, np.ndarray[Any, Any]], inputs: Sequence[TensorSpec], batch: int
) -> dict[str, np.ndarray[Any, Any]]:
    """Repeat or cut given inputs along their first dimension to make a batch."""
    import numpy as np

    result = dict(feeds)
    for name in names(inputs) & feeds.keys():
        array = feeds[name]
        if array.ndim and array.shape[0] and array.shape[0] != batch:
            result[name] = np.take(array, np.arange(batch) % array.shape[0], axis=0)
    return result
