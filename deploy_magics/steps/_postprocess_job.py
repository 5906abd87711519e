"""What ``%%postprocess`` does in its workers: calls functions on outputs, to see what they find and to be timed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from deploy_magics.errors import ArgumentError, DeployError
from deploy_magics.functions import unpack

if TYPE_CHECKING:
    from deploy_magics.postprocessing import Detections

Keywords = Mapping[str, Any]


def found_by(packed: bytes, outputs: Any, keywords: Mapping[str, Keywords]) -> dict[str, Detections]:
    """Call each function once, and give what it finds.

    Parameters
    ----------
    packed : bytes
        The functions, by :func:`deploy_magics.functions.pack`.
    outputs : array or dict of arrays
        What the model gave.
    keywords : mapping
        Further arguments of each function, by its name.

    Raises
    ------
    ArgumentError
        Where what one gives is no detections, or it changes the outputs.
    DeployError
        What one raised, with its name.
    """
    before = _digest(outputs)
    found = {}
    for name, function in unpack(packed).items():
        found[name] = _detections(name, _called(name, partial(function, **keywords[name]), outputs))
        if _digest(outputs) != before:
            raise ArgumentError(
                f"{name} changes the outputs it was given, so its next call sees others", hint="let it copy first"
            )
    return found


def _called(name: str, function: Callable[..., Any], outputs: Any) -> Any:
    try:
        return function(outputs)
    except DeployError as error:
        raise type(error)(f"{name}: {error.message}", hint=error.hint) from None
    except Exception as error:  # noqa: BLE001 - the user's own code may raise anything
        where = _line(error)
        raise DeployError(f"{name}{where} raised {type(error).__name__}: {error}", hint=_shapes(outputs)) from None


def _line(error: BaseException) -> str:
    """Tell the innermost line that is the user's own: in a cell or file, and in no installed package."""
    import traceback

    own = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if "site-packages" not in frame.filename and not frame.filename.startswith(__file__)
    ]
    return f", line {own[-1].lineno}," if own else ""


def _shapes(outputs: Any) -> str:
    if isinstance(outputs, Mapping):
        listed = ", ".join(f"{name!r} {array.shape}" for name, array in outputs.items())
        return f"the outputs are a dict: {listed}"
    return f"the output has shape {outputs.shape}, {outputs.dtype}"


def _detections(name: str, value: Any) -> Detections:
    from deploy_magics.postprocessing import Detections

    if not isinstance(value, tuple | list | Detections) or len(tuple(value)) != 3:
        said = f"{len(value)} values" if isinstance(value, tuple | list) else f"a value of type {type(value).__name__}"
        raise ArgumentError(f"{name} gives {said} and no detections", hint="return boxes, scores, classes")
    try:
        return Detections.of(*value)
    except ArgumentError as error:
        raise ArgumentError(f"{name}: {error.message}", hint=error.hint) from None


def _digest(outputs: Any) -> list[bytes]:
    import hashlib

    import numpy as np

    arrays = outputs.values() if isinstance(outputs, Mapping) else [outputs]
    return [hashlib.blake2b(np.ascontiguousarray(array).view(np.uint8).data).digest() for array in arrays]


class Call:
    """What is timed: one call of one function on the outputs, which are in place."""

    def __init__(self, packed: bytes, name: str, keywords: Keywords) -> None:
        self._function = partial(unpack(packed)[name], **keywords)
        self._outputs: Any = None

    def set_inputs(self, outputs: Any) -> None:
        """Take the outputs in."""
        self._outputs = outputs

    def run(self) -> None:
        """Call it."""
        self._function(self._outputs)
