"""The classifier that comes with the package, measured again."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from deploy_magics import zoo
from deploy_magics.errors import MissingPartError, ModelError


def test_accuracy_on_held_out_digits_is_what_is_claimed() -> None:
    images, labels = zoo.digits()
    assert images.shape == (450, 1, 8, 8)
    session = onnxruntime.InferenceSession(str(zoo.path("digits")), providers=["CPUExecutionProvider"])
    (logits,) = session.run(None, {"input": images})
    right = int((logits.argmax(1) == labels).sum())
    assert right / len(labels) >= 0.97
    metadata = {entry.key: entry.value for entry in onnx.load(zoo.path("digits")).metadata_props}
    assert metadata["accuracy"] == f"{right}/450 = {right / 450:.4f}"
    assert f"{right} of 450" in zoo.entry("digits").summary
    assert f"{right / 450:.1%}".replace("%", " %") in zoo.entry("digits").summary


def test_held_out_digits_are_scikit_learns_last_and_none_is_trained_on() -> None:
    held, labels = zoo.digits("held-out")
    everything, all_labels = zoo.digits("all")
    trained, trained_labels = zoo.digits("train")
    assert (everything[-450:] == held).all()
    assert (all_labels[-450:] == labels).all()
    assert len(trained) == len(trained_labels) == 1347
    assert (held.dtype, labels.dtype) == (np.float32, np.int64)
    seen = {image.tobytes() for image in trained}
    assert not [image for image in held if image.tobytes() in seen]


def test_there_is_something_to_simplify() -> None:
    counts = Counter(node.op_type for node in onnx.load(zoo.path("digits")).graph.node)
    assert counts["BatchNormalization"] == counts["Conv"] == 3
    assert counts["Shape"] == 1


def test_entry_says_what_the_file_holds() -> None:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from deploy_magics.zoo.networks.digits import DigitsNet

    entry = zoo.entry("digits")
    model = onnx.load(zoo.path("digits"))
    statistics = sum(int(np.prod(t.dims)) for t in model.graph.initializer if ".running_" in t.name)
    assert sum(int(np.prod(t.dims)) for t in model.graph.initializer) - statistics == entry.params
    with FlopCounterMode(display=False) as counter:
        DigitsNet().eval()(torch.zeros(1, 1, 8, 8))
    assert counter.get_total_flops() == 2 * (entry.macs or 0)


def test_shipped_files_are_small() -> None:
    sizes = {path.name: path.stat().st_size for path in zoo.path("digits").parent.iterdir()}
    assert sizes["shapes.onnx"] <= 2**20
    assert sum(size for name, size in sizes.items() if name.startswith("digits")) < 200_000
    assert all(name.startswith(("digits", "shapes")) for name in sizes)


def test_sample_data_fit_the_model() -> None:
    with np.load(zoo.sample_data("digits")) as data:
        assert list(data) == ["input"]
        assert data["input"].shape == (64, 1, 8, 8)
        assert (data["input"] == zoo.digits()[0][:64]).all()
    with pytest.raises(ModelError, match="no sample data come with 'lenet'"):
        zoo.sample_data("lenet")


def test_held_out_digits_need_no_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    zoo.digits()
    with pytest.raises(MissingPartError, match=r"digits\('train'\) needs the package 'sklearn'"):
        zoo.digits("train")
    with pytest.raises(ModelError, match="no part 'test'"):
        zoo.digits("test")  # type: ignore[arg-type]


def test_training_is_reproducible_and_writes_what_is_shipped(tmp_path: Path) -> None:
    import torch

    from deploy_magics.zoo import train_digits

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        images, labels, held, held_labels = train_digits.load()
        one, two = (train_digits.train(images[:256], labels[:256], epochs=2) for _ in range(2))
    finally:
        torch.set_num_threads(threads)
    first, second = one.state_dict(), two.state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)
    train_digits.write(one, tmp_path / "digits.onnx", 0, held, held_labels)
    shipped = zoo.path("digits").parent
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in shipped.glob("digits*")}
    for name in ("digits_held_out.npz", "digits_inputs.npz"):
        with np.load(tmp_path / name) as made, np.load(shipped / name) as kept:
            assert {key: made[key].tobytes() for key in made} == {key: kept[key].tobytes() for key in kept}
    ours, theirs = onnx.load(tmp_path / "digits.onnx"), onnx.load(shipped / "digits.onnx")
    assert [node.op_type for node in ours.graph.node] == [node.op_type for node in theirs.graph.node]
