"""The step ``flops``: tables, totals, notes and errors."""

from __future__ import annotations

import pytest
from onnx import TensorProto, helper

from deploy_magics.counting import CONVENTIONS
from deploy_magics.errors import ArgumentError, Interrupted, ModelError
from deploy_magics.model import Model
from deploy_magics.result import Missing, load_result
from deploy_magics.steps.flops import FlopsResult, flops
from tests.counting.nets import model, node, tensor, value


def net():
    """A convolution with batch normalisation, pooled, and a dense layer."""
    weights = [tensor("w", [8, 3, 3, 3]), *(tensor(name, [8]) for name in "sbmv")]
    weights += [tensor("d", [10, 8]), tensor("e", [10])]
    nodes = [
        node("Conv", "x w", "t1"),
        node("BatchNormalization", "t1 s b m v", "t2"),
        node("Relu", "t2", "t3"),
        node("GlobalAveragePool", "t3", "t4"),
        node("Flatten", "t4", "t5"),
        node("Gemm", "t5 d e", "y", transB=1),
    ]
    return model(nodes, {"x": ["N", 3, 10, 10]}, ["y"], weights)


CONV, GEMM = 64 * 8 * 27, 80


@pytest.fixture(scope="module")
def counted() -> FlopsResult:
    return flops(("net", net()))


def column(result, key, table=0):
    shown = result.tables[table]
    return dict(zip(shown.values(shown.columns[0].key), shown.values(key), strict=True))


def test_by_operator_type(counted):
    assert (counted.macs, counted.flops, counted.params) == (CONV + GEMM, 2 * (CONV + GEMM), 216 + 16 + 90)
    assert counted.table.values("op")[:2] == ["Conv", "Gemm"]  # the costliest first
    assert column(counted, "macs")["Conv"] == CONV / 1e6
    assert column(counted, "params")["BatchNormalization"] == 16
    assert column(counted, "share")["Conv"] == pytest.approx(100 * CONV / (CONV + GEMM))
    assert counted.table.footer.cells["macs"] == (CONV + GEMM) / 1e6
    assert counted.table.footer.cells["nodes"] == 6
    conv = column(counted, "read")["Conv"] * 2**20, column(counted, "written")["Conv"] * 2**20
    assert conv == (4 * (300 + 216), 4 * 512)
    assert column(counted, "intensity")["Conv"] == pytest.approx(2 * CONV / sum(conv))


def test_what_is_not_counted_is_a_dash_with_its_reason_and_a_note(counted):
    cells = column(counted, "macs")
    assert cells["Relu"] == Missing("the convention does not count it")
    assert cells["Flatten"] == Missing("it moves data and computes nothing")
    text = " ".join(counted.table.notes)
    assert "conv+linear" in text
    assert "Not counted by this convention: BatchNormalization 1, GlobalAveragePool 1, Relu 1." in text
    assert "Move data and compute nothing: Flatten 1." in text
    notes = " ".join(note.text for note in counted.notes)
    assert "counted at N=1" in notes
    assert "16 running means and variances are not among the parameters" in notes
    assert "activation peak" in notes


def test_columns_carry_their_units_and_fit_a_projector(counted):
    labels = [column.label for column in counted.table.columns if column.shown]
    assert labels[:4] == ["op type", "nodes", "MACs (M)", "FLOPs (M)"]
    assert labels[5:] == ["read (MiB)", "written (MiB)", "intensity (FLOP/B)"]
    assert len(labels) <= 8
    assert list(counted.to_dataframe().columns)[: len(labels)] == labels


def test_by_node():
    found = flops(net(), by="node")
    assert found.table.values("op") == ["Conv", "BatchNormalization", "Relu", "GlobalAveragePool", "Flatten", "Gemm"]
    assert found.table.values("output")[0] == "1 x 8 x 8 x 8"
    assert found.table.values("times") == [1] * 6
    assert found.table.footer.cells["macs"] == (CONV + GEMM) / 1e6


def test_a_bound_batch_scales_the_work_and_not_the_parameters():
    one, eight = flops(net()), flops(net(), dim={"N": 8})
    by_shape = flops(net(), shape={"x": (8, 3, 10, 10)})
    assert eight.macs == by_shape.macs == 8 * one.macs
    assert eight.params == one.params
    assert "counted at" not in " ".join(note.text for note in eight.notes)
    assert eight.totals["net"]["activation_peak"] == 8 * one.totals["net"]["activation_peak"]


