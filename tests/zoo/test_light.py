"""The onnx package's topologies with weights in them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import onnx
import onnxruntime
import onnxsim
import pytest

from deploy_magics import zoo
from deploy_magics.errors import DeployError
from deploy_magics.zoo import _light

LIGHT = [name for name in zoo.names() if zoo.entry(name).kind == "light"]
# Hundreds of MiB each: their plan is checked, their files are not written here.
LARGE = {"light_bvlc_alexnet", "light_vgg19", "light_zfnet512"}

BEFORE = {"AveragePool": 1, "BatchNormalization": 53, "Conv": 53, "Gemm": 1, "MaxPool": 1, "Relu": 49, "Reshape": 1,
          "Softmax": 1, "Sum": 16}  # fmt: skip
AFTER = {op: count for op, count in BEFORE.items() if op != "BatchNormalization"}


def floats(model: onnx.ModelProto) -> int:
    return sum(int(np.prod(t.dims)) for t in model.graph.initializer if t.data_type == onnx.TensorProto.FLOAT)


def test_light_resnet50_gives_the_published_table() -> None:
    model = onnx.load(zoo.path("light_resnet50"))
    assert Counter(node.op_type for node in model.graph.node) == BEFORE
    assert floats(model) == 25_557_032 + 53_120
    assert floats(model) * 4 / 2**20 == pytest.approx(97.695, abs=5e-4)
    simplified, same = onnxsim.simplify(model)
    assert same
    assert Counter(node.op_type for node in simplified.graph.node) == AFTER
    assert floats(simplified) * 4 / 2**20 == pytest.approx(97.391, abs=5e-4)


@pytest.mark.parametrize("name", LIGHT)
def test_every_constant_gets_a_role(name: str) -> None:
    model, weights = _light.plan(name)
    graph = model.graph
    assert "ConstantOfShape" not in {node.op_type for node in graph.node}
    assert [value.name for value in graph.input] == list(zoo.entry(name).inputs)
    assert tuple(dim.dim_value for dim in graph.input[0].type.tensor_type.shape.dim) == (1, 3, 224, 224)
    known = {value.name for value in graph.input} | {tensor.name for tensor in graph.initializer}
    known |= {weight for weight, _, _ in weights} | {output for node in graph.node for output in node.output}
    assert all(tensor in known for node in graph.node for tensor in node.input if tensor)


@pytest.mark.parametrize("name", [name for name in LIGHT if name not in LARGE])
def test_runs_and_depends_on_its_input(name: str) -> None:
    path = zoo.path(name)
    onnx.checker.check_model(onnx.load(path))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    generator = np.random.default_rng(0)
    one, two = (
        session.run(None, {given.name: generator.standard_normal(given.shape, dtype=np.float32)})[0].ravel()
        for _ in range(2)
    )
    assert np.isfinite(one).all()
    assert one.std() > 0.2 * np.abs(one).mean()
    assert np.abs(one).max() < 20
    if name != "light_densenet121":
        assert one.max() < 0.2, "one class takes all: what changes before the softmax would not show"
    assert np.abs(one - two).max() > 0.02 * one.std()


def test_constants_have_the_scale_of_what_they_are() -> None:
    weights = {tensor: make for tensor, _, make in _light.plan("light_resnet50")[1]}
    assert weights["gpu_0/conv1_w_0"]().std() == pytest.approx((1 / 147) ** 0.5, rel=0.05)
    assert weights["gpu_0/res2_0_branch2b_w_0"]().std() == pytest.approx((2 / 576) ** 0.5, rel=0.05)
    variance = weights["gpu_0/res_conv1_bn_riv_0"]()
    assert (variance > 0.5).all()
    assert (variance != 1).all()


def test_missing_topology_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DeployError, match=r"this build of the onnx package does not bring light_nothing\.onnx"):
        _light._topology("light_nothing")
    monkeypatch.setattr(_light, "find_spec", lambda name: None)
    with pytest.raises(DeployError, match="light_vgg19 needs the package 'onnx'"):
        _light._topology("light_vgg19")


def test_macs_of_the_catalogue_are_those_of_the_topologies() -> None:
    # Convolutions and dense layers, from the shapes that inference finds; none of these two has groups.
    for name, expected in (("light_resnet50", 4_089_184_256), ("light_vgg19", 19_632_062_464)):
        model, weights = _light.plan(name)
        shapes = {tensor: shape for tensor, shape, _ in weights}
        for tensor, shape in shapes.items():
            model.graph.input.append(onnx.helper.make_tensor_value_info(tensor, onnx.TensorProto.FLOAT, shape))
        found = onnx.shape_inference.infer_shapes(model).graph
        sizes = {value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim] for value in found.value_info}
        macs = 0
        for node in found.node:
            if node.op_type == "Conv":
                macs += int(np.prod(shapes[node.input[1]])) * int(np.prod(sizes[node.output[0]][2:]))
            elif node.op_type == "Gemm":
                macs += int(np.prod(shapes[node.input[1]]))
        assert macs == expected == zoo.entry(name).macs
