"""Inputs to run a model on: random ones that make sense, or those that were given."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any, TypeGuard

from deploy_magics.errors import ModelError
from deploy_magics.model import _given
from deploy_magics.model._spec import Limits, TensorSpec, bytes_of, numpy_dtype
from deploy_magics.model._text import quote, size

if TYPE_CHECKING:
    import numpy as np
    import onnx

    from deploy_magics.arguments import FeedSource

Array = "np.ndarray[Any, Any]"

_WORDS = ("deploy", "model", "notebook", "latency", "picture", "")
_STRING_BYTES = 64
_FOLLOWED = {"Cast", "Identity", "Reshape", "Unsqueeze", "Squeeze", "Flatten", "Transpose", "Expand"}


def is_seed(source: object) -> TypeGuard[int]:
    """Tell whether a source of inputs is a seed."""
    return isinstance(source, Integral) and not isinstance(source, bool)


def feeds_for(inputs: Sequence[TensorSpec], source: FeedSource = 0) -> dict[str, np.ndarray[Any, Any]]:
    """Make inputs for what takes tensors of fixed shapes, as ``Model.feeds`` makes them.

    Parameters
    ----------
    inputs : sequence of TensorSpec
        With every dimension fixed.
    source : int, path, mapping or callable
        A seed for random ones, an ``.npz`` file, arrays by name, or a function that returns such a mapping. From the
        same seed come the same values as from ``Model.feeds``, but for integers that look up a table of the model: how
        large it is cannot be seen here, and they are 0 or 1.

    Raises
    ------
    ModelError
        Where given data do not fit, or more memory would be needed than ``Limits`` allow.
    """
    most = Limits().max_bytes
    return random_feeds(inputs, int(source), most, {}) if is_seed(source) else _given.given(source, inputs, most)


def random_feeds(
    inputs: Sequence[TensorSpec], seed: int, most_bytes: int, ranges: Mapping[str, int]
) -> dict[str, np.ndarray[Any, Any]]:
    """Make random inputs, the same ones for the same seed.

    Parameters
    ----------
    inputs : sequence of TensorSpec
        With every dimension fixed.
    seed : int
        Non-negative.
    most_bytes : int
        Bytes that all together may take.
    ranges : mapping of str to int
        Sizes of the tables that integer inputs look up, by input; see :func:`index_ranges`.

    Notes
    -----
    Floats are uniform in [0, 1): valid for logarithms, roots, scores and pictures alike. Bytes take their full range.
    Wider integers are looked up somewhere more often than not: they stay below the size of the table they index where
    that can be seen, and are 0 or 1 elsewhere. What is called a mask is all ones, a segment or token type all zeros.
    """
    import numpy as np

    if seed < 0:
        raise ModelError(f"a seed must not be negative, as {seed} is")
    fits(inputs, most_bytes)
    feeds: dict[str, Any] = {}
    for place, spec in enumerate(inputs):
        # A stream of its own for each input, so that one input's shape does not change another's values.
        rng = np.random.default_rng([seed, place])
        # Without dimensions, NumPy gives numbers that are no arrays.
        feeds[spec.name] = np.asarray(_random(spec, rng, ranges.get(spec.name)))
    return feeds


def fits(inputs: Sequence[TensorSpec], most_bytes: int) -> None:
    """Raise ModelError where inputs would take more memory than they may, before any is made."""
    total = 0
    for spec in inputs:
        shape = [dim for dim in spec.shape or () if isinstance(dim, int)]
        needed = bytes_of(spec.dtype, shape)
        if needed is None:
            needed = _STRING_BYTES * (bytes_of("uint8", shape) or 0)
        total += needed
        if needed > most_bytes:
            raise ModelError(
                f"input {quote(spec.name)} of {spec.dtype} {'x'.join(map(str, shape[:8]))} takes {size(needed)}, and "
                f"{size(most_bytes)} are allowed",
                hint="give smaller --shape or --dim, or raise DeployMagics.max_bytes",
            )
    if total > most_bytes:
        raise ModelError(
            f"its inputs take {size(total)} together, and {size(most_bytes)} are allowed",
            hint="give smaller --shape or --dim, or raise DeployMagics.max_bytes",
        )


def _random(spec: TensorSpec, rng: np.random.Generator, table: int | None) -> Any:
    import numpy as np

    shape = tuple(dim for dim in spec.shape or () if isinstance(dim, int))
    if not spec.is_tensor:
        raise ModelError(
            f"input {quote(spec.name)} has the type {spec.dtype}, for which no random values are made",
            hint="give values by name from Python: data={...}",
        )
    if spec.dtype == "string":
        return np.array(np.array(_WORDS)[rng.integers(0, len(_WORDS), shape)].tolist(), dtype=object).reshape(shape)
    kind = numpy_dtype(spec.dtype)
    name = spec.name.lower()
    if re.search(r"mask", name) and (kind.kind in "iub" or "attention" in name):
        return np.ones(shape, kind)
    if spec.dtype == "bool":
        return rng.random(shape) < 0.5
    if spec.dtype in ("uint8", "int8"):
        low, high = (0, 256) if spec.dtype == "uint8" else (-128, 128)
        high = min(high, max(1, table)) if table is not None else high
        return rng.integers(max(low, 0) if table is not None else low, high, shape, dtype=kind)
    if kind.kind in "iu" or spec.dtype in ("int4", "uint4", "int2", "uint2"):
        if re.search(r"token_?type|segment", name):
            return np.zeros(shape, kind)
        return rng.integers(0, max(1, min(table, 2**31)) if table is not None else 2, shape).astype(kind)
    if kind.kind == "c":
        return (rng.random(shape) + 1j * rng.random(shape)).astype(kind)
    if kind.itemsize == 8:
        return rng.random(shape)
    return rng.random(shape, dtype=np.float32).astype(kind)


def index_ranges(graph: onnx.GraphProto) -> dict[str, int]:
    """Find the tables that inputs index: the size along the axis that a Gather of a weight looks up.

    Followed through operators that keep the values; of several tables the smallest counts.
    """
    shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        if node.op_type == "Constant" and len(node.output) == 1:
            for attribute in node.attribute:
                if attribute.name == "value":
                    shapes[node.output[0]] = tuple(attribute.t.dims)
        for name in node.input:
            readers.setdefault(name, []).append(node)
    found: dict[str, int] = {}
    for value in graph.input:
        if value.name in shapes:
            continue
        pending, seen = [value.name], {value.name}
        while pending and len(seen) < 100:
            name = pending.pop()
            for node in readers.get(name, ()):
                if node.op_type in ("Gather", "GatherElements") and list(node.input[1:2]) == [name]:
                    table = shapes.get(node.input[0])
                    axis = next((a.i for a in node.attribute if a.name == "axis"), 0)
                    if table and -len(table) <= axis < len(table):
                        found[value.name] = min(found.get(value.name, table[axis]), table[axis])
                elif node.op_type in _FOLLOWED and node.input[0] == name:
                    new = [output for output in node.output[:1] if output not in seen]
                    seen.update(new)
                    pending.extend(new)
    return found
