"""Several models at once, as steps take them: names that differ, and sizes bound in those that have them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from deploy_magics.arguments import ModelLike
from deploy_magics.model import _torch

if TYPE_CHECKING:
    from deploy_magics.model._handle import Model
    from deploy_magics.model._spec import Limits


def open_all(
    kind: type[Model],
    objs: Sequence[ModelLike],
    shapes: Mapping[str, Sequence[int | str | None]],
    dims: Mapping[str, int],
    limits: Limits | None,
) -> tuple[Model, ...]:
    """Open models; see ``Model.all_of``."""
    # A module needs its shapes to be exported, and has none left to bind afterwards.
    plain = [kind.of(obj, shapes=shapes if _torch.is_module(_inner(obj)) else None, limits=limits) for obj in objs]
    known_names = {name for model in plain for name in _names(model)}
    known_symbols = {symbol for model in plain for symbol in _symbols(model)}
    result: list[Model] = []
    for model, name in zip(plain, distinct([model.name for model in plain]), strict=True):
        # What no model has is bound everywhere, so that the first one says that it does not exist.
        names, symbols = _names(model), _symbols(model)
        own = {name: shape for name, shape in shapes.items() if name in names or name not in known_names}
        mine = {name: size for name, size in dims.items() if name in symbols or name not in known_symbols}
        if model.module is not None and not isinstance(_inner(objs[len(result)]), kind):
            own = {}
        bound = model.bind(own, mine) if own or mine else model
        result.append(bound if name == model.name else bound.renamed(name))
    return tuple(result)


def distinct(names: Sequence[str]) -> list[str]:
    """Give names that differ: one that came before gets a number.

    Examples
    --------
    >>> distinct(["a", "b", "a", "a (2)"])
    ['a', 'b', 'a (3)', 'a (2)']
    """
    result: list[str] = []
    for name in names:
        if name in result:
            numbered = (f"{name} ({number})" for number in itertools.count(2))
            name = next(text for text in numbered if text not in result and text not in names)
        result.append(name)
    return result


def _inner(obj: Any) -> Any:
    return obj[1] if isinstance(obj, tuple) and len(obj) == 2 and isinstance(obj[0], str) else obj


def _names(model: Model) -> set[str]:
    return {spec.name for spec in model.inputs}


def _symbols(model: Model) -> set[str]:
    # Those bound already still are the model's: binding one anew is no error.
    return {dim for spec in model.inputs for dim in spec.shape or () if isinstance(dim, str)} | set(model.dims)
