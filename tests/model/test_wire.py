"""Reading a model without its weights gives the same model, but for where the weights are."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import helper

from deploy_magics.model import _wire
from tests.model.build import FLOAT, linear, model, tensor, value


def restored(data: bytes, keep: int) -> tuple[onnx.ModelProto, int]:
    """Read a skeleton and put back what was left out; count the tensors that were."""
    found = onnx.ModelProto()
    found.ParseFromString(_wire.skeleton(io.BytesIO(data), len(data), keep=keep))
    left_out = 0
    from deploy_magics.model._store import all_tensors

    for item in all_tensors(found):
        entries = {entry.key: entry.value for entry in item.external_data}
        if entries.get("location") == _wire.HERE:
            offset, length = int(entries["offset"]), int(entries["length"])
            item.ClearField("external_data")
            item.ClearField("data_location")
            item.raw_data = data[offset : offset + length]
            left_out += 1
    return found, left_out


ARRAYS = st.sampled_from([np.float32, np.int64, np.uint8, np.float16, np.bool_]).flatmap(
    lambda kind: st.lists(st.integers(0, 300), max_size=2).map(lambda shape: np.ones(shape, kind))
)


@given(
    weights=st.lists(ARRAYS, max_size=4), constants=st.lists(ARRAYS, max_size=3), keep=st.sampled_from([0, 10, 1000])
)
def test_nothing_but_the_weights_is_left_out(weights: list, constants: list, keep: int) -> None:
    nodes = [helper.make_node("Constant", [], [f"c{i}"], value=tensor("", a)) for i, a in enumerate(constants)]
    inner = helper.make_graph(list(nodes), "inner", [], [], [tensor("deep", a) for a in weights])
    branch = helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=inner)
    function = helper.make_function("own", "F", ["a"], ["b"], nodes, [helper.make_opsetid("", 17)])
    proto = model([*nodes, branch], weights=[tensor(f"w{i}", a) for i, a in enumerate(weights)], functions=[function])
    found, _ = restored(proto.SerializeToString(), keep)
    assert found == proto


def test_large_weights_are_left_out() -> None:
    data = linear().SerializeToString()
    found, left_out = restored(data, _wire.KEEP_BYTES)
    assert (found, left_out) == (linear(), 1)


def test_numbers_that_are_not_raw_are_kept() -> None:
    weight = helper.make_tensor("w", FLOAT, [1000], list(range(1000)))
    proto = model([helper.make_node("Identity", ["w"], ["y"])], [value("x")], weights=[weight])
    assert restored(proto.SerializeToString(), 100) == (proto, 0)


@given(data=st.binary(max_size=200), keep=st.sampled_from([0, 10, 1000]))
def test_any_bytes_are_taken_or_malformed(data: bytes, keep: int) -> None:
    with contextlib.suppress(_wire.Malformed):
        _wire.skeleton(io.BytesIO(data), len(data), keep=keep)


@given(data=st.binary(max_size=200))
def test_any_refused_bytes_get_a_reason(data: bytes) -> None:
    assert _wire.diagnose(data).reason in ("truncated", "corrupt", "deep")


def test_structure_is_bounded() -> None:
    data = model([helper.make_node("Relu", ["x"], ["y"])] * 1000).SerializeToString()
    with pytest.raises(_wire.Malformed, match="large"):
        _wire.skeleton(io.BytesIO(data), len(data), keep=10, most=1000)
