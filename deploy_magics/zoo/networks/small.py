"""Networks for 28 x 28 digits, as two well-known tutorials have them."""

from __future__ import annotations

import torch
from torch import nn

from deploy_magics.zoo.networks._seeding import seed_weights


class LeNet(nn.Module):
    """LeNet in the form with 20 and 50 filters: 431,080 parameters, 2,293,000 MACs.

    LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition", Proc. IEEE 86 (1998),
    in the widths that Caffe's MNIST example made common: max pooling, and a rectifier only behind the hidden layer.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 20, 5)
        self.pool1 = nn.MaxPool2d(2)
        self.conv2 = nn.Conv2d(20, 50, 5)
        self.pool2 = nn.MaxPool2d(2)
        self.flatten = nn.Flatten()
        self.fc1 = nn.Linear(50 * 4 * 4, 500)
        self.relu = nn.ReLU()
        self.fc2 = nn.Linear(500, 10)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Give logits (N, 10) for input (N, 1, 28, 28)."""
        x = self.pool2(self.conv2(self.pool1(self.conv1(input))))
        logits: torch.Tensor = self.fc2(self.relu(self.fc1(self.flatten(x))))
        return logits


class MnistKeras(nn.Module):
    """The MNIST network of a Keras tutorial: 585,958 parameters, 1,365,512 MACs.

    Convolution 32 of 3 x 3, pooling, convolution 32 of 2 x 2, pooling, dense 500, dense 10, no padding. Channels come
    first here, where Keras has them last: the same counts, and another order of the first dense layer's columns.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3)
        self.relu1 = nn.ReLU()
        self.pool1 = nn.MaxPool2d(2)
        self.conv2 = nn.Conv2d(32, 32, 2)
        self.relu2 = nn.ReLU()
        self.pool2 = nn.MaxPool2d(2)
        self.flatten = nn.Flatten()
        self.dense1 = nn.Linear(32 * 6 * 6, 500)
        self.relu3 = nn.ReLU()
        self.dense2 = nn.Linear(500, 10)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Give logits (N, 10) for input (N, 1, 28, 28)."""
        x = self.pool1(self.relu1(self.conv1(input)))
        x = self.pool2(self.relu2(self.conv2(x)))
        logits: torch.Tensor = self.dense2(self.relu3(self.dense1(self.flatten(x))))
        return logits


def lenet() -> nn.Module:
    """Build LeNet with seeded weights."""
    return seed_weights(LeNet(), "lenet")


def mnist_keras() -> nn.Module:
    """Build the Keras tutorial's network with seeded weights."""
    return seed_weights(MnistKeras(), "mnist_keras")