def test_several_models_side_by_side():
    found = flops(("before", net()), ("after", net()), by="total")
    assert found.table.values("model") == ["before", "after"]
    assert found.table.baseline == 0
    assert [cell.value for cell in found.table.values("ratio")] == [1.0, 1.0]
    assert set(found.totals) == {"before", "after"}
    with pytest.raises(Exception, match="this result holds 2 models"):
        _ = found.macs
    assert found.headline == "MACs (conv+linear): before 13.9 k, after 13.9 k"
    detailed = flops(("before", net()), ("after", net()))
    assert [table.title for table in detailed.tables] == ["", "before", "after"]
    assert any("Not counted by this convention" in note for note in detailed.tables[1].notes)


def test_notes_of_several_models_say_what_is_common_once_and_leave_details_to_the_tables():
    odd = model([node("own:Thing", "x", "y")], {"x": [4]}, ["y"], infer=False)
    for by in ("op", "node", "total"):
        found = flops(("a", net()), ("b", net()), by=by)
        at, traffic = [note.text for note in found.notes]
        assert at == "counted at N=1; set others with --dim or --shape"
        assert traffic.startswith("Traffic: ")
    texts = [note.text for note in flops(("a", net()), ("b", branching()), ("c", odd), ("d", net())).notes]
    assert texts[0] == "a, d: counted at N=1; set others with --dim or --shape"
    assert any(text.startswith("b: of each If") for text in texts)
    assert any(text.startswith("c: no rule for own.Thing 1") for text in texts)
    assert not any(("activation peak " in text and "MiB" in text) or "Move data" in text for text in texts[:-1])
    assert texts[-1].startswith("Traffic: ")
    alone = [note.text for note in flops(net(), by="total").notes]
    assert any("Move data and compute nothing" in text for text in alone)


def stopping_at(monkeypatch, module, function, place):
    """Let a function that takes one model at a time be interrupted at one of them."""
    really, calls = getattr(module, function), []

    def stopped(*arguments, **options):
        calls.append(arguments)
        if len(calls) == place:
            raise KeyboardInterrupt
        return really(*arguments, **options)

    monkeypatch.setattr(module, function, stopped)


def test_a_stop_keeps_the_models_that_are_counted(monkeypatch):
    from deploy_magics import counting

    stopping_at(monkeypatch, counting, "count_model", 3)
    with pytest.raises(Interrupted) as caught:
        flops(("a", net()), ("b", net()), ("c", net()))
    assert str(caught.value) == "interrupted while counting 'c'; 2 of 3 models are counted and kept"
    partial = caught.value.partial
    assert isinstance(partial, FlopsResult)
    assert (partial.status, list(partial.totals), len(partial.tables)) == ("interrupted", ["a", "b"], 3)


def test_a_stop_at_the_first_model_keeps_nothing(monkeypatch):
    from deploy_magics import counting

    stopping_at(monkeypatch, counting, "count_model", 1)
    with pytest.raises(Interrupted, match="while counting 'a'; nothing was kept") as caught:
        flops(("a", net()), ("b", net()))
    assert caught.value.partial is None


def test_a_stop_while_other_tools_count_keeps_the_counts(monkeypatch):
    torch = pytest.importorskip("torch")
    from deploy_magics.steps import _flops_torch

    stopping_at(monkeypatch, _flops_torch, "other_counters", 1)
    with pytest.raises(Interrupted, match="while other tools counted") as caught:
        flops((torch.nn.Linear(4, 3), torch.zeros(1, 4)))
    assert isinstance(caught.value.partial, FlopsResult)
    assert (caught.value.partial.macs, caught.value.partial.status) == (12, "interrupted")


@pytest.mark.parametrize("name", CONVENTIONS)
def test_every_convention_is_named_with_its_definition(name):
    found = flops(net(), convention=name)
    assert f"Convention {name}: {CONVENTIONS[name].definition}" in found.table.notes[0]
    assert name in found.headline
    assert dict(found.facts)["convention"] == name


def test_what_cannot_be_counted_is_a_warning():
    nodes = [node("own:Thing", "x", "t"), node("Relu", "t", "y")]
    found = flops(model(nodes, {"x": [4]}, ["y"], infer=False), convention="all")
    warnings = [note.text for note in found.notes if note.level == "warning"]
    assert any("no rule for own.Thing 1" in text for text in warnings)
    assert any("not counted: Relu 1; Relu -> y: the shape of 'y' is unknown" in text for text in warnings)
    assert column(found, "macs")["own.Thing"] == Missing("there is no rule for own.Thing")
    assert found.table.rows[0].note or found.table.rows[1].note


def test_it_can_be_saved_and_read_again(counted):
    again = load_result(counted.to_json())
    assert isinstance(again, FlopsResult)
    assert again == counted
    assert again.macs == counted.macs


