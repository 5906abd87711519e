"""Models of other frameworks in ``%convert``: each has a stand-in, by which it goes wherever models go."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any

from deploy_magics import converting

if TYPE_CHECKING:
    import onnx

    from deploy_magics.arguments import FeedSource, Shapes
    from deploy_magics.converting import Origin, Port


class Origins:
    """The models of one call.

    Parameters
    ----------
    models : sequence of ModelLike
        As the user named them.
    shapes, data
        What tells the inputs of a function.
    timeout : float
        Bound on reading each, in seconds.
    memory : int
        Bound on its memory, in bytes.

    Attributes
    ----------
    models : tuple of ModelLike
        The same, with a stand-in for each that is of another framework.
    of : tuple of Origin or None
        What those are.

    Raises
    ------
    DeployError
        Where one cannot be read.
    """

    def __init__(
        self, models: Sequence[Any], *, shapes: Shapes, data: FeedSource | None, timeout: float, memory: int
    ) -> None:
        from deploy_magics.progress import progress
        from deploy_magics.temporary import Folder

        self._stack = ExitStack()
        found: list[Origin | None] = []
        try:
            for given in models:
                folder = self._stack.enter_context(closing(Folder())).path
                origin = converting.origin_of(given, folder, shapes=shapes, data=data)
                if origin is not None:
                    with progress(f"convert: reading {origin.name}"):
                        origin = converting.describe(origin, timeout=timeout, memory=memory)
                found.append(origin)
        except BaseException:
            self._stack.close()
            raise
        self.of = tuple(found)
        self.models = tuple(
            given if origin is None else (origin.name, stand_in(origin))
            for given, origin in zip(models, found, strict=True)
        )

    def close(self) -> None:
        """Remove their files."""
        self._stack.close()


def stand_in(origin: Origin) -> onnx.ModelProto:
    """Make an ONNX model with the same inputs and outputs, and one node in place of what is between.

    What it computes is known by the worker that runs the original, and no runtime is ever given this.
    """
    from onnx import helper

    inputs, outputs = ([_value(port) for port in side] for side in (origin.inputs, origin.outputs))
    takes, gives = ([value.name for value in side] for side in (inputs, outputs))
    node = helper.make_node("Original", takes, gives, domain="deploy_magics")
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("deploy_magics", 1)]
    graph = helper.make_graph([node], origin.name, inputs, outputs)
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def _value(port: Port) -> onnx.ValueInfoProto:
    from onnx import helper

    from deploy_magics.model import numpy_dtype

    shape: list[int | str | None] | None = None
    if port.shape is not None:
        # Frameworks leave the first dimension open and without a name; it is the batch.
        shape = ["batch" if size is None and not axis else size for axis, size in enumerate(port.shape)]
    return helper.make_tensor_value_info(port.name, helper.np_dtype_to_tensor_dtype(numpy_dtype(port.dtype)), shape)


__all__ = ["Origins", "stand_in"]
