"""To TFLite, from what a network was written in: a torch module, Keras model, saved model or JAX function."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deploy_magics.converting._made import Made, Options, Source
from deploy_magics.converting.litert import ports
from deploy_magics.errors import ModelError

_SELECTED = "needs operators of TensorFlow that LiteRT does not have"


def convert(source: Source, folder: Path, stem: str, options: Options) -> Made:
    """Write a ``.tflite`` in float32, with a signature that has the names of the original.

    Raises
    ------
    ModelError
        Where the converter cannot.
    """
    target = folder / f"{stem}.tflite"
    by = _of_torch(source, target) if source.kind == "torch" else _of_tensorflow(source, target)
    # litert-torch leaves batches open in name, and then fails at the first view of what it does not know the size of.
    return Made(target.name, by, *ports(target), fixes=source.kind == "torch")


def _of_tensorflow(source: Source, target: Path) -> str:
    from deploy_magics.converting import jax, tensorflow

    opened = jax.opened(source) if source.kind == "jax" else tensorflow.opened(source)
    tf = opened.package
    concrete = opened.function.get_concrete_function()
    holder = tf.Module()
    # What is not held is lost without a word, and a Keras model does not hold its variables where TensorFlow looks.
    holder.function, holder.keeps, holder.weights = opened.function, opened.keeps, list(concrete.graph.variables)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], holder)
    try:
        target.write_bytes(converter.convert())
    except Exception as error:  # noqa: BLE001 - its errors have no class of their own that is public
        lines = [" ".join(line.split()) for line in str(error).splitlines() if line.strip()]
        flex = next((line for line in lines if line.startswith(("Flex ops:", "Custom ops:"))), "")
        reason = f"it {_SELECTED}: {flex.partition(': ')[2]}" if flex else (lines or [type(error).__name__])[0]
        open_ = any(size is None for port in opened.inputs for size in port.shape or ())
        hint = "give open dimensions a size: --dim batch=1" if open_ and not flex else None
        raise ModelError(f"TensorFlow cannot write it as TFLite: {reason[:240]}", hint=hint) from None
    return f"TensorFlow {tf.__version__}"


def _of_torch(source: Source, target: Path) -> str:
    from importlib.metadata import version

    import litert_torch
    import torch

    from deploy_magics.converting.torchscript import tensors, unpack

    packed = unpack(source.path)

    class Named(torch.nn.Module):
        """The module, called by names and giving results by names, which the signature then has."""

        def __init__(self) -> None:
            super().__init__()
            self.module = packed.module

        def forward(self, **given: Any) -> dict[str, Any]:
            found = tensors(self.module(*given.values()))
            return dict(zip(source.outputs, found, strict=True))

    kept = [place for place, name in enumerate(packed.names) if name in source.known]
    if len(kept) < len(packed.names):
        raise ModelError(
            f"nothing depends on input {next(n for n in packed.names if n not in source.known)!r}",
            hint="give a module without it",
        )
    given = {
        name: _sized(value, source.sizes.get(name)) for name, value in zip(packed.names, packed.inputs, strict=True)
    }
    try:
        litert_torch.convert(Named().eval(), sample_kwargs=given).export(str(target))
    except Exception as error:  # noqa: BLE001 - tracing a user's module raises anything
        reason = " ".join(str(error).split())[:240]
        raise ModelError(f"litert-torch cannot convert it: {type(error).__name__}: {reason}") from None
    return f"litert-torch {version('litert-torch')}"


def _sized(value: Any, shape: tuple[int | None, ...] | None) -> Any:
    """Give an example input the sizes that it is to have; only those count."""
    import torch

    if shape is None or tuple(value.shape) == shape:
        return value
    return torch.zeros([size or old for size, old in zip(shape, value.shape, strict=True)], dtype=value.dtype)


__all__ = ["convert"]
