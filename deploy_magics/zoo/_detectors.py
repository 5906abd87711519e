"""What a detector's raw output means: its grid, anchors and classes, and a plain reading of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy_magics.errors import ModelError, did_you_mean
from deploy_magics.zoo._shapes import SHAPES

if TYPE_CHECKING:
    import numpy as np
    import onnx

# Names of COCO's 80 classes in the order of its detection task: Lin et al. 2014, arXiv:1405.0312.
_COCO = """
person, bicycle, car, motorcycle, airplane, bus, train, truck, boat, traffic light, fire hydrant, stop sign,
parking meter, bench, bird, cat, dog, horse, sheep, cow, elephant, bear, zebra, giraffe, backpack, umbrella, handbag,
tie, suitcase, frisbee, skis, snowboard, sports ball, kite, baseball bat, baseball glove, skateboard, surfboard,
tennis racket, bottle, wine glass, cup, fork, knife, spoon, bowl, banana, apple, sandwich, orange, broccoli, carrot,
hot dog, pizza, donut, cake, chair, couch, potted plant, bed, dining table, toilet, tv, laptop, mouse, remote,
keyboard, cell phone, microwave, oven, toaster, sink, refrigerator, book, clock, vase, scissors, teddy bear,
hair drier, toothbrush
"""
COCO = tuple(" ".join(name.split()) for name in _COCO.split(","))

Anchors = tuple[tuple[tuple[float, float], ...], ...]


@dataclass(frozen=True)
class Detector:
    """How to read the one output ``raw`` of a detector, (N, boxes, 5 + classes) of logits, as YOLOv5's heads give it.

    Attributes
    ----------
    name : str
        Its name in the zoo.
    size : int
        Height and width of its input ``input``, (N, 3, size, size) float32, RGB from 0 to 1.
    classes : tuple of str
        Names by index.
    anchors : tuple of tuples of (width, height)
        By stride, in pixels of the input.
    strides : tuple of int
        Pixels between two cells of each grid.

    Notes
    -----
    Rows: the grids in the order of ``strides``; within a grid the anchors outermost, then its rows, then its columns.
    Fields: x, y, w, h, objectness, one a class. With s(t) the logistic function, a row's box has its centre at
    ``(2 s(t) - 0.5 + cell) * stride`` and the size ``(2 s(t))**2 * anchor``, and a class's score is
    ``s(objectness) * s(class)``.

    Examples
    --------
    >>> found = detector("v5lite_s")
    >>> found.boxes, found.fields, found.classes[0]
    (25200, 85, 'person')
    """

    name: str
    size: int
    classes: tuple[str, ...]
    anchors: Anchors
    strides: tuple[int, ...] = (8, 16, 32)

    @property
    def fields(self) -> int:
        """Values a row: 5 + classes."""
        return 5 + len(self.classes)

    @property
    def boxes(self) -> int:
        """Rows an image."""
        return sum(
            len(anchors) * (self.size // stride) ** 2
            for stride, anchors in zip(self.strides, self.anchors, strict=True)
        )

    def cells(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Give cell (column, row), stride and anchor (width, height) of each row: (boxes, 2), (boxes, 1), (boxes, 2).

        All are float32.
        """
        import numpy as np

        cells, strides, sizes = [], [], []
        for stride, anchors in zip(self.strides, self.anchors, strict=True):
            side = self.size // stride
            rows, columns = np.mgrid[0:side, 0:side]
            cell = np.stack([columns, rows], -1).reshape(-1, 2)
            cells.append(np.tile(cell, (len(anchors), 1)))
            strides.append(np.full((len(anchors) * side * side, 1), stride))
            sizes.append(np.repeat(np.array(anchors), side * side, 0))
        return tuple(np.concatenate(parts).astype(np.float32) for parts in (cells, strides, sizes))  # type: ignore[return-value]

    def name_sizes(self, model: onnx.ModelProto) -> None:
        """Write the sizes of the output into an exported model, in place: the exporter leaves them open."""
        for dim, length in zip(
            model.graph.output[0].type.tensor_type.shape.dim[1:], (self.boxes, self.fields), strict=True
        ):
            dim.dim_value = length

    def prepare(self, images: np.ndarray) -> np.ndarray:
        """Make the input of pictures of the right size: (N, size, size, 3) uint8, RGB, to (N, 3, size, size) float32.

        Raises
        ------
        ModelError
            Where the pictures have another form; to fit them in is preprocessing.
        """
        import numpy as np

        if images.ndim != 4 or images.shape[1:] != (self.size, self.size, 3) or images.dtype != np.uint8:
            raise ModelError(
                f"{self.name} takes pictures (N, {self.size}, {self.size}, 3) of uint8, "
                f"not {images.shape} of {images.dtype}"
            )
        return np.ascontiguousarray(images.transpose(0, 3, 1, 2).astype(np.float32) / 255)

    def decode(self, raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Read every row as the formulas stand, with no thought of time.

        Parameters
        ----------
        raw : numpy.ndarray
            (boxes, 5 + classes), the output for one image.

        Returns
        -------
        boxes : numpy.ndarray
            (boxes, 4) float32, left, top, right and bottom in pixels of the input.
        scores : numpy.ndarray
            (boxes, classes) float32, from 0 to 1.

        Raises
        ------
        ModelError
            Where the output has another shape.
        """
        import numpy as np

        if raw.shape != (self.boxes, self.fields):
            raise ModelError(f"{self.name} gives {self.boxes} x {self.fields} an image, not {raw.shape}")
        # As tanh, which does not overflow.
        values = (0.5 * (1 + np.tanh(0.5 * raw))).astype(np.float32)
        cells, strides, sizes = self.cells()
        middle = (2 * values[:, :2] - 0.5 + cells) * strides
        half = (2 * values[:, 2:4]) ** 2 * sizes / 2
        return np.concatenate([middle - half, middle + half], 1), values[:, 4:5] * values[:, 5:]

    def detect(
        self, raw: np.ndarray, *, threshold: float = 0.25, overlap: float = 0.5
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Decode, keep each row's best class where it scores enough, and of boxes on top of each other the best one.

        Parameters
        ----------
        raw : numpy.ndarray
            (boxes, 5 + classes), the output for one image.
        threshold : float
            Scores below or at it are dropped.
        overlap : float
            Of two boxes of one class whose intersection over union is larger, the lower score is dropped.

        Returns
        -------
        boxes, scores, classes : numpy.ndarray
            (K, 4) float32, (K,) float32 and (K,) int64, best first.
        """
        import numpy as np

        from deploy_magics.zoo._average_precision import overlaps

        boxes, scores = self.decode(raw)
        classes, best = scores.argmax(1), scores.max(1)
        order = np.argsort(-best, kind="stable")
        left = [row for row in order.tolist() if best[row] > threshold]
        kept: list[int] = []
        while left:
            kept.append(row := left.pop(0))
            if left:
                same = (overlaps(boxes[[row]], boxes[left])[0] > overlap) & (classes[left] == classes[row])
                left = [other for other, gone in zip(left, same.tolist(), strict=True) if not gone]
        return boxes[kept], best[kept], classes[kept].astype(np.int64)


# YOLOv5's anchors for COCO at 640 pixels.
_ANCHORS: Anchors = (
    ((10, 13), (16, 30), (33, 23)),
    ((30, 61), (62, 45), (59, 119)),
    ((116, 90), (156, 198), (373, 326)),
)
# Shapes are about as wide as tall; factors of 1.3 lie between these.
_SQUARES: Anchors = (
    ((12, 12), (16, 16), (21, 21)),
    ((24, 24), (30, 30), (37, 37)),
    ((40, 40), (48, 48), (58, 58)),
)

DETECTORS = {
    found.name: found
    for found in (
        Detector("v5lite_e", 320, COCO, _ANCHORS),
        Detector("v5lite_s", 640, COCO, _ANCHORS),
        Detector("shapes", 128, SHAPES, _SQUARES),
    )
}


def detector(name: str) -> Detector:
    """Tell how to read the output of a detector of the zoo.

    Raises
    ------
    ModelError
        Where no detector has that name.
    """
    if name in DETECTORS:
        return DETECTORS[name]
    raise ModelError(
        f"the zoo has no detector {name!r}", hint=did_you_mean(name, DETECTORS) or f"there are {', '.join(DETECTORS)}"
    )
