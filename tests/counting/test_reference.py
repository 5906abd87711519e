"""The published reference counts, to the last digit; see also ``tests/steps/test_flops_zoo.py``."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import onnx
import pytest
from onnx import shape_inference

from deploy_magics.counting import count
from tests.counting.nets import model, node, tensor

LIGHT = Path(onnx.__file__).parent / "backend/test/data/light"


@cache
def light(name: str) -> onnx.ModelProto:
    return shape_inference.infer_shapes(onnx.load(LIGHT / f"light_{name}.onnx"))


@pytest.mark.parametrize(
    ("name", "params", "macs"),
    [
        ("resnet50", 25_557_032, 4_089_184_256),
        ("squeezenet", 1_235_496, 349_151_936),
        ("vgg19", 143_667_240, 19_632_062_464),
    ],
)
def test_topologies_of_the_onnx_wheel_whose_weights_are_constants(name, params, macs):
    found = count(light(name))
    assert (found.params, found.macs, found.flops) == (params, macs, 2 * macs)
    assert not found.not_counted("unknown shape")
    assert not found.not_counted("unknown op")


def test_what_the_default_leaves_out_of_resnet50_is_listed():
    found = count(light("resnet50"))
    assert found.not_counted("outside") == {
        "BatchNormalization": 53,
        "Relu": 49,
        "Sum": 16,
        "AveragePool": 1,
        "MaxPool": 1,
        "Softmax": 1,
    }
    assert found.not_counted("moves data") == {"ConstantOfShape": 239, "Reshape": 1}
    counted = [row.kind for row in found.nodes if row.status == "counted"]
    assert (counted.count("Conv"), counted.count("Gemm"), len(counted)) == (53, 1, 54)
    assert found.statistics == 53_120  # running means and variances: not parameters, but stored
    assert found.weight_bytes > 4 * (found.params + found.statistics)  # and the shapes they are made from


def folded(net: onnx.ModelProto) -> onnx.ModelProto:
    """Fold each BatchNormalization that follows a Conv: its convolution gets a bias."""
    out = onnx.ModelProto()
    out.CopyFrom(net)
    makers = {name: item for item in out.graph.node for name in item.output}
    for item in [item for item in out.graph.node if item.op_type == "BatchNormalization"]:
        conv = makers[item.input[0]]
        conv.input.append(item.input[2])  # any vector of that length
        conv.output[0] = item.output[0]
        out.graph.node.remove(item)
    return out


def test_folding_batch_normalisation_leaves_the_published_number_of_parameters():
    after = count(shape_inference.infer_shapes(folded(light("resnet50"))))
    assert (after.params, after.macs, after.statistics) == (25_530_472, 4_089_184_256, 0)


def lenet() -> onnx.ModelProto:
    """LeNet 20-50-500-10 on 28 x 28, as its texts have it: two 5 x 5 convolutions, two dense layers."""
    weights = {"c1": [20, 1, 5, 5], "b1": [20], "c2": [50, 20, 5, 5], "b2": [50]}
    weights |= {"d1": [500, 800], "e1": [500], "d2": [10, 500], "e2": [10]}
    nodes = [
        node("Conv", "x c1 b1", "t1"),
        node("MaxPool", "t1", "t2", kernel_shape=[2, 2], strides=[2, 2]),
        node("Conv", "t2 c2 b2", "t3"),
        node("MaxPool", "t3", "t4", kernel_shape=[2, 2], strides=[2, 2]),
        node("Flatten", "t4", "t5"),
        node("Gemm", "t5 d1 e1", "t6", transB=1),
        node("Relu", "t6", "t7"),
        node("Gemm", "t7 d2 e2", "t8", transB=1),
        node("LogSoftmax", "t8", "y"),
    ]
    return model(nodes, {"x": [1, 1, 28, 28]}, ["y"], [tensor(n, s) for n, s in weights.items()])


def test_lenet_and_where_its_two_published_figures_come_from():
    # Convolutions: output elements x products in each. Dense layers: in x out.
    conv1, conv2 = 20 * 24 * 24 * (1 * 5 * 5), 50 * 8 * 8 * (20 * 5 * 5)
    dense1, dense2 = 800 * 500, 500 * 10
    assert conv1 + conv2 + dense1 + dense2 == 2_293_000
    # One more per output element of a convolution, for its bias: what older releases of thop counted.
    bias = 20 * 24 * 24 + 50 * 8 * 8
    assert (bias, 2_293_000 + bias) == (14_720, 2_307_720)

    found = count(lenet())
    assert (found.params, found.macs) == (431_080, 2_293_000)
    assert count(lenet(), "conv+bias+linear").macs == 2_307_720


def mnist_keras() -> onnx.ModelProto:
    """The MNIST network of Keras texts: 32 filters of 3 x 3, pool, 32 of 2 x 2, pool, dense 500, dense 10, softmax."""
    weights = {"c1": [32, 1, 3, 3], "b1": [32], "c2": [32, 32, 2, 2], "b2": [32]}
    weights |= {"d1": [1152, 500], "e1": [500], "d2": [500, 10], "e2": [10]}
    nodes = [
        node("Conv", "x c1 b1", "t1"),
        node("Relu", "t1", "t2"),
        node("MaxPool", "t2", "t3", kernel_shape=[2, 2], strides=[2, 2]),
        node("Conv", "t3 c2 b2", "t4"),
        node("Relu", "t4", "t5"),
        node("MaxPool", "t5", "t6", kernel_shape=[2, 2], strides=[2, 2]),
        node("Flatten", "t6", "t7"),
        node("Gemm", "t7 d1 e1", "t8"),
        node("Relu", "t8", "t9"),
        node("Gemm", "t9 d2 e2", "t10"),
        node("Softmax", "t10", "y"),
    ]
    return model(nodes, {"x": [1, 1, 28, 28]}, ["y"], [tensor(n, s) for n, s in weights.items()])


def test_mnist_in_keras_and_why_its_conversion_seems_to_save_operations():
    conv1, conv2 = 2 * 26 * 26 * 32 * 9, 2 * 12 * 12 * 32 * (32 * 4)
    dense = 2 * (1152 * 500 + 500 * 10)
    assert (conv1, conv2) == (389_376, 1_179_648)
    # tf.profiler: 1 per element of a bias, window size x outputs of a pool, 5 per element of a softmax.
    bias = 26 * 26 * 32 + 12 * 12 * 32 + 500 + 10
    pools, softmax = 4 * 13 * 13 * 32 + 4 * 6 * 6 * 32, 5 * 10
    assert conv1 + conv2 + dense + bias + pools + softmax == 2_784_064

    net = mnist_keras()
    assert count(net).params == 585_958
    assert count(net, "tensorflow").flops == 2_784_064
    # The tool that reports 1.6 M after conversion leaves dense layers out: nothing was saved.
    assert count(net, "conv").flops == conv1 + conv2 == 1_569_024
    assert count(net, "conv").not_counted("outside")["Gemm"] == 2


def test_every_convention_counts_the_same_products_of_a_plain_network():
    net = lenet()
    totals = {name: count(net, name) for name in ("conv+linear", "tensorflow", "all")}
    assert {found.macs for found in totals.values()} == {2_293_000}
    plain, tensorflow, everything = (found.flops for found in totals.values())
    bias, pools = 14_720 + 510, 4 * (20 * 12 * 12 + 50 * 4 * 4)
    assert tensorflow == plain + bias + pools
    assert everything == tensorflow + 500 + 50  # Relu, LogSoftmax


def test_unknown_convention():
    with pytest.raises(Exception, match="did you mean 'conv\\+linear'"):
        count(lenet(), "conv-linear")
