"""The detectors: their rows lie as it is said, and the formulas are what they are said to be."""

from __future__ import annotations

import math

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from deploy_magics import zoo
from deploy_magics.errors import ModelError
from deploy_magics.zoo import _draws
from deploy_magics.zoo.networks.v5lite import LightDetector


def test_names_sizes_and_classes() -> None:
    found = zoo.detector("v5lite_s")
    assert (found.size, found.boxes, found.fields, found.strides) == (640, 25_200, 85, (8, 16, 32))
    assert len(set(found.classes)) == 80
    assert (found.classes[0], found.classes[32], found.classes[79]) == ("person", "sports ball", "toothbrush")
    assert zoo.detector("v5lite_e").boxes == 6_300
    assert zoo.detector("shapes").classes == ("circle", "square", "triangle")
    for name in ("v5lite_s", "v5lite_e", "shapes"):
        found = zoo.detector(name)
        assert zoo.entry(name).inputs == {"input": ("N", 3, found.size, found.size)}
    with pytest.raises(ModelError, match="no detector 'v5lite'; did you mean 'v5lite_s'"):
        zoo.detector("v5lite")
    with pytest.raises(ModelError, match="no detector 'digits'; there are v5lite_e"):
        zoo.detector("digits")


def test_rows_lie_as_the_detector_says() -> None:
    found = zoo.detector("shapes")
    network = LightDetector(len(found.classes))
    rows = []
    for stride in found.strides:
        side = found.size // stride
        # Channels as the head's convolution gives them, anchor by anchor: each value tells where it was.
        field, row, column = np.meshgrid(np.arange(3 * found.fields), np.arange(side), np.arange(side), indexing="ij")
        told = np.stack([column, row, np.full_like(row, stride), field // found.fields, field % found.fields])
        with torch.no_grad():
            rows.append(network._rows(torch.from_numpy(told).float()).numpy())
    columns, lines, strides, anchors, fields = np.concatenate(rows, axis=1)
    cells, given_strides, sizes = found.cells()
    assert cells.shape == sizes.shape == (found.boxes, 2)
    assert (np.stack([columns, lines], -1) == cells[:, None]).all()
    assert (strides == given_strides).all()
    by_stride = dict(zip(found.strides, found.anchors, strict=True))
    assert [by_stride[int(s)][int(a)] for s, a in zip(strides[:, 0], anchors[:, 0], strict=True)] == [
        tuple(size) for size in sizes.tolist()
    ]
    assert (fields == np.arange(found.fields)).all()


def test_decode_is_the_formula_row_by_row() -> None:
    found = zoo.detector("shapes")
    raw = _draws.normal(np.empty((found.boxes, found.fields), np.float32), "decode", 3.0)
    boxes, scores = found.decode(raw)

    def logistic(value: float) -> float:
        return 1 / (1 + math.exp(-value))

    row = 0
    for stride, anchors in zip(found.strides, found.anchors, strict=True):
        for wide, tall in anchors:
            for line in range(found.size // stride):
                for column in range(found.size // stride):
                    x, y, w, h, sure, *kinds = (logistic(value) for value in raw[row].tolist())
                    x, y = (2 * x - 0.5 + column) * stride, (2 * y - 0.5 + line) * stride
                    w, h = (2 * w) ** 2 * wide, (2 * h) ** 2 * tall
                    expected = [x - w / 2, y - h / 2, x + w / 2, y + h / 2]
                    assert boxes[row] == pytest.approx(expected, rel=1e-4, abs=1e-3)
                    assert scores[row] == pytest.approx([sure * kind for kind in kinds], rel=1e-3, abs=1e-6)
                    row += 1
    assert row == found.boxes


def test_wrong_pictures_and_outputs_are_one_line() -> None:
    found = zoo.detector("shapes")
    with pytest.raises(ModelError, match=r"takes pictures \(N, 128, 128, 3\) of uint8, not \(1, 64, 64, 3\) of uint8"):
        found.prepare(np.zeros((1, 64, 64, 3), np.uint8))
    with pytest.raises(ModelError, match=r"of float64"):
        found.prepare(np.zeros((1, 128, 128, 3)))
    with pytest.raises(ModelError, match=r"gives 1008 x 8 an image, not \(6300, 85\)"):
        found.decode(np.zeros((6300, 85), np.float32))


def test_logits_of_any_size_decode_without_a_warning() -> None:
    found = zoo.detector("shapes")
    raw = np.full((found.boxes, found.fields), -1e4, np.float32)
    raw[7, 4:] = 1e4
    boxes, scores, classes = found.detect(raw)
    assert len(boxes) == 1
    assert (scores[0], classes[0]) == (1.0, 0)


@pytest.mark.parametrize(
    ("name", "params", "gflops"),
    # Of YOLOv5-Lite's own table.
    [("v5lite_e", 0.78e6, 0.73), ("v5lite_s", 1.62e6, 4.12)],
)
def test_size_is_about_that_of_yolov5_lite(name: str, params: float, gflops: float) -> None:
    entry = zoo.entry(name)
    assert entry.params == pytest.approx(params, rel=0.02)
    assert 2e-9 * (entry.macs or 0) == pytest.approx(gflops, rel=0.1)


def test_the_large_one_finds_about_one_row_in_a_hundred() -> None:
    path, found = zoo.path("v5lite_s"), zoo.detector("v5lite_s")
    sizes = [dim.dim_param or dim.dim_value for dim in onnx.load(path).graph.output[0].type.tensor_type.shape.dim]
    assert sizes == ["N", 25_200, 85]
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    images, _ = zoo.shapes(1, size=640)
    (raw,) = session.run(["raw"], {"input": found.prepare(images)})
    _, scores = found.decode(raw[0])
    assert 0.003 < (scores.max(1) > 0.25).mean() < 0.03
