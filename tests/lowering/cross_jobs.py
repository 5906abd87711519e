"""What the tests of code for other processors do in a worker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from deploy_magics.lowering._tvm import tvm
from deploy_magics.lowering.build import export
from deploy_magics.lowering.pipeline import make, signature_of
from deploy_magics.lowering.target import Target

Case = tuple[list[list[int]], bytes, bytes]


def compile_for(path: str, target: str, outputs: list[str], workspace: str) -> dict[str, Case]:
    """Compile a model for another processor; give shapes, inputs and what this machine computes of each function.

    What it computes here is the plain loop as TVM made it, scheduled for no machine.
    """
    signature = signature_of(Path(path))
    assert signature is not None
    machine = Target.parse(target)
    made = make(Path(path), signature, machine, model={"name": "n", "digest": "", "source": ""})
    for number, output in enumerate(outputs):
        folder = Path(workspace) / str(number)
        folder.mkdir()
        export(made.executable, machine, Path(output), made.manifest, workspace=folder)
    assert made.lowered is not None
    rng = np.random.default_rng(0)
    cases = {}
    for task in made.lowered.tasks:
        if all(str(each.dtype) == "float32" for each in task.function.params):
            cases[task.names[0]] = _case(task.function, rng)
    return cases


def _case(function: Any, rng: np.random.Generator) -> Case:
    shapes = [[int(extent) for extent in each.shape] for each in function.params]
    given = [rng.standard_normal(shape).astype(np.float32) for shape in shapes]
    code = tvm().compile(function.with_attr("global_symbol", "main"), target="llvm")
    tensors = [tvm().runtime.tensor(array) for array in given]
    code["main"](*tensors)
    return shapes, b"".join(array.tobytes() for array in given[:-1]), tensors[-1].numpy().tobytes()
