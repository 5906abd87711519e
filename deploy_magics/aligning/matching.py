"""Which layer of one graph is which of another: by name, and by position where names or fusion changed that."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any, Literal

from deploy_magics.aligning.graphs import Group, Layer, groups

if TYPE_CHECKING:
    import onnx

# Names that an exporter counts up: the same one may stand for something else in another file.
_COUNTED = re.compile(r"(?:%|val_|t|onnx::\w+_|tensor_?)?\d+")


@dataclass(frozen=True)
class Pair:
    """A layer of the reference and the tensor of the other model that should hold the same.

    Attributes
    ----------
    layer, op : str
        The reference's layer and its operator type.
    tensor, other : str
        The tensors, as each model names them.
    by : {"name", "position", "output"}
        How they were found to belong together.
    """

    layer: str
    op: str
    tensor: str
    other: str
    by: Literal["name", "position", "output"]


@dataclass(frozen=True)
class Matching:
    """Pairs in the order of the reference, and what has none.

    Attributes
    ----------
    pairs : tuple of Pair
        In the order in which the reference computes.
    alone : tuple of Layer
        Layers of the reference that have no counterpart: fused, folded or gone.
    """

    pairs: tuple[Pair, ...]
    alone: tuple[Layer, ...]

    def unmatched(self) -> str:
        """Say what has no counterpart, by operator type; "" for nothing."""
        return ", ".join(f"{count} {op}" for op, count in Counter(layer.op for layer in self.alone).most_common())


def match(reference: onnx.GraphProto, other: onnx.GraphProto) -> Matching:
    """Match the layers of two graphs.

    Parameters
    ----------
    reference, other : GraphProto
        With shapes where they are known; weights may be absent.

    Notes
    -----
    Layers that optimisers draw together (a convolution, its normalisation and what is multiplied or added to it) form a
    group, and what the last of a group gives is compared. A name counts where both layers stand last in their
    groups, and is none that an exporter counts up: a fused convolution may keep the name of the plain one, whose values
    it no longer has. What names leave open is aligned as two sequences of kinds and shapes are, anchored
    at what names have found (Ratcliff and Obershelp's matching blocks, :mod:`difflib`).
    """
    mine, theirs = groups(reference), groups(other)
    named = _by_name(mine, theirs)
    found = [_by_position(mine, theirs, named, shaped=shaped) for shaped in (True, False)]
    # Shapes tell equal kinds apart; where inference left them open in one of the two, they only hinder.
    place = max(found, key=len)
    pairs: dict[str, Pair] = {}
    for index, where in sorted(place.items()):
        for pair in _members(mine[index], theirs[where], "name" if index in named else "position"):
            pairs[pair.tensor] = pair
    _add_outputs(reference, other, mine, pairs)
    layers = list(dict.fromkeys(layer for group in mine for layer in group.layers))
    ordered = [pairs[layer.tensor] for layer in layers if layer.tensor in pairs]
    return Matching(tuple(ordered), tuple(layer for layer in layers if layer.tensor not in pairs))


def _by_name(mine: Sequence[Group], theirs: Sequence[Group]) -> dict[int, int]:
    """Find groups whose last tensors have the same name."""
    last = {group.last.tensor: index for index, group in enumerate(theirs) if not group.hidden}
    found = {}
    for index, group in enumerate(mine):
        name = group.last.tensor
        where = last.get(name)
        if where is None or group.hidden or _COUNTED.fullmatch(name):
            continue
        found[index] = where
    return found


def _by_position(
    mine: Sequence[Group], theirs: Sequence[Group], named: dict[int, int], *, shaped: bool
) -> dict[int, int]:
    backwards = {where: index for index, where in named.items()}

    def key(group: Group, anchor: int | None) -> Any:
        if anchor is not None:
            return anchor
        # Dimensions in order of size: a layout with the channels last has the same.
        return group.kind, tuple(sorted(group.last.shape)) if shaped and group.last.shape else None

    one = [key(group, index if index in named else None) for index, group in enumerate(mine)]
    two = [key(group, backwards.get(where)) for where, group in enumerate(theirs)]
    found = dict(named)
    for what, start, end, there, until in SequenceMatcher(None, one, two, autojunk=False).get_opcodes():
        # As many others in the same place, of the same sizes: an operator was put in for another.
        instead = what == "replace" and end - start == until - there
        for index, where in zip(range(start, end), range(there, until), strict=False):
            alike = what == "equal" or (instead and _same_size(mine[index], theirs[where]))
            if alike and index not in named and where not in backwards:
                found[index] = where
    return found


def _same_size(group: Group, other: Group) -> bool:
    return (
        group.last.shape is not None
        and other.last.shape is not None
        and sorted(group.last.shape) == sorted(other.last.shape)
    )


def _members(group: Group, other: Group, by: Literal["name", "position"]) -> list[Pair]:
    """Pair the layers of two groups: each where both have the same, else the last ones."""
    if group.hidden or other.hidden:
        return []
    both = zip(group.layers, other.layers, strict=True) if group.ops == other.ops else [(group.last, other.last)]
    return [Pair(one.name, one.op, one.tensor, two.tensor, by) for one, two in both]


def _add_outputs(
    reference: onnx.GraphProto, other: onnx.GraphProto, mine: Sequence[Group], pairs: dict[str, Pair]
) -> None:
    """Pair outputs in their order where nothing else did: they must be compared whatever became of the inside."""
    if len(reference.output) != len(other.output):
        return
    layers = {layer.tensor: layer for group in mine for layer in group.layers}
    for one, two in zip(reference.output, other.output, strict=True):
        layer = layers.get(one.name)
        if layer is not None and one.name not in pairs:
            pairs[one.name] = Pair(layer.name, layer.op, one.name, two.name, "output")
