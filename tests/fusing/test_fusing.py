from __future__ import annotations

import copy

import pytest
import torch
from torch import fx, nn

from deploy_magics.errors import ModelError, VerificationError
from deploy_magics.fusing import Fused, checking, engine, fuse_module
from tests.fusing import odd

IMAGE = (torch.rand(2, 3, 12, 12),)


def fused(module: nn.Module, *inputs: torch.Tensor) -> Fused:
    odd.trained(module)
    before = copy.deepcopy(module.state_dict())
    found = fuse_module(module, inputs or IMAGE)
    assert found.verification.ok
    assert not found.verification.proves_nothing
    assert not any(part.training for part in found.module.modules())
    # The original is as it was, and shares nothing with what was made.
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())
    own = {value.data_ptr() for value in module.state_dict().values() if value.numel()}
    assert not own & {value.data_ptr() for value in found.module.state_dict().values() if value.numel()}
    return found


def reasons(found: Fused) -> dict[str, str]:
    return {each.name: each.why for each in found.left}


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("norm", [True, False], ids=["trained", "already folded"])
def test_branches_become_one_convolution(groups: int, norm: bool) -> None:
    found = fused(odd.RepBlock(4, groups, norm), torch.rand(2, 4, 9, 9))
    assert found.after.params == 4 * (4 // groups) * 9 + 4
    assert (found.after.ops, found.after.norms, found.left) == (2, 0, ())
    [done] = found.done
    assert (done.kind, done.into) == ("branches", "ways.0.0")
    assert len(done.parts) == (5 if norm else 3)


def test_branches_first_and_what_follows_the_sum_afterwards() -> None:
    found = fused(odd.Asymmetric())
    assert [each.kind for each in found.done] == ["branches", "fold"]
    assert (found.after.ops, found.after.params) == (1, 5 * 3 * 9 + 5)


@pytest.mark.parametrize(
    ("branches", "why"),
    [
        ([nn.Conv2d(3, 3, 3, padding=1), nn.Conv2d(3, 3, 1, padding=0, groups=3)], "other groups (3 and 1)"),
        ([nn.Conv2d(3, 3, (1, 3), padding=(0, 1)), nn.Conv2d(3, 3, (3, 1), padding=(1, 0))], "would have more work"),
        ([nn.Conv2d(3, 3, 3, padding=1, padding_mode="reflect"), nn.Conv2d(3, 3, 5, padding=2)], "pads in another way"),
        ([nn.Conv2d(3, 1, 3, padding=1), nn.Conv2d(3, 3, 1)], "output channels"),
        ([nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3, track_running_stats=False)], "no running statistics"),
    ],
)
def test_branches_that_do_not_fit_are_left_with_the_reason(branches: list[nn.Module], why: str) -> None:
    class Sum(nn.Module):
        def __init__(self):
            super().__init__()
            self.ways = nn.ModuleList(branches)

        def forward(self, x):
            return sum(way(x) for way in self.ways)

    found = fused(Sum())
    assert not found.done
    assert why in " ".join(reasons(found).values())
    assert {each.what for each in found.left} >= {"sum of branches"}


def test_a_value_written_to_between_branches_is_not_merged() -> None:
    found = fused(odd.InPlaceBetween(), torch.randn(2, 3, 5, 5))
    assert not found.done
    assert "relu_ may change a value in place" in reasons(found)["add"]


def test_every_kind_of_convolution_folds() -> None:
    for transposed, groups, dimensions in [(0, 1, 1), (0, 2, 2), (0, 4, 3), (1, 1, 2), (1, 2, 1), (1, 4, 2), (1, 2, 3)]:
        kind = getattr(nn, f"Conv{'Transpose' * transposed}{dimensions}d")
        norm = getattr(nn, f"BatchNorm{dimensions}d")
        net = nn.Sequential(kind(4, 8, 2, groups=groups, bias=groups > 1), norm(8), nn.Tanh())
        found = fused(net, torch.rand(2, 4, *(3,) * dimensions))
        assert (found.before.ops, found.after.ops, found.after.norms) == (3, 2, 0)


def test_a_chain_of_normalisations_and_dropout_goes_into_one_linear_layer() -> None:
    net = nn.Sequential(
        nn.Linear(5, 4), nn.Dropout(), nn.BatchNorm1d(4), nn.Identity(), nn.BatchNorm1d(4, affine=False)
    )
    found = fused(net, torch.rand(3, 5))
    assert (found.after.ops, found.after.params) == (1, 24)
    assert [each.parts for each in found.done] == [("0", "2"), ("0", "4")]


def test_what_goes_elsewhere_or_is_shared_is_not_folded_wrongly() -> None:
    found = fused(odd.Elsewhere())
    assert (found.done, found.after.norms) == ((), 1)
    assert reasons(found) == {"bn": "the output of conv also goes elsewhere"}
    shared = fused(odd.SharedNorm())
    assert [each.into for each in shared.done] == ["a", "b"]
    assert shared.after.norms == 1
    both = fused(odd.SharedPair())
    assert (both.after.norms, both.after.params, both.after.ops) == (0, 84, 3)
    conv = fused(odd.SharedConv())
    assert not conv.done
    assert reasons(conv)["two"] == "conv is called 2 times, and not always followed by this normalisation"
    tied = fused(odd.Tied())
    assert not tied.done
    assert reasons(tied)["one"].startswith("the weights of a are shared with another module; ")


def test_a_normalisation_before_a_convolution_folds_where_nothing_pads_with_zeros() -> None:
    found = fused(odd.PreActivation(), torch.rand(2, 4, 12, 12))
    assert [each.into for each in found.done] == ["reflect", "none"]
    assert list(reasons(found)) == ["first"]
    assert "zeros after it pads with zeros, which the normalisation would have shifted" in reasons(found)["first"]


