from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from deploy_magics.errors import ModelError, VerificationError
from deploy_magics.model import Model
from deploy_magics.verifying import Inputs, Reference, compare, inputs_for, tolerance_of
from tests.simplifying import graphs
from tests.simplifying.graphs import model, node, save, value, weight

ADD = np.array([1.0, 2.0, 3.0], np.float32)


def adder(amount: float = 0.0, *, name: str = "y", dtype: int = TensorProto.FLOAT) -> onnx.ModelProto:
    kind = np.float32 if dtype == TensorProto.FLOAT else np.float16
    weights = [weight("w", (ADD + np.float32(amount)).astype(kind))]
    return model([node("Add", ["x", "w"], [name])], [value("x", [3], dtype)], [value(name, [3], dtype)], weights)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    return {
        name: save(proto, tmp_path / f"{name}.onnx")
        for name, proto in {
            "one": adder(),
            "same": adder(1e-6),
            "off": adder(0.5),
            "renamed": adder(name="z"),
            "half": adder(dtype=TensorProto.FLOAT16),
            "broken": model([node("Frob", ["x"], ["y"])], [value("x", [3])], [value("y", [3])]),
        }.items()
    }


@pytest.fixture
def feeds() -> list[dict[str, np.ndarray]]:
    return [{"x": graphs.floats(seed, 3)} for seed in range(3)]


def test_equal_models_agree_and_others_do_not(files: dict[str, Path], feeds: list) -> None:
    reference = Reference.of(files["one"], feeds)
    same = reference.compare(files["same"])
    assert same.ok
    assert 0 < same.max_rel < 1e-5
    assert (same.inputs, same.tolerance, same.reason, same.verdict) == (3, 1e-4, "float32", "computes the same")
    off = reference.compare(files["off"])
    assert not off.ok
    with pytest.raises(VerificationError) as caught:
        off.require("the small model")
    text = str(caught.value)
    assert text.startswith("the small model does not compute what the original does: output 'y' is off by 0.5")
    assert text.endswith("(tolerance 1e-04); the original is kept")
    assert "\n" not in text
    assert reference.compare(files["off"], tolerance=0.9).ok
    json.dumps(off.to_plain(), allow_nan=False)


def test_other_outputs_are_named(files: dict[str, Path], feeds: list) -> None:
    found = compare(files["one"], files["renamed"], feeds)
    assert found.problems == ("output 'y' is gone", "output 'z' was not there before")


def test_what_does_not_run_is_said_of_the_right_one(files: dict[str, Path], feeds: list) -> None:
    with pytest.raises(ModelError, match=r"nothing can be verified, since the model itself does not run: .*Frob"):
        compare(files["broken"], files["one"], feeds)
    with pytest.raises(VerificationError, match=r"the changed model does not run: .*Frob"):
        compare(files["one"], files["broken"], feeds)


def test_a_random_output_is_not_held_against_a_model(tmp_path: Path, feeds: list) -> None:
    nodes = [node("RandomNormalLike", ["x"], ["r"]), node("Add", ["x", "r"], ["y"]), node("Neg", ["x"], ["z"])]
    proto = model(nodes, [value("x", [3])], [value("y", [3]), value("z", [3])])
    path = save(proto, tmp_path / "random.onnx")
    found = compare(path, path, feeds)
    assert found.ok
    assert found.random == {"y"}
    assert found.verdict == "computes the same"
    assert "output 'y' is random" in found.remarks()[0][0]
    wrong = model([*nodes[:2], node("Abs", ["x"], ["z"])], [value("x", [3])], [value("y", [3]), value("z", [3])])
    found = compare(path, save(wrong, tmp_path / "wrong.onnx"), feeds)
    assert [text.split(" is")[0] for text in found.problems] == ["output 'z'"]


