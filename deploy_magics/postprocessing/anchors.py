"""What each row of a head with anchors stands for: a cell of a grid, and a size to scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deploy_magics.errors import ArgumentError

YOLOV5 = (
    ((10, 13), (16, 30), (33, 23)),
    ((30, 61), (62, 45), (59, 119)),
    ((116, 90), (156, 198), (373, 326)),
)
"""Anchors of YOLOv5 in pixels at strides 8, 16 and 32 (github.com/ultralytics/yolov5, models/yolov5s.yaml)."""


@dataclass(frozen=True, eq=False)
class Anchors:
    """Cells and sizes of all rows of a head, in the order of YOLOv5: by stride, then anchor, then line, then column.

    A row's first four numbers t become a box in pixels by YOLOv5's formulas
    (docs.ultralytics.com/yolov5/tutorials/architecture_description)::

        centre = (2 sigmoid(t_xy) - 0.5 + cell) stride        size = (2 sigmoid(t_wh))^2 anchor

    Attributes
    ----------
    cells : numpy.ndarray of float32, shape (2, rows)
        Column and line of each row's cell, less 0.5, in cells.
    strides : numpy.ndarray of float32, shape (rows,)
        Pixels between cells.
    sizes : numpy.ndarray of float32, shape (2, rows)
        Width and height of each row's anchor in pixels.
    """

    cells: NDArray[np.float32]
    strides: NDArray[np.float32]
    sizes: NDArray[np.float32]

    @classmethod
    def of(
        cls,
        size: tuple[int, int] = (640, 640),
        strides: Sequence[int] = (8, 16, 32),
        anchors: Sequence[Sequence[tuple[float, float]]] = YOLOV5,
    ) -> Anchors:
        """Lay out the rows of a detector.

        Parameters
        ----------
        size : tuple of int
            Height and width of the input in pixels.
        strides : sequence of int
            Pixels between the cells of each grid.
        anchors : sequence of sequences of pairs
            Widths and heights in pixels, for each stride.

        Raises
        ------
        ArgumentError
            Where a stride does not divide the size, or has no anchors.

        Examples
        --------
        >>> len(Anchors.of((640, 640)))
        25200
        """
        if len(strides) != len(anchors):
            raise ArgumentError(f"{len(strides)} strides and anchors for {len(anchors)}", hint="give one set a stride")
        cells, steps, sizes = [], [], []
        for stride, level in zip(strides, anchors, strict=True):
            if stride < 1 or size[0] % stride or size[1] % stride:
                raise ArgumentError(f"stride {stride} does not divide {size[0]}x{size[1]}")
            lines, columns = size[0] // stride, size[1] // stride
            y, x = np.mgrid[:lines, :columns].astype(np.float32)
            for width, height in level:
                cells.append(np.stack([x.ravel(), y.ravel()]) - np.float32(0.5))
                steps.append(np.full(lines * columns, stride, np.float32))
                sizes.append(np.repeat(np.array([[width], [height]], np.float32), lines * columns, axis=1))
        return cls(np.concatenate(cells, 1), np.concatenate(steps), np.concatenate(sizes, 1))

    def __len__(self) -> int:
        return len(self.strides)
