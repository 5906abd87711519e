"""Stages of a pipeline over the digits model, and data for it."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

PICTURES = np.random.default_rng(0).random((6, 8, 8)).astype(np.float32)


def preprocess(item: Any) -> tuple[Any, int]:
    return item[None, None], 7


def postprocess(outputs: dict[str, Any], context: int) -> list[int]:
    assert context == 7
    return [int(scores.argmax()) for scores in outputs.values()]


def slow_before(item: Any) -> Any:
    time.sleep(0.01)
    return item[None, None]


def slow_after(outputs: dict[str, Any]) -> int:
    time.sleep(0.006)
    return len(outputs)


class Fuse:
    """A function that does something at its n-th call."""

    def __init__(self, calls: int, what: Any) -> None:
        self.left = calls
        self.what = what

    def __call__(self, item: Any) -> Any:
        self.left -= 1
        if self.left < 0:
            self.what()
        return item[None, None]


def crash() -> None:
    import ctypes

    # In this thread, as a fault of native code is; a signal to the process may end it a while later from another one.
    ctypes.string_at(0)


def raise_value_error() -> None:
    raise ValueError("the picture is  too\ndark")
