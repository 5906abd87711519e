"""An image fitted into a detector's input with its proportions kept, and boxes taken back."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deploy_magics.errors import ArgumentError


@dataclass(frozen=True)
class Placement:
    """Where an image lies in its letterbox.

    Attributes
    ----------
    scale : float
        Pixels of the letterbox for one of the image, before these were rounded to whole ones.
    left, top : int
        Pixels before the image.
    size : tuple of int
        Height and width of the image in its own pixels.
    """

    scale: float
    left: int
    top: int
    size: tuple[int, int]

    @property
    def inner(self) -> tuple[int, int]:
        """Height and width of the image in pixels of the letterbox."""
        lines, columns = (max(1, round(side * self.scale)) for side in self.size)
        return lines, columns


def letterbox(
    image: Any, size: int | tuple[int, int] = (640, 640), fill: int = 114
) -> tuple[NDArray[np.uint8], Placement]:
    """Scale an image to fit into a size, its proportions kept, and fill the rest.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (height, width, channels)
        The image.
    size : int or tuple of int
        Height and width to fit into; one number for both.
    fill : int
        Value of what is not image.

    Returns
    -------
    image : numpy.ndarray of uint8, shape (height, width, channels)
        Bilinear, pixel centres at halves as in opencv and torch; by opencv where that is installed, which is faster.
    placement : Placement
        What :func:`undo_letterbox` needs.

    Raises
    ------
    ArgumentError
        Where the image is none.

    Examples
    --------
    >>> boxed, placed = letterbox(np.zeros((100, 200, 3), np.uint8), 64)
    >>> boxed.shape, placed.scale, placed.top
    ((64, 64, 3), 0.32, 16)
    """
    array = np.asarray(image)
    if array.ndim != 3 or array.dtype != np.uint8 or 0 in array.shape:
        raise ArgumentError(
            f"{array.dtype} of shape {array.shape} is no image", hint="give uint8 with height, width and channels"
        )
    size = (size, size) if isinstance(size, int) else size
    if min(size) < 1:
        raise ArgumentError(f"a letterbox of {size[0]}x{size[1]} holds nothing")
    height, width = array.shape[:2]
    scale = min(size[0] / height, size[1] / width)
    lines, columns = Placement(scale, 0, 0, (height, width)).inner
    top, left = (size[0] - lines) // 2, (size[1] - columns) // 2
    found = np.full((*size, array.shape[2]), fill, np.uint8)
    found[top : top + lines, left : left + columns] = _resized(array, lines, columns)
    return found, Placement(scale, left, top, (height, width))


def undo_letterbox(boxes: Any, placement: Placement) -> NDArray[np.float32]:
    """Take boxes from pixels of the letterbox to pixels of the image, cut at its edges.

    The image's sides were rounded to whole pixels of the letterbox, so height and width have each a scale of its own.
    With the common one, the lower edge of 300 x 500 pixels in 64 x 64 would come back 3 pixels too high.

    Parameters
    ----------
    boxes : numpy.ndarray of float, shape (n, 4)
        Left, top, right, bottom.
    placement : Placement
        What :func:`letterbox` gave.
    """
    moved = np.asarray(boxes, np.float32).reshape(-1, 4) - np.array([placement.left, placement.top] * 2, np.float32)
    height, width = placement.size
    lines, columns = placement.inner
    moved *= np.array([width / columns, height / lines] * 2, np.float32)
    found: NDArray[np.float32] = np.clip(moved, 0, np.array([width, height, width, height], np.float32))
    return found


def _resized(image: NDArray[np.uint8], lines: int, columns: int) -> NDArray[np.uint8]:
    if image.shape[:2] == (lines, columns):
        return image
    try:
        cv2: Any = importlib.import_module("cv2")
    except ImportError:
        return bilinear(image, lines, columns)
    found: NDArray[np.uint8] = cv2.resize(image, (columns, lines), interpolation=cv2.INTER_LINEAR)
    return found.reshape(lines, columns, -1)


def bilinear(image: NDArray[np.uint8], lines: int, columns: int) -> NDArray[np.uint8]:
    """Resize with NumPy alone: first lines, then columns, each a mean of two neighbours."""
    found: NDArray[Any] = image.astype(np.float32)
    for axis, size in ((0, lines), (1, columns)):
        have = found.shape[axis]
        places = np.clip((np.arange(size) + 0.5) * have / size - 0.5, 0, have - 1)
        before = np.minimum(places.astype(np.intp), max(0, have - 2))
        share = (places - before).astype(np.float32).reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
        after = np.minimum(before + 1, have - 1)
        found = found.take(before, axis) * (1 - share) + found.take(after, axis) * share
    rounded: NDArray[np.uint8] = np.rint(found).astype(np.uint8)
    return rounded
