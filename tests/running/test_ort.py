from __future__ import annotations

import weakref
from pathlib import Path

import ml_dtypes
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from deploy_magics.errors import ArgumentError, DeployError, ModelError, WorkerError
from deploy_magics.running import run_once
from deploy_magics.running.ort import OnnxRuntime
from tests.running import graphs


def test_outputs_follow_the_inputs_that_were_set_last(tmp_path: Path) -> None:
    session = OnnxRuntime().load(graphs.add_one(tmp_path / "a.onnx"), threads=1, options={})
    for count in (3, 3, 5):
        x = np.arange(count, dtype=np.float32)
        session.set_inputs({"x": x, "not an input": x})
        x[:] = -1  # the session has its own copy
        for _ in range(2):
            session.run()
        np.testing.assert_array_equal(session.outputs()["y"], np.arange(count) + 1)


def test_outputs_are_copies(tmp_path: Path) -> None:
    session = OnnxRuntime().load(graphs.add_one(tmp_path / "a.onnx"))
    session.set_inputs({"x": np.zeros(2, np.float32)})
    session.run()
    first = session.outputs()["y"]
    session.set_inputs({"x": np.full(2, 9, np.float32)})
    session.run()
    np.testing.assert_array_equal(first, [1, 1])


def test_bound_inputs_are_not_kept_twice(tmp_path: Path) -> None:
    session = OnnxRuntime().load(graphs.add_one(tmp_path / "a.onnx"))
    x = np.zeros(2, np.float32)
    left = weakref.ref(x)
    session.set_inputs({"x": x})
    del x
    assert left() is None
    session.run()
    np.testing.assert_array_equal(session.outputs()["y"], [1, 1])


def test_strings_sequences_bfloat16_and_scalars(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("SequenceConstruct", ["a", "a"], ["list"]),
        helper.make_node("Identity", ["t"], ["text"]),
    ]
    inputs = [graphs.value("a", [2]), graphs.value("t", [1], TensorProto.STRING)]
    outputs = [
        helper.make_tensor_sequence_value_info("list", graphs.FLOAT, None),
        graphs.value("text", [1], TensorProto.STRING),
    ]
    path = graphs.write(tmp_path / "odd.onnx", nodes, inputs, outputs)
    [out] = run_once(path, [{"a": np.ones(2, np.float32), "t": np.array(["x"], dtype=object)}])
    assert out["text"].tolist() == ["x"]
    np.testing.assert_array_equal(out["list[1]"], [1, 1])

    cast = [
        helper.make_node("Cast", ["a"], ["b"], to=TensorProto.FLOAT),
        helper.make_node("Cast", ["b"], ["c"], to=TensorProto.BFLOAT16),
    ]
    path = graphs.write(
        tmp_path / "bf16.onnx",
        cast,
        [graphs.value("a", [], TensorProto.BFLOAT16)],
        [graphs.value("b", []), graphs.value("c", [], TensorProto.BFLOAT16)],
    )
    [out] = run_once(path, [{"a": np.array(1.5, dtype=ml_dtypes.bfloat16)}])
    assert out["b"] == 1.5
    assert out["c"].dtype == ml_dtypes.bfloat16
    assert out["c"].shape == ()
    assert float(out["c"]) == 1.5


def test_no_inputs_and_an_empty_dimension(tmp_path: Path) -> None:
    constant = helper.make_node("Constant", [], ["y"], value=helper.make_tensor("c", graphs.FLOAT, [1], [4.0]))
    path = graphs.write(tmp_path / "none.onnx", [constant], [], [graphs.value("y", [1])])
    assert run_once(path, [{}])[0]["y"].tolist() == [4.0]
    path = graphs.add_one(tmp_path / "a.onnx")
    assert run_once(path, [{"x": np.zeros(0, np.float32)}])[0]["y"].shape == (0,)


def test_what_does_not_fit_is_one_line(tmp_path: Path) -> None:
    path = graphs.add_one(tmp_path / "a.onnx")
    with pytest.raises(ModelError, match=r"not given: x"):
        run_once(path, [{}])
    with pytest.raises(ModelError, match=r"cannot run 'a.onnx'") as caught:
        run_once(path, [{"x": np.zeros(2, np.float64)}])
    assert "\n" not in str(caught.value)
    with pytest.raises(ModelError, match=r"cannot run 'a.onnx'"):
        run_once(path, [{"x": np.zeros((2, 2), np.float32)}])
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(b"\x08\x08nonsense" * 10)
    with pytest.raises(ModelError, match=r"cannot load 'bad.onnx'"):
        run_once(bad, [{}])
    with pytest.raises(ModelError, match=r"cannot load 'absent.onnx'"):
        run_once(tmp_path / "absent.onnx", [{}])


