"""Weights are seeded, the same everywhere, and no identity hides among them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from deploy_magics import zoo
from deploy_magics.zoo import _draws


def test_draws_are_the_same_bits_everywhere() -> None:
    # PCG64 and NumPy's float32 ziggurat are fixed by NumPy's stream policy for the bit generator.
    drawn = _draws.normal(np.empty(4, np.float32), "resnet50/stem.conv.weight", 1.0)
    again = _draws.normal(np.empty(4, np.float32), "resnet50/stem.conv.weight", 1.0)
    other = _draws.normal(np.empty(4, np.float32), "resnet50/stem.conv.bias", 1.0)
    assert (drawn == again).all()
    assert drawn.view(np.uint32).tolist() == [0xBFADBB05, 0x3F4F40F6, 0x3F956DDC, 0xBF7A2C6F]
    assert (drawn != other).all()


def test_building_twice_gives_equal_weights_and_leaves_torchs_generator_seeded_apart() -> None:
    torch.manual_seed(1)
    one = zoo.module("lenet").state_dict()
    torch.manual_seed(2)
    two = zoo.module("lenet").state_dict()
    assert all(torch.equal(one[key], two[key]) for key in one)


def test_convolutions_have_he_variance_and_norms_are_no_identity() -> None:
    network = zoo.module("mobilenet_v2")
    assert not network.training
    for path, layer in network.named_modules():
        if isinstance(layer, nn.Conv2d) and layer.weight.numel() > 5000:
            gain = float(layer.he_gain)  # type: ignore[arg-type]
            expected = (gain / layer.weight[0].numel()) ** 0.5
            assert layer.weight.std().item() == pytest.approx(expected, rel=0.05), path
        if isinstance(layer, nn.BatchNorm2d):
            for value, identity in (
                (layer.weight, 1),
                (layer.bias, 0),
                (layer.running_mean, 0),
                (layer.running_var, 1),
            ):
                assert value is not None
                assert (value != identity).all(), path
            assert (layer.running_var > 0.5).all()  # type: ignore[operator]


def test_deployed_repvgg_computes_what_the_trained_one_does() -> None:
    images = torch.from_numpy(_draws.normal(np.empty((2, 3, 224, 224), np.float32), "images", 1.0))
    with torch.no_grad():
        trained = zoo.module("repvgg_a0")(images)
        deployed = zoo.module("repvgg_a0_deployed")(images)
    assert trained.std() > 0.1
    assert (trained[0] - trained[1]).abs().max() > 0.01
    assert (trained - deployed).abs().max() / trained.abs().max() < 1e-5
