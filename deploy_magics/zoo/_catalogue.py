"""What the zoo holds: one entry a network, plain data, nothing heavy imported."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

Kind = Literal["torch", "light", "shipped", "published"]


@dataclass(frozen=True)
class Entry:
    """One network of the zoo.

    Attributes
    ----------
    name : str
        What it is asked for by.
    kind : {"torch", "light", "shipped", "published"}
        Defined here in torch with seeded weights; a topology of the onnx wheel with seeded weights; trained and part
        of this package; or fetched from the ONNX model zoo.
    title : str
        Its name as the field writes it.
    summary : str
        What it is, in a sentence.
    source : str
        Where it comes from.
    inputs : mapping of str to shape
        Input shapes by name, "N" the free batch dimension; empty where only the file knows.
    params : int or None
        Parameters, as torch counts them.
    macs : int or None
        Multiply-accumulates of convolutions and linear layers at batch 1, without bias; FLOPs are twice as many.
    """

    name: str
    kind: Kind
    title: str
    summary: str
    source: str
    inputs: dict[str, tuple[int | str, ...]]
    params: int | None = None
    macs: int | None = None


_IMAGE: dict[str, tuple[int | str, ...]] = {"input": ("N", 3, 224, 224)}
_DIGIT: dict[str, tuple[int | str, ...]] = {"input": ("N", 1, 28, 28)}

_V5LITE = "in the manner of YOLOv5-Lite, at the sizes of its e and s"

_TORCH = (
    Entry(
        "resnet50",
        "torch",
        "ResNet-50",
        "residual network of 53 convolutions, each with its batch normalisation",
        "He et al. 2016, arXiv:1512.03385",
        _IMAGE,
        25_557_032,
        4_089_184_256,
    ),
    Entry(
        "mobilenet_v2",
        "torch",
        "MobileNetV2",
        "inverted residuals around depthwise convolutions, for phones",
        "Sandler et al. 2018, arXiv:1801.04381",
        _IMAGE,
        3_504_872,
        300_774_272,
    ),
    Entry(
        "shufflenet_v2",
        "torch",
        "ShuffleNetV2 x1.0",
        "channel split and shuffle: few MACs, many small operators",
        "Ma et al. 2018, arXiv:1807.11164",
        _IMAGE,
        2_278_604,
        144_907_992,
    ),
    Entry(
        "squeezenet",
        "torch",
        "SqueezeNet 1.1",
        "fire modules, few parameters, no batch normalisation",
        "Iandola et al. 2016, arXiv:1602.07360",
        _IMAGE,
        1_235_496,
        349_151_936,
    ),
    Entry(
        "repvgg_a0",
        "torch",
        "RepVGG-A0 as trained",
        "three branches a block, to be merged into one 3 x 3 convolution",
        "Ding et al. 2021, arXiv:2101.03697",
        _IMAGE,
        9_108_968,
        1_512_581_120,
    ),
    Entry(
        "repvgg_a0_deployed",
        "torch",
        "RepVGG-A0 deployed",
        "repvgg_a0 with its branches merged: the same function in fewer operators",
        "Ding et al. 2021, arXiv:2101.03697",
        _IMAGE,
        8_309_384,
        1_361_451_008,
    ),
    Entry(
        "vgg16",
        "torch",
        "VGG-16",
        "large: 528 MiB, nine parameters in ten in its dense layers",
        "Simonyan and Zisserman 2015, arXiv:1409.1556",
        _IMAGE,
        138_357_544,
        15_470_264_320,
    ),
    Entry(
        "lenet",
        "torch",
        "LeNet 20-50-500-10",
        "two convolutions and two dense layers for 28 x 28 digits",
        "LeCun et al. 1998, in the widths of Caffe's MNIST example",
        _DIGIT,
        431_080,
        2_293_000,
    ),
    Entry(
        "mnist_keras",
        "torch",
        "MNIST net of a Keras tutorial",
        "conv 32 3x3, pool, conv 32 2x2, pool, dense 500, dense 10",
        "a Keras tutorial on MNIST",
        _DIGIT,
        585_958,
        1_365_512,
    ),
    Entry(
        "v5lite_e",
        "torch",
        "YOLO-style detector, size e",
        "ShuffleNetV2 backbone, three strides, 6,300 boxes of 80 classes; weights for speed, not for sight",
        _V5LITE,
        {"input": ("N", 3, 320, 320)},
        783_781,
        352_557_600,
    ),
    Entry(
        "v5lite_s",
        "torch",
        "YOLO-style detector, size s",
        "ShuffleNetV2 backbone, three strides, 25,200 boxes of 80 classes; weights for speed, not for sight",
        _V5LITE,
        {"input": ("N", 3, 640, 640)},
        1_626_877,
        2_201_600_000,
    ),
)

# name -> "module:function" under networks/
FACTORIES = {
    "resnet50": "resnet:resnet50",
    "mobilenet_v2": "mobilenet:mobilenet_v2",
    "shufflenet_v2": "shufflenet:shufflenet_v2",
    "squeezenet": "squeezenet:squeezenet",
    "repvgg_a0": "repvgg:repvgg_a0",
    "repvgg_a0_deployed": "repvgg:repvgg_a0_deployed",
    "vgg16": "vgg:vgg16",
    "lenet": "small:lenet",
    "mnist_keras": "small:mnist_keras",
    "v5lite_e": "v5lite:v5lite_e",
    "v5lite_s": "v5lite:v5lite_s",
}

_ONNX_TESTS = "topology from the onnx package's own tests"


def _light(name: str, title: str, data: str, params: int | None = None, macs: int | None = None) -> Entry:
    shape: tuple[int | str, ...] = (1, 3, 224, 224)
    return Entry(
        name,
        "light",
        title,
        f"{title} of an early model zoo, opset 9, with seeded random weights",
        _ONNX_TESTS,
        {data: shape},
        params,
        macs,
    )


_LIGHT = (
    _light("light_bvlc_alexnet", "AlexNet", "data_0"),
    _light("light_densenet121", "DenseNet-121", "data_0"),
    _light("light_inception_v1", "Inception v1", "data_0"),
    _light("light_inception_v2", "Inception v2", "data_0"),
    _light("light_resnet50", "ResNet-50", "gpu_0/data_0", 25_557_032, 4_089_184_256),
    _light("light_shufflenet", "ShuffleNet", "gpu_0/data_0"),
    _light("light_squeezenet", "SqueezeNet 1.0", "data_0"),
    _light("light_vgg19", "VGG-19", "data_0", 143_667_240, 19_632_062_464),
    _light("light_zfnet512", "ZFNet-512", "gpu_0/data_0"),
)

_SHIPPED = (
    Entry(
        "digits",
        "shipped",
        "digits classifier",
        "trained on scikit-learn's real 8 x 8 digits: 447 of 450 held-out ones right, 99.3 %",
        "deploy_magics.zoo.train_digits",
        {"input": ("N", 1, 8, 8)},
        19_258,
        456_704,
    ),
    Entry(
        "shapes",
        "shipped",
        "shapes detector",
        "finds coloured circles, squares and triangles on clutter: mAP@0.5 of 0.0000 on 200 held-out pictures",
        "deploy_magics.zoo.train_shapes",
        {"input": ("N", 3, 128, 128)},
        190_120,
        14_928_896,
    ),
)


@dataclass(frozen=True)
class Published:
    """Where a published model is, and what it must be.

    Attributes
    ----------
    path : str
        Below the base address or the mirror.
    size : int
        Bytes.
    sha256 : str
        Its digest in hexadecimal.
    title : str
        Its name as the field writes it.
    """

    path: str
    size: int
    sha256: str
    title: str


def _published(path: str, size: int, sha256: str, title: str) -> Published:
    return Published(f"validated/vision/{path}", size, sha256, title)


_ONNX_ZOO = (
    _published(
        "classification/resnet/model/resnet50-v2-7.onnx",
        102_442_452,
        "79102261eb6e5fd7af5d27f41316293e388c5cb691e5d25bfb035c4f64fefe31",
        "ResNet-50 v2",
    ),
    _published(
        "classification/resnet/model/resnet18-v2-7.onnx",
        46_806_737,
        "3b4d048057854022232aa20bf68262e31718ab7119a17f920b8a2dc1433f824b",
        "ResNet-18 v2",
    ),
    _published(
        "classification/resnet/model/resnet50-v1-12-qdq.onnx",
        25_753_167,
        "e6429d274805654c79ba68dc886c1efd4eff95393e747c35d3fdab579febd8a0",
        "ResNet-50 v1, int8 in QDQ form",
    ),
    _published(
        "classification/mobilenet/model/mobilenetv2-12.onnx",
        13_964_571,
        "c0c3f76d93fa3fd6580652a45618618a220fced18babf65774ed169de0432ad5",
        "MobileNetV2",
    ),
    _published(
        "classification/shufflenet/model/shufflenet-v2-12.onnx",
        9_218_556,
        "ea69821b4dd374ae2f33f9710dd1229ac263d0ee5b5a46ca3521f6483e1ba035",
        "ShuffleNetV2",
    ),
    _published(
        "classification/squeezenet/model/squeezenet1.1-7.onnx",
        4_956_208,
        "1eeff551a67ae8d565ca33b572fc4b66e3ef357b0eb2863bb9ff47a918cc4088",
        "SqueezeNet 1.1",
    ),
    _published(
        "classification/efficientnet-lite4/model/efficientnet-lite4-11.onnx",
        51_946_641,
        "d111689907c06eea7c82e4833ddef758da6453b9d4cf60b7e99ca05c7cbd9c12",
        "EfficientNet-Lite4",
    ),
    _published(
        "classification/mnist/model/mnist-12.onnx",
        26_143,
        "5c688690f8bacf667d4c2074af5ad0646ca328d7ab03eccf944a65b320171bdd",
        "MNIST convolutional network",
    ),
    _published(
        "object_detection_segmentation/tiny-yolov2/model/tinyyolov2-8.onnx",
        63_480_982,
        "583fb7fdc948435ceac9fa82efc7708701efe8382a859a3dd46526b155f5f2ae",
        "Tiny YOLOv2",
    ),
    _published(
        "object_detection_segmentation/ssd-mobilenetv1/model/ssd_mobilenet_v1_12.onnx",
        29_461_455,
        "b8fba5e404077d4048d27fcd1667e85e27e192eb9bf51e696c46a3acd7d21058",
        "SSD MobileNetV1",
    ),
)

PUBLISHED = {PurePosixPath(item.path).stem: item for item in _ONNX_ZOO}

_FETCHED = tuple(
    Entry(
        name,
        "published",
        item.title,
        f"{item.title} of the ONNX model zoo, trained; {item.size / 2**20:.1f} MiB to download",
        f"ONNX model zoo, {item.path}",
        {},
    )
    for name, item in PUBLISHED.items()
)

ENTRIES = {entry.name: entry for entry in (*_TORCH, *_LIGHT, *_SHIPPED, *_FETCHED)}
