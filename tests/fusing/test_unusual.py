"""Modules as they are met elsewhere: subclasses, patched layers, weights read twice, blocks called in odd ways."""

from __future__ import annotations

import types

import pytest
import torch
from torch import fx, nn
from torch.nn import functional as F  # noqa: N812 - as everyone writes it
from torch.nn.utils import prune

from deploy_magics.errors import ModelError, VerificationError
from deploy_magics.fusing import Fused, fuse_module
from tests.fusing import odd
from tests.fusing.test_fusing import IMAGE, fused, reasons


def pair(conv: nn.Module | None = None, norm: nn.Module | None = None) -> nn.Sequential:
    first = (conv or nn.Conv2d(3, 3, 3), norm or nn.BatchNorm2d(3), nn.Tanh())
    return nn.Sequential(*first, nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3))


def into(found: Fused) -> list[str]:
    return [each.into for each in found.done]


class Slow(nn.BatchNorm2d):
    """Other defaults, as many detectors have."""

    def __init__(self, channels):
        super().__init__(channels, eps=1e-3, momentum=0.03)


class Padded(nn.Conv2d):
    def __init__(self, inputs, outputs, size):
        super().__init__(inputs, outputs, size, padding=size // 2, bias=False)


class Activated(nn.BatchNorm2d):
    """Its forward goes on to torch's, which looks at the number of dimensions."""

    def forward(self, input):
        return F.relu(super().forward(input))


class Standardised(nn.Conv2d):
    """Computes its weights anew at each call."""

    def _conv_forward(self, input, weight, bias):
        return super()._conv_forward(input, weight - weight.mean(), bias)


def test_subclasses_with_other_defaults_are_what_they_are_made_of() -> None:
    found = fused(pair(Padded(3, 3, 3), Slow(3)))
    assert (found.after.norms, into(found), found.left) == (0, ["0", "3"], ())
    rep = odd.RepBlock()
    rep.ways[1][1], rep.ways[2][0] = Slow(4), Slow(4)
    assert fused(rep, torch.rand(2, 4, 9, 9)).after.ops == 2


def test_subclasses_that_compute_more_keep_it() -> None:
    found = fused(pair(norm=Activated(3)))
    assert (found.after.norms, found.after.ops, len(found.done)) == (0, 4, 2)
    found = fused(pair(Standardised(3, 3, 3)))
    assert into(found) == ["3"]
    assert found.after.norms == 1


def test_layers_patched_by_hand_are_left() -> None:
    patched = pair()
    patched[0].forward = types.MethodType(lambda self, x: F.conv2d(x, self.weight.abs(), self.bias), patched[0])
    found = fused(patched)
    assert into(found) == ["3"]
    circular = pair(nn.Conv2d(3, 3, 3, padding=1))
    circular[0]._conv_forward = types.MethodType(
        lambda self, x, weight, bias: F.conv2d(F.pad(x, (1, 1, 1, 1), mode="circular"), weight, bias), circular[0]
    )
    assert into(fused(circular)) == ["3"]
    norm = pair()
    norm[1].forward = lambda x: x * 2
    found = fused(norm)
    assert into(found) == ["3"]
    assert "computes something else than torch's own" in reasons(found)["1"]
    idle = nn.Sequential(*pair(), nn.Identity())
    idle[5].forward = lambda x: x * 2
    assert fused(idle).after.norms == 0


def test_weights_that_are_read_elsewhere_too_stay_what_they_are() -> None:
    class TiedBack(nn.Module):
        def __init__(self):
            super().__init__()
            self.encode, self.norm = nn.Linear(6, 4, bias=False), nn.BatchNorm1d(4)
            self.out, self.last = nn.Linear(6, 5), nn.BatchNorm1d(5)

        def forward(self, x):
            return self.last(self.out(F.linear(self.norm(self.encode(x)), self.encode.weight.t())))

    found = fused(TiedBack(), torch.rand(3, 6))
    assert into(found) == ["out"]
    assert reasons(found)["norm"].startswith("the weights of encode are also read as they are")

    class ReachesIn(nn.Module):
        """Calls a block that cannot be traced, and a part of it besides."""

        def __init__(self):
            super().__init__()
            self.inner, self.norm = odd.Dynamic(), nn.BatchNorm2d(3)

        def forward(self, x):
            return self.norm(self.inner.conv(x)) + self.inner(x)

    found = fused(ReachesIn())
    assert reasons(found)["norm"].startswith("inner.conv is a part of inner, which is left as it is")
    assert "inner.block.conv" in into(found)


def test_what_is_given_by_name_folds_too() -> None:
    class Named(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)
            self.up, self.end = nn.ConvTranspose2d(4, 2, 3, stride=2), nn.BatchNorm2d(2)

        def forward(self, x):
            return self.end(self.up(self.norm(input=self.conv(input=x)), output_size=(22, 22)))

    assert fused(Named()).after.norms == 0


def test_attributes_that_do_not_say_what_the_weights_are() -> None:
    class Sum(nn.Module):
        def __init__(self):
            super().__init__()
            self.large, self.small = nn.Conv2d(3, 3, 3, padding=(1,)), nn.Conv2d(3, 3, 1, padding=1)
            self.small.padding = 0
            self.norm = nn.BatchNorm2d(3)

        def forward(self, x):
            return self.norm(self.large(x) + self.small(x))

    assert fused(Sum()).after.ops == 1
    grey = pair()
    # As one does for pictures of one channel.
    grey[0].weight = nn.Parameter(grey[0].weight.detach().sum(1, keepdim=True))
    assert fused(grey, torch.rand(2, 1, 9, 9)).after.norms == 0


def test_one_sample_without_a_batch() -> None:
    class Branches(nn.Module):
        def __init__(self, length):
            super().__init__()
            self.large, self.small = nn.Conv1d(4, 4, 3, padding=1), nn.Conv1d(4, 4, 1)
            self.one, self.two = nn.BatchNorm1d(length), nn.BatchNorm1d(length)

        def forward(self, x):
            return self.one(self.large(x)) + self.two(self.small(x))

    # (channels, length), of which a normalisation takes the length for channels.
    for length in (9, 4):
        found = fused(Branches(length), torch.rand(4, length))
        assert not found.done
        assert "its input has 2 dimensions" in reasons(found)["add"]
    assert fused(Branches(4), torch.rand(2, 4, 7)).after.ops == 1
    picture = nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.SyncBatchNorm(3))
    assert not fused(picture, torch.rand(3, 3, 5)).done
    assert fused(picture, torch.rand(2, 3, 3, 5)).after.norms == 0


