"""Constant weights laid out so that the inner loop reads them in the order in which it needs them.

The layouts are those of Liu et al., "Optimizing CNN Model Inference on CPUs" (USENIX ATC 2019, section 3.1): output
channels innermost, one vector wide, so that one load serves a whole vector of results.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np

    Array: TypeAlias = np.ndarray[Any, Any]


def blocks(channels: int, lanes: int) -> int:
    """Give how many blocks of ``lanes`` hold so many channels.

    Examples
    --------
    >>> blocks(58, 16)
    4
    """
    return -(-channels // lanes)


def pack_convolution(weight: Array, lanes: int, block: int) -> Array:
    """Lay out the weights of a convolution.

    Parameters
    ----------
    weight : ndarray of shape (O, I, KH, KW)
        As ONNX has them; ``I`` is that of one group.
    lanes : int
        Output channels of a block.
    block : int
        Input channels of a block.

    Returns
    -------
    ndarray of shape (O/lanes, I/block, KH, KW, block, lanes)
        Channels that fill the last blocks up have weights of zero.

    Examples
    --------
    >>> import numpy as np
    >>> pack_convolution(np.ones((24, 3, 5, 5)), 16, 3).shape
    (2, 1, 5, 5, 3, 16)
    """
    import numpy as np

    out, into, *kernel = weight.shape
    outer, inner = blocks(out, lanes), blocks(into, block)
    full = np.zeros((outer * lanes, inner * block, *kernel), weight.dtype)
    full[:out, :into] = weight
    return np.ascontiguousarray(full.reshape(outer, lanes, inner, block, *kernel).transpose(0, 2, 4, 5, 3, 1))


def pack_groups(weight: Array, lanes: int, groups: int) -> Array:
    """Lay out the weights of a grouped convolution, each group's output channels in blocks of their own.

    Examples
    --------
    >>> import numpy as np
    >>> pack_groups(np.ones((136, 34, 1, 1)), 16, 4).shape
    (12, 1, 1, 1, 34, 16)
    """
    import numpy as np

    parts = np.split(weight, groups)
    return np.concatenate([pack_convolution(part, lanes, part.shape[1]) for part in parts])


def by_phase(weight: Array, stride: Sequence[int]) -> Array:
    """Give the weights of a plain convolution that computes all phases of a transposed one.

    A row ``y`` of a transposed convolution with stride ``s`` sums only over every ``s``-th row of its kernel, from row
    ``y mod s`` on; so it is ``s`` small convolutions whose results lie between one another (Shi et al., "Is the
    deconvolution layer the same as a convolutional layer?", 2016, arXiv:1609.07009).

    Parameters
    ----------
    weight : ndarray of shape (I, O, KH, KW)
        As ONNX has them.
    stride : sequence of int
        Down and to the right.

    Returns
    -------
    ndarray of shape (S*O, I, KH/stride, KW/stride)
        ``S`` phases, those to the right first; kernels that the stride does not divide are filled up with zeros.

    Examples
    --------
    >>> import numpy as np
    >>> by_phase(np.ones((8, 5, 3, 3)), (2, 2)).shape
    (20, 8, 2, 2)
    """
    import numpy as np

    into, out, *kernel = weight.shape
    taps = [blocks(size, step) for size, step in zip(kernel, stride, strict=True)]
    full = np.zeros((into, out, taps[0] * stride[0], taps[1] * stride[1]), weight.dtype)
    full[:, :, : kernel[0], : kernel[1]] = weight
    apart = full.reshape(into, out, taps[0], stride[0], taps[1], stride[1])[:, :, ::-1, :, ::-1]
    return np.ascontiguousarray(apart.transpose(3, 5, 1, 0, 2, 4).reshape(-1, into, *taps))


def pack_depthwise(weight: Array, lanes: int) -> Array:
    """Lay out the weights of a depthwise convolution, ``(C, 1, KH, KW)``, as ``(C/lanes, KH, KW, lanes)``."""
    import numpy as np

    channels, _, *kernel = weight.shape
    full = np.zeros((blocks(channels, lanes) * lanes, *kernel), weight.dtype)
    full[:channels] = weight[:, 0]
    return np.ascontiguousarray(full.reshape(-1, lanes, *kernel).transpose(0, 2, 3, 1))


def pack_channels(values: Array, lanes: int, fill: float = 0.0) -> Array:
    """Lay out one value a channel, ``(C,)``, as ``(1, C/lanes, 1, 1, lanes)``; the last block is filled up."""
    import numpy as np

    full = np.full(blocks(len(values), lanes) * lanes, fill, values.dtype)
    full[: len(values)] = values
    return full.reshape(1, -1, 1, 1, lanes)


def pack_matrix(weight: Array, lanes: int) -> Array:
    """Lay out the right side of a matrix product, ``(K, N)``, as ``(N/lanes, K, lanes)``.

    Examples
    --------
    >>> import numpy as np
    >>> pack_matrix(np.ones((1280, 1000)), 16).shape
    (63, 1280, 16)
    """
    import numpy as np

    depth, width = weight.shape
    full = np.zeros((depth, blocks(width, lanes) * lanes), weight.dtype)
    full[:, :width] = weight
    return np.ascontiguousarray(full.reshape(depth, -1, lanes).transpose(1, 0, 2))
