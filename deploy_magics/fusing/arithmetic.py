"""The arithmetic of folding: a normalisation, as inference sees it, scales each channel and shifts it.

``z = g (y - m) / sqrt(v + e) + b`` with constants of training. Where ``y`` comes from a convolution or a linear layer,
both together are again one (torch's own ``torch.nn.utils.fusion`` has the formulas). Everything is computed in double
precision and rounded once.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any, TypeAlias

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_weights, fuse_linear_bn_weights

Linear: TypeAlias = "nn.modules.conv._ConvNd | nn.Linear"
Weights: TypeAlias = "tuple[torch.Tensor, torch.Tensor]"
"""Kernel and bias in double precision."""

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)

_LINEAR = (*CONVOLUTIONS, *TRANSPOSED, nn.Linear)
# What runs when such a layer is called, and the tensors that it reads: where a subclass, or one module, has its own
# (a parametrisation makes a property of a weight), it may compute anything.
_RUN = (
    "__call__",
    "_call_impl",
    "_wrapped_call_impl",
    "__getattr__",
    "__getattribute__",
    "forward",
    "_conv_forward",
    "_output_padding",
    "_check_input_dim",
    "weight",
    "bias",
    "running_mean",
    "running_var",
)


def kind_of(module: nn.Module) -> type[nn.Module] | None:
    """Give torch's own class of a convolution, linear layer or batch normalisation that computes as that class does.

    A subclass that only has other defaults does; one with a ``forward`` of its own does not.

    Examples
    --------
    >>> class Slow(nn.BatchNorm2d):
    ...     def __init__(self, channels):
    ...         super().__init__(channels, momentum=0.01)
    >>> kind_of(Slow(4)), kind_of(nn.ReLU())
    (<class 'torch.nn.modules.batchnorm.BatchNorm2d'>, None)
    """
    kind = next((each for each in (*_LINEAR, *NORMS) if isinstance(module, each)), None)
    if kind is None or any(getattr(type(module), name, None) is not getattr(kind, name, None) for name in _RUN):
        return None
    return None if any(name in vars(module) for name in _RUN) else kind


def is_linear(module: nn.Module) -> bool:
    """Tell whether a module is a convolution or linear layer and nothing more."""
    return kind_of(module) in _LINEAR


def is_norm(module: nn.Module) -> bool:
    """Tell whether a module is a batch normalisation and nothing more."""
    return kind_of(module) in NORMS


def channels_out(module: Any) -> int:
    """Give the channels, or features, that a linear module gives, by its weights: attributes may be of old ones."""
    return int(module.weight.shape[1] * module.groups if isinstance(module, TRANSPOSED) else module.weight.shape[0])


def channels_in(module: Any) -> int:
    """Give the channels, or features, that a linear module takes, by its weights."""
    if isinstance(module, TRANSPOSED):
        return int(module.weight.shape[0])
    return int(module.weight.shape[1] * getattr(module, "groups", 1))


def kernel_size(conv: Any) -> tuple[int, ...]:
    """Give the size of a convolution's kernel, by its weights."""
    return tuple(conv.weight.shape[2:])


