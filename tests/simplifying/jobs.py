"""What the worker does in place of simplifying, to see what is made of it."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from deploy_magics.simplifying import _job
from deploy_magics.simplifying._job import Done


def onnxsim_crashes(source: str, target: str, **options: Any) -> Done:
    if options["backend"] == "onnxsim":
        (Path(target).parent / "half written").write_text("x")
        os.abort()
    return _job.simplify(source, target, **options)


def onnxsim_hangs(source: str, target: str, **options: Any) -> Done:
    if options["backend"] == "onnxsim":
        time.sleep(60)
    return _job.simplify(source, target, **options)


def all_crash(source: str, target: str, **options: Any) -> Done:
    os.abort()


def changes_results(source: str, target: str, **options: Any) -> Done:
    """Make a model whose weights are 2 % off."""
    import onnx
    from onnx import numpy_helper

    model = onnx.load(source)
    for tensor in model.graph.initializer:
        array = numpy_helper.to_array(tensor)
        if array.dtype.kind == "f":
            tensor.CopyFrom(numpy_helper.from_array((array * 1.02).astype(array.dtype), tensor.name))
    return _write(model, source, target)


def breaks(source: str, target: str, **options: Any) -> Done:
    """Make a model that no longer runs."""
    import onnx

    model = onnx.load(source)
    model.graph.node[0].op_type = "Frobnicate"
    return _write(model, source, target)


def freezes_random(source: str, target: str, **options: Any) -> Done:
    """Make a constant of a random value, as a careless folder of constants does."""
    import numpy as np
    import onnx
    from onnx import numpy_helper

    model = onnx.load(source)
    for node in list(model.graph.node):
        if node.op_type.startswith("Random"):
            model.graph.node.remove(node)
            model.graph.initializer.append(numpy_helper.from_array(np.ones((2, 3), np.float32), node.output[0]))
    return _write(model, source, target)


def second_waits_for_ever(source: str, target: str, **options: Any) -> Done:
    """Say where it stands, and wait, where the source is called "second"."""
    if Path(source).stem != "second":
        return _job.simplify(source, target, **options)
    begun = Path(source).with_suffix(".begun")
    begun.with_suffix(".part").write_text(f"{os.getpid()} {Path(target).parent}")
    begun.with_suffix(".part").replace(begun)
    time.sleep(600)
    raise AssertionError


def _write(model: Any, source: str, target: str) -> Done:
    data = model.SerializeToString()
    Path(target).write_bytes(data)
    return Done(Path(source).stat().st_size, len(data), gained=True, notes=())
