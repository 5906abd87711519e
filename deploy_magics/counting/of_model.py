"""Count a :class:`~deploy_magics.model.Model`: its dimensions bound, its shapes inferred, its functions inlined."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_magics.counting.count import Counts, count
from deploy_magics.counting.linking import check_functions
from deploy_magics.errors import DeployError

if TYPE_CHECKING:
    import onnx

    from deploy_magics.model import Model

_TIMEOUT_S = 120.0
_MEMORY_BYTES = 2 * 2**30


def count_model(model: Model, by: str = "conv+linear") -> Counts:
    """Count a model at the sizes its dimensions are bound to; open ones take those of ``model.assumed``.

    Parameters
    ----------
    model : Model
        Its shapes are inferred in a worker, once for each file and binding.
    by : str
        Name of the convention.

    Raises
    ------
    ModelError
        Where an open dimension has no sensible size, or functions call each other without bound.
    ArgumentError
        Where there is no such convention.
    """
    # Before native code that would expand them as well.
    check_functions(model.skeleton)
    return count(_inlined(model.concrete().inferred()), by)


def inline_and_infer(data: bytes) -> bytes:
    """Replace calls of functions by their bodies and infer the shapes inside; runs in a worker."""
    import onnx
    from onnx import inliner

    from deploy_magics.model._native import infer

    return infer(inliner.inline_local_functions(onnx.load_from_string(data)).SerializeToString())


def _inlined(proto: onnx.ModelProto) -> onnx.ModelProto:
    """Give a model whose values inside function calls have shapes as well."""
    if not proto.functions:
        return proto
    from deploy_magics import workers

    try:
        data = workers.call(
            "deploy_magics.counting.of_model:inline_and_infer",
            proto.SerializeToString(),
            name="inlining functions",
            timeout=_TIMEOUT_S,
            memory=workers.memory_bound(_MEMORY_BYTES),
        )
    except DeployError:
        # Counting goes on without: the nodes inside are then listed as not counted, their shapes being unknown.
        return proto
    flat = type(proto)()
    flat.ParseFromString(data)
    return flat
