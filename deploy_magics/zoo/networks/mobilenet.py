"""MobileNetV2."""

from __future__ import annotations

import torch
from torch import nn

from deploy_magics.zoo.networks._layers import conv_bn
from deploy_magics.zoo.networks._seeding import seed_weights

# expansion, output channels, blocks, stride of the first block: table 2 of the paper
_STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


class InvertedResidual(nn.Module):
    """1 x 1 up, depthwise 3 x 3, linear 1 x 1 down; added to its input where the shapes agree."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        width = inputs * expansion
        self.adds = stride == 1 and inputs == outputs
        layers = [
            # What comes in is the linear end of another block.
            conv_bn(inputs, width, 1, activation=nn.ReLU6, relu_before=False),
            conv_bn(width, width, 3, stride=stride, groups=width, activation=nn.ReLU6),
            conv_bn(width, outputs, 1, activation=None, gain=0.5 if self.adds else 1.0),
        ]
        self.layers = nn.Sequential(*(layers if expansion > 1 else layers[1:]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Give the block's output."""
        out: torch.Tensor = self.layers(x)
        return x + out if self.adds else out


class MobileNetV2(nn.Module):
    """MobileNetV2: 3,504,872 parameters, 300,774,272 MACs at 224 x 224.

    Sandler et al., "MobileNetV2: inverted residuals and linear bottlenecks", CVPR 2018 (arXiv:1801.04381), table 2.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = conv_bn(3, 32, 3, stride=2, activation=nn.ReLU6, relu_before=False)
        channels = 32
        self.blocks = nn.Sequential()
        for expansion, outputs, blocks, stride in _STAGES:
            for block in range(blocks):
                self.blocks.append(InvertedResidual(channels, outputs, stride if block == 0 else 1, expansion))
                channels = outputs
        self.head = conv_bn(channels, 1280, 1, activation=nn.ReLU6, relu_before=False)
        self.average = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        # Evaluation only, where dropout does nothing: it is left out.
        self.classifier = nn.Linear(1280, 1000)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Give logits (N, 1000) for input (N, 3, 224, 224)."""
        x = self.head(self.blocks(self.stem(input)))
        logits: torch.Tensor = self.classifier(self.flatten(self.average(x)))
        return logits


def mobilenet_v2() -> nn.Module:
    """Build MobileNetV2 with seeded weights."""
    return seed_weights(MobileNetV2(), "mobilenet_v2")
