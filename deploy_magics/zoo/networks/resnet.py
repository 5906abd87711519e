"""ResNet-50."""

from __future__ import annotations

import torch
from torch import nn

from deploy_magics.zoo.networks._layers import conv_bn
from deploy_magics.zoo.networks._seeding import seed_weights


class Bottleneck(nn.Module):
    """1 x 1 down, 3 x 3, 1 x 1 up, added to its input; the stride sits at the 3 x 3 (often called v1.5)."""

    def __init__(self, inputs: int, width: int, stride: int, *, project: bool) -> None:
        super().__init__()
        outputs = 4 * width
        self.reduce = conv_bn(inputs, width, 1)
        self.spatial = conv_bn(width, width, 3, stride=stride)
        self.expand = conv_bn(width, outputs, 1, activation=None, gain=0.3)
        self.shortcut = (
            conv_bn(inputs, outputs, 1, stride=stride, activation=None, gain=0.9) if project else nn.Identity()
        )
        self.relu = nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Give the block's output."""
        out: torch.Tensor = self.relu(self.expand(self.spatial(self.reduce(x))) + self.shortcut(x))
        return out


class ResNet50(nn.Module):
    """ResNet-50: 25,557,032 parameters, 4,089,184,256 MACs at 224 x 224, 53 convolutions each with its own BN.

    He, Zhang, Ren, Sun, "Deep residual learning for image recognition", CVPR 2016 (arXiv:1512.03385), table 1, with the
    stride of a stage at the 3 x 3 convolution of its first block.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = conv_bn(3, 64, 7, stride=2, relu_before=False)
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.stage1 = _stage(64, 64, blocks=3, stride=1)
        self.stage2 = _stage(256, 128, blocks=4, stride=2)
        self.stage3 = _stage(512, 256, blocks=6, stride=2)
        self.stage4 = _stage(1024, 512, blocks=3, stride=2)
        self.average = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.classifier = nn.Linear(2048, 1000)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Give logits (N, 1000) for input (N, 3, 224, 224)."""
        x = self.pool(self.stem(input))
        x = self.stage4(self.stage3(self.stage2(self.stage1(x))))
        logits: torch.Tensor = self.classifier(self.flatten(self.average(x)))
        return logits


def _stage(inputs: int, width: int, *, blocks: int, stride: int) -> nn.Sequential:
    first = Bottleneck(inputs, width, stride, project=True)
    return nn.Sequential(first, *(Bottleneck(4 * width, width, 1, project=False) for _ in range(blocks - 1)))


def resnet50() -> nn.Module:
    """Build ResNet-50 with seeded weights."""
    return seed_weights(ResNet50(), "resnet50")
