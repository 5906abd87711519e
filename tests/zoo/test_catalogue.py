"""The names, and what they say of themselves."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from deploy_magics import zoo
from deploy_magics.errors import MissingPartError, ModelError

TORCH = [name for name in zoo.names() if zoo.entry(name).kind == "torch"]


def test_names_cost_no_heavy_import() -> None:
    code = (
        "import sys; from deploy_magics import zoo; zoo.names(); zoo.entry('resnet50');"
        "print([m for m in ('torch', 'numpy', 'onnx', 'onnxruntime', 'pooch', 'requests', 'sklearn') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_all_kinds_are_there() -> None:
    kinds = [zoo.entry(name).kind for name in zoo.names()]
    assert {kind: kinds.count(kind) for kind in kinds} == {"torch": 11, "light": 9, "shipped": 2, "published": 10}
    assert len(set(zoo.names())) == len(kinds)


def test_unknown_name_is_one_line_with_a_suggestion() -> None:
    with pytest.raises(ModelError, match="no network 'resnet5'; did you mean 'resnet50'"):
        zoo.path("resnet5")
    with pytest.raises(ModelError, match=r"no network 'zzz'.*names\(\) lists them"):
        zoo.entry("zzz")


def test_only_torch_networks_are_modules() -> None:
    with pytest.raises(ModelError, match="'light_vgg19' is not defined in torch"):
        zoo.module("light_vgg19")


def test_without_torch_one_line_names_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DEPLOY_MAGICS_CACHE", str(tmp_path))
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingPartError, match=r"exporting lenet needs the package 'torch'.*deploy-magics\[torch\]"):
        zoo.path("lenet")
    with pytest.raises(MissingPartError, match="building lenet needs the package 'torch'"):
        zoo.module("lenet")


def test_unwritable_cache_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("DEPLOY_MAGICS_CACHE", str(tmp_path / "file"))
    with pytest.raises(Exception, match=r"cannot write to the cache at .*set DEPLOY_MAGICS_CACHE"):
        zoo.path("lenet")


@pytest.mark.parametrize("name", TORCH)
def test_parameters_and_macs_are_the_published_ones(name: str) -> None:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    entry = zoo.entry(name)
    ((_, shape),) = entry.inputs.items()
    with torch.device("meta"):
        module = zoo.module(name)
        images = torch.empty([1 if isinstance(size, str) else size for size in shape])
    assert sum(weight.numel() for weight in module.parameters()) == entry.params
    with FlopCounterMode(display=False) as counter:
        module(images)
    assert counter.get_total_flops() == 2 * (entry.macs or 0)


# The figures that the literature gives, apart from those in the catalogue.
FACTS = {
    "resnet50": (25_557_032, 4_089_184_256),
    "mobilenet_v2": (3_504_872, 300_774_272),
    "shufflenet_v2": (2_278_604, 144_907_992),
    "squeezenet": (1_235_496, 349_151_936),
    "repvgg_a0": (9_108_968, 1_512_581_120),
    "repvgg_a0_deployed": (8_309_384, 1_361_451_008),
    "vgg16": (138_357_544, 15_470_264_320),
    "lenet": (431_080, 2_293_000),
    "mnist_keras": (585_958, 1_365_512),
}
# Designed here after a published one; test_detectors compares the two.
OURS = {"v5lite_e", "v5lite_s"}


def test_catalogue_has_the_figures_of_the_literature() -> None:
    assert {name: (zoo.entry(name).params, zoo.entry(name).macs) for name in TORCH if name not in OURS} == FACTS


def test_shufflenet_has_56_norms_and_19_depthwise_convolutions() -> None:
    import torch
    from torch import nn

    with torch.device("meta"):
        layers = list(zoo.module("shufflenet_v2").modules())
    assert sum(isinstance(layer, nn.BatchNorm2d) for layer in layers) == 56
    assert sum(isinstance(layer, nn.Conv2d) and layer.groups == layer.in_channels > 1 for layer in layers) == 19


@pytest.mark.parametrize(
    ("name", "folded"), [("resnet50", 25_530_472), ("mobilenet_v2", 3_487_816), ("shufflenet_v2", 2_270_514)]
)
def test_parameters_with_norms_folded(name: str, folded: int) -> None:
    import torch
    from torch import nn

    with torch.device("meta"):
        module = zoo.module(name)
    # Folding drops scale and shift of each norm and gives its convolution a bias.
    norms = sum(layer.num_features for layer in module.modules() if isinstance(layer, nn.BatchNorm2d))
    assert sum(weight.numel() for weight in module.parameters()) - norms == folded


def test_repvgg_deployed_twice_is_refused() -> None:
    import torch

    from deploy_magics.zoo.networks.repvgg import repvgg_a0_deployed

    with torch.device("meta"), pytest.raises(ValueError, match="deployed already"):
        repvgg_a0_deployed().deployed()  # type: ignore[operator]