def test_a_random_output_that_became_fixed_is_a_difference(tmp_path: Path, feeds: list) -> None:
    random = model([node("RandomNormalLike", ["x"], ["y"])], [value("x", [3])], [value("y", [3])])
    fixed = model([node("Sub", ["x", "x"], ["y"])], [value("x", [3])], [value("y", [3])])
    found = compare(save(random, tmp_path / "a.onnx"), save(fixed, tmp_path / "b.onnx"), feeds)
    assert found.problems == ("output 'y': it was random and is the same at each run now",)


def test_a_constant_output_is_said_to_prove_nothing(tmp_path: Path, feeds: list) -> None:
    proto = model([node("Sub", ["x", "x"], ["y"])], [value("x", [3])], [value("y", [3])])
    path = save(proto, tmp_path / "a.onnx")
    found = compare(path, path, feeds)
    assert found.ok
    assert found.proves_nothing
    assert found.verdict == "comparing it proves nothing"
    assert found.remarks()[0] == ("output 'y' is the same for every input tried: comparing it proves nothing", True)


def test_without_inputs_the_one_result_is_all_there_is(tmp_path: Path) -> None:
    proto = model([node("Neg", ["w"], ["y"])], [], [value("y", [3])], [weight("w", ADD)])
    path = save(proto, tmp_path / "a.onnx")
    found = compare(path, path, inputs_for(Model.of(path)))
    assert (found.inputs, found.proves_nothing, found.remarks()) == (1, False, ())


def test_integers_must_be_equal_unless_a_tolerance_is_given(tmp_path: Path) -> None:
    def scaled(factor: int) -> onnx.ModelProto:
        kind = TensorProto.INT64
        weights = [weight("w", np.array([factor], np.int64))]
        return model([node("Mul", ["x", "w"], ["y"])], [value("x", [3], kind)], [value("y", [3], kind)], weights)

    one, two = save(scaled(1000), tmp_path / "a.onnx"), save(scaled(1001), tmp_path / "b.onnx")
    feeds = [{"x": np.array([0, 1, 7])}]
    assert compare(one, two, feeds).problems == ("output 'y' (int64) differs in 2 of 3 values",)
    assert compare(one, two, feeds, tolerance=0.01).ok
    assert compare(one, one, feeds).facts() == (("verified", "equal on 1 input"),)


def test_sequences_and_text_are_compared(tmp_path: Path) -> None:
    sequence = onnx.helper.make_tensor_sequence_value_info("y", TensorProto.FLOAT, [1])
    one = model([node("SplitToSequence", ["x"], ["y"], axis=0)], [value("x", [3])], [sequence])
    two = model(
        [node("Neg", ["x"], ["n"]), node("SplitToSequence", ["n"], ["y"], axis=0)], [value("x", [3])], [sequence]
    )
    paths = save(one, tmp_path / "a.onnx"), save(two, tmp_path / "b.onnx")
    feeds = [{"x": ADD}]
    assert compare(paths[0], paths[0], feeds).ok
    assert compare(paths[0], paths[1], feeds).problems[0].startswith("output 'y[0]' is off by 2")
    kind = TensorProto.STRING
    text = model([node("Identity", ["x"], ["y"])], [value("x", [2], kind)], [value("y", [2], kind)])
    path = save(text, tmp_path / "c.onnx")
    assert compare(path, path, [{"x": np.array(["a", "b"], object)}]).ok


def test_open_dimensions_are_tried_at_another_size() -> None:
    found = inputs_for(Model.of(graphs.conv_bn(batch="N")))
    assert [feed["x"].shape for feed in found.feeds] == [(1, 3, 8, 8)] * 3
    assert [feed["x"].shape for feed in found.other_sizes] == [(2, 3, 8, 8)]
    assert inputs_for(Model.of(graphs.conv_bn())).other_sizes == ()


