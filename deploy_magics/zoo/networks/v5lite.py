"""Light YOLO-style detectors: a ShuffleNetV2 backbone, a neck of depthwise blocks and one raw output."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from deploy_magics.zoo.networks._layers import conv_bn
from deploy_magics.zoo.networks._seeding import seed_weights
from deploy_magics.zoo.networks.shufflenet import DownUnit, Unit

# Two rectified maps are summed: each gets half of the variance.
_GAIN = 2**-0.5


class LightDetector(nn.Module):
    """Detector in the manner of YOLOv5-Lite: what boards of a few watts run thirty times a second.

    The backbone is ShuffleNetV2's (Ma et al. 2018, arXiv:1807.11164) up to stride 32. The neck passes what is large
    down to fine maps and back up, as PANet does (Liu et al. 2018, arXiv:1803.01534), with 1 x 1 convolutions and
    depthwise separable blocks of one width, and sums in place of joins on the way up. The head is YOLOv5's: a 1 x 1
    convolution a stride, three anchors a cell.

    Parameters
    ----------
    classes : int
        What it tells apart.
    stem : int
        Channels of the first convolution.
    widths : sequence of int
        Channels at strides 8, 16 and 32; even.
    units : sequence of int
        ShuffleNetV2 units at each, the one that halves the size included.
    neck : int
        Channels of the neck.
    blocks : int
        Depthwise separable blocks where two maps have met.
    anchors : int
        Anchors a cell.
    """

    def __init__(
        self,
        classes: int = 80,
        *,
        stem: int = 32,
        widths: Sequence[int] = (116, 232, 464),
        units: Sequence[int] = (4, 8, 2),
        neck: int = 96,
        blocks: int = 1,
        anchors: int = 3,
    ) -> None:
        super().__init__()
        self.anchors, self.fields = anchors, 5 + classes
        self.stem = conv_bn(3, stem, 3, stride=2, relu_before=False)
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.stage2 = _stage(stem, widths[0], units[0])
        self.stage3 = _stage(widths[0], widths[1], units[1])
        self.stage4 = _stage(widths[1], widths[2], units[2])
        self.up = nn.Upsample(scale_factor=2, mode="nearest")
        self.lateral5 = conv_bn(widths[2], neck, 1, gain=_GAIN)
        self.top4 = _lights(neck + widths[1], neck, blocks)
        self.lateral4 = conv_bn(neck, neck, 1, gain=_GAIN)
        self.top3 = _lights(neck + widths[0], neck, blocks)
        self.down4 = _light(neck, neck, stride=2, gain=_GAIN)
        self.bottom4 = _lights(neck, neck, blocks)
        self.down5 = _light(neck, neck, stride=2, gain=_GAIN)
        self.bottom5 = _lights(neck, neck, blocks)
        self.heads = nn.ModuleList(nn.Conv2d(neck, anchors * self.fields, 1) for _ in range(3))

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Give raw outputs (N, boxes, 5 + classes) for input (N, 3, H, W) in RGB from 0 to 1; sizes divide by 32.

        Rows and fields lie as :class:`deploy_magics.zoo.Detector` says.
        """
        c3 = self.stage2(self.pool(self.stem(input)))
        c4 = self.stage3(c3)
        wide = self.lateral5(self.stage4(c4))
        middle = self.lateral4(self.top4(torch.cat([self.up(wide), c4], dim=1)))
        p3 = self.top3(torch.cat([self.up(middle), c3], dim=1))
        p4 = self.bottom4(self.down4(p3) + middle)
        p5 = self.bottom5(self.down5(p4) + wide)
        return torch.cat([self._rows(head(x)) for head, x in zip(self.heads, (p3, p4, p5), strict=True)], dim=1)

    def _rows(self, x: torch.Tensor) -> torch.Tensor:
        """Lay a map out as rows: anchors outermost, then rows and columns of the grid."""
        batch, _, height, width = x.shape
        x = x.view(batch, self.anchors, self.fields, height, width)
        return x.permute(0, 1, 3, 4, 2).reshape(batch, self.anchors * height * width, self.fields)


def _stage(inputs: int, outputs: int, units: int) -> nn.Sequential:
    return nn.Sequential(DownUnit(inputs, outputs), *(Unit(outputs) for _ in range(units - 1)))


def _light(inputs: int, outputs: int, *, stride: int = 1, gain: float = 1.0) -> nn.Sequential:
    """Depthwise 3 x 3 and 1 x 1 convolution, each normalised and rectified."""
    return nn.Sequential(
        conv_bn(inputs, inputs, 3, stride=stride, groups=inputs),
        conv_bn(inputs, outputs, 1, gain=gain),
    )


def _lights(inputs: int, outputs: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(_light(outputs if done else inputs, outputs) for done in range(count)))


def v5lite_e() -> nn.Module:
    """Build the detector at the size of YOLOv5-Lite's e, with seeded weights."""
    return _seeded(LightDetector(), "v5lite_e", (-1.8, -1.85, -1.8))


def v5lite_s() -> nn.Module:
    """Build the detector at the size of YOLOv5-Lite's s, with seeded weights."""
    network = LightDetector(widths=(128, 256, 512), units=(4, 8, 6), neck=128, blocks=2)
    return _seeded(network, "v5lite_s", (-1.2, -1.85, -4.2))


def _seeded(network: LightDetector, name: str, rare: Sequence[float]) -> nn.Module:
    """Seed the weights, and make objects rare: about a row in a hundred scores over 0.25 on a picture.

    Detectors that were trained start from such a shift too, and what comes after the model takes its time by what it
    finds. ``rare`` is added to the objectness at each stride.
    """
    seed_weights(network, name)
    with torch.no_grad():
        for head, shift in zip(network.heads, rare, strict=True):
            assert isinstance(head.bias, nn.Parameter)
            head.bias[4 :: network.fields] += shift
    return network


def shapes() -> LightDetector:
    """Build the network of the shapes detector, with torch's own random weights, to be trained."""
    return LightDetector(3, stem=16, widths=(64, 128, 192), units=(3, 6, 2), neck=64)
