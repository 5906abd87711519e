"""SqueezeNet 1.1."""

from __future__ import annotations

import torch
from torch import nn

from deploy_magics.zoo.networks._seeding import seed_weights


class Fire(nn.Module):
    """Squeeze by 1 x 1, expand by 1 x 1 and 3 x 3 side by side, joined along the channels."""

    def __init__(self, inputs: int, squeeze: int, expand: int) -> None:
        super().__init__()
        self.squeeze = nn.Sequential(nn.Conv2d(inputs, squeeze, 1), nn.ReLU())
        self.expand1 = nn.Sequential(nn.Conv2d(squeeze, expand, 1), nn.ReLU())
        self.expand3 = nn.Sequential(nn.Conv2d(squeeze, expand, 3, padding=1), nn.ReLU())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Give the module's output."""
        x = self.squeeze(x)
        return torch.cat([self.expand1(x), self.expand3(x)], dim=1)


class SqueezeNet(nn.Module):
    """SqueezeNet 1.1: 1,235,496 parameters, 349,151,936 MACs at 224 x 224, no batch normalisation.

    Iandola et al., "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB model size", 2016
    (arXiv:1602.07360); 1.1 is its authors' later variant, 2.4 times cheaper: a 3 x 3 stem and earlier pooling.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 64, 3, 2), nn.ReLU(), nn.MaxPool2d(3, 2, ceil_mode=True))
        self.fires1 = nn.Sequential(Fire(64, 16, 64), Fire(128, 16, 64), nn.MaxPool2d(3, 2, ceil_mode=True))
        self.fires2 = nn.Sequential(Fire(128, 32, 128), Fire(256, 32, 128), nn.MaxPool2d(3, 2, ceil_mode=True))
        self.fires3 = nn.Sequential(Fire(256, 48, 192), Fire(384, 48, 192), Fire(384, 64, 256), Fire(512, 64, 256))
        # Evaluation only, where dropout does nothing: it is left out.
        self.classifier = nn.Sequential(nn.Conv2d(512, 1000, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Give logits (N, 1000) for input (N, 3, 224, 224)."""
        x = self.fires3(self.fires2(self.fires1(self.stem(input))))
        logits: torch.Tensor = self.classifier(x)
        return logits


def squeezenet() -> nn.Module:
    """Build SqueezeNet 1.1 with seeded weights."""
    return seed_weights(SqueezeNet(), "squeezenet")