def written(x):
    return x.relu_()


fx.wrap("written")


class CallsOwnFunction(nn.Module):
    """Calls a function between its branches that tracing was told not to look into."""

    def __init__(self):
        super().__init__()
        self.large, self.small = nn.Conv2d(3, 3, 3, padding=1), nn.Conv2d(3, 3, 1)

    def forward(self, x):
        x = x * 1
        first = self.large(x)
        written(x)
        return first + self.small(x)


def test_a_function_that_may_write_between_branches_keeps_them_apart() -> None:
    found = fused(CallsOwnFunction(), torch.randn(2, 3, 5, 5))
    assert not found.done
    assert "written may change a value in place" in reasons(found)["add"]


def test_a_sum_that_begins_with_nothing() -> None:
    class Loop(nn.Module):
        def __init__(self):
            super().__init__()
            self.ways = nn.ModuleList([nn.Conv2d(3, 3, 3, padding=1), nn.Conv2d(3, 3, 1)])

        def forward(self, x):
            out = 0.0
            for way in self.ways:
                out = out + way(x)
            return out

    assert fused(Loop()).after.ops == 1


def test_a_sum_into_a_part_of_another_value_stays_one() -> None:
    class IntoView(nn.Module):
        def __init__(self):
            super().__init__()
            self.large, self.small = nn.Conv2d(2, 2, 3, padding=1), nn.Conv2d(2, 2, 1)

        def forward(self, x):
            x = x * 1
            half = x[:, :2]
            half.add_(self.large(half) + self.small(half))
            return x

    found = fused(IntoView(), torch.randn(2, 4, 5, 5))
    assert not found.done
    assert "adds in place to a value that may be used elsewhere" in " ".join(reasons(found).values())


def test_what_lies_with_channels_last_stays_so() -> None:
    net = odd.trained(nn.Sequential(odd.RepBlock(), nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4)))
    net = net.to(memory_format=torch.channels_last)
    found = fuse_module(net, (torch.rand(2, 4, 9, 9).to(memory_format=torch.channels_last),))
    kernels = [value for value in found.module.parameters() if value.dim() == 4]
    assert len(kernels) == 2
    assert all(value.is_contiguous(memory_format=torch.channels_last) for value in kernels)


def test_what_was_computed_from_weights_and_kept_can_be_copied() -> None:
    pruned = pair()
    prune.random_unstructured(pruned[0], "weight", 0.5)
    found = fused(pruned)
    assert into(found) == ["3"]
    with_norm = pair(nn.utils.weight_norm(nn.Conv2d(3, 3, 3)))
    assert into(fused(with_norm)) == ["3"]


def test_data_parallel_is_looked_through() -> None:
    for net in (nn.DataParallel(odd.Block()), nn.Sequential(nn.DataParallel(odd.Block()), odd.Block())):
        found = fused(net)
        assert (found.after.norms, found.left) == (0, ())


def test_blocks_that_torch_compiled_are_left_and_named() -> None:
    scripted = torch.jit.script(odd.trained(odd.Block()))
    found = fuse_module(odd.trained(nn.Sequential(scripted, odd.Block())), IMAGE)
    assert into(found) == ["1.conv"]
    assert reasons(found) == {"0": "it cannot be traced: it was compiled by torch.jit"}
    assert found.before.params - found.after.params == 6


