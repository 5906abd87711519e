"""On what two models are compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from deploy_magics.errors import DeployError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from deploy_magics.arguments import FeedSource
    from deploy_magics.model import Model

Feeds: TypeAlias = "Mapping[str, NDArray[Any]]"

SEEDS = (0, 1)
_SPREAD = 3.0
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
    signed : tuple of mapping
        Values of both signs, normally distributed with a deviation of 3: what is done to negative or large inputs is
        not seen in 0 to 1. Left out, with a note, where the original refuses them or gives numbers that are not finite.

    Random sets are made anew whenever they are read, so that one at a time takes memory.
    """

    feeds: tuple[Feeds, ...]
    other_sizes: tuple[Feeds, ...] = ()
    wider: tuple[Feeds, ...] = ()
    signed: tuple[Feeds, ...] = ()


class Made(Mapping[str, Any]):
    """Arrays by name that are made when they are read, and not kept.

    Parameters
    ----------
    make : callable
        Gives them, the same ones at each call.
    """

    def __init__(self, make: Callable[[], Mapping[str, Any]]) -> None:
        self._make = make

    def all(self) -> dict[str, Any]:
        """Make all of them."""
        return dict(self._make())

    def __getitem__(self, name: str) -> Any:
        return self._make()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._make())

    def __len__(self) -> int:
        return len(self._make())


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
        for seed in seeds[:1]:
            model.feeds(seed)
    except DeployError:
        if not own:
            raise
        # Nothing random can be made of sequences, or of sizes that only the caller knows.
        return Inputs(tuple(own))
    random = [_made(model, seed) for seed in seeds]
    first = seeds[0] if seeds else 0
    wider = [_made(model, first, partial(_widen, low=low, high=high)) for low, high in _WIDER] if random else []
    signed = [_made(model, first, _sign)] if random and any(_floating(spec.dtype) for spec in model.inputs) else []
    sizes = tuple(_other_sizes(model, seed=len(seeds)))
    return Inputs((*random, *own), sizes, tuple(wider), tuple(signed))


def around(feeds: Feeds) -> Inputs:
    """Make inputs for a comparison on given ones, which alone cannot show what depends on them.

    Beside them stand the same numbers in another order, and over wider ranges where outputs are the same for both;
    whole numbers stay as they are, since they may be sizes.
    """
    import numpy as np

    turned = {
        name: np.ascontiguousarray(np.flip(array)) if array.dtype.kind in "fV" and array.ndim else array
        for name, array in feeds.items()
    }
    moved = [name for name, array in feeds.items() if turned[name] is not array]
    moved = [name for name in moved if turned[name].tobytes() != feeds[name].tobytes()]
    if not moved:
        return Inputs((feeds,))
    return Inputs((feeds, turned), wider=tuple(_widen(dict(feeds), low, high) for low, high in _WIDER))


def _made(model: Model, seed: int, change: Callable[[dict[str, Any]], Feeds] | None = None) -> Made:
    return Made(lambda: change(model.feeds(seed)) if change else model.feeds(seed))


def _floating(dtype: str) -> bool:
    return dtype in ("float16", "float32", "float64", "bfloat16")


def _widen(feeds: dict[str, Any], low: float, high: float) -> Feeds:
    """Spread 0 to 1 over another range; what is no floating-point number stays."""
    return {
        name: (array * (high - low) + low).astype(array.dtype) if array.dtype.kind == "f" else array
        for name, array in feeds.items()
    }


def _sign(feeds: dict[str, Any]) -> Feeds:
    """Replace floating-point numbers by normally distributed ones."""
    import numpy as np

    rng = np.random.default_rng(3)
    return {
        name: np.asarray(rng.standard_normal(array.shape, dtype=np.float32) * np.float32(_SPREAD)).astype(array.dtype)
        if _floating(str(array.dtype))
        else array
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
                bound = model.bind(shapes=shapes)
                bound.feeds(seed)
            except DeployError:
                # Too large, or a shape that the model does not allow: then there is no such size to try.
                continue
            yield _made(bound, seed)


def _other(size: int) -> int:
    """Choose another size for a dimension; the half where that is large enough for maps of several strides."""
    return size // 2 if size >= _LARGE else size * 2
