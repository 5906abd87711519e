"""One table of element types, and shapes where a first inference fails."""

from __future__ import annotations

import onnx
import pytest
from onnx import TensorProto, helper

from deploy_magics.counting import count
from deploy_magics.counting.dtypes import FLOATS, dtype_name, tensor_bytes
from deploy_magics.counting.of_model import inline_and_infer
from deploy_magics.model._spec import DTYPES, bytes_of
from tests.counting.nets import model, node, tensor


def test_every_type_that_a_model_may_have_has_its_name_and_size_here():
    for number, name in DTYPES.items():
        assert dtype_name(number) == name
        assert tensor_bytes(number, 24) == bytes_of(name, (24,))
    assert (dtype_name(27), dtype_name(28), dtype_name(0)) == ("float6e2m3", "float6e3m2", "unknown")
    assert {27, 28, TensorProto.FLOAT, TensorProto.BFLOAT16, TensorProto.COMPLEX64} <= FLOATS
    assert not {TensorProto.INT8, TensorProto.BOOL, TensorProto.STRING} & FLOATS


def test_where_propagating_data_fails_shapes_inside_functions_are_inferred_without(monkeypatch: pytest.MonkeyPatch):
    body = helper.make_function(
        "own", "Product", ["p", "q"], ["r"], [node("MatMul", "p q", "m"), node("Relu", "m", "r")],
        [helper.make_opsetid("", 20)],
    )  # fmt: skip
    made = model([node("own:Product", "x w", "y")], {"x": [2, 4]}, ["y"], [tensor("w", [4, 4])], functions=[body])
    really = onnx.shape_inference.infer_shapes

    def infer(*arguments, data_prop=False, **options):
        if data_prop:
            raise RuntimeError("it fails")
        return really(*arguments, **options)

    monkeypatch.setattr(onnx.shape_inference, "infer_shapes", infer)
    assert count(onnx.load_from_string(inline_and_infer(made.SerializeToString()))).macs == 32