class Several(nn.Module):
    """Cannot be traced; its blocks are called, reached into, held in a list, or not called at all."""

    def __init__(self):
        super().__init__()
        self.called = nn.ModuleList(odd.Block() for _ in range(3))
        self.reached = nn.Sequential(nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3))
        self.held, self.never = odd.Block(), odd.Block()
        self.optional = Masked()
        self.asks = odd.AsksForType()
        self.plain = [self.held]

    def forward(self, x):
        if x.sum() > 1e30:
            return self.never(x)
        for block in (*self.called, *self.reached, *self.plain, self.optional):
            x = block(x)
        return self.asks(x)


class Masked(odd.Block):
    """Has an argument that is mostly left out."""

    def forward(self, x, mask=None):
        y = super().forward(x)
        return y if mask is None else y * mask


def test_of_blocks_in_what_cannot_be_traced_only_the_odd_ones_are_left() -> None:
    found = fused(Several())
    assert sorted(into(found)) == ["called.0.conv", "called.1.conv", "called.2.conv", "optional.conv"]
    left = reasons(found)
    assert "does not run" in left["reached"]
    assert "not called with the inputs tried" in left["never"]
    assert "not called with the inputs tried" in left["held"]
    assert left["asks"].startswith("it is left as it is: ")
    assert (found.before.norms - found.after.norms) == 4


class Head(nn.Module):
    """Puts its results into the list that it is given, and looks at sizes, so that it cannot be traced."""

    def __init__(self):
        super().__init__()
        self.ways = nn.ModuleList(nn.Sequential(odd.Block(), nn.Conv2d(3, 6, 1)) for _ in range(2))
        self.grid = [torch.zeros(1)] * 2

    def forward(self, x):
        for place, way in enumerate(self.ways):
            x[place] = way(x[place]).contiguous()
            if self.grid[place].shape[2:4] != x[place].shape[2:4]:
                self.grid[place] = torch.zeros(1, 1, *x[place].shape[2:4])
        return [each.flatten(1) for each in x]


def test_a_head_that_writes_into_its_list_does_not_spoil_what_is_around_it() -> None:
    class Detector(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.norm, self.head = nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3), Head()

        def forward(self, x):
            y = self.norm(self.conv(x))
            return self.head([y, F.avg_pool2d(y, 2)])

    found = fused(Detector())
    assert sorted(into(found)) == ["conv", "head.ways.0.0.conv", "head.ways.1.0.conv"]
    assert list(reasons(found)) == ["head"]
    assert found.after.norms == 0


def test_blocks_in_which_nothing_was_fused_count_as_before() -> None:
    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.block = odd.Block()
            self.plain = nn.Sequential(nn.Conv2d(3, 3, 1), nn.Dropout(), nn.ReLU(), odd.Elsewhere())

        def forward(self, x):
            return self.plain(self.block(x)) if x.sum() > -1e30 else x

    found = fused(Outer())
    assert into(found) == ["block.conv"]
    assert (found.before.ops - found.after.ops, found.before.norms - found.after.norms) == (1, 1)
    unused = odd.Block()
    unused.spare = nn.Linear(10, 10)
    found = fused(unused)
    assert found.before.params == sum(value.numel() for value in unused.parameters())


def test_random_numbers_are_not_drawn_once_and_for_all() -> None:
    class Noisy(nn.Module):
        def __init__(self):
            super().__init__()
            self.block = odd.Block()

        def forward(self, x):
            return self.block(x) + torch.randn(3, 1, 1)

    found = fuse_module(odd.trained(Noisy()), IMAGE)
    with torch.no_grad():
        assert not torch.equal(found.module(*IMAGE), found.module(*IMAGE))
    assert "outermost forward is left as it is: the fused Noisy always gives the same" in found.left[0].why


@pytest.mark.parametrize(
    ("name", "value", "folds"),
    [
        ("running_var", 0.0, True),
        ("running_var", float("inf"), True),
        ("running_var", -1.0, False),
        ("running_var", float("nan"), False),
        ("running_mean", float("inf"), False),
        ("running_mean", float("nan"), False),
    ],
)
def test_statistics_that_are_no_good(name: str, value: float, folds: bool) -> None:
    net = odd.trained(nn.Sequential(nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3)))
    getattr(net[1], name)[1] = value
    found = fuse_module(net, IMAGE)
    assert (found.after.norms == 0) is folds
    if not folds:
        assert "would not be finite" in reasons(found)["1"]


def test_a_layer_that_is_random_in_training_mode_is_refused_in_it() -> None:
    net = odd.trained(pair())
    net.add_module("5", nn.RReLU())
    with pytest.raises(ModelError, match="'5' of Sequential is in training mode"):
        fuse_module(net, IMAGE)


def test_what_was_narrowed_down_to_nothing_is_an_error() -> None:
    with pytest.raises(VerificationError, match="the fused Reaches does not run"):
        fused(odd.Reaches())
