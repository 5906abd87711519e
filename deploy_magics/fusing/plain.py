"""A graph in plain form: what is called as a function becomes a module, and what does nothing goes."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import fx, nn
from torch.nn import functional

from deploy_magics.fusing.arithmetic import CONVOLUTIONS, TRANSPOSED, is_linear
from deploy_magics.fusing.nodes import attribute, does_nothing
from deploy_magics.fusing.trace import is_basic

_CONVOLUTIONS: dict[Any, int] = {functional.conv1d: 1, functional.conv2d: 2, functional.conv3d: 3}
_TRANSPOSED: dict[Any, int] = {
    functional.conv_transpose1d: 1,
    functional.conv_transpose2d: 2,
    functional.conv_transpose3d: 3,
}
_CONVOLUTION = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")
_TRANSPOSE = ("input", "weight", "bias", "stride", "padding", "output_padding", "groups", "dilation")
_LINEAR = ("input", "weight", "bias")
_NORMS: dict[int, type[Any]] = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}


def simplify(made: fx.GraphModule) -> None:
    """Turn calls of functions on fixed weights into modules, and take out what does nothing, in place."""
    for node in list(made.graph.nodes):
        own = node.op == "call_module" and is_basic(made.get_submodule(str(node.target)))
        if own and not node.args and list(node.kwargs) == ["input"]:
            node.args, node.kwargs = (node.kwargs["input"],), {}
        if does_nothing(made, node):
            node.replace_all_uses_with(node.args[0])
            made.graph.erase_node(node)
            continue
        found = _module_of(made, node) if node.op == "call_function" else None
        if found is None:
            continue
        module, value = found
        name = _free_name(made, node)
        made.add_submodule(name, module.eval())
        with made.graph.inserting_before(node):
            new = made.graph.call_module(name, (value,))
        node.replace_all_uses_with(new)
        made.graph.erase_node(node)
    made.graph.eliminate_dead_code(_is_impure)
    made.recompile()


def _is_impure(node: fx.Node) -> bool:
    """Keep all but attributes that nothing reads any more: what a call does besides, only its author knows."""
    return node.op != "get_attr"


def _free_name(made: fx.GraphModule, node: fx.Node) -> str:
    name = node.name
    while hasattr(made, name):
        name += "_"
    return name


def _module_of(made: fx.GraphModule, node: fx.Node) -> tuple[nn.Module, fx.Node] | None:
    """Give the module that computes what a node does, and its input; None where there is none."""
    if node.target is functional.batch_norm:
        return _norm(made, node)
    if node.target is functional.linear:
        given = _bound(node, _LINEAR)
        weights = _weights(made, given)
        if weights is None or weights[0].dim() != 2:
            return None
        kernel, bias = weights
        linear = nn.Linear(kernel.shape[1], kernel.shape[0], bias=bias is not None, device="meta")
        return _holding(linear, kernel, bias), given["input"]
    for table, kinds, names in (
        (_CONVOLUTIONS, CONVOLUTIONS, _CONVOLUTION),
        (_TRANSPOSED, TRANSPOSED, _TRANSPOSE),
    ):
        if node.target in table:
            return _convolution(made, node, kinds[table[node.target] - 1], names)
    return None


def _convolution(
    made: fx.GraphModule, node: fx.Node, kind: type[Any], names: tuple[str, ...]
) -> tuple[nn.Module, fx.Node] | None:
    given = _bound(node, names)
    weights = _weights(made, given)
    options = {name: given[name] for name in names[3:] if name in given}
    if weights is None or not all(_constant(value) for value in options.values()):
        return None
    kernel, bias = weights
    groups = options.get("groups", 1)
    transposed = kind in TRANSPOSED
    outputs = kernel.shape[1] * groups if transposed else kernel.shape[0]
    inputs = kernel.shape[0] if transposed else kernel.shape[1] * groups
    size = tuple(kernel.shape[2:])
    made_module = kind(inputs, outputs, size, bias=bias is not None, device="meta", **options)
    return _holding(made_module, kernel, bias), given["input"]


def _norm(made: fx.GraphModule, node: fx.Node) -> tuple[nn.Module, fx.Node] | None:
    given = dict(inspect.signature(functional.batch_norm).bind(*node.args, **node.kwargs).arguments)
    training, eps = given.get("training", False), given.get("eps", 1e-5)
    names = ("running_mean", "running_var", "weight", "bias")
    found = {name: attribute(made, given.get(name)) for name in names}
    mean, variance = found["running_mean"][1], found["running_var"][1]
    if training is not False or not _constant(eps) or not all(known for known, _ in found.values()):
        return None
    if mean is None or variance is None:
        return None
    dimensions = _dimensions(made, given["input"]) or _dimensions(made, next(iter(node.users), None))
    if not dimensions:
        return None
    norm = _NORMS[dimensions](len(mean), eps=eps, affine=False)
    norm.running_mean, norm.running_var = mean, variance
    for name in ("weight", "bias"):
        value = found[name][1]
        if value is not None:
            norm.register_parameter(name, _parameter(value))
    return norm, given["input"]


def _dimensions(made: fx.GraphModule, node: object) -> int:
    """Tell over how many dimensions a node's convolution runs, a linear layer counting as one; 0 where it is none."""
    if not isinstance(node, fx.Node):
        return 0
    if node.op == "call_function":
        found: dict[Any, int] = {**_CONVOLUTIONS, **_TRANSPOSED, functional.linear: 1}
        return found.get(node.target, 0)
    module = made.get_submodule(str(node.target)) if node.op == "call_module" else None
    if module is None or not is_linear(module):
        return 0
    return 1 if isinstance(module, nn.Linear) else module.weight.dim() - 2  # type: ignore[operator]  # a tensor


def _bound(node: fx.Node, names: tuple[str, ...]) -> dict[str, Any]:
    return {**dict(zip(names, node.args, strict=False)), **node.kwargs}


def _weights(made: fx.GraphModule, given: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor | None] | None:
    known, kernel = attribute(made, given.get("weight"))
    fixed, bias = attribute(made, given.get("bias"))
    if not known or not fixed or kernel is None or not isinstance(given.get("input"), fx.Node):
        return None
    return kernel, bias


def _holding(module: nn.Module, kernel: torch.Tensor, bias: torch.Tensor | None) -> nn.Module:
    module.register_parameter("weight", _parameter(kernel))
    if bias is not None:
        module.register_parameter("bias", _parameter(bias))
    return module


def _parameter(value: torch.Tensor) -> nn.Parameter:
    return value if isinstance(value, nn.Parameter) else nn.Parameter(value, requires_grad=False)


def _constant(value: object) -> bool:
    if isinstance(value, tuple | list):
        return all(_constant(each) for each in value)
    return isinstance(value, int | float | str)
