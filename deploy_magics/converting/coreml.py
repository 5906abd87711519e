"""To a Core ML package, which predicts on Apple's systems only."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

from deploy_magics.converting._made import Made, Options, Port, Source
from deploy_magics.converting.torchscript import tensors, trace, unpack

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DTYPES = {65568: "float32", 65552: "float16", 65600: "float64", 131104: "int32"}
"""``ArrayFeatureType.ArrayDataType``."""
_DYNAMIC_MOST = 4096


def convert(source: Source, folder: Path, stem: str, options: Options) -> Made:
    """Write an ML program in float32, as the module is; coremltools would take float16 by itself."""
    from importlib.metadata import version

    logging.disable(logging.WARNING)  # It says which torch it was tested with, in a worker that does nothing else.
    import coremltools
    import torch

    packed = unpack(source.path)
    traced, said = trace(packed)
    with torch.no_grad():
        found = list(tensors(packed.module(*packed.inputs)))
    renamed = _renamed((*packed.names, *source.outputs))
    inputs = [
        _tensor(coremltools, renamed.get(name, name), value, options.dynamic.get(name, {}))
        for name, value in zip(packed.names, packed.inputs, strict=True)
    ]
    outputs = [coremltools.TensorType(name=renamed.get(name, name)) for name in source.outputs[: len(found)]]
    made = coremltools.convert(
        traced,
        inputs=inputs,
        outputs=outputs,
        convert_to="mlprogram",
        compute_precision=coremltools.precision.FLOAT32,
        minimum_deployment_target=coremltools.target.iOS15,
    )
    target = folder / f"{stem}.mlpackage"
    made.save(str(target))
    description = coremltools.utils.load_spec(str(target)).description
    return Made(
        target.name,
        f"coremltools {version('coremltools')}",
        tuple(_port(each) for each in description.input),
        tuple(_port(each) for each in description.output),
        tuple(f"tracing warned: {line}" for line in said),
        renamed,
    )


def _tensor(coremltools: Any, name: str, value: Any, dynamic: Any) -> Any:
    import numpy as np

    shape = [
        coremltools.RangeDim(lower_bound=1, upper_bound=_DYNAMIC_MOST, default=size) if axis in dynamic else size
        for axis, size in enumerate(value.shape)
    ]
    kind = np.float32 if value.is_floating_point() else np.int32
    return coremltools.TensorType(name=name, shape=coremltools.Shape(shape) if dynamic else tuple(shape), dtype=kind)


def _renamed(names: tuple[str, ...]) -> dict[str, str]:
    """Give other names to those that are no identifiers, which Core ML asks for."""
    taken = {name for name in names if _NAME.fullmatch(name)}
    result: dict[str, str] = {}
    for name in names:
        if name in taken or name in result:
            continue
        stem = "var_" + re.sub(r"\W", "_", name, flags=re.ASCII)
        other, count = stem, 2
        while other in taken:
            other, count = f"{stem}_{count}", count + 1
        taken.add(other)
        result[name] = other
    return result


def _port(feature: Any) -> Port:
    array = feature.type.multiArrayType
    shape: tuple[int | None, ...] | None = tuple(array.shape) or None
    if array.WhichOneof("ShapeFlexibility") == "shapeRange":
        shape = tuple(
            int(size.lowerBound) if size.lowerBound == size.upperBound else None for size in array.shapeRange.sizeRanges
        )
    return Port(feature.name, _DTYPES.get(array.dataType, ""), shape)


__all__ = ["convert"]
