"""Sums of parallel branches into one convolution, as RepVGG's are: re-parameterisation, found by structure.

Branches that take the same value, do nothing but convolve and normalise, and are added up are together one
convolution: the kernels are added, smaller ones amid zeros, an identity as a kernel that is one at its centre. (Ding et
al., "RepVGG: making VGG-style ConvNets great again", CVPR 2021, section 3.3.)
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any

import torch
from torch import fx, nn
from torch.nn import functional

from deploy_magics.fusing.arithmetic import (
    CONVOLUTIONS,
    Weights,
    channels_in,
    channels_out,
    folded_after,
    is_finite,
    kernel_size,
    kind_of,
    per_axis,
    weights_of,
    with_weights,
)
from deploy_magics.fusing.nodes import Context, Done, why_no_constants, writes_between

_WHAT = "sum of branches"
_ADDS = (operator.add, operator.iadd, torch.add)


@dataclass(frozen=True)
class _Branch:
    """One addend that convolves and normalises what it takes.

    Attributes
    ----------
    leaf : fx.Node
        The addend.
    source : fx.Node
        What it takes.
    conv : fx.Node or None
        Where it convolves; None for an identity.
    norms : tuple of fx.Node
        Where it normalises, in order.
    """

    leaf: fx.Node
    source: fx.Node
    conv: fx.Node | None
    norms: tuple[fx.Node, ...]

    @property
    def nodes(self) -> tuple[fx.Node, ...]:
        """Its own nodes, in order."""
        return (*([self.conv] if self.conv is not None else []), *self.norms)


def merge(context: Context) -> None:
    """Merge every sum of branches that can be, in place."""
    graph = context.made.graph
    merged = True
    while merged:
        roots = [
            node for node in graph.nodes if _is_add(node) and not any(_is_inner(node, user) for user in node.users)
        ]
        merged = sum(_merge_one(context, root) for root in roots) > 0
    context.made.delete_all_unused_submodules()
    context.made.recompile()


def _merge_one(context: Context, root: fx.Node) -> bool:
    """Merge the branches of one sum that take the same value; tell whether there were such."""
    adds, leaves = _flattened(root)
    groups: dict[fx.Node, list[_Branch]] = {}
    for leaf in leaves:
        branch = _branch(context, leaf)
        groups.setdefault(branch.source, []).append(branch)
    for source, branches in groups.items():
        if len(branches) < 2 or all(each.conv is None for each in branches):
            continue
        base, why = _base(context, branches)
        why = why or _why_not(context, branches, base, adds, source, root)
        if not why:
            why = _replace(context, branches, base, leaves, adds, root)
        if not why:
            return True
        context.leave(root, _WHAT, why)
    return False


def _flattened(root: fx.Node) -> tuple[list[fx.Node], list[fx.Node]]:
    """Give the additions of a sum, and what is added."""
    adds, leaves = [root], list[fx.Node]()
    waiting = [(each, root) for each in reversed(_addends(root))]
    while waiting:
        node, parent = waiting.pop()
        if _is_add(node) and len(node.users) == 1 and parent.args.count(node) == 1:
            adds.append(node)
            waiting += [(each, node) for each in reversed(_addends(node))]
        else:
            leaves.append(node)
    return adds, leaves


def _is_add(node: fx.Node) -> bool:
    called = node.op == "call_function" and node.target in _ADDS
    called = called or (node.op == "call_method" and node.target in ("add", "add_"))
    # Python's sum() begins with 0, and loops with 0.0.
    both = all(isinstance(each, fx.Node) or (type(each) in (int, float) and each == 0) for each in node.args)
    return called and both and len(node.args) == 2 and not node.kwargs and bool(_addends(node))


def _addends(node: fx.Node) -> list[fx.Node]:
    return [each for each in node.args if isinstance(each, fx.Node)]


def _is_inner(node: fx.Node, user: fx.Node) -> bool:
    return _is_add(user) and len(node.users) == 1


def _branch(context: Context, leaf: fx.Node) -> _Branch:
    """Read an addend backwards: normalisations, then a convolution; what is left is its source."""
    norms: list[fx.Node] = []
    node = leaf
    while context.norm(node) is not None and len(node.users) == 1:
        norms.insert(0, node)
        node = node.args[0]  # type: ignore[assignment]  # Context.norm has seen to it
    conv = context.linear(node)
    if isinstance(conv, CONVOLUTIONS) and len(node.users) == 1:
        source = node.args[0]
        assert isinstance(source, fx.Node)
        return _Branch(leaf, source, node, tuple(norms))
    return _Branch(leaf, node, None, tuple(norms))


def _base(context: Context, branches: list[_Branch]) -> tuple[Any, str]:
    """Find the convolution whose kernel holds all others, and say why there is none."""
    convs = [context.linear(branch.conv) for branch in branches if branch.conv is not None]
    if len({kind_of(conv) for conv in convs}) > 1:
        return convs[0], "its branches convolve over different numbers of dimensions"
    largest = tuple(max(sizes) for sizes in zip(*map(kernel_size, convs), strict=True))
    base = next((conv for conv in convs if kernel_size(conv) == largest), None)
    if base is None:
        sizes = ", ".join(_size(kernel_size(conv)) for conv in convs)
        return convs[0], f"no branch has a kernel that holds the others ({sizes}), so one would have more work"
    return base, ""


def _why_not(
    context: Context, branches: list[_Branch], base: Any, adds: list[fx.Node], source: fx.Node, root: fx.Node
) -> str:
    """Say why branches cannot be one convolution; "" where they can."""
    for branch in branches:
        if branch.nodes and sum(each.leaf is branch.leaf for each in branches) > 1:
            return f"it adds {context.name(branch.leaf)} twice"
        for node in branch.norms:
            norm, name = context.norm(node), context.name(node)
            why = why_no_constants(norm, name) or context.why_rank(norm, base, "its convolution")
            if why:
                return f"{name}: {why}"
            if len(norm.running_mean) != channels_out(base):
                return f"{name} has {len(norm.running_mean)} channels and the sum {channels_out(base)}"
        if branch.conv is None:
            why = _why_no_identity(base)
        else:
            conv = context.linear(branch.conv)
            name = context.name(branch.conv)
            why = _why_other_geometry(conv, base, name) or context.why_fixed(branch.conv)
            if not why and len(context.calls(branch.conv.target)) > 1:
                why = f"{name} is called several times"
        if why:
            return why
    own = {node for branch in branches for node in branch.nodes}
    first = next(node for node in context.made.graph.nodes if node in own)
    writer = writes_between(context.made, first, root, own | set(adds))
    if writer is not None:
        return f"{context.name(writer)} may change a value in place between its branches"
    own |= set(adds)
    for add in adds:
        target = add.args[0]
        if add.target not in (operator.iadd, "add_") or not isinstance(target, fx.Node):
            continue
        # Who else uses the value, or one that it is a part of, would see the sum.
        if set(target.users) - own or not (target in own or context.makes_new(target)):
            return "it adds in place to a value that may be used elsewhere"
    return ""


def _why_no_identity(base: Any) -> str:
    if channels_in(base) != channels_out(base):
        return f"its identity has {channels_in(base)} channels and the sum {channels_out(base)}"
    if set(per_axis(base, "stride")) != {1}:
        return f"its identity keeps the size and its convolution has stride {_size(per_axis(base, 'stride'))}"
    return "" if _offsets(1, 0, base) is not None else "its identity and its convolution give different sizes"


def _why_other_geometry(conv: Any, base: Any, name: str) -> str:
    size, padding = kernel_size(conv), per_axis(conv, "padding")
    for what, own, other in (
        ("input channels", channels_in(conv), channels_in(base)),
        ("output channels", channels_out(conv), channels_out(base)),
        ("groups", conv.groups, base.groups),
        ("stride", _size(per_axis(conv, "stride")), _size(per_axis(base, "stride"))),
    ):
        if own != other:
            return f"{name} has other {what} ({own} and {other})"
    if conv.padding == "same" and any(k % 2 == 0 for k in size):
        return f"{name} pads its two sides differently"
    dilations = per_axis(conv, "dilation"), per_axis(base, "dilation")
    if dilations[0] != dilations[1] and max(size) > 1:
        return f"{name} has other dilation ({_size(dilations[0])} and {_size(dilations[1])})"
    if conv.padding_mode != base.padding_mode and any(padding):
        return f"{name} pads in another way ({conv.padding_mode} and {base.padding_mode})"
    if conv.weight.dtype != base.weight.dtype or conv.weight.device != base.weight.device:
        return f"{name} is of another type or on another device"
    if _offsets(size, padding, base) is None:
        return f"{name} does not lie at the centre of the larger kernel (padding {_size(padding)})"
    return ""


def _offsets(size: Any, padding: Any, base: Any) -> list[int] | None:
    """Say at which place of the larger kernel a smaller one begins along each axis; None where it does not fit.

    Both see the same value in the middle and give the same size where ``d (K - k) = 2 (P - p)``, with kernel sizes
    ``K``, ``k``, paddings ``P``, ``p`` and the dilation ``d``.
    """
    dimensions = len(kernel_size(base))
    sizes = (size,) * dimensions if isinstance(size, int) else size
    paddings = (padding,) * dimensions if isinstance(padding, int) else padding
    found = []
    for small, own, large, outer, dilation in zip(
        sizes, paddings, kernel_size(base), per_axis(base, "padding"), per_axis(base, "dilation"), strict=True
    ):
        if dilation * (large - small) != 2 * (outer - own) or (outer - own) % dilation:
            return None
        found.append((outer - own) // dilation)
    return found


def _weights(context: Context, branch: _Branch, base: Any) -> Weights:
    """Give a branch as kernel and bias of the larger convolution's form, in double precision."""
    if branch.conv is None:
        kernel = torch.empty_like(base.weight, dtype=torch.float64)
        nn.init.dirac_(kernel, groups=base.groups)
        weights: Weights = (kernel, torch.zeros(channels_out(base), dtype=torch.float64, device=kernel.device))
    else:
        conv = context.linear(branch.conv)
        kernel, bias = weights_of(conv)
        offsets = _offsets(kernel_size(conv), per_axis(conv, "padding"), base)
        assert offsets is not None
        margins: list[int] = []
        for small, large, begin in zip(kernel_size(conv), kernel_size(base), offsets, strict=True):
            margins = [begin, large - small - begin, *margins]
        weights = functional.pad(kernel, margins), bias
    for norm in branch.norms:
        weights = folded_after(weights, context.norm(norm), kind=base)
    return weights