def test_functions_on_fixed_weights_fold_and_the_others_are_named() -> None:
    found = fused(odd.Functional())
    assert (found.before.norms, found.after.norms) == (2, 1)
    assert [each.why for each in found.left] == ["it is called as a function, on what no convolution gives"]


def test_what_cannot_be_traced_is_left_and_named_and_its_blocks_are_folded() -> None:
    for make, prefix in ((odd.Dynamic, ""), (odd.Around, "dynamic.")):
        found = fused(make(), torch.zeros(2, 3, 12, 12) - 0.1) if not prefix else fused(make())
        assert found.after.norms == found.before.norms - len(found.done)
        assert "symbolically traced variables" in reasons(found)[prefix.rstrip(".") or "Dynamic"]
        # The inputs tried take one way, or both.
        assert f"{prefix}block.conv" in {each.into for each in found.done}
        if prefix:
            assert "not called with the inputs tried" in reasons(found)["dynamic.rest.0"]
        else:
            assert "rest.0.conv" in {each.into for each in found.done}
    with pytest.raises(VerificationError, match=r"^the fused Reaches does not run: .*; the original is kept$"):
        fused(odd.Reaches())


def test_a_module_that_traces_into_something_else_keeps_its_forward() -> None:
    found = fused(odd.AsksForType())
    assert type(found.module) is odd.AsksForType
    assert [each.into for each in found.done] == ["block.conv"]
    assert "its outermost forward is left as it is" in found.left[0].why


def test_two_inputs_an_option_and_nested_outputs() -> None:
    found = fused(odd.TwoInputs(), torch.rand(2, 3, 5, 5), torch.rand(2, 5))
    assert found.after.norms == 0
    assert [each.name for each in found.verification.differences] == ["output['pair'][0]", "output['pair'][1]"]
    three = fused(odd.LinearOfThree(), torch.rand(2, 4, 4))
    assert not three.done
    assert "its input has 3 dimensions" in reasons(three)["bn"]


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_types(dtype: torch.dtype) -> None:
    found = fused(odd.RepBlock().to(dtype), torch.rand(2, 4, 9, 9, dtype=dtype))
    assert {value.dtype for value in found.module.parameters()} == {dtype}
    assert found.verification.max_rel < found.verification.tolerance


@pytest.mark.parametrize("seed", [7, 30, 47, 81, 144])
def test_one_rounding_of_a_large_value_in_a_narrow_channel_is_no_error(seed: int) -> None:
    torch.manual_seed(seed)
    found = fused(odd.Block().bfloat16(), torch.rand(1, 3, 8, 8).bfloat16())
    assert found.verification.max_rel < found.verification.tolerance


def test_complex_weights_hooks_and_computed_weights_are_left() -> None:
    complex_net = nn.Sequential(nn.Conv2d(3, 3, 3, dtype=torch.complex64)).eval()
    assert not fuse_module(complex_net, (torch.rand(1, 3, 5, 5, dtype=torch.complex64),)).done
    computed = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 3, 3)), nn.BatchNorm2d(3))
    assert not fused(computed).done
    hooked = nn.Sequential(odd.Block(), odd.Block())
    hooked[0].register_forward_hook(lambda module, args, output: output * 2)
    found = fused(hooked)
    assert [each.into for each in found.done] == ["1.conv"]
    assert reasons(found)["0"] == "it cannot be traced: it has hooks"


def test_nothing_to_fold_gives_a_copy_of_the_same_class() -> None:
    class Plain(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(12, 2)

        def forward(self, x):
            return self.linear(x)

    found = fused(Plain())
    assert type(found.module) is Plain
    assert found.before == found.after


def test_training_mode_is_refused_also_of_a_part() -> None:
    block = odd.Block()
    with pytest.raises(
        ModelError, match=r"^Block is in training mode, in which its batch normalisation depends .*eval\(\)$"
    ):
        fuse_module(block, IMAGE)
    block.eval().bn.train()
    with pytest.raises(ModelError, match="'bn' of Block is in training mode"):
        fuse_module(block, IMAGE)
    block.bn.eval()
    block.extra = nn.Identity()  # new modules begin in training mode; to this one it makes no difference
    assert fuse_module(block, IMAGE).done


def test_a_wrong_fold_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    right = engine.fold

    def wrong(context: engine.Context) -> None:
        right(context)
        context.made.get_parameter("conv.weight").data *= 1.01

    monkeypatch.setattr(engine, "fold", wrong)
    with pytest.raises(VerificationError, match="the fused Block does not compute what the original does"):
        fuse_module(odd.trained(odd.Block()), IMAGE)
    monkeypatch.undo()
    with pytest.raises(VerificationError, match="tolerance"):
        fuse_module(odd.trained(odd.Block()), IMAGE, tolerance=0.0)


def test_weights_that_would_not_be_finite_are_left() -> None:
    net = odd.trained(nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3, eps=0.0)).half())
    net[1].running_var.fill_(1e-7)
    net[1].weight.data.fill_(100.0)
    found = fuse_module(net, (torch.zeros(1, 3, 4, 4).half(),))
    assert not found.done
    assert "would not be finite" in reasons(found)["1"]


def test_a_network_out_of_sight_of_this_package_gives_a_graph_of_its_name() -> None:
    found = fused(odd.Around())
    assert isinstance(found.module, fx.GraphModule)
    assert type(found.module).__name__ == "Around"
    assert checking.fresh((1,)) == (1,)
