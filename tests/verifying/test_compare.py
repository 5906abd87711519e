from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from deploy_magics.errors import ModelError, VerificationError
from deploy_magics.model import Limits, Model
from deploy_magics.verifying import Inputs, Reference, around, compare, inputs_for, tolerance_of
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
    assert [feed["x"].shape for feed in found.feeds] == [(1, 3, 8, 8)] * 2
    assert [feed["x"].shape for feed in found.signed] == [(1, 3, 8, 8)]
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
    assert (found.inputs, found.proves_nothing) == (3, False)


def test_own_data_come_on_top(tmp_path: Path) -> None:
    np.savez(tmp_path / "in.npz", x=ADD)
    made = Model.of(save(adder(), tmp_path / "a.onnx"))
    found = inputs_for(made, data=tmp_path / "in.npz")
    assert len(found.feeds) == 3
    assert (found.feeds[2]["x"] == ADD).all()
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


def one_node(path: Path, *nodes: onnx.NodeProto, weights: list | None = None, kind: int = TensorProto.FLOAT) -> Model:
    return Model.of(save(model([*nodes], [value("x", [64])], [value("y", [64], kind)], weights or []), path))


@pytest.mark.parametrize("wrong", ["Identity", "Clip"])
def test_what_is_done_to_negative_and_large_inputs_is_seen(tmp_path: Path, wrong: str) -> None:
    ends = [weight("low", np.float32(0)), weight("high", np.float32(6))]
    clip = node("Clip", ["x", "low", "high"], ["y"])
    right = one_node(tmp_path / "a.onnx", node("Relu", ["x"], ["y"]) if wrong == "Identity" else clip, weights=ends)
    dropped = one_node(tmp_path / "b.onnx", node("Identity", ["x"], ["y"]))
    assert not compare(right, dropped, inputs_for(right)).ok


def test_inputs_of_both_signs_are_dropped_where_they_give_no_numbers(tmp_path: Path) -> None:
    made = one_node(tmp_path / "a.onnx", node("Sqrt", ["x"], ["y"]))
    found = compare(made, made, inputs_for(made))
    assert (found.inputs, found.ok) == (2, True)
    assert found.notes == ("inputs of both signs give numbers that are not finite: compared on 0 to 1 only",)


def test_a_tiny_output_is_not_replaced_by_zeros(tmp_path: Path) -> None:
    def scaled(name: str, factor: float) -> Model:
        return one_node(tmp_path / name, node("Mul", ["x", "w"], ["y"]), weights=[weight("w", np.float32(factor))])

    one = scaled("a.onnx", 1e-8)
    assert not compare(one, scaled("b.onnx", 0.0), inputs_for(one)).ok


def test_labels_may_not_be_off_by_one_and_steps_may(tmp_path: Path) -> None:
    def labels(name: str, more: float) -> Model:
        nodes = [node("Add", ["x", "w"], ["s"]), node("Cast", ["s"], ["y"], to=TensorProto.UINT8)]
        dead = node("QuantizeLinear", ["x", "scale"], ["unused"])
        weights = [weight("w", np.float32(more)), weight("scale", np.float32(1))]
        return one_node(tmp_path / name, *nodes, dead, weights=weights, kind=TensorProto.UINT8)

    def steps(name: str, more: float) -> Model:
        nodes = [node("Add", ["x", "w"], ["s"]), node("QuantizeLinear", ["s", "scale"], ["y"])]
        weights = [weight("w", np.float32(more)), weight("scale", np.float32(0.01))]
        return one_node(tmp_path / name, *nodes, weights=weights, kind=TensorProto.UINT8)

    feeds = [{"x": np.linspace(0, 1, 64, dtype=np.float32)}]
    assert not compare(labels("a.onnx", 200.0), labels("b.onnx", 201.0), feeds).ok
    assert compare(steps("c.onnx", 0.0), steps("d.onnx", 0.01), feeds).ok
    assert not compare(steps("c.onnx", 0.0), steps("e.onnx", 0.03), feeds).ok


def test_what_only_lies_in_a_narrow_type_does_not_widen_the_tolerance() -> None:
    stored = model(
        [node("Cast", ["w"], ["wide"], to=TensorProto.FLOAT), node("Mul", ["x", "wide"], ["y"])],
        [value("x", [3])],
        [value("y", [3])],
        [weight("w", ADD.astype(np.float16)), onnx.helper.make_tensor("unused", TensorProto.FLOAT8E4M3FN, [1], [1.0])],
    )
    assert tolerance_of(stored) == (1e-4, "float32")


_CHILD = """
import resource, sys
from deploy_magics.model import Limits, Model
from deploy_magics.verifying import compare, inputs_for
import numpy, onnx, psutil
made = Model.of(sys.argv[1])
feeds = inputs_for(made)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert compare(made, made, feeds).ok
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_large_outputs_never_stand_in_the_kernel(tmp_path: Path) -> None:
    shape = weight("shape", np.array([25, 1 << 20], np.int64))
    made = model([node("Expand", ["x", "shape"], ["y"])], [value("x", [1])], [value("y", [25, 1 << 20])], [shape])
    path = save(made, tmp_path / "wide.onnx")
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, str(path)], capture_output=True, text=True, timeout=100, check=True
    )
    assert int(done.stdout) < 150 * 1024
    small = Model.of(path, limits=Limits(max_bytes=50 << 20))
    with pytest.raises(ModelError, match=r"its inputs and outputs take 100 MiB in one run, and 50 MiB are allowed"):
        compare(small, small, inputs_for(small))


def test_around_given_inputs_stand_others_that_move_what_depends_on_them() -> None:
    sizes = np.array([1, 4], np.int64)
    found = around({"x": np.arange(4, dtype=np.float32), "sizes": sizes})
    first, second = found.feeds
    np.testing.assert_array_equal(second["x"], first["x"][::-1])
    assert second["sizes"] is first["sizes"] is sizes
    assert [float(each["x"].max()) for each in found.wider] == [30.0, 765.0, 50.0]
    for still in (np.zeros(4, np.float32), np.float32(3.0)[None], np.arange(4)):
        assert around({"x": still}).feeds == ({"x": still},)
        assert around({"x": still}).wider == ()
    assert around({}).feeds == ({},)
