"""A model's weights, one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from deploy_magics.errors import ModelError
from deploy_magics.model._store import Store
from deploy_magics.model._text import quote, size

if TYPE_CHECKING:
    import numpy as np
    import onnx


def named_tensors(model: onnx.ModelProto) -> Iterator[tuple[str, onnx.TensorProto]]:
    """Give each tensor with a name: initialisers of all graphs, and constants by the output that they give.

    The main graph's initialisers come first; of a sparse one its values.
    """
    pending: list[Any] = [model.graph, *model.functions]
    while pending:
        body = pending.pop(0)
        for tensor in getattr(body, "initializer", ()):
            yield tensor.name, tensor
        for sparse in getattr(body, "sparse_initializer", ()):
            yield sparse.values.name, sparse.values
        for node in body.node:
            for attribute in node.attribute:
                if attribute.HasField("t"):
                    constant = node.op_type == "Constant" and len(node.output) == 1
                    yield (node.output[0] if constant else attribute.t.name or node.name), attribute.t
                if attribute.HasField("g"):
                    pending.append(attribute.g)
                pending.extend(attribute.graphs)


def weights(model: onnx.ModelProto, store: Store, most: int) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    """Read each tensor's values when its turn comes; raises ModelError where one takes more than ``most`` bytes."""
    for name, tensor in named_tensors(model):
        place = store.place(tensor)
        needed = place.length if place else tensor.ByteSize()
        if needed > most:
            raise ModelError(
                f"weight {quote(name)} takes {size(needed)}, and {size(most)} are allowed",
                hint="raise DeployMagics.max_bytes",
            )
        yield name, store.array(tensor)
