"""On what two models are compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deploy_magics.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from deploy_magics.arguments import FeedSource
    from deploy_magics.model import Model

SEEDS = (0, 1, 2)
_OTHER_BATCH = 2


@dataclass(frozen=True)
class Inputs:
    """Inputs to compare on.

    Attributes
    ----------
    feeds : tuple of dict
        Arrays by input name; the original has to run on each.
    other_sizes : tuple of dict
        The same at another batch size, for a model that leaves it open: a simplifier that took the size of the moment
        for a constant is found so. Left out where the original itself does not run on them.
    """

    feeds: tuple[dict[str, NDArray[Any]], ...]
    other_sizes: tuple[dict[str, NDArray[Any]], ...] = ()


def inputs_for(model: Model, *, data: FeedSource | None = None, seeds: Sequence[int] = SEEDS) -> Inputs:
    """Make inputs for a comparison: random ones by seed, and the caller's own.

    Parameters
    ----------
    model : Model
        Whose inputs they are.
    data : int, path, mapping or callable, optional
        More inputs, as :meth:`Model.feeds` takes them.
    seeds : sequence of int
        One set of random inputs each.

    Raises
    ------
    DeployError
        Where inputs cannot be made, or ``data`` does not fit.
    """
    if not model.inputs:
        return Inputs(({},))
    feeds = [model.feeds(seed) for seed in seeds]
    if data is not None:
        feeds.append(model.feeds(data))
    return Inputs(tuple(feeds), _other_sizes(model, seed=len(seeds)))


def _other_sizes(model: Model, *, seed: int) -> tuple[dict[str, NDArray[Any]], ...]:
    open_batch = all(spec.shape and not isinstance(spec.shape[0], int) for spec in model.inputs)
    if not open_batch:
        return ()
    try:
        return (model.feeds(seed, batch=_OTHER_BATCH),)
    except ModelError:
        # Too large, or a shape the model does not allow: then there is no other size to try.
        return ()
