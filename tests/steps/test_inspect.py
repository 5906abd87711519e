"""The step ``inspect``: tables and plain values."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
from onnx import helper, numpy_helper

from deploy_magics.errors import ArgumentError, DeployError, Interrupted, ModelError
from deploy_magics.result import load_result
from deploy_magics.steps.flops import flops
from deploy_magics.steps.inspect import InspectResult, inspect
from tests.counting.nets import model, node, value


def random(name, shape, seed=0):
    """Make a weight of random numbers."""
    array = np.random.default_rng([seed, len(name), *name.encode()]).normal(size=shape)
    return numpy_helper.from_array(array.astype(np.float32), name)


def net():
    weights = [random("w", (8, 3, 3, 3)), *(random(name, (8,)) for name in "sbmv"), random("d", (8, 10))]
    nodes = [
        node("Conv", "x w", "t1"),
        node("BatchNormalization", "t1 s b m v", "t2"),
        node("Relu", "t2", "t3"),
        node("GlobalAveragePool", "t3", "t4"),
        node("Flatten", "t4", "t5"),
        node("MatMul", "t5 d", "y"),
    ]
    made = model(nodes, {"x": ["N", 3, 10, 10]}, [], weights)
    made.graph.output.append(value("y", ["N", 10]))
    made.producer_name, made.producer_version = "by hand", "1.0"
    made.metadata_props.add(key="task", value="nothing")
    return made


@pytest.fixture(scope="module")
def seen() -> InspectResult:
    return inspect(("net", net()))


def table(result, title):
    return next(item for item in result.tables if item.title == title)


def findings(result):
    (found,) = result.models.values()
    return {item["text"]: item for item in found["findings"]}


def test_inputs_and_outputs(seen):
    shown = table(seen, "inputs and outputs")
    assert shown.values("name") == ["x", "y"]
    assert shown.values("kind") == ["input", "output"]
    assert shown.values("shape") == ["N x 3 x 10 x 10", "N x 10"]
    assert shown.values("dtype") == ["float32", "float32"]


def test_operator_types(seen):
    kinds = ["BatchNormalization", "Conv", "Flatten", "GlobalAveragePool", "MatMul", "Relu"]
    assert seen.ops == dict.fromkeys(kinds, 1)
    shown = table(seen, "operator types")
    assert shown.values("op") == kinds
    assert shown.footer.cells["nodes"] == 6
    assert [column.key for column in shown.columns] == ["op", "nodes"]


def test_weights_and_facts(seen):
    shown = table(seen, "weights and other constants")
    assert (shown.values("elements"), shown.values("params")) == ([216 + 32 + 80], [216 + 16 + 80])
    facts = dict(seen.facts)
    assert facts["parameters"] == "312"
    assert facts["opset"] == "20, com.microsoft 1, own 1"
    assert facts["producer"] == "by hand 1.0"
    assert dict(zip(*(table(seen, "metadata").values(k) for k in ("key", "value")), strict=True))["task"] == "nothing"
    assert seen.models["net"]["weight_bytes"] == 4 * 328
    assert len(seen.models["net"]["digest"]) == 64


def test_what_stands_out(seen):
    found = findings(seen)
    assert found["BatchNormalization after a convolution"]["count"] == 1
    assert found["dynamic dimensions"]["examples"] == ["N"]
    shown = table(seen, "what stands out")
    assert all(row.note for row in shown.rows)
    assert len(shown.rows) == len(found)


def test_a_bound_dimension_is_no_longer_dynamic():
    found = inspect(net(), dim={"N": 4})
    assert "dynamic dimensions" not in findings(found)
    assert table(found, "inputs and outputs").values("shape")[0] == "4 x 3 x 10 x 10"


def test_several_models_side_by_side():
    other = model([node("Relu", "x", "y")], {"x": [4]}, ["y"])
    found = inspect(("before", net()), ("after", other))
    assert found.table.values("model") == ["before", "after"]
    assert found.table.values("nodes") == [6, 1]
    counts = table(found, "operator types")
    assert [column.title for column in counts.columns] == ["op type", "before", "after"]
    relu = counts.rows[counts.values("op").index("Relu")].cells
    assert (relu["m0"], relu["m1"]) == (1, 1)
    assert counts.footer.cells["m0"] == 6
    assert table(found, "inputs and outputs").values("model") == ["before", "before", "after", "after"]
    with pytest.raises(DeployError, match="2 models"):
        _ = found.ops


def test_a_stop_keeps_the_models_that_are_inspected(monkeypatch):
    step = importlib.import_module("deploy_magics.steps.inspect")
    really, calls = step._look, []

    def look(opened, prefix):
        calls.append(opened.name)
        if opened.name == "c":
            raise KeyboardInterrupt
        return really(opened, prefix)

    monkeypatch.setattr(step, "_look", look)
    with pytest.raises(Interrupted) as caught:
        inspect(("a", net()), ("b", net()), ("c", net()))
    assert str(caught.value) == "interrupted while inspecting 'c'; 2 of 3 models are inspected and kept"
    assert (list(caught.value.partial.models), caught.value.partial.status) == (["a", "b"], "interrupted")
    with pytest.raises(Interrupted, match="nothing was kept") as caught:
        inspect(("c", net()))
    assert caught.value.partial is None


def test_subgraphs_and_functions_are_counted_apart():
    branches = {
        name: helper.make_graph([node("MatMul", f"x {name}", f"o{name}")], name, [], [value(f"o{name}", [3, 2])])
        for name in "ab"
    }
    body = helper.make_function(
        "own", "Twice", ["p"], ["r"], [node("Add", "p p", "q"), node("Add", "q q", "r")], [helper.make_opsetid("", 20)]
    )
    made = model(
        [
            node("own:Twice", "x", "t"),
            node("own:Twice", "t", "u"),
            node("If", "flag", "z", then_branch=branches["a"], else_branch=branches["b"]),
        ],
        {"x": [3, 4]},
        [],
        [random("a", (4, 2)), random("b", (4, 2)), numpy_helper.from_array(np.array(True), "flag")],
        functions=[body],
        infer=False,
    )
    made.graph.output.extend([value("u", [3, 4]), value("z", [3, 2])])
    found = inspect(made)
    assert found.ops == {"own.Twice": 2, "If": 1, "MatMul": 2, "Add": 2}
    shown = table(found, "operator types")
    rows = {row.cells["op"]: row.cells for row in shown.rows}
    assert (rows["MatMul"]["main"], rows["MatMul"]["subgraphs"], rows["Add"]["functions"]) == (0, 2, 2)
    assert dict(found.facts)["functions"] == "1"
    assert next(iter(found.models.values()))["params"] == 16
    assert findings(found)["If with a constant condition"]["count"] == 1


def test_a_function_without_bound_does_not_stop_it():
    opset = [helper.make_opsetid("", 20), helper.make_opsetid("own", 1)]
    functions = [helper.make_function("own", "F0", ["p"], ["r"], [node("Relu", "p", "r")], opset)]
    for level in range(1, 30):
        calls = [node(f"own:F{level - 1}", "p", "m"), node(f"own:F{level - 1}", "m", "r")]
        functions.append(helper.make_function("own", f"F{level}", ["p"], ["r"], calls, opset))
    made = model([node("own:F29", "x", "y")], {"x": [1]}, [], functions=functions, infer=False)
    made.graph.output.append(value("y", [1]))
    found = inspect(made)
    assert found.ops["Relu"] == 1
    assert dict(found.facts)["parameters"] == "unknown"
    assert "expand to more than 200,000 operations" in found.notes[0].text
    with pytest.raises(ModelError, match="expand to more than 200,000 operations"):
        flops(made)


def test_external_files(tmp_path):
    import onnx

    onnx.save(net(), tmp_path / "net.onnx", save_as_external_data=True, size_threshold=0, location="net.bin")
    found = inspect(tmp_path / "net.onnx")
    assert dict(found.facts)["external files"] == "1"
    rows = table(found, "metadata").rows
    assert any(str(row.cells["value"]).startswith("net.bin") for row in rows)
    assert found.models["net"]["params"] == 312


def test_saved_and_read_again(seen):
    again = load_result(seen.to_json())
    assert isinstance(again, InspectResult)
    assert again == seen


def test_errors_are_one_line(tmp_path):
    with pytest.raises(ArgumentError, match="name one"):
        inspect()
    (tmp_path / "bad.onnx").write_bytes(b"<html>")
    with pytest.raises(ModelError):
        inspect(tmp_path / "bad.onnx")


def test_a_model_that_nobody_knows_can_still_be_inspected():
    made = model([node("own:Thing", "x", "t"), node("NoSuchOp", "t", "y")], {"x": [4]}, ["y"], infer=False)
    found = inspect(made)
    assert found.ops == {"own.Thing": 1, "NoSuchOp": 1}
    warnings = [note.text for note in found.notes if note.level == "warning"]
    assert any("unknown ops" in text for text in warnings)


def test_light_resnet50_has_the_published_operator_counts():
    published = {"AveragePool": 1, "BatchNormalization": 53, "Conv": 53, "Gemm": 1, "MaxPool": 1, "Relu": 49}
    found = inspect("light_resnet50")
    assert found.ops == published | {"Reshape": 1, "Softmax": 1, "Sum": 16}
    assert found.models["light_resnet50"]["params"] == 25_557_032
    assert findings(found)["BatchNormalization after a convolution"]["count"] == 53
    assert "weights with one value throughout" not in findings(found)


@pytest.mark.parametrize(
    ("name", "nodes", "params", "stands_out"),
    [
        ("cnn_mnist_pytorch", 13, 21_840, {}),
        ("fastestdet", 211, 240_301, {}),
        ("micro_kws_qdq", 60, 27_142, {"dynamic dimensions": 1, "QuantizeLinear and DequantizeLinear": 44}),
        ("selfie_seg_landscape", 172, 106_400, {"Transposes between NHWC and NCHW": 1}),
        ("ultraface_rfb320", 242, 302_812, {"initialisers listed as inputs": 244, "unused initialisers": 35}),
        ("yunet_n_dynamic", 163, 73_840, {"dynamic dimensions": 3}),
    ],
)
def test_real_models(shared_models, name, nodes, params, stands_out):
    found = inspect(shared_models / f"{name}.onnx")
    assert (found.models[name]["nodes"], found.models[name]["params"]) == (nodes, params)
    assert {text: findings(found)[text]["count"] for text in stands_out} == stands_out
    assert not [note for note in found.notes if note.level == "warning"]
