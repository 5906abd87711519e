"""Networks that a tool which knows class names, or looks at order alone, folds wrongly."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - as everyone writes it


def trained(module: nn.Module, seed: int = 0) -> nn.Module:
    """Give running statistics and weights that differ from their first values, and evaluation mode."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for part in module.modules():
            if isinstance(part, nn.modules.batchnorm._BatchNorm) and part.running_mean is not None:
                part.running_mean.copy_(torch.randn(part.num_features, generator=generator))
                part.running_var.copy_(torch.rand(part.num_features, generator=generator) + 0.3)
                if part.weight is not None:
                    part.weight.copy_(torch.randn(part.num_features, generator=generator) + 1)
                    part.bias.copy_(torch.randn(part.num_features, generator=generator))
    return module.eval()


class RepBlock(nn.Module):
    """RepVGG's block under other names, its branches in a list and summed by Python's sum."""

    def __init__(self, channels=4, groups=1, norm=True):
        super().__init__()
        bn = (lambda: nn.BatchNorm2d(channels)) if norm else nn.Identity
        self.ways = nn.ModuleList(
            [
                nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1, groups=groups), bn()),
                nn.Sequential(nn.Conv2d(channels, channels, 1, groups=groups, bias=False), bn()),
                nn.Sequential(bn()),
            ]
        )

    def forward(self, x):
        return F.relu(sum(way(x) for way in self.ways))


class Asymmetric(nn.Module):
    """3x3, 1x3 and 3x1 side by side, with stride and dilation, and a normalisation of the sum."""

    def __init__(self):
        super().__init__()
        common = {"stride": (1, 2), "dilation": 2, "bias": False}
        self.square = nn.Conv2d(3, 5, 3, padding=2, **common)
        self.wide = nn.Conv2d(3, 5, (1, 3), padding=(0, 2), **common)
        self.high = nn.Conv2d(3, 5, (3, 1), padding=(2, 0), **common)
        self.after = nn.BatchNorm2d(5)

    def forward(self, x):
        out = self.square(x)
        out += self.wide(x)
        return self.after(torch.add(out, self.high(x)))


class Elsewhere(nn.Module):
    """The convolution's output is normalised, and used as it is."""

    def __init__(self):
        super().__init__()
        self.conv, self.bn = nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3)

    def forward(self, x):
        y = self.conv(x)
        return self.bn(y) + y.mean()


class SharedNorm(nn.Module):
    """One normalisation after two convolutions, and once after a pool."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.bn = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4)

    def forward(self, x):
        y = self.bn(self.b(F.relu(self.bn(self.a(x)))))
        return self.bn(F.max_pool2d(y, 2))


class SharedConv(nn.Module):
    """One convolution followed by two different normalisations."""

    def __init__(self):
        super().__init__()
        self.conv, self.one, self.two = nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3), nn.BatchNorm2d(3)

    def forward(self, x):
        return self.two(self.conv(F.relu(self.one(self.conv(x)))))


class SharedPair(nn.Module):
    """One convolution and its normalisation, called twice."""

    def __init__(self):
        super().__init__()
        self.unit = nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3))

    def forward(self, x):
        return self.unit(F.relu(self.unit(x)))


class Tied(nn.Module):
    """Two convolutions that hold one weight."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 3, 3, bias=False), nn.Conv2d(3, 3, 3, bias=False)
        self.b.weight = self.a.weight
        self.one, self.two = nn.BatchNorm2d(3), nn.BatchNorm2d(3)

    def forward(self, x):
        return self.two(self.b(self.one(self.a(x))))


class PreActivation(nn.Module):
    """Normalised before it is convolved: one that pads with zeros, one that pads otherwise, one that does not pad."""

    def __init__(self):
        super().__init__()
        self.first, self.zeros = nn.BatchNorm2d(4), nn.Conv2d(4, 6, 3, padding=1, groups=2)
        self.second, self.reflect = nn.BatchNorm2d(6), nn.Conv2d(6, 6, 3, padding=1, padding_mode="reflect", groups=3)
        self.third, self.none = nn.BatchNorm2d(6), nn.Conv2d(6, 4, 3, bias=False)

    def forward(self, x):
        y = F.relu(self.zeros(self.first(x)))
        y = F.relu(self.reflect(self.second(y)))
        return self.none(self.third(y))


class Functional(nn.Module):
    """Weights held by hand, everything called as a function."""

    def __init__(self):
        super().__init__()
        self.kernel, self.scale = nn.Parameter(torch.randn(4, 3, 3, 3)), nn.Parameter(torch.rand(4) + 0.5)
        self.register_buffer("mean", torch.randn(4))
        self.register_buffer("variance", torch.rand(4) + 0.5)

    def forward(self, x):
        y = F.conv2d(x, self.kernel, stride=2, padding="valid")
        y = F.batch_norm(y, self.mean, self.variance, self.scale, None, self.training, 0.1, 1e-3)
        return F.batch_norm(F.relu(y), self.mean, self.variance)


class Block(nn.Module):
    """A block to be found inside others."""

    def __init__(self):
        super().__init__()
        self.conv, self.bn = nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)))


class Dynamic(nn.Module):
    """Looks at values, so that it cannot be traced; its block can."""

    def __init__(self):
        super().__init__()
        self.block, self.rest = Block(), nn.ModuleList([Block()])
        self.conv, self.bn = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)

    def forward(self, x):
        y = self.block(x) if x.sum() > 0 else self.rest[0](x)
        return self.bn(self.conv(y))


class Around(nn.Module):
    """A traceable network around one that is not."""

    def __init__(self):
        super().__init__()
        self.stem, self.dynamic, self.head = Block(), Dynamic(), nn.Linear(3, 2)

    def forward(self, x):
        return self.head(self.dynamic(self.stem(x)).mean((2, 3)))


class Reaches(nn.Module):
    """Reaches into its block, and cannot be traced: the block has to stay what it is."""

    def __init__(self):
        super().__init__()
        self.block = nn.Sequential(nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3), nn.ReLU())

    def forward(self, x):
        if x.max() < 100:
            for layer in self.block:
                x = layer(x)
        return x


class AsksForType(nn.Module):
    """Traces without an error into something else than it computes."""

    def __init__(self):
        super().__init__()
        self.block = Block()

    def forward(self, x):
        return self.block(x) * 2 if isinstance(x, torch.Tensor) else self.block(x)


class TwoInputs(nn.Module):
    """Needs two inputs, has an option, and gives a dict of a tuple."""

    def __init__(self):
        super().__init__()
        self.one, self.two, self.bn = nn.Conv2d(3, 4, 3), nn.Linear(5, 4, bias=False), nn.BatchNorm1d(4)
        self.norm = nn.BatchNorm2d(4)

    def forward(self, image, vector, scale=2.0):
        if scale > 1:
            vector = vector * scale
        return {"pair": (self.norm(self.one(image)), self.bn(self.two(vector)))}


class LinearOfThree(nn.Module):
    """A linear layer on (N, L, C) and a normalisation that takes L for its channels."""

    def __init__(self):
        super().__init__()
        self.linear, self.bn = nn.Linear(4, 4), nn.BatchNorm1d(4)

    def forward(self, x):
        return self.bn(self.linear(x))


class InPlaceBetween(nn.Module):
    """Writes to what its branches take, between one and the other."""

    def __init__(self):
        super().__init__()
        self.large, self.small = nn.Conv2d(3, 3, 3, padding=1), nn.Conv2d(3, 3, 1)

    def forward(self, x):
        x = x * 1
        a = self.large(x)
        x.relu_()
        return a + self.small(x)
