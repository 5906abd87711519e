"""Layers that several networks share."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn


def conv_bn(
    inputs: int,
    outputs: int,
    kernel: int,
    *,
    stride: int = 1,
    groups: int = 1,
    activation: type[nn.Module] | None = nn.ReLU,
    relu_before: bool = True,
    gain: float = 1.0,
) -> nn.Sequential:
    """Convolution without bias, batch normalisation, activation: the unit that deployment tools fold into one.

    Parameters
    ----------
    inputs, outputs : int
        Channels.
    kernel, stride, groups : int
        Of the convolution; padding keeps the size at stride 1.
    activation : type, optional
        Module class applied last; None for a linear unit.
    relu_before : bool
        Whether what comes in was rectified; decides the He gain of the weights.
    gain : float
        Scale of the normalised output, below 1 where units are summed.
    """
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    norm = nn.BatchNorm2d(outputs)
    conv.he_gain = 2.0 if relu_before else 1.0  # type: ignore[assignment]
    norm.scale_gain = gain  # type: ignore[assignment]
    parts: OrderedDict[str, nn.Module] = OrderedDict(conv=conv, bn=norm)
    if activation is not None:
        parts["act"] = activation()
    return nn.Sequential(parts)
