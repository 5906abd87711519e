"""``%fuse``: exact figures of networks of the zoo, and what a user sees."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

import deploy_magics
from deploy_magics import zoo
from deploy_magics.errors import ArgumentError, DeployError, Interrupted, ModelError
from deploy_magics.fusing import fuse_module
from deploy_magics.model import Model
from deploy_magics.result import Missing, Ratio, load_result
from deploy_magics.steps import _fuse_speed
from deploy_magics.steps.flops import flops
from deploy_magics.steps.fuse import FuseResult, fuse
from tests.fusing import odd


def figures(result: FuseResult) -> dict[object, tuple[object, object]]:
    return {row.cells["what"]: (row.cells["before"], row.cells["after"]) for row in result.table.rows}


@pytest.fixture(scope="module")
def shuffled() -> FuseResult:
    return fuse("shufflenet_v2", bench=False)


def test_shufflenet_v2(shuffled: FuseResult) -> None:
    assert figures(shuffled) == {
        "layers": (151, 95),
        "ops": (245, 189),
        "ONNX nodes": (975, 919),
        "batch normalisations": (56, 0),
        "params": (2_278_604, 2_270_514),
        "MACs": (144_907_992, 144_907_992),
    }
    assert shuffled.headline == (
        "shufflenet_v2: 56 → 0 batch normalisations, 245 → 189 ops, 2,278,604 → 2,270,514 params; computes the same"
    )
    assert [row.cells["parts"] for row in shuffled.tables[1].rows] == ["conv + bn"] * 56
    assert 0 < shuffled.max_error < 1e-4
    assert dict(shuffled.facts)["max error"].endswith("of the output's range over 3 inputs")


@pytest.mark.parametrize(
    ("name", "norms", "before", "after"),
    [("resnet50", 53, 25_557_032, 25_530_472), ("mobilenet_v2", 52, 3_504_872, 3_487_816)],
)
def test_exact_figures(name: str, norms: int, before: int, after: int) -> None:
    found = fuse_module(zoo.module(name), (torch.rand(1, 3, 64, 64),))
    assert (found.before.norms, found.after.norms) == (norms, 0)
    assert (found.before.params, found.after.params) == (before, after)
    assert sum(value.numel() for value in found.module.parameters()) == after
    assert len(found.done) == norms


def test_repvgg_a0() -> None:
    result = fuse("repvgg_a0", bench=False)
    assert figures(result) == {
        "layers": (130, 47),
        "ops": (169, 47),
        "ONNX nodes": (169, 47),
        "batch normalisations": (61, 0),
        "params": (9_108_968, 8_309_384),
        "MACs": (1_512_581_120, 1_361_451_008),
    }
    assert [each["kind"] for each in result.meta["fused"]] == ["branches"] * 22
    deployed = zoo.module("repvgg_a0_deployed")
    image = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(result.module(image), deployed(image), rtol=1e-4, atol=1e-4)


def test_a_branch_of_the_shuffle_block_goes_from_eight_to_five_ops() -> None:
    network = zoo.module("shufflenet_v2")
    result = fuse((network.stage2[1].branch2, torch.rand(1, 58, 28, 28)), bench=False)
    assert figures(result)["ops"] == figures(result)["ONNX nodes"] == (8, 5)


def test_the_result_is_a_model_that_other_steps_take(shuffled: FuseResult) -> None:
    assert isinstance(shuffled.model, Model)
    assert shuffled.model.module is shuffled.module
    assert shuffled.model.inputs[0].shape == ("N", 3, 224, 224)
    assert flops(shuffled).params == 2_270_514
    block = fuse((odd.trained(odd.Block()), torch.rand(1, 3, 8, 8)), bench=False)
    assert fuse(block, bench=False).headline == "Block_fused: nothing to fuse"
    loaded = load_result(shuffled.to_json())
    assert isinstance(loaded, FuseResult)
    assert loaded.max_error == shuffled.max_error
    with pytest.raises(DeployError, match="holds no module; run %fuse again"):
        _ = loaded.model
    with pytest.raises(DeployError, match="speed on 'ort' was not measured"):
        loaded.ratio("ort")


def test_speed_in_both_runtimes(monkeypatch: pytest.MonkeyPatch) -> None:
    # Two processes give an interval of one degree of freedom, which a busy machine stretches at will.
    monkeypatch.setattr(_fuse_speed, "_PROCESSES", 4)
    net = odd.trained(nn.Sequential(odd.RepBlock(16), nn.Conv2d(16, 8, 3), nn.BatchNorm2d(8)))
    result = fuse((net, torch.rand(1, 16, 24, 24)), budget=0.5)
    speed = result.tables[1]
    names = [f"{on} {which}" for on in ("torch", "ort") for which in ("before", "after")]
    assert speed.values("name") == names == [samples.name for samples in result.samples]
    for on in ("torch", "ort"):
        ratio = result.ratio(on)
        assert isinstance(ratio, Ratio)
        assert 0.2 < ratio.low <= ratio.high < 20
    assert "x as fast" in dict(result.facts)["speed on eager PyTorch"]


def test_the_file_is_written_and_not_over_another(tmp_path: Path) -> None:
    target = tmp_path / "block.onnx"
    pair = (odd.trained(odd.Block()), torch.rand(1, 3, 8, 8))
    result = fuse(pair, output=target, bench=False)
    assert ("written to", str(target)) in result.facts
    assert [node.op_type for node in Model.of(target).skeleton.graph.node] == ["Conv", "Relu"]
    with pytest.raises(DeployError, match="--force"):
        fuse(pair, output=target, bench=False)
    with pytest.raises(ArgumentError, match=r"end it in \.onnx"):
        fuse(pair, output=tmp_path / "block.pt", bench=False)


@pytest.mark.parametrize(
    ("model", "options", "error", "line"),
    [
        (
            "light_resnet50",
            {},
            ModelError,
            r"^the zoo's 'light_resnet50' is an ONNX model, and a torch module is needed",
        ),
        ("nothing.onnx", {}, ModelError, "is no network of the zoo, and a torch module is needed; .*%simplify"),
        (3, {}, ModelError, "an int is no torch module"),
        (odd.Block(), {"shape": {"x": (1, 3, 8, 8)}}, ModelError, "^Block is in training mode"),
        (odd.Block().eval(), {}, ModelError, "does not say what its inputs are; .*--shape x=1x3x224x224"),
        (odd.Block().eval(), {"shape": {"x": (1, 4, 8, 8)}}, ModelError, "^Block cannot be called with 1x4x8x8"),
        (odd.Block().eval(), {"shape": {"y": (1, 3, 8, 8)}}, ModelError, "Block.forward has no argument 'y'"),
        (
            (odd.Block().eval().to("meta"), torch.rand(1, 3, 8, 8, device="meta")),
            {},
            ModelError,
            "is on the meta device",
        ),
        ((torch.compile(odd.Block().eval()), torch.rand(1, 3, 8, 8)), {}, ModelError, "is compiled by torch.compile"),
        ("repvgg_a0", {"tolerance": -1}, ArgumentError, "--tolerance"),
        ("repvgg_a0", {"budget": 0}, ArgumentError, "--budget"),
        ("repvgg_a0", {"threads": 0}, ArgumentError, "threads must be at least 1"),
    ],
)
def test_bad_input_is_one_line(model: object, options: dict[str, object], error: type[Exception], line: str) -> None:
    with pytest.raises(error, match=line) as caught:
        fuse(model, bench=False, **options)
    assert "\n" not in str(caught.value)


def test_one_module_at_a_time() -> None:
    with pytest.raises(ArgumentError, match="2 modules were given; fuse one at a time"):
        fuse("repvgg_a0", "resnet50")
    with pytest.raises(ArgumentError, match="no module was given"):
        fuse()


def test_double_precision_from_a_shape_alone() -> None:
    result = fuse(odd.trained(odd.Block().double()), shape={"x": ("N", 3, 8, 8)}, bench=False)
    assert dict(result.facts)["tolerance"] == "1e-09 (float64)"
    assert result.model.inputs[0].dtype == "float64"


def test_what_cannot_be_exported_is_fused_all_the_same() -> None:
    class Odd(odd.Block):
        def forward(self, x):
            y = super().forward(x)
            return torch.linalg.matrix_exp(y * 0.01) + y

    result = fuse((odd.trained(Odd()), torch.rand(1, 3, 8, 8)), bench=False)
    assert figures(result)["batch normalisations"] == (1, 0)
    assert isinstance(figures(result)["ONNX nodes"][0], Missing)
    assert "not exported" in " ".join(note.text for note in result.notes)
    with pytest.raises(DeployError, match=r"its \.module is the torch module"):
        _ = result.model


def test_an_interrupt_while_speed_is_measured_keeps_the_module(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(_fuse_speed, "_eager", stop)
    with pytest.raises(Interrupted, match="the fused module is kept") as caught:
        fuse((odd.trained(odd.Block()), torch.rand(1, 3, 8, 8)))
    assert isinstance(caught.value.partial, FuseResult)
    assert (caught.value.partial.status, caught.value.partial.model.name) == ("interrupted", "Block_fused")


def test_the_largest_error_is_not_of_what_is_random() -> None:
    class Noisy(odd.Block):
        def forward(self, x):
            return super().forward(x), torch.rand_like(x)

    result = fuse((odd.trained(Noisy()), torch.rand(1, 3, 8, 8)), bench=False)
    assert result.max_error < 1e-5
    assert "output 'output[1]' is random" in " ".join(note.text for note in result.notes)


def test_speed_of_a_narrow_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_fuse_speed, "_PROCESSES", 2)
    result = fuse((odd.trained(odd.Block().bfloat16()), torch.rand(1, 3, 8, 8).bfloat16()), budget=0.2)
    assert result.ratio("torch").low > 0


def test_the_published_summary_and_its_error(shuffled: FuseResult) -> None:
    result = flops(shuffled, summary=320)
    [table] = [table for table in result.tables if table.title == "torch summary at 320 x 320"]
    found = result.meta["summaries"]["shufflenet_v2_fused"]
    assert (found["params"], found["gradients"], found["stride"]) == (2_270_514, 2_270_514, 32)
    classifier = 1_024_000  # the linear layer, which is counted (320/32)**2 = 100 times
    full = (144_907_992 - classifier) * (320 / 224) ** 2 + classifier
    scaled = (144_907_992 - classifier) * (320 / 224) ** 2 + 100 * classifier
    rows = {row.cells["how"]: row.cells for row in table.rows}
    assert rows["%flops in full"]["macs"] == pytest.approx(full / 1e6, rel=0.02)
    assert rows["%flops, scaled"]["off"] == pytest.approx(100 * (scaled / full - 1), abs=2)
    assert found["macs"] == pytest.approx(scaled, rel=0.02)
    assert table.notes[0].startswith("Model Summary: 190 layers, 2270514 parameters, 2270514 gradients, 0.8 GFLOPS")
    with pytest.raises(ArgumentError, match="--summary is of torch modules"):
        flops("lenet", summary=640)
    with pytest.raises(ModelError, match="does not take one image"):
        flops((nn.Linear(3, 4), torch.zeros(1, 3)), summary=640)


def test_it_is_public() -> None:
    assert deploy_magics.fuse is fuse
