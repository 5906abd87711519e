"""Inputs to run on: random ones that make sense, and given ones that are checked."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from deploy_magics import workers
from deploy_magics.errors import ModelError
from deploy_magics.model import Limits, Model
from tests.model.build import FLOAT, model, tensor, value


def of(name: str = "x", dtype: int = FLOAT, shape: Any = (200,)) -> Model:
    return Model.of(
        model([helper.make_node("Identity", [name], ["y"])], [value(name, shape, dtype)], [value("y", None, dtype)])
    )


def line(call: Any, *args: Any, **options: Any) -> str:
    with pytest.raises(ModelError) as caught:
        call(*args, **options)
    assert len(str(caught.value)) < 400
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_same_seed_same_feeds() -> None:
    made = of()
    assert np.array_equal(made.feeds(3)["x"], made.feeds(3)["x"])
    assert not np.array_equal(made.feeds(3)["x"], made.feeds(4)["x"])
    assert "negative" in line(made.feeds, -1)


@pytest.mark.parametrize(
    ("name", "kind", "dtype", "low", "high"),
    [
        ("x", "FLOAT", "float32", 0, 1),
        ("x", "DOUBLE", "float64", 0, 1),
        ("x", "FLOAT16", "float16", 0, 1),
        ("x", "BFLOAT16", "bfloat16", 0, 1),
        ("x", "FLOAT8E4M3FN", "float8_e4m3fn", 0, 1),
        ("x", "UINT8", "uint8", 0, 255),
        ("x", "INT8", "int8", -128, 127),
        ("x", "INT16", "int16", 0, 1),
        ("x", "INT32", "int32", 0, 1),
        ("x", "INT64", "int64", 0, 1),
        ("x", "UINT64", "uint64", 0, 1),
        ("x", "INT4", "int4", 0, 1),
        ("x", "BOOL", "bool", 0, 1),
        ("attention_mask", "INT64", "int64", 1, 1),
        ("attention_mask", "FLOAT", "float32", 1, 1),
        ("mask", "BOOL", "bool", 1, 1),
        ("token_type_ids", "INT64", "int64", 0, 0),
    ],
)
def test_ranges(name: str, kind: str, dtype: str, low: float, high: float) -> None:
    array = of(name, getattr(TensorProto, kind)).feeds()[name]
    assert (str(array.dtype), array.shape) == (dtype, (200,))
    wide = array.astype(np.float64)
    assert wide.min() >= low
    assert wide.max() <= high
    assert low == high or len(np.unique(wide)) > 1


@pytest.mark.parametrize("kind", ["FLOAT", "DOUBLE", "INT64", "BOOL", "STRING", "UINT8", "FLOAT16", "COMPLEX64"])
def test_scalars_are_arrays(kind: str) -> None:
    array = of(dtype=getattr(TensorProto, kind), shape=()).feeds()["x"]
    assert isinstance(array, np.ndarray)
    assert array.shape == ()


def test_strings_run() -> None:
    made = of(dtype=TensorProto.STRING, shape=("N", 3))
    with made.file() as path:
        out = workers.call("deploy_magics.model._native:run", str(path), made.feeds(), name="run", timeout=60)
    assert out["y"].tolist() == made.feeds()["x"].tolist()


def test_indices_stay_within_the_tables_they_look_up() -> None:
    nodes = [
        helper.make_node("Constant", [], ["small"], value=tensor("", np.zeros((7, 4), np.float32))),
        helper.make_node("Gather", ["table", "ids"], ["a"]),
        helper.make_node("Cast", ["kinds"], ["k64"], to=TensorProto.INT64),
        helper.make_node("Gather", ["small", "k64"], ["b"]),
        helper.make_node("Add", ["a", "b"], ["y"]),
    ]
    inputs = [value("ids", ("N", 500), TensorProto.INT64), value("kinds", ("N", 500), TensorProto.INT32)]
    made = Model.of(model(nodes, inputs, weights=[tensor("table", np.zeros((1000, 4), np.float32))]))
    feeds = made.feeds()
    assert 900 < feeds["ids"].max() < 1000
    assert feeds["kinds"].max() == 6
    with made.file() as path:
        workers.call("deploy_magics.model._native:run", str(path), feeds, name="run", timeout=60)


def test_memory_is_bounded_before_it_is_taken() -> None:
    small = Limits(max_bytes=1000)
    assert "1000 B are allowed" in line(Model.of(of(shape=(251,)), limits=small).feeds)
    assert Model.of(of(shape=(250,)), limits=small).feeds()["x"].nbytes == 1000
    assert "are allowed" in line(of(shape=("N", 2**20)).feeds, batch=2**20)
    two = model([helper.make_node("Add", ["a", "b"], ["y"])], [value("a", (200,)), value("b", (200,))])
    assert "together" in line(Model.of(two, limits=small).feeds)
    assert "are allowed" in line(Model.of(of(dtype=TensorProto.STRING, shape=(2**20,)), limits=small).feeds)


def test_sequences_need_values() -> None:
    spec = helper.make_tensor_sequence_value_info("x", FLOAT, None)
    made = Model.of(model([helper.make_node("SequenceLength", ["x"], ["y"])], [spec]))
    assert made.inputs[0].dtype == "sequence(float32)"
    assert "sequence(float32)" in line(made.feeds)
    values = [np.zeros(3, np.float32)]
    assert made.feeds({"x": values})["x"] is values


@pytest.fixture
def two() -> Model:
    inputs = [value("a", ("N", 3)), value("b", ("N", 2), TensorProto.INT64)]
    return Model.of(model([helper.make_node("Shape", ["a"], ["y"])], inputs))


GOOD = {"a": np.ones((2, 3), np.float32), "b": np.ones((2, 2), np.int64)}
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"a": GOOD["a"]}, "lacks input 'b'"),
    ({}, "lacks inputs 'a', 'b'"),
    ({**GOOD, "c": GOOD["a"]}, "'c', which is no input"),
    ({"a": GOOD["a"], "bb": GOOD["b"]}, "did you mean 'b'?"),
    ({**GOOD, "a": GOOD["a"].astype(np.float64)}, "float64 for 'a', and the model wants float32; convert"),
    ({**GOOD, "a": np.ones((2, 4), np.float32)}, "shape 2x4 for 'a', and the model wants Nx3"),
    ({**GOOD, "a": np.ones(3, np.float32)}, "shape 3 for 'a'"),
    ({**GOOD, "a": np.float32(1)}, "shape of one number"),
]


@pytest.mark.parametrize(("given", "what"), WRONG)
def test_given_data_that_do_not_fit(given: dict[str, Any], what: str, two: Model, tmp_path: Path) -> None:
    assert what in line(two.feeds, given)
    assert what in line(two.feeds, lambda: given)
    np.savez(tmp_path / "data.npz", **given)
    said = line(two.feeds, tmp_path / "data.npz")
    assert what in said
    assert "data.npz" in said


def test_given_data_that_fit(two: Model, tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a b é.npz", **{**GOOD, "a": np.asfortranarray(GOOD["a"])})
    for source in (GOOD, lambda: GOOD, tmp_path / "a b é.npz", str(tmp_path / "a b é.npz")):
        feeds = two.feeds(source)
        assert {name: array.tolist() for name, array in feeds.items()} == {k: v.tolist() for k, v in GOOD.items()}
        assert [array.dtype for array in feeds.values()] == [np.float32, np.int64]
        assert all(array.flags.writeable for array in feeds.values())


def test_lists_take_the_dtype_of_the_model(two: Model) -> None:
    feeds = two.feeds({"a": [[1, 2, 3]], "b": [[1, 2]]})
    assert feeds["a"].dtype == np.float32
    assert "no float32 array" in line(two.feeds, {"a": [["x", 2, 3]], "b": [[1, 2]]})
    assert "no float32 array" in line(two.feeds, {"a": [[1, 2], [3]], "b": [[1, 2]]})


def test_given_data_become_a_batch(two: Model) -> None:
    assert two.feeds(GOOD, batch=5)["a"].shape == (5, 3)
    assert two.feeds(GOOD, batch=1)["b"].shape == (1, 2)


def test_a_single_array_needs_no_name(tmp_path: Path) -> None:
    made = of(shape=(3,))
    np.save(tmp_path / "x.npy", np.arange(3, dtype=np.float32))
    np.savez(tmp_path / "x.npz", np.arange(3, dtype=np.float32))
    assert made.feeds(tmp_path / "x.npy")["x"].tolist() == [0, 1, 2]
    assert made.feeds(tmp_path / "x.npz")["x"].tolist() == [0, 1, 2]


def test_one_array_for_two_inputs(two: Model, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", GOOD["a"])
    assert "2 inputs" in line(two.feeds, tmp_path / "x.npy")


def test_what_is_no_data(two: Model, tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    assert "there is no data file" in line(two.feeds, path)
    for data in (b"", b"hello", b"PK\x03\x04 broken", b"\x93NUMPY"):
        path.write_bytes(data)
        line(two.feeds, path)
    assert "is a folder" in line(two.feeds, tmp_path)
    for name in ("a\0b.npz", "n" * 5000 + ".npz"):
        assert "there is no data file" in line(two.feeds, name)
    for other in (3.5, True, None, [1]):
        line(two.feeds, other)


def test_strings_from_a_file(tmp_path: Path) -> None:
    made = of(dtype=TensorProto.STRING, shape=("N",))
    np.save(tmp_path / "s.npy", np.array(["é", "b"]))
    assert made.feeds(tmp_path / "s.npy")["x"].tolist() == ["é", "b"]


def test_nothing_pickled_is_loaded(tmp_path: Path) -> None:
    made = of(shape=(1,))
    np.save(tmp_path / "x.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    assert "Python objects" in line(made.feeds, tmp_path / "x.npy")
    (tmp_path / "p.npz").write_bytes(pickle.dumps(3))
    assert "no .npz" in line(made.feeds, tmp_path / "p.npz")


def test_claims_of_a_header_are_not_believed(tmp_path: Path) -> None:
    made = of(shape=("N",))
    for shape in ((2**40,), (2**62,), (10**9, 10**9, 10**9)):
        head = io.BytesIO()
        np.lib.format.write_array_header_1_0(head, {"descr": "<f4", "fortran_order": False, "shape": shape})
        with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
            archive.writestr("x.npy", head.getvalue() + b"1234")
        line(made.feeds, tmp_path / "x.npz")


def test_every_truncation_of_a_file_is_one_line(two: Model, tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", **GOOD)
    whole = (tmp_path / "data.npz").read_bytes()
    for length in range(0, len(whole), 7):
        (tmp_path / "cut.npz").write_bytes(whole[:length])
        line(two.feeds, tmp_path / "cut.npz")


def test_users_own_errors_pass(two: Model) -> None:
    def broken() -> dict[str, Any]:
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        two.feeds(broken)


def test_feeds_of_a_map_are_not_made() -> None:
    proto = model()
    proto.graph.input[0].type.Clear()
    proto.graph.input[0].type.map_type.key_type = onnx.TensorProto.INT64
    proto.graph.input[0].type.map_type.value_type.tensor_type.elem_type = FLOAT
    assert "map(int64, float32)" in line(Model.of(proto).feeds)
