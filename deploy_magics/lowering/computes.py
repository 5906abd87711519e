"""What blocked operators compute, in TVM's tensor expressions.

Loops are named for what they run over, since the knobs of a schedule are named after them: ``n`` batch, ``oc`` blocks
of output channels, ``oh`` and ``ow`` rows and columns, ``ob`` the channels inside a block; ``ic``, ``kh``, ``kw`` and
``ib`` are summed over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from deploy_magics.lowering.packing import blocks

KIND = "deploy_magics.kind"
"""Annotation of the block that does a function's work: what kind of work it is."""
PADDED = "padded"
"""Name of the block that fills up the borders of a convolution's input."""


@dataclass(frozen=True)
class Window:
    """How a convolution walks over its input.

    Attributes
    ----------
    stride, dilation : tuple of int
        Down and to the right.
    padding : tuple of int
        Above, left, below, right.
    """

    stride: tuple[int, int]
    padding: tuple[int, int, int, int]
    dilation: tuple[int, int]

    @classmethod
    def of(cls, attrs: Any) -> Window:
        """Read it from the attributes of Relax's ``nn.conv2d``."""
        down, right = (int(each) for each in attrs.strides)
        above, left, below, beside = (int(each) for each in attrs.padding)
        rows, columns = (int(each) for each in attrs.dilation)
        return cls((down, right), (above, left, below, beside), (rows, columns))

    def size(self, height: int, width: int, kernel: Sequence[int]) -> tuple[int, int]:
        """Give rows and columns of the result.

        Examples
        --------
        >>> Window((2, 2), (3, 3, 3, 3), (1, 1)).size(224, 224, (7, 7))
        (112, 112)
        """
        above, left, below, right = self.padding
        rows = (height + above + below - self.dilation[0] * (kernel[0] - 1) - 1) // self.stride[0] + 1
        columns = (width + left + right - self.dilation[1] * (kernel[1] - 1) - 1) // self.stride[1] + 1
        return rows, columns