def _replace(
    context: Context, branches: list[_Branch], base: Any, leaves: list[fx.Node], adds: list[fx.Node], root: fx.Node
) -> str:
    """Put one convolution in the place of the branches; give the reason where its weights are not finite."""
    parts = [_weights(context, branch, base) for branch in branches]
    kernel = torch.stack([each[0] for each in parts]).sum(0)
    bias = torch.stack([each[1] for each in parts]).sum(0)
    made = with_weights(base, (kernel, bias))
    if is_finite(base) and not is_finite(made):
        return "its merged weights would not be finite numbers"
    graph = context.made.graph
    keeper = next(each.conv for each in branches if each.conv is not None and context.linear(each.conv) is base)
    nodes = [node for branch in branches for node in branch.nodes]
    idle = ("identity",) * sum(not branch.nodes for branch in branches)
    names = (*map(context.name, nodes), *idle)
    classes = (*(type(context.module(node)).__name__ for node in nodes), *idle)
    merged_leaves = [branch.leaf for branch in branches]
    rest = list(leaves)
    for leaf in merged_leaves:
        rest.remove(leaf)
    context.replace(keeper, made)
    with graph.inserting_before(root):
        total = graph.call_module(str(keeper.target), (branches[0].source,))
        for leaf in rest:
            total = graph.call_function(operator.add, (total, leaf))
    context.left.pop(context.name(root), None)
    context.done.append(Done(context.name(keeper), names, classes, "branches"))
    root.replace_all_uses_with(total)
    for add in adds:  # from the root inwards
        graph.erase_node(add)
    for branch in branches:
        for node in reversed(branch.nodes):
            graph.erase_node(node)
    return ""


def _size(values: tuple[int, ...]) -> str:
    return "x".join(map(str, values))
