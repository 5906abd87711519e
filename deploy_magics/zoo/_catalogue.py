"""What the zoo holds: one entry a network, plain data, nothing heavy imported."""

from __future__ import annotations

from dataclasses import dataclass
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

# name: "module:Class", title, summary, source, inputs, params, MACs
TORCH: dict[str, tuple[str, Entry]] = {
    entry.name: (where, entry)
    for where, entry in (
        (
            "resnet:ResNet50",
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
        ),
        (
            "squeezenet:SqueezeNet",
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
        ),
        (
            "small:LeNet",
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
        ),
        (
            "small:MnistKeras",
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
        ),
    )
}
