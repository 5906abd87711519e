"""ShuffleNetV2 x1.0."""

from __future__ import annotations

import torch
from torch import nn

from deploy_magics.zoo.networks._layers import conv_bn
from deploy_magics.zoo.networks._seeding import seed_weights


def shuffle(x: torch.Tensor) -> torch.Tensor:
    """Interleave the two halves of the channels, so that the next split mixes them."""
    batch, channels, height, width = x.shape
    return x.view(batch, 2, channels // 2, height, width).transpose(1, 2).reshape(batch, channels, height, width)


class Unit(nn.Module):
    """Half of the channels passes, the other half goes through three convolutions; figure 3c of the paper."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.branch2 = _branch(half, half, stride=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Give the unit's output."""
        kept, changed = x.chunk(2, dim=1)
        return shuffle(torch.cat([kept, self.branch2(changed)], dim=1))


class DownUnit(nn.Module):
    """Both branches see all channels and halve the size; figure 3d of the paper."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        half = outputs // 2
        self.branch1 = nn.Sequential(
            conv_bn(inputs, inputs, 3, stride=2, groups=inputs, activation=None),
            conv_bn(inputs, half, 1, relu_before=False),
        )
        self.branch2 = _branch(inputs, half, stride=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Give the unit's output."""
        return shuffle(torch.cat([self.branch1(x), self.branch2(x)], dim=1))


def _branch(inputs: int, outputs: int, *, stride: int) -> nn.Sequential:
    return nn.Sequential(
        conv_bn(inputs, outputs, 1),
        conv_bn(outputs, outputs, 3, stride=stride, groups=outputs, activation=None),
        conv_bn(outputs, outputs, 1, relu_before=False),
    )


class ShuffleNetV2(nn.Module):
    """ShuffleNetV2 x1.0: 2,278,604 parameters, 144,907,992 MACs at 224 x 224, 56 BN, 19 depthwise convolutions.

    Ma, Zhang, Zheng, Sun, "ShuffleNet V2: practical guidelines for efficient CNN architecture design", ECCV 2018
    (arXiv:1807.11164), table 5.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = conv_bn(3, 24, 3, stride=2, relu_before=False)
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.stage2 = _stage(24, 116, units=4)
        self.stage3 = _stage(116, 232, units=8)
        self.stage4 = _stage(232, 464, units=4)
        self.head = conv_bn(464, 1024, 1)
        self.classifier = nn.Linear(1024, 1000)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Give logits (N, 1000) for input (N, 3, 224, 224)."""
        x = self.head(self.stage4(self.stage3(self.stage2(self.pool(self.stem(input))))))
        logits: torch.Tensor = self.classifier(x.mean([2, 3]))
        return logits


def _stage(inputs: int, outputs: int, *, units: int) -> nn.Sequential:
    return nn.Sequential(DownUnit(inputs, outputs), *(Unit(outputs) for _ in range(units - 1)))


def shufflenet_v2() -> nn.Module:
    """Build ShuffleNetV2 x1.0 with seeded weights."""
    return seed_weights(ShuffleNetV2(), "shufflenet_v2")
