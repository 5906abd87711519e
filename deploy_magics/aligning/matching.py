"""Which layer of one graph is which of another: by name, and by position where names or fusion changed that."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any, Literal

from deploy_magics.aligning.graphs import Group, Layer, groups, shapes
from deploy_magics.aligning.metrics import fit

if TYPE_CHECKING:
    import onnx

_RECTIFIERS = frozenset({"Relu", "Clip"})
# onnx.TensorProto: float32, float16, float64, bfloat16.
_FLOATS = frozenset({1, 10, 11, 16})
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
    missing : tuple of str
        Outputs of the reference that the other does not give.
    added : tuple of str
        Outputs of the other that the reference does not give.
    """

    pairs: tuple[Pair, ...]
    alone: tuple[Layer, ...]
    missing: tuple[str, ...] = ()
    added: tuple[str, ...] = ()

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
    place = _past_rectifiers(mine, theirs, max(found, key=len), named)
    pairs: dict[str, Pair] = {}
    for index, where in sorted(place.items()):
        for pair in _members(mine[index], theirs[where], "name" if index in named else "position"):
            pairs[pair.tensor] = pair
    layers = list(dict.fromkeys(layer for group in mine for layer in group.layers))
    ends, missing, added = _outputs(reference, other, pairs)
    last = [layer for layer in _last(reference, ends) if layer.tensor not in {each.tensor for each in layers}]
    for layer in (*layers, *last):
        if layer.tensor in ends:
            pairs[layer.tensor] = Pair(layer.name, layer.op, layer.tensor, ends[layer.tensor], "output")
    ordered = [pairs[layer.tensor] for layer in (*layers, *last) if layer.tensor in pairs]
    return Matching(tuple(ordered), tuple(layer for layer in layers if layer.tensor not in pairs), missing, added)


def comparable(pairs: Iterable[Pair], reference: onnx.GraphProto, other: onnx.GraphProto) -> tuple[Pair, ...]:
    """Leave out pairs by position of other kinds or sizes: integers of unknown scale, a Reshape that cuts otherwise."""
    kinds = [
        {
            value.name: value.type.tensor_type.elem_type in _FLOATS
            for value in (*graph.value_info, *graph.input, *graph.output)
            if value.type.tensor_type.elem_type
        }
        for graph in (reference, other)
    ]
    sizes = shapes(reference), shapes(other)

    def alike(pair: Pair) -> bool:
        one, two = sizes[0].get(pair.tensor), sizes[1].get(pair.other)
        known = {kinds[0].get(pair.tensor), kinds[1].get(pair.other)} - {None}
        return len(known) < 2 and (one is None or two is None or fit(two, one))

    return tuple(pair for pair in pairs if pair.by != "position" or alike(pair))


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

    # What only hands values on stands anywhere; its place says nothing.
    ours = [index for index, group in enumerate(mine) if not group.clear or index in named]
    others = [where for where, group in enumerate(theirs) if not group.clear or where in backwards]
    one = [key(mine[index], index if index in named else None) for index in ours]
    two = [key(theirs[where], backwards.get(where)) for where in others]
    found = dict(named)
    for what, start, end, there, until in SequenceMatcher(None, one, two, autojunk=False).get_opcodes():
        # As many others in the same place, of the same sizes: an operator was put in for another.
        instead = what == "replace" and end - start == until - there
        for index, where in zip(ours[start:end], others[there:until], strict=False):
            alike = what == "equal" or (instead and _same_size(mine[index], theirs[where]))
            if alike and index not in named and where not in backwards:
                found[index] = where
    return found


def _past_rectifiers(
    mine: Sequence[Group], theirs: Sequence[Group], found: Mapping[int, int], named: Mapping[int, int]
) -> dict[int, int]:
    """Hold a quantised layer against the rectifier behind its counterpart: its range clips, so quantisers drop that."""
    behind_mine, behind_theirs = _rectifiers(mine), _rectifiers(theirs)
    made = {}
    for index, where in found.items():
        one, two = mine[index], theirs[where]
        after, there = behind_mine.get(one.last.tensor), behind_theirs.get(two.last.tensor)
        if index in named or one.quantised == two.quantised or (after is None) == (there is None):
            made[index] = where
        elif two.quantised and after is not None and after not in found:
            made[after] = where
        elif one.quantised and there is not None and there not in found.values():
            made[index] = there
        else:
            made[index] = where
    return made


def _rectifiers(found: Sequence[Group]) -> dict[str, int]:
    """Give the places of the rectifiers that alone read a tensor."""
    return {group.source: place for place, group in enumerate(found) if group.source and group.kind in _RECTIFIERS}


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


def _outputs(
    reference: onnx.GraphProto, other: onnx.GraphProto, pairs: Mapping[str, Pair]
) -> tuple[dict[str, str], tuple[str, ...], tuple[str, ...]]:
    """Pair outputs with outputs, whatever became of the inside: by name, and those of other names in their order.

    Returns
    -------
    tuple
        The other's output for each of the reference's that no pair holds against an output already, then the outputs
        of each that have none in the other.
    """
    ours, theirs = ([value.name for value in graph.output] for graph in (reference, other))
    done = {name: pairs[name].other for name in ours if name in pairs and pairs[name].other in theirs}
    left = [name for name in ours if name not in done]
    free = [name for name in theirs if name not in done.values()]
    found = {name: name for name in left if name in free}
    left, free = [name for name in left if name not in found], [name for name in free if name not in found]
    if len(left) == len(free):
        return {**found, **dict(zip(left, free, strict=True))}, (), ()
    return found, tuple(left), tuple(free)


def _last(graph: onnx.GraphProto, outputs: Iterable[str]) -> list[Layer]:
    """Give the layers that outputs are, of constants and of what only hands values on as well."""
    makers = {name: node for node in graph.node for name in node.output if name}
    known = shapes(graph)
    return [
        Layer(makers[name].name or name, makers[name].op_type, name, known.get(name))
        if name in makers
        else Layer(name, "Identity", name, known.get(name))
        for name in outputs
    ]
