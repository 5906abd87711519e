"""The torch module of a model, written for a runtime that runs those and no ONNX files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from deploy_magics.converting import Source
from deploy_magics.errors import ModelError

if TYPE_CHECKING:
    from deploy_magics.arguments import ModelLike
    from deploy_magics.model import Model
    from deploy_magics.running._protocol import Arrays, Runtime


def packed(model: Model, obj: ModelLike, runtime: Runtime, feeds: Arrays, path: Path) -> Source:
    """Write the torch module of a model, with the inputs that it is to run on.

    Parameters
    ----------
    model : Model
        The model.
    obj : ModelLike
        As the user named it, where the model itself holds no module.
    runtime : Runtime
        What asks for it.
    feeds : dict of arrays
        Inputs by the name that they have in the ONNX file; others are the module's own examples.
    path : Path
        Where to.

    Raises
    ------
    ModelError
        Where there is no module.
    """
    from deploy_magics.converting.torchscript import pack
    from deploy_magics.model import module_of

    try:
        found = module_of(model if model.module is not None else obj)
    except ModelError:
        raise ModelError(
            f"{runtime.title} needs a torch module, and {model.name!r} holds none",
            hint=getattr(runtime, "instead", "give the module with its input: (module, example)"),
        ) from None
    import torch

    values = tuple(
        torch.from_numpy(feeds[name].copy()) if name in feeds else usual
        for name, usual in zip(found.names, found.inputs, strict=True)
    )
    pack(found.module, values, found.names, path)
    names, outputs = (tuple(spec.name for spec in specs) for specs in (model.inputs, model.outputs))
    return Source(str(path), "torch", found.names, outputs, names)


__all__ = ["packed"]