def test_a_size_taken_for_a_constant_is_found(tmp_path: Path) -> None:
    """Flattening to 1 x 4 is right for one sample only, and that is the size the random inputs have."""

    def flattening(first: int) -> onnx.ModelProto:
        shape = weight("shape", np.array([first, 4], np.int64))
        return model([node("Reshape", ["x", "shape"], ["y"])], [value("x", ["N", 2, 2])], [value("y", None)], [shape])

    one = Model.of(save(flattening(-1), tmp_path / "a.onnx"))
    two = save(flattening(1), tmp_path / "b.onnx")
    with pytest.raises(VerificationError, match="the changed model does not run"):
        compare(one, two, inputs_for(one))


def test_a_size_at_which_the_original_does_not_run_is_left_out(tmp_path: Path) -> None:
    shape = weight("shape", np.array([1, 4], np.int64))
    proto = model([node("Reshape", ["x", "shape"], ["y"])], [value("x", ["N", 2, 2])], [value("y", None)], [shape])
    one = Model.of(save(proto, tmp_path / "a.onnx"))
    found = compare(one, one, inputs_for(one))
    assert found.ok
    assert found.inputs == 3
    assert found.notes == ("the original does not run at every size of its open dimensions that was tried",)


def test_wider_ranges_are_tried_where_outputs_do_not_move(tmp_path: Path) -> None:
    proto = model(
        [node("Div", ["x", "w"], ["d"]), node("Floor", ["d"], ["y"])],
        [value("x", [3])],
        [value("y", [3])],
        [weight("w", np.array([5], np.float32))],
    )
    made = Model.of(save(proto, tmp_path / "a.onnx"))
    found = compare(made, made, inputs_for(made))
    assert (found.inputs, found.proves_nothing) == (6, False)


def test_own_data_come_on_top(tmp_path: Path) -> None:
    np.savez(tmp_path / "in.npz", x=ADD)
    made = Model.of(save(adder(), tmp_path / "a.onnx"))
    found = inputs_for(made, data=tmp_path / "in.npz")
    assert len(found.feeds) == 4
    assert (found.feeds[3]["x"] == ADD).all()
    with pytest.raises(ModelError):
        inputs_for(made, data={"other": ADD})


def test_where_nothing_random_can_be_made_own_data_do(tmp_path: Path) -> None:
    sequence = onnx.helper.make_tensor_sequence_value_info("x", TensorProto.FLOAT, [1, 2])
    proto = model([node("ConcatFromSequence", ["x"], ["y"], axis=0)], [sequence], [value("y", [None, 2])])
    made = Model.of(save(proto, tmp_path / "a.onnx"))
    with pytest.raises(ModelError):
        inputs_for(made)
    own = {"x": [np.ones((1, 2), np.float32), np.zeros((1, 2), np.float32)]}
    found = compare(made, made, inputs_for(made, data=own))
    assert found.ok
    assert found.differences[0].values == 4


def test_the_coarsest_type_decides_the_tolerance() -> None:
    assert tolerance_of(adder()) == (1e-4, "float32")
    assert tolerance_of(adder(dtype=TensorProto.FLOAT16)) == (1e-2, "float16")
    inside = model(
        [node("Cast", ["x"], ["h"], to=TensorProto.BFLOAT16), node("Cast", ["h"], ["y"], to=TensorProto.FLOAT)],
        [value("x", [3])],
        [value("y", [3])],
    )
    assert tolerance_of(inside) == (5e-2, "bfloat16")
    quantised = model(
        [node("QuantizeLinear", ["x", "s"], ["q"]), node("DequantizeLinear", ["q", "s"], ["y"])],
        [value("x", [3])],
        [value("y", [3])],
        [weight("s", np.float32(0.1))],
    )
    assert tolerance_of(quantised) == (1e-2, "8-bit quantised")


def test_inputs_may_be_made_by_hand(files: dict[str, Path], feeds: list) -> None:
    assert compare(Model.of(files["one"]), Model.of(files["one"]), Inputs(tuple(feeds[:1]))).inputs == 1
