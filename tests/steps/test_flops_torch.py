"""Other counters beside ours, for torch modules."""

from __future__ import annotations

import sys

import pytest

from deploy_magics.errors import Interrupted
from deploy_magics.model import Model
from deploy_magics.steps import _flops_summary, _flops_torch
from deploy_magics.steps.flops import flops

torch = pytest.importorskip("torch")
nn = torch.nn


class LeNet(nn.Sequential):
    """20-50-500-10."""

    def __init__(self):
        super().__init__(
            nn.Conv2d(1, 20, 5), nn.MaxPool2d(2), nn.Conv2d(20, 50, 5), nn.MaxPool2d(2), nn.Flatten(),
            nn.Linear(800, 500), nn.ReLU(), nn.Linear(500, 10),
        )  # fmt: skip


class Functional(nn.Module):
    """A product that no module hook sees, a norm that thop adds, and a parameter held by hand."""

    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(8)
        self.mix = nn.Parameter(torch.ones(8, 8))

    def forward(self, x):
        y = self.norm(x) @ self.mix
        return y @ y.transpose(1, 2)


def rows(result):
    table = result.tables[-1]
    assert table.title == "the module by other counters"
    return {row.cells["tool"]: row for row in table.rows}


def test_lenet_by_all_three():
    module = LeNet()
    keys = list(module.state_dict())
    found = flops((module, torch.zeros(1, 1, 28, 28)))
    assert (found.macs, found.params) == (2_293_000, 431_080)
    by = rows(found)
    assert list(by) == ["%flops, conv+linear", "torch FlopCounterMode / 2", "thop"]
    for row in by.values():
        assert (row.cells["macs"], row.cells["params"]) == (2_293_000, 431_080)
        assert row.status == "ok"
    assert by["thop"].note == "the same"
    # The user's module is as it was: thop counts a copy.
    assert list(module.state_dict()) == keys
    assert module.training


def test_reasons_for_differences():
    found = flops((Functional(), torch.zeros(2, 5, 8)))
    product, square = 2 * 5 * 8 * 8, 2 * 5 * 5 * 8
    assert (found.macs, found.params) == (product + square, 64 + 16)
    by = rows(found)
    assert by["torch FlopCounterMode / 2"].note == "the same"
    thop = by["thop"]
    assert thop.cells["macs"] == 4 * 80  # its four operations per element of a norm
    assert "it adds operations of LayerNorm 320" in thop.note
    assert f"{product + square:,} MACs fewer in matrix products: what is called as a function" in thop.note
    assert "its parameters are those of modules it has a rule for, of 80" in thop.note


def test_a_layer_that_flop_counter_mode_has_no_rule_for():
    class Recurrent(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(8, 16, batch_first=True)

        def forward(self, x):
            return self.lstm(x)[0]

    by = rows(flops((Recurrent(), torch.zeros(2, 5, 8))))
    assert by["%flops, conv+linear"].cells["macs"] == 2 * 5 * 64 * (8 + 16)
    assert "it has no rule for LSTM as one operation" in by["torch FlopCounterMode / 2"].note


def test_counted_at_the_sizes_that_were_bound():
    module = nn.Sequential(nn.Conv2d(3, 4, 3))
    found = flops(module, shape={"input": ("N", 3, 8, 8)})
    assert found.macs == rows(found)["thop"].cells["macs"] == 36 * 4 * 27
    handle = Model.of(module, shapes={"input": ("N", 3, 8, 8)})
    eight = flops(handle, dim={"N": 8})
    assert eight.macs == 8 * found.macs
    assert {row.cells["macs"] for row in rows(eight).values()} == {eight.macs}


def test_missing_thop_is_a_row_that_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "thop", None)
    by = rows(flops((nn.Linear(3, 4), torch.zeros(1, 3))))
    assert by["thop"].status == "failed"
    assert "pip install 'deploy-magics[torch]'" in by["thop"].note
    assert by["torch FlopCounterMode / 2"].cells["macs"] == 12


def test_a_counter_that_fails_is_a_row_that_says_why(monkeypatch):
    def broken(*_):
        raise RuntimeError("no\nluck")

    monkeypatch.setattr(_flops_torch, "_flop_counter", broken)
    by = rows(flops((nn.Linear(3, 4), torch.zeros(1, 3))))
    assert by["torch FlopCounterMode / 2"].note == "RuntimeError: no luck"
    assert by["thop"].cells["macs"] == 12


@pytest.mark.parametrize(
    ("told", "stride"),
    [(None, 32), (64, 64), ((8, 16, 64), 64), (torch.tensor([8.0, 16.0, 64.0]), 64), ("none", 32), (float("nan"), 32)],
)
def test_the_summary_counts_an_input_of_the_stride_that_the_module_tells(told, stride):
    module = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1))
    module.stride = told
    result = flops((module, torch.zeros(1, 3, 32, 32)), summary=128)
    found = result.meta["summaries"]["Sequential"]
    assert (found["stride"], found["macs"]) == (stride, 128 * 128 * 4 * 27)
    [table] = [table for table in result.tables if table.title == "torch summary at 128 x 128"]
    assert [row.cells["off"] for row in table.rows] == [0, 0, 0, 0]


def test_an_interrupt_of_the_summary_keeps_what_was_counted(monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(_flops_summary, "_thop", stop)
    with pytest.raises(Interrupted, match="interrupted while 'Sequential' was summarised; what was counted") as caught:
        flops((nn.Sequential(nn.Conv2d(3, 4, 3)), torch.zeros(1, 3, 8, 8)), summary=128)
    assert (caught.value.partial.status, caught.value.partial.macs) == ("interrupted", 36 * 4 * 27)


def test_what_is_no_module_has_no_such_table():
    assert len(flops("lenet").tables) == 1
