"""Batch normalisations into the convolutions and linear layers beside them."""

from __future__ import annotations

from typing import Any

from torch import fx
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

from deploy_magics.fusing.arithmetic import (
    CONVOLUTIONS,
    TRANSPOSED,
    channels_in,
    channels_out,
    folded_after,
    folded_before,
    is_finite,
    kernel_size,
    per_axis,
    weights_of,
    with_weights,
)
from deploy_magics.fusing.nodes import Context, Done, why_no_constants, writes_between

_WHAT = "normalisation"


def fold(context: Context) -> None:
    """Fold every normalisation that can be, in place: into what comes before it, else into what comes after."""
    graph = context.made.graph
    folded = True
    while folded:
        # One may come to stand behind a convolution when another between them is gone.
        folded = sum(_fold_one(context, node) for node in list(graph.nodes) if context.norm(node) is not None) > 0
    for node in graph.nodes:
        if node.target is functional.batch_norm:
            context.leave(node, _WHAT, "it is called as a function, on what no convolution gives")
        elif isinstance(context.module(node), _BatchNorm) and context.norm(node) is None:
            context.leave(node, _WHAT, "it computes something else than torch's own, or is called in another way")
    context.made.delete_all_unused_submodules()
    context.made.recompile()


def _fold_one(context: Context, node: fx.Node) -> bool:
    norm = context.norm(node)
    if norm is None:
        return False
    why = why_no_constants(norm, context.name(node))
    if not why:
        why = _into_previous(context, node, norm)
        if why:
            why = _into_next(context, node, norm, why)
    if why:
        context.leave(node, _WHAT, why)
    return not why


def _into_previous(context: Context, node: fx.Node, norm: Any) -> str:
    """Fold into the module whose output is normalised; give the reason where that cannot be, else ""."""
    before = node.args[0]
    linear = context.linear(before)
    if linear is None:
        return f"what it normalises comes from {_described(context, before)}, not from a convolution or linear layer"
    assert isinstance(before, fx.Node)
    name = context.name(before)
    sites = context.calls(before.target)
    for site in sites:
        # Where it is called several times, each has to be followed by the same normalisation, and by nothing else.
        if len(site.users) > 1:
            return f"the output of {name} also goes elsewhere"
        if not any(context.module(user) is norm and context.norm(user) is norm for user in site.users):
            return f"{name} is called {len(sites)} times, and not always followed by this normalisation"
    if len(norm.running_mean) != channels_out(linear):
        return f"it has {len(norm.running_mean)} channels and {name} gives {channels_out(linear)}"
    why = context.why_fixed(before) or context.why_rank(norm, linear, name)
    if why:
        return why
    made = with_weights(linear, folded_after(weights_of(linear), norm, kind=linear))
    if is_finite(linear) and not is_finite(made):
        return f"the folded weights of {name} would not be finite numbers"
    context.replace(before, made)
    for site in sites:
        _take_out(context, next(iter(site.users)), site, before)
    return ""


def _into_next(context: Context, node: fx.Node, norm: Any, why: str) -> str:
    """Fold into the one module that takes what is normalised; give the reason where that cannot be, else ""."""
    after = next(iter(node.users), None)
    linear = context.linear(after) if len(node.users) == 1 else None
    if linear is None or after is None:
        return why
    name = context.name(after)
    if isinstance(linear, TRANSPOSED):
        return f"{why}; {name} after it is transposed and adds up fewer values at the border"
    if isinstance(linear, CONVOLUTIONS) and _pads_with_zeros(linear):
        return f"{why}; {name} after it pads with zeros, which the normalisation would have shifted"
    if len(context.calls(after.target)) > 1:
        return f"{why}; {name} after it is called several times"
    if len(norm.running_mean) != channels_in(linear):
        return f"{why}; {name} after it takes {channels_in(linear)} channels"
    before = node.args[0]
    assert isinstance(before, fx.Node)
    fixed = context.why_fixed(after) or context.why_rank(norm, linear, name)
    if fixed:
        return f"{why}; {fixed}"
    writer = writes_between(context.made, before, after, (before,))
    if writer is not None:
        return f"{why}; {context.name(writer)} may change its input in place before {name} is called"
    groups = getattr(linear, "groups", 1)
    made = with_weights(linear, folded_before(weights_of(linear), norm, groups=groups))
    if is_finite(linear) and not is_finite(made):
        return f"{why}; the folded weights of {name} would not be finite numbers"
    context.replace(after, made)
    _take_out(context, node, before, after)
    return ""


def _take_out(context: Context, node: fx.Node, instead: fx.Node, into: fx.Node) -> None:
    """Take a normalisation out of the graph that was folded into another module."""
    name, other = context.name(node), context.name(into)
    classes = tuple(type(context.module(each)).__name__ for each in (into, node))
    context.left.pop(name, None)
    context.done.append(Done(other, (other, name), classes, "fold"))
    node.replace_all_uses_with(instead)
    context.made.graph.erase_node(node)


def _pads_with_zeros(conv: Any) -> bool:
    if conv.padding_mode != "zeros":
        return False
    # Of an even kernel one side is padded more, so that half of the sum may be nothing.
    return any(per_axis(conv, "padding")) or (conv.padding == "same" and max(kernel_size(conv)) > 1)


def _described(context: Context, value: object) -> str:
    if not isinstance(value, fx.Node):
        return "a constant"
    module = context.module(value)
    if module is not None:
        return f"{context.name(value)} ({type(module).__name__})"
    return "the input" if value.op == "placeholder" else f"{value.name}"
