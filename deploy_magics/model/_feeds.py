"""Inputs to run a model on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy_magics.errors import ModelError
from deploy_magics.model._spec import Limits, TensorSpec

if TYPE_CHECKING:
    import numpy as np


def make_feeds(inputs: tuple[TensorSpec, ...], source: Any, batch: int | None, limits: Limits) -> dict[str, Any]:
    """Make one array for each input."""
    import numpy as np

    if isinstance(source, int):
        rng = np.random.default_rng(source)
        return {spec.name: _random(spec, rng, batch) for spec in inputs}
    if callable(source):
        source = source()
    if not isinstance(source, Mapping):
        with np.load(Path(source), allow_pickle=False) as saved:
            source = {name: saved[name] for name in saved.files}
    return {spec.name: np.asarray(source[spec.name]) for spec in inputs}


def _random(spec: TensorSpec, rng: np.random.Generator, batch: int | None) -> Any:
    import numpy as np

    if spec.shape is None:
        raise ModelError(f"input {spec.name!r} has no known rank", hint=f"give --shape {spec.name}=...")
    shape = tuple(d if isinstance(d, int) else 1 for d in spec.shape)
    if batch is not None and shape:
        shape = (batch, *shape[1:])
    if spec.dtype == "bool":
        return rng.random(shape) < 0.5
    if spec.dtype == "uint8":
        return rng.integers(0, 256, shape, dtype=np.uint8)
    kind = np.dtype(spec.dtype)
    if kind.kind in "iu":
        return rng.integers(0, 2, shape).astype(kind)
    return rng.random(shape, dtype=np.float32).astype(kind)
