"""The zoo's networks have exactly the reference counts, as ONNX files and as torch modules."""

from __future__ import annotations

import math

import pytest

from deploy_magics import zoo
from deploy_magics.counting import count, count_model
from deploy_magics.model import Model
from deploy_magics.steps.flops import flops
from tests.counting.nets import model, node, tensor

torch = pytest.importorskip("torch")

# Parameters and MACs of convolutions and linear layers at 224 x 224 (28 x 28 for the last two), batch 1, without bias.
REFERENCE = {
    "resnet50": (25_557_032, 4_089_184_256),
    "mobilenet_v2": (3_504_872, 300_774_272),
    "shufflenet_v2": (2_278_604, 144_907_992),
    "squeezenet": (1_235_496, 349_151_936),
    "repvgg_a0": (9_108_968, 1_512_581_120),
    "repvgg_a0_deployed": (8_309_384, 1_361_451_008),
    "vgg16": (138_357_544, 15_470_264_320),
    "lenet": (431_080, 2_293_000),
    "mnist_keras": (585_958, 1_365_512),
}
# Its file takes half a gigabyte and as many seconds as all others together; its topology is counted below.
FILES = [name for name in REFERENCE if name != "vgg16"]


@pytest.mark.parametrize("name", FILES)
def test_as_onnx(name):
    found = count_model(Model.of(name))
    assert (found.params, found.macs) == REFERENCE[name]
    assert not found.not_counted("unknown shape")
    assert not found.not_counted("unknown op")


@pytest.mark.parametrize("name", FILES)
def test_as_torch_module(name):
    from torch.utils.flop_counter import FlopCounterMode

    module = zoo.module(name).to("meta").eval()
    side = 28 if name in ("lenet", "mnist_keras") else 224
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        module(torch.empty(1, 1 if side == 28 else 3, side, side, device="meta"))
    params = sum(parameter.numel() for parameter in module.parameters())
    assert (params, counter.get_total_flops() // 2) == REFERENCE[name]


def test_vgg16_from_its_published_table():
    nodes, weights, channels, last = [], [], 3, "x"
    for index, width in enumerate([64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0]):
        here = f"t{index}"
        if width:
            nodes.append(node("Conv", f"{last} w{index} b{index}", here, pads=[1, 1, 1, 1]))
            weights += [tensor(f"w{index}", [width, channels, 3, 3]), tensor(f"b{index}", [width])]
            channels = width
        else:
            nodes.append(node("MaxPool", last, here, kernel_shape=[2, 2], strides=[2, 2]))
        last = here
    nodes.append(node("Flatten", last, "flat"))
    last = "flat"
    for index, (inputs, outputs) in enumerate([(25088, 4096), (4096, 4096), (4096, 1000)]):
        nodes.append(node("Gemm", f"{last} d{index} e{index}", f"g{index}"))
        weights += [unloaded(f"d{index}", [inputs, outputs]), tensor(f"e{index}", [outputs])]
        last = f"g{index}"
    found = count(model(nodes, {"x": [1, 3, 224, 224]}, [last], weights))
    assert (found.params, found.macs) == REFERENCE["vgg16"]
    # Nine parameters in ten, and one MAC in a hundred, are in its dense layers.
    dense = [row for row in found.nodes if row.kind == "Gemm"]
    assert sum(row.params for row in dense) / found.params > 0.89
    assert sum(row.macs for row in dense) / found.macs < 0.01


def unloaded(name, shape):
    """Make a large weight whose data lie elsewhere and are not needed."""
    import onnx

    made = onnx.TensorProto(name=name, data_type=1, dims=shape, data_location=onnx.TensorProto.EXTERNAL)
    made.external_data.add(key="location", value="elsewhere.bin")
    return made


def test_resnet50_before_and_after_folding_batch_normalisation():
    found = flops("resnet50")
    assert (found.macs, found.flops, found.params) == (4_089_184_256, 8_178_368_512, 25_557_032)
    assert found.totals["resnet50"]["running_statistics"] == 53_120
    assert found.totals["resnet50"]["weights"] == 4 * (25_557_032 + 53_120)
    by_op = dict(zip(found.table.values("op"), found.table.values("nodes"), strict=True))
    assert by_op == {
        "Conv": 53,
        "Gemm": 1,
        "BatchNormalization": 53,
        "Relu": 49,
        "Add": 16,
        "MaxPool": 1,
        "GlobalAveragePool": 1,
        "Flatten": 1,
    }


def test_the_light_topology_of_resnet50_counts_the_same():
    found = flops("light_resnet50")
    assert (found.macs, found.params) == (4_089_184_256, 25_557_032)
    ops = dict(zip(found.table.values("op"), found.table.values("nodes"), strict=True))
    published = {"AveragePool": 1, "BatchNormalization": 53, "Conv": 53, "Gemm": 1, "MaxPool": 1, "Relu": 49}
    assert ops == published | {"Reshape": 1, "Softmax": 1, "Sum": 16}


def test_mnist_keras_by_each_published_way_of_counting():
    assert flops("mnist_keras", convention="tensorflow").flops + 5 * 10 == 2_784_064  # its file ends before the softmax
    assert flops("mnist_keras", convention="conv").flops == 389_376 + 1_179_648 == 1_569_024


def test_lenet_by_each_published_way_of_counting():
    assert flops("lenet").macs == 2_293_000
    assert flops("lenet", convention="conv+bias+linear").macs == 2_307_720


def test_intensity_of_resnet50_lies_where_its_convolutions_put_it():
    found = flops("resnet50", by="node")
    values = [cell for cell in found.table.values("intensity") if isinstance(cell, float)]
    assert len(values) == 54
    # The dense layer at batch 1 reads each weight for one multiply-accumulate: 2 FLOPs per 4 bytes, at most.
    assert min(values) == pytest.approx(0.5, rel=0.01)
    assert math.isclose(found.table.footer.cells["intensity"], 19.2, rel_tol=0.01)