def per_axis(conv: Any, name: str) -> tuple[int, ...]:
    """Give a convolution's stride, padding or dilation axis by axis, where one number may stand for all.

    Examples
    --------
    >>> per_axis(nn.Conv2d(1, 1, 3, padding=(1,)), "padding")
    (1, 1)
    """
    value = getattr(conv, name)
    dimensions = conv.weight.dim() - 2
    if isinstance(value, str):
        sides = zip(kernel_size(conv), per_axis(conv, "dilation"), strict=True)
        return tuple(d * (k - 1) // 2 if value == "same" else 0 for k, d in sides)
    values = tuple(value) if isinstance(value, Iterable) else (int(value),)
    return values * dimensions if len(values) == 1 else values


def weights_of(module: Any) -> Weights:
    """Give kernel and bias in double precision; the bias is zero where there is none."""
    bias = module.bias
    if bias is None:
        bias = torch.zeros(channels_out(module), device=module.weight.device)
    return module.weight.detach().double(), bias.detach().double()


def scale_shift(norm: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Give what a normalisation multiplies each channel by, and then adds.

    Examples
    --------
    >>> norm = nn.BatchNorm1d(1, eps=0.0)
    >>> norm.running_mean.fill_(2.0), norm.running_var.fill_(4.0)
    (tensor([2.]), tensor([4.]))
    >>> [float(part) for part in scale_shift(norm)]
    [0.5, -1.0]
    """
    mean, variance, weight, bias = _constants(norm)
    scale = weight * torch.rsqrt(variance + norm.eps)
    return scale, bias - mean * scale


def folded_after(weights: Weights, norm: Any, *, kind: Linear) -> Weights:
    """Fold a normalisation into the linear module whose output it takes.

    Parameters
    ----------
    weights : Weights
        Kernel and bias of that module.
    norm : nn.Module
        A batch normalisation with running statistics.
    kind : nn.Module
        That module, for its kind: a kernel that is transposed has its outputs on another axis.
    """
    kernel, bias = weights
    mean, variance, weight, shift = _constants(norm)
    if isinstance(kind, nn.Linear):
        made = fuse_linear_bn_weights(kernel, bias, mean, variance, norm.eps, weight, shift)
        return made[0].detach(), made[1].detach()
    if not isinstance(kind, TRANSPOSED):
        made = fuse_conv_bn_weights(kernel, bias, mean, variance, norm.eps, weight, shift)
        return made[0].detach(), made[1].detach()
    # A transposed kernel is (inputs, outputs / groups, ...): each group of inputs has outputs of its own.
    parts = [part.chunk(kind.groups) for part in (bias, mean, variance, weight, shift)]
    found = [
        fuse_conv_bn_weights(rows, b, m, v, norm.eps, w, s, transpose=True)
        for rows, b, m, v, w, s in zip(kernel.chunk(kind.groups), *parts, strict=True)
    ]
    return torch.cat([each[0].detach() for each in found]), torch.cat([each[1].detach() for each in found])


def folded_before(weights: Weights, norm: Any, *, groups: int) -> Weights:
    """Fold a normalisation into the linear module that takes its output, which must not pad with zeros.

    ``W (s x + t) + b = (W s) x + (b + W t)``, the kernel's positions summed: a border of zeros would not have been
    shifted by ``t``.
    """
    kernel, bias = weights
    scale, shift = scale_shift(norm)
    axes = [1] * (kernel.dim() - 2)
    # Inputs of each group, for each output of it.
    outputs = kernel.shape[0] // groups
    scale = scale.reshape(groups, 1, -1).expand(-1, outputs, -1).reshape(*kernel.shape[:2], *axes)
    shift = shift.reshape(groups, 1, -1).expand(-1, outputs, -1).reshape(*kernel.shape[:2], *axes)
    return kernel * scale, bias + (kernel * shift).flatten(1).sum(1)


def with_weights(module: Any, weights: Weights) -> Any:
    """Copy a linear module with other weights, rounded to its own type; they ask for gradients as its own did.

    They also lie in memory as its own did: with channels last, say, which decides how a convolution is computed.
    """
    made = copy.copy(module)
    made._parameters = dict(module._parameters)
    old = module.weight
    kernel = torch.empty_like(old, requires_grad=False).copy_(weights[0])
    bias = weights[1].to(old.dtype).contiguous()
    for name, value in (("weight", kernel), ("bias", bias)):
        made._parameters[name] = nn.Parameter(value, requires_grad=old.requires_grad)
    return made


def is_finite(module: Any) -> bool:
    """Tell whether all weights are finite."""
    return all(bool(torch.isfinite(each).all()) for each in module.parameters())


def _constants(norm: Any) -> tuple[torch.Tensor, ...]:
    mean = norm.running_mean.detach().double()
    weight = torch.ones_like(mean) if norm.weight is None else norm.weight.detach().double()
    bias = torch.zeros_like(mean) if norm.bias is None else norm.bias.detach().double()
    return mean, norm.running_var.detach().double(), weight, bias
