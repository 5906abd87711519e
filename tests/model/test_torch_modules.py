"""Torch modules become models, and stay as they were."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from deploy_magics import workers
from deploy_magics.errors import ModelError
from deploy_magics.model import Model

torch = pytest.importorskip("torch", reason="torch is not installed")


class Net(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 8, 3, padding=1)
        self.bn = torch.nn.BatchNorm2d(8)
        self.drop = torch.nn.Dropout(0.5)

    def forward(self, image: Any, scale: Any = 1.0) -> Any:
        return self.drop(self.bn(self.conv(image)).relu() * scale).mean((2, 3))


@pytest.fixture
def net() -> Net:
    torch.manual_seed(0)
    made = Net()
    with torch.no_grad():
        made(torch.rand(4, 3, 8, 8))  # so that the running statistics are not the ones they begin with
    return made.train()


def ran(made: Model, feeds: dict[str, Any]) -> np.ndarray[Any, Any]:
    with made.file() as path:
        out = workers.call("deploy_magics.model._native:run", str(path), feeds, name="run", timeout=60)
    (value,) = out.values()
    return value


@pytest.mark.parametrize("form", ["tensor", "tuple", "mapping", "array", "shapes", "labelled"])
def test_forms(form: str, net: Net) -> None:
    image = torch.rand(2, 3, 8, 8)
    obj: Any = {
        "tensor": (net, image),
        "tuple": (net, (image,)),
        "mapping": (net, {"image": image}),
        "array": (net, image.numpy()),
        "shapes": net,
        "labelled": ("mine", (net, image)),
    }[form]
    made = Model.of(obj, shapes={"image": (2, 3, 8, 8)} if form == "shapes" else None)
    assert made.name == ("mine" if form == "labelled" else "Net")
    assert made.source == "torch module Net"
    assert made.module is net
    assert made.path is None
    assert made.inputs[0].name == "image"
    assert made.inputs[0].shape == (2, 3, 8, 8)
    assert made.example_inputs is not None
    feeds = made.feeds()
    with torch.no_grad():
        expected = net.eval()(torch.from_numpy(feeds["image"])).numpy()
    assert np.allclose(ran(made, feeds), expected, atol=1e-5)


def test_the_module_stays_as_it_was(net: Net) -> None:
    before = {name: value.clone() for name, value in net.state_dict().items()}
    made = Model.of(net, shapes={"": (1, 3, 8, 8)})
    assert net.training
    assert net.bn.training
    assert set(net.state_dict()) == set(before)
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    ops = [node.op_type for node in made.skeleton.graph.node]
    assert "BatchNormalization" in ops
    assert "Dropout" not in ops


def test_symbolic_dimensions_stay_free(net: Net) -> None:
    made = Model.of(net, shapes={"image": ("N", 3, 8, 8)})
    assert made.inputs[0].shape == ("N", 3, 8, 8)
    assert ran(made, made.feeds(batch=5)).shape == (5, 8)
    assert Model.of(net, shapes={"image": ("?", 3, 8, 8)}, dims={"image_0": 4}).feeds()["image"].shape[0] == 4


def test_several_models_one_a_module(net: Net) -> None:
    first, second = Model.all_of([net, ("b", (net, torch.rand(1, 3, 8, 8)))], shapes={"image": (2, 3, 8, 8)})
    assert (first.inputs[0].shape, second.inputs[0].shape) == ((2, 3, 8, 8), (1, 3, 8, 8))


@pytest.mark.parametrize(
    ("shapes", "what"),
    [
        (None, "give (module, example_input), or shapes such as --shape image="),
        ({"imag": (1, 3, 8, 8)}, "no argument 'imag'; did you mean 'image'?"),
        ({"scale": (1,)}, "leave out the argument 'image'"),
        ({"image": (1, 4, 8, 8)}, "Net cannot be called with 1x4x8x8: RuntimeError: Given groups=1"),
        ({"image": (1.5, 4)}, "which is no dimension"),
    ],
)
def test_what_does_not_fit_is_one_line(shapes: Any, what: str, net: Net) -> None:
    with pytest.raises(ModelError) as caught:
        Model.of(net, shapes=shapes)
    assert what in str(caught.value)
    assert "\n" not in str(caught.value)


def test_modules_that_take_indices() -> None:
    made = Model.of(torch.nn.Embedding(50, 4), shapes={"input": (1, 6)})
    assert str(made.inputs[0]) == "input: int64[1, 6]"
    assert 30 < made.feeds()["input"].max() < 50
    assert ran(made, made.feeds()).shape == (1, 6, 4)


def test_modules_that_cannot_be_copied_are_left_alone() -> None:
    net = torch.nn.Linear(2, 2)
    net.lock = threading.Lock()
    with pytest.raises(ModelError, match="Linear cannot be copied"):
        Model.of((net, torch.rand(1, 2)))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_scripted_modules_are_refused() -> None:
    scripted = torch.jit.trace(torch.nn.Linear(2, 2), torch.rand(1, 2))
    with pytest.raises(ModelError, match="TorchScript"):
        Model.of((scripted, torch.rand(1, 2)))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_saved_modules_are_refused_with_what_to_do(tmp_path: Any) -> None:
    torch.save(torch.nn.Linear(2, 2), tmp_path / "a.pt")
    torch.jit.trace(torch.nn.Linear(2, 2), torch.rand(1, 2)).save(tmp_path / "b.pt")
    torch.export.save(torch.export.export(torch.nn.Linear(2, 2), (torch.rand(1, 2),)), tmp_path / "c.pt2")
    for name, what in (("a.pt", "a PyTorch file"), ("b.pt", "a TorchScript module"), ("c.pt2", "torch.export")):
        with pytest.raises(ModelError, match=what):
            Model.of(tmp_path / name)
