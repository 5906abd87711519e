"""On what two models are compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from deploy_magics.errors import DeployError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from deploy_magics.arguments import FeedSource
    from deploy_magics.model import Model

Feeds: TypeAlias = "dict[str, NDArray[Any]]"

SEEDS = (0, 1, 2)
_OTHER_BATCH = 2
_LARGE = 128
_WIDER = ((0.0, 10.0), (0.0, 255.0), (-10.0, 10.0))


@dataclass(frozen=True)
class Inputs:
    """Inputs to compare on.

    Attributes
    ----------
    feeds : tuple of dict
        Arrays by input name; the original has to run on each.
    other_sizes : tuple of dict
        The same at other sizes, for a model that leaves dimensions open: a simplifier that took the size of the moment
        for a constant is found so. Left out where the original itself does not run on them.
    wider : tuple of dict
        The same over wider ranges of values, used where the outputs are the same for all of ``feeds``: a quantised
        model may take 0 to 1 for one step.
    """

    feeds: tuple[Feeds, ...]
    other_sizes: tuple[Feeds, ...] = ()
    wider: tuple[Feeds, ...] = ()


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
    own = [model.feeds(data)] if data is not None else []
    try:
        random = [model.feeds(seed) for seed in seeds]
    except DeployError:
        if not own:
            raise
        # Nothing random can be made of sequences, or of sizes that only the caller knows.
        return Inputs(tuple(own))
    wider = [_widen(random[0], *ends) for ends in _WIDER] if random else []
    return Inputs((*random, *own), tuple(_other_sizes(model, seed=len(seeds))), tuple(wider))


def _widen(feeds: Feeds, low: float, high: float) -> Feeds:
    """Spread 0 to 1 over another range; what is no floating-point number stays."""
    return {
        name: (array * (high - low) + low).astype(array.dtype) if array.dtype.kind == "f" else array
        for name, array in feeds.items()
    }


def _other_sizes(model: Model, *, seed: int) -> Iterator[Feeds]:
    usual = model.feeds(seed)
    sizes = {}
    for spec in model.inputs:
        if spec.shape is not None:
            known = usual[spec.name].shape
            sizes[spec.name] = [
                size if isinstance(dim, int) else _other(size) if axis else _OTHER_BATCH
                for axis, (dim, size) in enumerate(zip(spec.shape, known, strict=True))
            ]
    first_only = {
        name: [size if axis == 0 else usual[name].shape[axis] for axis, size in enumerate(shape)]
        for name, shape in sizes.items()
    }
    for shapes in (first_only, sizes if sizes != first_only else None):
        if shapes and any(tuple(shape) != usual[name].shape for name, shape in shapes.items()):
            try:
                yield model.bind(shapes=shapes).feeds(seed)
            except DeployError:
                # Too large, or a shape that the model does not allow: then there is no such size to try.
                continue


def _other(size: int) -> int:
    """Choose another size for a dimension; the half where that is large enough for maps of several strides."""
    return size // 2 if size >= _LARGE else size * 2