def test_an_operator_that_does_not_exist_is_one_line(tmp_path: Path) -> None:
    node = helper.make_node("Frobnicate", ["x"], ["y"], domain="made.up")
    path = graphs.write(tmp_path / "op.onnx", [node], [graphs.value("x", [1])], [graphs.value("y", [1])])
    with pytest.raises(ModelError, match=r"made.up"):
        run_once(path, [{"x": np.zeros(1, np.float32)}])


def test_a_version_that_it_does_not_know_is_said_without_its_source(tmp_path: Path) -> None:
    path = graphs.add_one(tmp_path / "a.onnx")
    model = onnx.load(path)
    model.opset_import[0].version = 99
    onnx.save(model, path)
    with pytest.raises(ModelError, match=r"^ONNX Runtime cannot load 'a.onnx': .*Opset 99") as caught:
        run_once(path, [{"x": np.zeros(1, np.float32)}])
    assert "::" not in str(caught.value)
    assert "std" not in str(caught.value)
    model.opset_import[0].version = 17
    model.ir_version = 99
    onnx.save(model, path)
    with pytest.raises(ModelError, match=r"^ONNX Runtime cannot load 'a.onnx': Unsupported model IR version: 99"):
        run_once(path, [{"x": np.zeros(1, np.float32)}])


@pytest.mark.parametrize("spinning", ["until-return", "always", "never"])
@pytest.mark.parametrize("optimize", ["none", "all"])
def test_options(tmp_path: Path, spinning: str, optimize: str) -> None:
    options = {"spinning": spinning, "optimize": optimize}
    session = OnnxRuntime().load(graphs.add_one(tmp_path / "a.onnx"), threads=2, options=options)
    session.set_inputs({"x": np.zeros(1, np.float32)})
    session.run()
    assert session.outputs()["y"] == 1


def test_unknown_options_are_named(tmp_path: Path) -> None:
    path = graphs.add_one(tmp_path / "a.onnx")
    with pytest.raises(ArgumentError, match=r"did you mean 'optimize'"):
        OnnxRuntime().load(path, options={"optimise": "all"})
    with pytest.raises(ArgumentError, match=r"spinning is one of"):
        OnnxRuntime().load(path, options={"spinning": "perhaps"})


def test_run_once_is_bounded_in_time_and_memory(tmp_path: Path) -> None:
    path = graphs.add_one(tmp_path / "a.onnx")
    with pytest.raises(WorkerError, match=r"longer than 0.01 s"):
        run_once(path, [{"x": np.zeros(1, np.float32)}], timeout=0.01)
    with pytest.raises(WorkerError, match=r"memory"):
        run_once(path, [{"x": np.zeros(1, np.float32)}], memory=1 << 20)
    with pytest.raises(DeployError, match=r"there is no runtime"):
        run_once(path, [{}], runtime="nope")


def test_a_real_model_runs_the_same_on_one_and_two_threads(shared_models: Path) -> None:
    feeds = {"input": np.random.default_rng(0).random((1, 3, 240, 320), dtype=np.float32)}
    one = run_once(shared_models / "ultraface_rfb320.onnx", [feeds])[0]
    two = run_once(shared_models / "ultraface_rfb320.onnx", [feeds], threads=2)[0]
    assert one.keys() == two.keys()
    for name, array in one.items():
        np.testing.assert_allclose(array, two[name], rtol=1e-4, atol=1e-5)


def test_coarser_types_of_providers_are_told_as_such() -> None:
    plain, coarse = OnnxRuntime("cuda"), OnnxRuntime("cuda-tf32")
    assert (plain.title, coarse.title) == (
        "ONNX Runtime, CUDAExecutionProvider",
        "ONNX Runtime, CUDAExecutionProvider in TF32",
    )
    assert (plain.arithmetic, coarse.arithmetic) == ("", "tfloat32")


def test_operators_on_a_gpu_are_not_timed_by_when_they_are_handed_over(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="handed to the GPU"):
        OnnxRuntime("cuda").operator_times(tmp_path / "any.onnx", {})
