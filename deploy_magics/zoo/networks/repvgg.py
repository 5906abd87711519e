"""RepVGG-A0, as trained and as deployed."""

from __future__ import annotations

import torch
from torch import nn

from deploy_magics.zoo.networks._layers import conv_bn
from deploy_magics.zoo.networks._seeding import seed_weights

# output channels, blocks: table 2 of the paper with a = 0.75, b = 2.5; each stage halves the size at its first block
_STAGES = ((48, 1), (48, 2), (96, 4), (192, 14), (1280, 1))
# Three branches are summed: each gets a third of the variance.
_GAIN = 3**-0.5


class TrainedBlock(nn.Module):
    """3 x 3, 1 x 1 and, where shapes agree, identity, each with its BN, summed and rectified."""

    def __init__(self, inputs: int, outputs: int, stride: int, *, relu_before: bool) -> None:
        super().__init__()
        self.stride = stride
        self.large = conv_bn(inputs, outputs, 3, stride=stride, activation=None, relu_before=relu_before, gain=_GAIN)
        self.small = conv_bn(inputs, outputs, 1, stride=stride, activation=None, relu_before=relu_before, gain=_GAIN)
        self.identity: nn.BatchNorm2d | None = None
        if stride == 1 and inputs == outputs:
            self.identity = nn.BatchNorm2d(inputs)
            self.identity.scale_gain = _GAIN  # type: ignore[assignment]
        self.relu = nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Give the block's output."""
        total = self.large(x) + self.small(x)
        if self.identity is not None:
            total = total + self.identity(x)
        out: torch.Tensor = self.relu(total)
        return out

    @torch.no_grad()
    def merged(self) -> nn.Conv2d:
        """Give the one 3 x 3 convolution with bias that computes what the three branches do.

        Each branch is linear, ``y = g (W x - m) / sqrt(v + e) + b`` (section 3.3 of the paper): a 1 x 1 kernel is a
        3 x 3 kernel that is zero around its centre, an identity is one with ones there. Summed in double precision.
        """
        conv, norm = _parts(self.large)
        point, point_norm = _parts(self.small)
        outputs = conv.out_channels
        kernel = _scaled(conv.weight, norm)
        bias = _shift(norm) + _shift(point_norm)
        kernel[:, :, 1:2, 1:2] += _scaled(point.weight, point_norm)
        if self.identity is not None:
            eye = torch.eye(outputs, device=kernel.device).reshape(outputs, outputs, 1, 1)
            kernel[:, :, 1:2, 1:2] += _scaled(eye, self.identity)
            bias = bias + _shift(self.identity)
        merged = nn.Conv2d(conv.in_channels, outputs, 3, self.stride, 1, device=kernel.device)
        merged.weight.copy_(kernel)
        assert merged.bias is not None
        merged.bias.copy_(bias)
        return merged


class RepVGG(nn.Module):
    """RepVGG-A0 as trained: 9,108,968 parameters, 1,512,581,120 MACs at 224 x 224.

    Ding et al., "RepVGG: making VGG-style ConvNets great again", CVPR 2021 (arXiv:2101.03697). :meth:`deployed` merges
    the branches: 8,309,384 parameters, 1,361,451,008 MACs, a plain stack of 3 x 3 convolutions that computes the same.
    """

    def __init__(self) -> None:
        super().__init__()
        channels = 3
        self.blocks = nn.Sequential()
        for outputs, blocks in _STAGES:
            for block in range(blocks):
                self.blocks.append(
                    TrainedBlock(channels, outputs, 2 if block == 0 else 1, relu_before=len(self.blocks) > 0)
                )
                channels = outputs
        self.average = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.classifier = nn.Linear(channels, 1000)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Give logits (N, 1000) for input (N, 3, 224, 224)."""
        logits: torch.Tensor = self.classifier(self.flatten(self.average(self.blocks(input))))
        return logits

    def deployed(self) -> RepVGG:
        """Merge each block's branches in place, and give the network."""
        merged = nn.Sequential()
        for block in self.blocks:
            if not isinstance(block, TrainedBlock):
                raise ValueError("this RepVGG is deployed already")
            merged.append(nn.Sequential(block.merged(), nn.ReLU()))
        self.blocks = merged
        return self


def _parts(unit: nn.Sequential) -> tuple[nn.Conv2d, nn.BatchNorm2d]:
    conv, norm = unit[0], unit[1]
    assert isinstance(conv, nn.Conv2d)
    assert isinstance(norm, nn.BatchNorm2d)
    return conv, norm


def _factor(norm: nn.BatchNorm2d) -> torch.Tensor:
    assert norm.running_var is not None
    return norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)


def _scaled(kernel: torch.Tensor, norm: nn.BatchNorm2d) -> torch.Tensor:
    return kernel.double() * _factor(norm).reshape(-1, 1, 1, 1)


def _shift(norm: nn.BatchNorm2d) -> torch.Tensor:
    assert norm.running_mean is not None
    return norm.bias.double() - norm.running_mean.double() * _factor(norm)


def repvgg_a0() -> RepVGG:
    """Build RepVGG-A0 as trained, with seeded weights."""
    network = RepVGG()
    seed_weights(network, "repvgg_a0")
    return network


def repvgg_a0_deployed() -> nn.Module:
    """Build RepVGG-A0 as deployed, with the merged weights of :func:`repvgg_a0`."""
    return repvgg_a0().deployed().eval()
