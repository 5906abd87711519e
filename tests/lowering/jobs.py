"""What the tests of this room do in a worker, where TVM may crash without ending them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from deploy_magics.lowering._tvm import tvm
from deploy_magics.lowering.pipeline import make, signature_of
from deploy_magics.lowering.target import Target
from deploy_magics.lowering.tasks import Lowered, lower, scheduled


def difference(path: str, cpu: str, layout: str, how: str = "rule") -> tuple[float, str]:
    """Run a model by TVM and by ONNX Runtime; give how far apart they are as a share of the range, and the layout."""
    import onnxruntime

    made = _made(path, cpu, layout, how)
    onnxruntime.set_default_logger_severity(4)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    feeds = {
        each.name: np.random.default_rng(1).standard_normal(each.shape).astype(np.float32)
        for each in session.get_inputs()
    }
    wanted = session.run(None, feeds)[0]
    machine = tvm().relax.VirtualMachine(made.executable, tvm().cpu())
    found = machine["main"](*[tvm().runtime.tensor(array) for array in feeds.values()]).numpy()
    assert found.shape == wanted.shape
    span = float(wanted.max() - wanted.min()) or 1.0
    return float(np.abs(found - wanted).max()) / span, made.manifest.layout


def refused_defaults(path: str, cpu: str) -> list[str]:
    """Name the tasks whose default decisions TVM refuses."""
    refused = []
    for task in _lowered(path, cpu).tasks:
        if task.space is not None:
            try:
                scheduled(task, task.space.default)
            except Exception as error:  # noqa: BLE001 - whatever it is, the test says so
                refused.append(f"{task.label}: {error}")
    return refused


def decided(path: str, cpu: str, seed: int, count: int) -> list[float]:
    """Compare what random valid decisions compute with what the default ones do, task by task."""
    rng = np.random.default_rng(seed)
    found = []
    for task in _lowered(path, cpu).tasks:
        if task.space is None or not task.space.knobs:
            continue
        shapes = [tuple(int(extent) for extent in each.shape) for each in task.function.params]
        given = [rng.standard_normal(shape).astype(np.float32) for shape in shapes]
        reference = _call(task.space.apply(task.space.default), given, cpu)
        for _ in range(count):
            decisions = {name: int(rng.choice(values)) for name, values in task.space.knobs.items()}
            if not task.space.valid(decisions):
                continue
            output = _call(task.space.apply(decisions), given, cpu)
            found.append(float(np.abs(output - reference).max() / (np.ptp(reference) or 1.0)))
    return found


def keys(path: str) -> list[str]:
    """Give the keys of a model's tasks."""
    return [task.key for task in _lowered(path, "").tasks]


def labels(path: str) -> list[str]:
    """Give what the tasks are called."""
    return [task.label for task in _lowered(path, "").tasks]


def _target(cpu: str) -> Target:
    return Target.parse(f"llvm -mcpu={cpu}") if cpu else Target.host()


def _made(path: str, cpu: str, layout: str, how: str) -> Any:
    signature = signature_of(Path(path))
    assert signature is not None
    return make(Path(path), signature, _target(cpu), model={"name": "n"}, layout=layout, how=how)


def _lowered(path: str, cpu: str) -> Lowered:
    from deploy_magics.lowering.frontend import import_onnx

    signature = signature_of(Path(path))
    assert signature is not None
    return lower(import_onnx(path, signature.inputs), _target(cpu))


def _call(module: Any, given: list[Any], cpu: str) -> Any:
    code = tvm().compile(module, target=_target(cpu).to_tvm())
    tensors = [tvm().runtime.tensor(array) for array in given]
    code["main"](*tensors)
    return tensors[-1].numpy()
