"""The drawn pictures, the detector that was trained on them, and its training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from deploy_magics import zoo
from deploy_magics.errors import ArgumentError


def test_pictures_are_the_same_whatever_the_count() -> None:
    images, truths = zoo.shapes(6)
    assert (images.shape, images.dtype) == ((6, 128, 128, 3), np.uint8)
    later, their_truths = zoo.shapes(2, first=4)
    assert (later == images[4:]).all()
    for one, other in zip(their_truths, truths[4:], strict=True):
        assert (one.boxes == other.boxes).all()
        assert (one.classes == other.classes).all()
    others, _ = zoo.shapes(6, seed=1)
    assert all((one != other).mean() > 0.5 for one, other in zip(images, others, strict=True))


def test_the_truth_lies_in_the_picture_and_has_all_classes() -> None:
    _, truths = zoo.shapes(40)
    boxes = np.concatenate([truth.boxes for truth in truths])
    classes = np.concatenate([truth.classes for truth in truths])
    assert (boxes.dtype, classes.dtype) == (np.float32, np.int64)
    assert ((boxes >= 0) & (boxes <= 128)).all()
    assert (boxes[:, 2:] - boxes[:, :2] > 4).all()
    assert (np.bincount(classes, minlength=3) > 20).all()
    assert all(1 <= len(truth.boxes) <= 7 for truth in truths)


def test_shapes_can_be_seen() -> None:
    # On each side of a box's middle there are other pixels than around the box, but for what lies over it.
    images, truths = zoo.shapes(40)
    differ = []
    for image, truth in zip(images.astype(float), truths, strict=True):
        for left, top, right, bottom in truth.boxes.astype(int):
            x, y = (left + right) // 2, (top + bottom) // 2
            inside = image[y - 2 : y + 3, x - 2 : x + 3].mean((0, 1))
            ring = np.concatenate(
                [image[max(0, top - 4) : max(1, top - 1), left:right], image[bottom + 1 : bottom + 4, left:right]]
            ).reshape(-1, 3)
            differ.append(np.abs(np.median(ring, 0) - inside).mean() > 15)
    assert np.mean(differ) > 0.85


def test_larger_pictures_have_larger_shapes() -> None:
    wide = [np.concatenate([t.boxes for t in zoo.shapes(30, size=size)[1]])[:, 2:].mean() for size in (64, 256)]
    assert wide[1] / wide[0] == pytest.approx(4, rel=0.2)


@pytest.mark.parametrize("given", [{"count": -1}, {"count": 1, "seed": -1}, {"count": 1, "first": -2}])
def test_negative_numbers_are_one_line(given: dict[str, int]) -> None:
    with pytest.raises(ArgumentError, match="are not negative"):
        zoo.shapes(**given)


def test_small_pictures_are_refused() -> None:
    with pytest.raises(ArgumentError, match="31 pixels are too small"):
        zoo.shapes(1, size=31)


def test_precision_on_held_out_pictures_is_what_is_claimed() -> None:
    path, found = zoo.path("shapes"), zoo.detector("shapes")
    images, truths = zoo.shapes(200)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    (raws,) = session.run(["raw"], {"input": found.prepare(images)})
    precision = zoo.mean_average_precision([found.detect(raw, threshold=0.01) for raw in raws], truths)
    assert precision >= 0.85
    claimed = float({entry.key: entry.value for entry in onnx.load(path).metadata_props}["mAP@0.5"])
    # Another processor sums in another order, and may draw a pixel one level lighter.
    assert precision == pytest.approx(claimed, abs=0.003)
    assert f"{claimed:.3f} on 200 held-out pictures" in zoo.entry("shapes").summary
    # Held out: nothing that is trained on is among them.
    trained = {image.tobytes() for image in zoo.shapes(200, seed=1)[0]}
    assert not [image for image in images if image.tobytes() in trained]


def test_entry_says_what_the_file_holds() -> None:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from deploy_magics.zoo.networks.v5lite import shapes

    entry, model = zoo.entry("shapes"), onnx.load(zoo.path("shapes"))
    onnx.checker.check_model(model)
    with torch.device("meta"):
        network = shapes().eval()
        with FlopCounterMode(display=False) as counter:
            network(torch.zeros(1, 3, 128, 128))
    assert sum(weight.numel() for weight in network.parameters()) == entry.params
    assert counter.get_total_flops() == 2 * (entry.macs or 0)
    held = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    assert {name: tuple(weight.shape) for name, weight in network.named_parameters()}.items() <= held.items()
    sizes = [dim.dim_param or dim.dim_value for dim in model.graph.output[0].type.tensor_type.shape.dim]
    assert sizes == ["N", 1008, 8]


def test_sample_data_are_the_first_held_out_pictures(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DEPLOY_MAGICS_CACHE", str(tmp_path))
    path = zoo.sample_data("shapes")
    stamp = path.stat().st_mtime_ns
    assert zoo.sample_data("shapes") == path
    assert path.stat().st_mtime_ns == stamp
    with np.load(path) as data:
        assert list(data) == ["input"]
        assert data["input"].shape == (64, 3, 128, 128)
        assert (data["input"][:3] == zoo.detector("shapes").prepare(zoo.shapes(3)[0])).all()


def test_rows_that_answer_can_say_every_box() -> None:
    import torch

    from deploy_magics.zoo._detector_loss import DetectorLoss

    found = zoo.detector("shapes")
    _, truths = zoo.shapes(20)
    loss = DetectorLoss(found)
    images, rows, boxes, classes = (part.numpy() for part in loss.assigned(truths))
    cells, strides, anchors = (part[rows] for part in found.cells())

    def logit(share: np.ndarray) -> np.ndarray:
        kept = share.clip(1e-4, 1 - 1e-4)
        return np.asarray(np.log(kept / (1 - kept)))

    raw = np.full((len(truths), found.boxes, found.fields), -12.0, np.float32)
    raw[images, rows, :2] = logit(((boxes[:, :2] + boxes[:, 2:]) / 2 / strides - cells + 0.5) / 2)
    raw[images, rows, 2:4] = logit(np.sqrt((boxes[:, 2:] - boxes[:, :2]) / anchors) / 2)
    raw[images, rows, 4] = 12
    # A row that answers for two boxes says the last one.
    for image, row, kind in zip(images, rows, classes, strict=True):
        raw[image, row, 5:] = -12
        raw[image, row, 5 + kind] = 12
    assert zoo.mean_average_precision([found.detect(image) for image in raw], truths) > 0.98
    perfect = float(loss(torch.from_numpy(raw), truths))
    raw[images, rows, 0] += 0.5
    assert 2 * perfect < float(loss(torch.from_numpy(raw), truths))


def test_training_is_reproducible_and_writes_what_is_shipped(tmp_path: Path) -> None:
    import torch

    from deploy_magics.zoo import train_shapes

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        images, truths = zoo.shapes(48, seed=1)
        one, two = (train_shapes.train(images, truths, epochs=1) for _ in range(2))
    finally:
        torch.set_num_threads(threads)
    first, second = one.state_dict(), two.state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)
    train_shapes.write(one, tmp_path / "shapes.onnx", 0.0)
    ours, theirs = onnx.load(tmp_path / "shapes.onnx"), onnx.load(zoo.path("shapes"))
    assert [node.op_type for node in ours.graph.node] == [node.op_type for node in theirs.graph.node]


def test_copies_keep_the_truth() -> None:
    from deploy_magics.zoo import train_shapes

    size = 128
    # A box of one colour in a dark picture, found again by its pixels.
    images = np.zeros((32, size, size, 3), np.uint8)
    images[:, 20:50, 70:100] = 200
    truth = zoo.Truth(np.array([[70, 20, 100, 50]], np.float32), np.array([1]))
    copies, truths = train_shapes._copies(images, [truth] * 32, np.random.default_rng(0))
    places = set()
    for copy, found in zip(copies, truths, strict=True):
        grey = copy[..., 0].astype(int)
        rows, columns = np.nonzero(grey != grey[0, 0])
        place = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        assert tuple(found.boxes[0].astype(int)) == place
        places.add(place)
    assert len(places) == 8


def test_training_says_what_it_cannot_do_before_it_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from deploy_magics.zoo import train_shapes

    monkeypatch.setattr(train_shapes, "train", lambda *_, **__: pytest.fail("it began"))
    (tmp_path / "file").touch()
    for options, line in (
        (["--epochs", "0"], "--epochs is at least 1, not 0"),
        (["--output", str(tmp_path / "file")], "--output cannot be made"),
    ):
        monkeypatch.setattr("sys.argv", ["train_shapes", *options])
        with pytest.raises(SystemExit):
            train_shapes.main()
        assert line in capsys.readouterr().err.splitlines()[-1]
