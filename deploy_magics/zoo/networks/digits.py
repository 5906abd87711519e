"""A small network for the 8 x 8 digits of scikit-learn."""

from __future__ import annotations

import torch
from torch import nn

from deploy_magics.zoo.networks._layers import conv_bn


class DigitsNet(nn.Module):
    """Three convolutions with batch normalisation and one dense layer, on pixels from 0 to 16 as they come."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = conv_bn(1, 16, 3, relu_before=False)
        self.conv2 = conv_bn(16, 32, 3)
        self.pool = nn.MaxPool2d(2)
        self.conv3 = conv_bn(32, 32, 3)
        self.dropout = nn.Dropout(0.3)
        self.classifier = nn.Linear(32 * 4 * 4, 10)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Give logits (N, 10) for input (N, 1, 8, 8)."""
        x = self.conv3(self.pool(self.conv2(self.conv1(input / 8 - 1))))
        # Written with sizes that are asked for, as much code is: exported, it leaves a chain for simplifiers to fold.
        x = x.view(x.size(0), -1)
        logits: torch.Tensor = self.classifier(self.dropout(x))
        return logits
