"""Seeded weights: the same bits on every machine, of a scale that trained networks have."""

from __future__ import annotations

import torch
from torch import nn

from deploy_magics.zoo import _draws


def seed_weights(module: nn.Module, name: str) -> nn.Module:
    """Fill a network with weights drawn from its name, in evaluation mode.

    Convolution and linear weights follow He et al. 2015 (arXiv:1502.01852, eq. 10 and 14): normal with variance
    ``gain / fan_in``, where the gain is 2 behind a rectifier and 1 elsewhere. Batch normalisation gets statistics and
    affine parameters near, but not at, the identity: with the defaults (0, 1, 1, 0) folding it would change nothing
    and a check of the folded network would prove nothing.

    Each tensor has a generator of its own, seeded by the network's and the tensor's name.

    Parameters
    ----------
    module : torch.nn.Module
        The network; a layer may carry ``he_gain`` or ``scale_gain``, see :func:`conv_bn`.
    name : str
        What the seeds come from.

    Notes
    -----
    Tensors on the meta device are left alone: counting needs shapes only.
    """
    with torch.no_grad():
        for path, layer in module.named_modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                fan_in = layer.weight[0].numel()
                _normal(layer.weight, f"{name}/{path}.weight", (float(getattr(layer, "he_gain", 2.0)) / fan_in) ** 0.5)
                if layer.bias is not None:
                    _normal(layer.bias, f"{name}/{path}.bias", 0.05)
            elif isinstance(layer, nn.BatchNorm2d):
                gain = float(getattr(layer, "scale_gain", 1.0))
                _uniform(layer.weight, f"{name}/{path}.weight", 0.8 * gain, 1.2 * gain)
                _normal(layer.bias, f"{name}/{path}.bias", 0.1 * gain)
                assert layer.running_mean is not None
                assert layer.running_var is not None
                _normal(layer.running_mean, f"{name}/{path}.running_mean", 0.1)
                _uniform(layer.running_var, f"{name}/{path}.running_var", 0.8, 1.25)
    return module.eval()


def _normal(tensor: torch.Tensor, seed: str, deviation: float) -> None:
    if not tensor.is_meta:
        _draws.normal(tensor.detach().numpy(), seed, deviation)


def _uniform(tensor: torch.Tensor, seed: str, low: float, high: float) -> None:
    if not tensor.is_meta:
        _draws.uniform(tensor.detach().numpy(), seed, low, high)
