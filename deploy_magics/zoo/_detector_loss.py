"""What a detector is trained by: which rows answer for which box, and how wrong they are; imports torch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional

from deploy_magics.zoo._detectors import Detector
from deploy_magics.zoo._shapes import Truth

# An anchor answers for boxes up to this many times wider or narrower, and taller or lower.
_RATIO = 2.0


class DetectorLoss:
    """Loss of a head of YOLOv5's kind: boxes by DIoU, objectness and classes by cross-entropy of logits.

    A box is answered for by each anchor of about its size, in the cell of its centre and in the two next ones to it,
    as in YOLOv5. Distance-IoU is Zheng et al. 2020, arXiv:1911.08287, equation 7.

    Parameters
    ----------
    detector : Detector
        Grid, anchors and classes.
    """

    def __init__(self, detector: Detector) -> None:
        self.detector = detector
        self.cells, self.strides, self.sizes = (torch.from_numpy(part) for part in detector.cells())

    def __call__(self, raw: torch.Tensor, truths: Sequence[Truth]) -> torch.Tensor:
        """Give the loss of raw outputs (N, boxes, 5 + classes) for the truth of N images."""
        images, rows, boxes, classes = self.assigned(truths)
        wanted = torch.zeros(raw.shape[:2])
        count = max(1, len(rows))
        chosen = raw[images, rows]
        middle = (2 * chosen[:, :2].sigmoid() - 0.5 + self.cells[rows]) * self.strides[rows]
        half = (2 * chosen[:, 2:4].sigmoid()) ** 2 * self.sizes[rows] / 2
        overlap, apart = _overlap_and_distance(torch.cat([middle - half, middle + half], 1), boxes)
        wanted[images, rows] = overlap.detach()
        names = functional.one_hot(classes, len(self.detector.classes)).float()
        box_loss = (1 - overlap + apart).sum()
        class_loss = functional.binary_cross_entropy_with_logits(chosen[:, 5:], names, reduction="sum")
        object_loss = functional.binary_cross_entropy_with_logits(raw[..., 4], wanted, reduction="sum")
        return (2.0 * box_loss + 0.5 * class_loss + object_loss) / count

    def assigned(self, truths: Sequence[Truth]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """Give image, row, box and class of each pair of a row and a box that it answers for."""
        index = torch.repeat_interleave(torch.arange(len(truths)), torch.tensor([len(truth.boxes) for truth in truths]))
        boxes = torch.cat([torch.from_numpy(truth.boxes) for truth in truths])
        classes = torch.cat([torch.from_numpy(truth.classes) for truth in truths])
        centres, sizes = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
        rows, which, before = [], [], 0
        for stride, anchors in zip(self.detector.strides, self.detector.anchors, strict=True):
            side = self.detector.size // stride
            ratios = sizes[:, None] / torch.tensor(anchors, dtype=torch.float32)
            fits, anchor = torch.nonzero(torch.maximum(ratios, 1 / ratios).amax(-1) < _RATIO, as_tuple=True)
            place = centres[fits] / stride
            own = place.floor()
            # To the nearer side in each direction.
            aside = torch.where(place - own < 0.5, -1.0, 1.0)
            for step in ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0)):
                column, row = (own + aside * torch.tensor(step)).long().unbind(1)
                inside = (column >= 0) & (column < side) & (row >= 0) & (row < side)
                rows.append((before + (anchor * side + row) * side + column)[inside])
                which.append(fits[inside])
            before += len(anchors) * side * side
        pairs = torch.cat(which)
        return index[pairs], torch.cat(rows), boxes[pairs], classes[pairs]


def _overlap_and_distance(a: torch.Tensor, b: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Give the intersection over union of boxes pair by pair, and how far their centres are apart.

    The latter is the squared distance as a share of the squared diagonal of the box around both.
    """
    common = (torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])).clamp(min=0).prod(1)
    union = (a[:, 2:] - a[:, :2]).prod(1) + (b[:, 2:] - b[:, :2]).prod(1) - common
    around = torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])
    apart = ((a[:, :2] + a[:, 2:] - b[:, :2] - b[:, 2:]) / 2).square().sum(1)
    return common / (union + 1e-9), apart / (around.square().sum(1) + 1e-9)
