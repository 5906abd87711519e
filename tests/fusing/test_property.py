"""Random networks of convolutions, normalisations and sums: fused, they compute the same, and nothing is missed."""

from __future__ import annotations

import copy
from typing import Any

import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F  # noqa: N812 - as everyone writes it

from deploy_magics.fusing import fuse_module
from tests.fusing.odd import trained

CHANNELS = 4


def conv(draw: Any, size: int) -> nn.Module:
    """A convolution that keeps the size, of any kind that may stand in a branch."""
    return nn.Conv2d(
        CHANNELS,
        CHANNELS,
        size,
        padding=draw(st.sampled_from([size // 2, "same"])),
        groups=draw(st.sampled_from([1, 2, 4])),
        bias=draw(st.booleans()),
        padding_mode=draw(st.sampled_from(["zeros", "zeros", "reflect", "circular"])),
    )


class Unit(nn.Module):
    """Branches of one value, summed in any order, each normalised or not; then perhaps normalised and rectified."""

    def __init__(self, draw: Any) -> None:
        super().__init__()
        self.ways = nn.ModuleList()
        for size in draw(st.lists(st.sampled_from([0, 1, 3, 5]), min_size=1, max_size=4)):
            parts = [conv(draw, size)] if size else []
            parts += [nn.BatchNorm2d(CHANNELS, affine=draw(st.booleans())) for _ in range(draw(st.integers(0, 2)))]
            self.ways.append(nn.Sequential(*parts))
        self.how = draw(st.sampled_from(["add", "iadd", "sum"]))
        self.norm = nn.BatchNorm2d(CHANNELS) if draw(st.booleans()) else nn.Identity()
        self.act = draw(st.sampled_from([nn.ReLU(), nn.ReLU(inplace=True), nn.Identity(), nn.Tanh()]))
        self.kept = draw(st.booleans())
        self.before = draw(st.booleans())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = [way(x) for way in self.ways]
        if self.how == "sum":
            total = sum(out)
        else:
            total = out[0] * 1 if self.how == "iadd" else out[0]
            for each in out[1:]:
                if self.how == "iadd":
                    total += each
                else:
                    total = torch.add(each, total)
        normal = self.norm(total)
        if self.kept:
            normal = normal + F.adaptive_avg_pool2d(total, 1)
        return self.act(F.pad(normal, (1, 1, 0, 0))[:, :, :, 1:-1] if self.before else normal * 1)


@st.composite
def networks(draw: Any) -> nn.Module:
    return nn.Sequential(*[Unit(draw) for _ in range(draw(st.integers(1, 3)))])


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(net=networks(), seed=st.integers(0, 9))
def test_a_random_network_computes_the_same_when_it_is_fused(net: nn.Module, seed: int) -> None:
    trained(net.double(), seed)
    before = copy.deepcopy(net.state_dict())
    x = torch.randn(2, CHANNELS, 7, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    # A tolerance far below any real change: the arithmetic is exact but for rounding.
    found = fuse_module(net, (x,), tolerance=1e-10)
    with torch.no_grad():
        torch.testing.assert_close(found.module(x.clone()), net(x.clone()), rtol=1e-9, atol=1e-9)
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())
    assert found.after.norms <= found.before.norms
    assert found.after.params <= found.before.params + CHANNELS * len(found.done)
    again = fuse_module(found.module, (x,))
    assert not again.done, "what can be fused is fused at once"


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(
    large=st.sampled_from([3, 5]),
    groups=st.sampled_from([1, 2, 4]),
    dilation=st.sampled_from([1, 2]),
    norms=st.lists(st.booleans(), min_size=3, max_size=3),
    order=st.permutations([0, 1, 2]),
)
def test_every_block_of_that_form_becomes_one_convolution(
    large: int, groups: int, dilation: int, norms: list[bool], order: list[int]
) -> None:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            padding = dilation * (large - 1) // 2
            ways = [
                nn.Conv2d(CHANNELS, CHANNELS, large, padding=padding, dilation=dilation, groups=groups),
                nn.Conv2d(CHANNELS, CHANNELS, 1, groups=groups, bias=False),
                nn.Identity(),
            ]
            made = [
                nn.Sequential(way, nn.BatchNorm2d(CHANNELS)) if n else way for way, n in zip(ways, norms, strict=True)
            ]
            self.ways = nn.ModuleList([made[place] for place in order])

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            one, two, three = self.ways
            return one(x) + two(x) + three(x)

    found = fuse_module(trained(Block().double()), (torch.randn(1, CHANNELS, 9, 9, dtype=torch.float64),))
    assert (found.after.ops, found.after.norms) == (1, 0)
    assert found.after.params == CHANNELS * (CHANNELS // groups) * large**2 + CHANNELS
