"""What native code says of a model, asked in workers: does it check, does it load, what shapes do its values have."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy_magics.errors import DeployError, WorkerError
from deploy_magics.model import _infer

if TYPE_CHECKING:
    import onnx

    from deploy_magics.model._bind import Binding
    from deploy_magics.model._handle import Model
    from deploy_magics.model._opened import Opened

_TIMEOUT_S = 60.0
_MEMORY_BYTES = 4 * 2**30
_QUESTIONS = (
    ("checker", "ONNX's checker objects (it may run all the same)"),
    ("loads", "ONNX Runtime does not load it"),
)


def native_warnings(path: Path, known: dict[Any, Any]) -> tuple[str, ...]:
    """Ask ONNX's checker and ONNX Runtime about a file, once; what they say is kept in ``known``."""
    if "check" not in known:
        known["check"] = _ask(path)
    found: tuple[str, ...] = known["check"]
    return found


def _ask(path: Path) -> tuple[str, ...]:
    """Ask; a crash, a hang and running out of memory are answers too."""
    from deploy_magics.workers import Worker, memory_bound

    warnings: list[str] = []
    worker: Worker | None = None
    try:
        for function, means in _QUESTIONS:
            worker = worker or Worker(f"checking {path.name}", memory=memory_bound(_MEMORY_BYTES))
            try:
                said = worker.call(f"deploy_magics.model._native:{function}", str(path), timeout=_TIMEOUT_S)
            except WorkerError as error:
                said = error.message
                worker.close()
                worker = None
            if said:
                warnings.append(f"{means}: {said}")
    finally:
        if worker is not None:
            worker.close()
    return tuple(warnings)


def with_shapes(model: Model, opened: Opened, binding: Binding) -> tuple[onnx.ModelProto, str | None]:
    """Infer the shapes inside a model, once for each binding; see ``Model.inferred`` and ``Model.inferred_note``."""
    key = ("inferred", binding.key)
    if key not in opened.known:
        opened.require_unchanged()
        proto, note = _infer.inferred(opened.skeleton, opened.store, model.inputs, binding)
        # A run could only tell what the sizes are that were assumed for it.
        if not model.assumed and observe(model, proto):
            note = None
        opened.known[key] = (proto, note)
    found: tuple[onnx.ModelProto, str | None] = opened.known[key]
    return found


def observe(model: Model, proto: onnx.ModelProto) -> bool:
    """Fill in the shapes that inference left open by running the model once; True where none is open any more.

    Nothing is said where that fails: the shapes then stay open, and whoever counts with them says so.
    """
    from deploy_magics import workers

    names = _infer.unknown_values(proto.graph)
    if not names:
        return True
    try:
        feeds = model.feeds(0)
        with model.file() as path:
            seen = workers.call(
                "deploy_magics.model._native:observe",
                str(path),
                names,
                feeds,
                name=f"running {model.name}",
                timeout=_TIMEOUT_S,
                memory=workers.memory_bound(_MEMORY_BYTES),
            )
    except DeployError:
        return False
    _infer.fill_in(proto.graph, seen)
    return not _infer.unknown_values(proto.graph)
