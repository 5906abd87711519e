"""The arithmetic of folding: a normalisation, as inference sees it, scales each channel and shifts it.

``z = g (y - m) / sqrt(v + e) + b`` with constants of training. Where ``y`` comes from a convolution or a linear layer,
both together are again one (torch's own ``torch.nn.utils.fusion`` has the formulas). Everything is computed in double
precision and rounded once.
"""

from __future__ import annotations

import copy
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


def is_linear(module: nn.Module) -> bool:
    """Tell whether a module is a convolution or linear layer and nothing more: a subclass may compute anything."""
    return type(module) in (*CONVOLUTIONS, *TRANSPOSED, nn.Linear)


def is_norm(module: nn.Module) -> bool:
    """Tell whether a module is a batch normalisation and nothing more."""
    return type(module) in NORMS


def channels_out(module: Any) -> int:
    """Give the channels, or features, that a linear module gives."""
    return int(module.out_features if isinstance(module, nn.Linear) else module.out_channels)


def channels_in(module: Any) -> int:
    """Give the channels, or features, that a linear module takes."""
    return int(module.in_features if isinstance(module, nn.Linear) else module.in_channels)


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
    """Copy a linear module with other weights, rounded to its own type; they ask for gradients as its own did."""
    made = copy.copy(module)
    made._parameters = dict(module._parameters)
    old = module.weight
    for name, value in zip(("weight", "bias"), weights, strict=True):
        made._parameters[name] = nn.Parameter(value.to(old.dtype).contiguous(), requires_grad=old.requires_grad)
    return made


def is_finite(module: Any) -> bool:
    """Tell whether all weights are finite."""
    return all(bool(torch.isfinite(each).all()) for each in module.parameters())


def _constants(norm: Any) -> tuple[torch.Tensor, ...]:
    mean = norm.running_mean.detach().double()
    weight = torch.ones_like(mean) if norm.weight is None else norm.weight.detach().double()
    bias = torch.zeros_like(mean) if norm.bias is None else norm.bias.detach().double()
    return mean, norm.running_var.detach().double(), weight, bias