def test_errors_are_one_line_that_says_what_to_do():
    with pytest.raises(ArgumentError, match="name one"):
        flops()
    with pytest.raises(ArgumentError, match="did you mean 'conv\\+linear'"):
        flops(net(), convention="conv+lin")
    with pytest.raises(ArgumentError, match="op, node and total"):
        flops(net(), by="layer")
    with pytest.raises(ModelError, match="dynamic dimension"):
        flops(net(), dim={"M": 1})
    odd = model([node("Relu", "x", "y")], {"x": [4, "something"]}, ["y"], infer=False)
    with pytest.raises(ModelError, match="give --dim something="):
        flops(odd)
    assert flops(odd, dim={"something": 3}, convention="all").flops == 12


def test_functions_are_counted_at_each_call():
    body = helper.make_function(
        "own", "Product", ["p", "q"], ["r"], [node("MatMul", "p q", "m"), node("Relu", "m", "r")],
        [helper.make_opsetid("", 20)],
    )  # fmt: skip
    nodes = [node("own:Product", "x w", "t"), node("own:Product", "t w", "y")]
    made = model(nodes, {"x": [2, 4]}, [], [tensor("w", [4, 4])], functions=[body], infer=False)
    made.graph.output.append(value("y", [2, 4]))
    found = flops(made)
    assert (found.macs, found.params) == (64, 16)
    assert column(found, "nodes") == {"MatMul": 2, "Relu": 2}


def branching():
    branches = {
        name: helper.make_graph([node("MatMul", f"x {name}", f"o{name}")], name, [], [value(f"o{name}", [3, size])])
        for name, size in (("a", 2), ("b", 5))
    }
    made = model(
        [node("If", "flag", "y", then_branch=branches["a"], else_branch=branches["b"])],
        {"x": [3, 4]},
        ["y"],
        [tensor("a", [4, 2]), tensor("b", [4, 5])],
        infer=False,
    )
    made.graph.input.append(value("flag", [], TensorProto.BOOL))
    return made


def test_shapes_inside_branches_are_known():
    found = flops(branching())
    assert (found.macs, found.params) == (60, 28)
    assert any("branch with more work" in note.text for note in found.notes)


@pytest.mark.parametrize("level", ["ORT_ENABLE_EXTENDED", "ORT_ENABLE_ALL"])
def test_what_onnx_runtime_has_optimised_counts_the_same(level, tmp_path):
    import onnxruntime as ort

    weights = [tensor("w", [16, 16, 3, 3]), tensor("b", [16])]
    nodes = [node("Conv", "x w b", "t", pads=[1, 1, 1, 1]), node("Relu", "t", "y")]
    made = model(nodes, {"x": [1, 16, 6, 6]}, ["y"], weights)
    options = ort.SessionOptions()
    options.graph_optimization_level = getattr(ort.GraphOptimizationLevel, level)
    options.optimized_model_filepath = str(tmp_path / "fast.onnx")
    options.log_severity_level = 4
    ort.InferenceSession(made.SerializeToString(), options, providers=["CPUExecutionProvider"])
    before, after = flops(made), flops(tmp_path / "fast.onnx")
    assert (after.macs, after.params) == (before.macs, before.params) == (36 * 16 * 144, 2320)
    blocked = any("padded to whole blocks" in note.text for note in after.notes)
    assert blocked == (level == "ORT_ENABLE_ALL")


def test_names_from_a_model_stay_data():
    name = "<b>'x'\n | `y`</b>"
    made = model(
        [helper.make_node("MatMul", ["x", "w"], ["y"], name=name)], {"x": [2, 4]}, ["y"], [tensor("w", [4, 4])]
    )
    assert flops(made, by="node").table.values("node") == [name]


def test_a_handle_is_a_model_too(counted):
    assert flops(Model.of(("net", net()))).totals == counted.totals


@pytest.mark.parametrize(
    ("name", "macs", "params", "assumed"),
    [
        ("cnn_mnist_pytorch", 480_500, 21_840, ""),
        ("fastestdet", 121_491_744, 240_301, ""),
        ("micro_kws_qdq", 5_709_472, 27_142, "unk__68=1"),
        ("selfie_seg_landscape", 33_324_928, 106_400, ""),
        ("ultraface_rfb320", 100_418_560, 302_812, ""),
        ("yunet_n_dynamic", 135_598_400, 73_840, "batch=1, height=320, width=320"),
    ],
)
def test_real_models(shared_models, name, macs, params, assumed):
    found = flops(shared_models / f"{name}.onnx")
    assert (found.macs, found.params) == (macs, params)
    assert not [note for note in found.notes if note.level == "warning"]
    assert not assumed or any(assumed in note.text for note in found.notes)
    assert found.table.footer.cells["nodes"] == found.totals[name]["nodes"]
