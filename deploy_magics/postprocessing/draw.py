"""Heads drawn at random whose share of survivors is known: for timing, where no trained detector is at hand."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deploy_magics.errors import ArgumentError
from deploy_magics.postprocessing.sigmoid import check_threshold, inverse_sigmoid


def draw_head(
    rows: int = 25_200, classes: int = 80, share: float = 0.01, threshold: float = 0.25, seed: int = 0
) -> NDArray[np.float32]:
    """Draw a head with objectness: boxes in clusters on 640 x 640 pixels, background far below the threshold.

    Survivors are rows whose score is above the threshold; their number is ``round(share rows)``. They lie in clusters
    of about ten around common boxes of a common class, as neighbouring cells of a real detector find the same thing.
    Objectness of the background is normal around 4 below the threshold's logit, class logits around -4.

    Parameters
    ----------
    rows, classes : int
        Shape of the head: ``(rows, 5 + classes)``; 25,200 and 80 are those of YOLOv5 at 640 x 640.
    share : float
        Share of rows whose score is above the threshold, 0 to 1.
    threshold : float
        That threshold.
    seed : int
        Seed of the draws.

    Examples
    --------
    >>> from deploy_magics.postprocessing import decode_fast
    >>> len(decode_fast(draw_head(1000, 10, share=0.05)))
    50
    """
    _check(rows, classes, share, threshold)
    rng = np.random.default_rng(seed)
    head = np.empty((rows, 5 + classes), np.float32)
    head[:, :2] = rng.uniform(0, 640, (rows, 2))
    head[:, 2:4] = rng.uniform(16, 160, (rows, 2))
    edge = inverse_sigmoid(threshold)
    head[:, 4] = edge - np.maximum(0.1, rng.normal(4, 1, rows))
    head[:, 5:] = rng.normal(-4, 1, (rows, classes))
    many = round(share * rows)
    found = rng.choice(rows, many, replace=False)
    cluster = rng.integers(0, max(1, many // 10), many)
    head[found, :4] = head[found[cluster], :4] + rng.normal(0, 4, (many, 4))
    head[found, 2:4] = np.maximum(4, head[found, 2:4])
    # Both factors above the root of the threshold, so that their product is above it.
    root = inverse_sigmoid(threshold**0.5)
    head[found, 4] = root + rng.uniform(0.1, 3, many)
    head[found, 5 + cluster % classes] = max(root, -1.0) + rng.uniform(0.1, 4, many)
    return head


def draw_dfl_head(
    rows: int = 8_400, classes: int = 80, share: float = 0.01, threshold: float = 0.25, bins: int = 16, seed: int = 0
) -> NDArray[np.float32]:
    """Draw a head with distributions of distances, ``(rows, 4 bins + classes)``; see :func:`draw_head`."""
    _check(rows, classes, share, threshold)
    rng = np.random.default_rng(seed)
    head = rng.normal(0, 2, (rows, 4 * bins + classes)).astype(np.float32)
    edge = inverse_sigmoid(threshold)
    head[:, 4 * bins :] = np.minimum(edge - 0.1, rng.normal(edge - 5, 1, (rows, classes)))
    found = rng.choice(rows, round(share * rows), replace=False)
    head[found, 4 * bins + rng.integers(0, classes, len(found))] = edge + rng.uniform(0.1, 4, len(found))
    return head


def _check(rows: int, classes: int, share: float, threshold: float) -> None:
    check_threshold(threshold)
    if not 0 <= share <= 1 or rows < 1 or classes < 1:
        raise ArgumentError("a head needs rows, classes and a share of 0 to 1")