def convolution(data: Any, weight: Any, *, window: Window, groups: int = 1) -> Any:
    """Convolve ``(N, C, H, W)`` or ``(N, C/b, H, W, b)`` with packed weights, to ``(N, O/lanes, OH, OW, lanes)``."""
    from tvm import te

    outer, inner, height, width, block, lanes = (int(extent) for extent in weight.shape)
    rows, columns = window.size(int(data.shape[2]), int(data.shape[3]), (height, width))
    plain = len(data.shape) == 4
    data = _padded(data, window)
    ic, ib = te.reduce_axis((0, inner), "ic"), te.reduce_axis((0, block), "ib")
    kh, kw = te.reduce_axis((0, height), "kh"), te.reduce_axis((0, width), "kw")
    of_group = outer // groups

    def source(n: Any, oc: Any, oh: Any, ow: Any) -> Any:
        y = oh * window.stride[0] + kh * window.dilation[0]
        x = ow * window.stride[1] + kw * window.dilation[1]
        if plain:
            return data[n, ic * block + ib, y, x]
        return data[n, ic if groups == 1 else oc // of_group * inner + ic, y, x, ib]

    def value(n: Any, oc: Any, oh: Any, ow: Any, ob: Any) -> Any:
        return te.sum(source(n, oc, oh, ow) * weight[oc, ic, kh, kw, ib, ob], axis=[ic, kh, kw, ib])

    return te.compute((data.shape[0], outer, rows, columns, lanes), value, name="conv2d", attrs={KIND: "conv2d"})


def depthwise(data: Any, weight: Any, *, window: Window) -> Any:
    """Convolve each channel of ``(N, C/lanes, H, W, lanes)`` with its own kernel, ``(C/lanes, KH, KW, lanes)``."""
    from tvm import te

    outer, height, width, lanes = (int(extent) for extent in weight.shape)
    rows, columns = window.size(int(data.shape[2]), int(data.shape[3]), (height, width))
    data = _padded(data, window)
    kh, kw = te.reduce_axis((0, height), "kh"), te.reduce_axis((0, width), "kw")

    def value(n: Any, oc: Any, oh: Any, ow: Any, ob: Any) -> Any:
        y = oh * window.stride[0] + kh * window.dilation[0]
        x = ow * window.stride[1] + kw * window.dilation[1]
        return te.sum(data[n, oc, y, x, ob] * weight[oc, kh, kw, ob], axis=[kh, kw])

    return te.compute((data.shape[0], outer, rows, columns, lanes), value, name="depthwise", attrs={KIND: "depthwise"})


def grouped(data: Any, weight: Any, *, window: Window, groups: int, channels: int) -> Any:
    """Convolve in groups whose channels fill no whole blocks, to ``(N, O, OH, OW)``.

    Parameters
    ----------
    data : tvm.te.Tensor of shape (N, C, H, W) or (N, C/lanes, H, W, lanes)
        Of either only single values are read, so it may lie as it does.
    weight : tvm.te.Tensor of shape (groups * B, 1, KH, KW, C/groups, lanes)
        The output channels of each group fill ``B`` blocks, the last of them up with zeros.
    window : Window
        How to walk.
    groups, channels : int
        Groups, and output channels of all of them.
    """
    from tvm import te

    outer, _, height, width, inner, lanes = (int(extent) for extent in weight.shape)
    rows, columns = window.size(int(data.shape[2]), int(data.shape[3]), (height, width))
    plain = len(data.shape) == 4
    data = _padded(data, window)
    ib, kh, kw = te.reduce_axis((0, inner), "ib"), te.reduce_axis((0, height), "kh"), te.reduce_axis((0, width), "kw")
    of_group, each = outer // groups, channels // groups

    def value(n: Any, oc: Any, oh: Any, ow: Any, ob: Any) -> Any:
        y = oh * window.stride[0] + kh * window.dilation[0]
        x = ow * window.stride[1] + kw * window.dilation[1]
        channel = oc // of_group * inner + ib
        source = data[n, channel, y, x] if plain else data[n, channel // lanes, y, x, channel % lanes]
        return te.sum(source * weight[oc, 0, kh, kw, ib, ob], axis=[kh, kw, ib])

    shape = (data.shape[0], outer, rows, columns, lanes)
    made = te.compute(shape, value, name="conv2d", attrs={KIND: "conv2d"})

    def channel_of(n: Any, c: Any, h: Any, w: Any) -> Any:
        inside = c % each
        return made[n, c // each * of_group + inside // lanes, h, w, inside % lanes]

    return te.compute((data.shape[0], channels, rows, columns), channel_of, name="ungroup")


def spread(data: Any, *, channels: int, stride: Sequence[int], before: Sequence[int], size: Sequence[int]) -> Any:
    """Put what :func:`deploy_magics.lowering.packing.by_phase` made apart side by side, to ``(N, O, OH, OW)``.

    Parameters
    ----------
    data : tvm.te.Tensor of shape (N, S*O/lanes, QH, QW, lanes)
        ``O`` channels of each of the ``S`` phases, one phase after the other.
    channels : int
        ``O``.
    stride : sequence of int
        Phases down and to the right.
    before, size : sequence of int
        Rows and columns cut off before the first, and those of the result.
    """
    from tvm import te

    lanes, (down, right) = int(data.shape[4]), stride

    def value(n: Any, c: Any, h: Any, w: Any) -> Any:
        y, x = h + before[0], w + before[1]
        channel = (y % down * right + x % right) * channels + c
        return data[n, channel // lanes, y // down, x // right, channel % lanes]

    return te.compute((data.shape[0], channels, *size), value, name="spread")


def matrix_product(data: Any, weight: Any, *, width: int) -> Any:
    """Multiply ``(M, K)`` with packed ``(N/lanes, K, lanes)``, to ``(M, N)``."""
    from tvm import te

    outer, depth, lanes = (int(extent) for extent in weight.shape)
    k = te.reduce_axis((0, depth), "k")

    def value(m: Any, oc: Any, ob: Any) -> Any:
        return te.sum(data[m, k] * weight[oc, k, ob], axis=k)

    product = te.compute((data.shape[0], outer, lanes), value, name="matmul", attrs={KIND: "matmul"})
    return te.compute((data.shape[0], width), lambda m, n: product[m, n // lanes, n % lanes], name="unpacked")


def block(data: Any, *, lanes: int) -> Any:
    """Bring ``(N, C, H, W)`` to ``(N, C/lanes, H, W, lanes)``; the last block is filled up with zeros."""
    from tvm import te, tirx

    batch, channels, height, width = data.shape

    def value(n: Any, oc: Any, oh: Any, ow: Any, ob: Any) -> Any:
        channel = oc * lanes + ob
        if int(channels) % lanes == 0:
            return data[n, channel, oh, ow]
        return tirx.if_then_else(channel < channels, data[n, channel, oh, ow], tirx.const(0, data.dtype))

    return te.compute((batch, blocks(int(channels), lanes), height, width, lanes), value, name="block")


def unblock(data: Any, *, channels: int) -> Any:
    """Bring ``(N, C/lanes, H, W, lanes)`` back to ``(N, C, H, W)``."""
    from tvm import te

    batch, _, height, width, lanes = data.shape
    return te.compute(
        (batch, channels, height, width), lambda n, c, h, w: data[n, c // lanes, h, w, c % lanes], name="unblock"
    )


def _padded(data: Any, window: Window) -> Any:
    from tvm import topi

    if not any(window.padding):
        return data
    above, left, below, right = window.padding
    rest = [0] * (len(data.shape) - 4)
    return topi.nn.pad(data, [0, 0, above, left, *rest], [0, 0, below, right, *rest], name=PADDED)
