"""VGG-16."""

from __future__ import annotations

import torch
from torch import nn

from deploy_magics.zoo.networks._seeding import seed_weights


class VGG16(nn.Module):
    """VGG-16: 138,357,544 parameters, 15,470,264,320 MACs at 224 x 224, no batch normalisation.

    Simonyan, Zisserman, "Very deep convolutional networks for large-scale image recognition", ICLR 2015
    (arXiv:1409.1556), configuration D. Nine parameters in ten are in the dense layers, nearly all MACs in the rest.
    """

    def __init__(self) -> None:
        super().__init__()
        self.block1 = _block(3, 64, 2)
        self.block2 = _block(64, 128, 2)
        self.block3 = _block(128, 256, 3)
        self.block4 = _block(256, 512, 3)
        self.block5 = _block(512, 512, 3)
        self.flatten = nn.Flatten()
        # Evaluation only, where dropout does nothing: it is left out.
        self.fc1 = nn.Sequential(nn.Linear(512 * 7 * 7, 4096), nn.ReLU())
        self.fc2 = nn.Sequential(nn.Linear(4096, 4096), nn.ReLU())
        self.fc3 = nn.Linear(4096, 1000)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Give logits (N, 1000) for input (N, 3, 224, 224)."""
        x = self.block5(self.block4(self.block3(self.block2(self.block1(input)))))
        logits: torch.Tensor = self.fc3(self.fc2(self.fc1(self.flatten(x))))
        return logits


def _block(inputs: int, outputs: int, convolutions: int) -> nn.Sequential:
    block = nn.Sequential()
    for number in range(convolutions):
        block.append(nn.Conv2d(outputs if number else inputs, outputs, 3, padding=1))
        block.append(nn.ReLU())
    return block.append(nn.MaxPool2d(2))


def vgg16() -> nn.Module:
    """Build VGG-16 with seeded weights."""
    return seed_weights(VGG16(), "vgg16")
