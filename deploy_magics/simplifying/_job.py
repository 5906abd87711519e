"""What runs in the worker: from one file to another, by one backend, within a bound on its growth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from deploy_magics.errors import DeployError, ModelError
from deploy_magics.simplifying import _frame, _onnxsim, _ort
from deploy_magics.simplifying._graph import all_graphs
from deploy_magics.simplifying._refusal import Refused

if TYPE_CHECKING:
    import onnx

Backend = Literal["onnxsim", "ort"]
MOST_BYTES = 2**31 - 1
"""A protobuf message cannot be larger, and so neither can a model with its weights inside."""


@dataclass(frozen=True)
class Effort:
    """How much to fold.

    Attributes
    ----------
    share : float
        Of the bytes by which the model may grow, the share that one constant may take.
    fold : bool
        Whether constants are folded at all.
    fuse : bool
        Whether batch normalisation is folded into convolutions.
    note : str
        What is said where this was needed; "" for the first.
    """

    share: float
    fold: bool = True
    fuse: bool = True
    note: str = ""


EFFORTS = (
    Effort(1.0),
    Effort(0.05, note="large constants are left unfolded"),
    Effort(0.0, note="constants that operators make are left unfolded"),
    Effort(0.0, fold=False, note="constants are left unfolded"),
    Effort(0.0, fold=False, fuse=False, note="constants and batch normalisation are left unfolded"),
)


_GROWING = frozenset({"ConstantOfShape", "Expand", "Tile"})


@dataclass(frozen=True)
class Done:
    """What the worker reports.

    Attributes
    ----------
    before, after : int
        Bytes of the model, its weights inside, as it was prepared and as it is now.
    gained : bool
        Whether it has fewer nodes, fewer bytes, dimensions that were bound, or its nodes were put in order.
    notes : tuple of str
        One line each.
    """

    before: int
    after: int
    gained: bool
    notes: tuple[str, ...]


def simplify(
    source: str,
    target: str,
    *,
    backend: Backend,
    shapes: Mapping[str, _frame.Shape],
    max_growth: float,
    max_bytes: int = MOST_BYTES,
    fold: bool = True,
) -> Done:
    """Simplify one file into another.

    Raises
    ------
    Refused
        Where the backend does not take the model, cannot keep within the bound, or makes more nodes of it.
    ModelError
        Where the model cannot be simplified by any.
    """
    path, out = Path(source), Path(target)
    with _writing(out.parent):
        model = _load(path)
        _check_size(model)
        frame = _frame.prepare(model, shapes)
        parts = out.parent / "parts"
        parts.mkdir()
        ready = parts / "prepared.onnx"
        ready.write_bytes(model.SerializeToString())
        before = ready.stat().st_size
        outputs = [value.name for value in model.graph.output]
        domains, most_nodes = _domains(model), _nodes(model)
        del model
        limit = int(before * max_growth)
        why = ""
        efforts = [effort for effort in EFFORTS if fold or not effort.fold]
        for effort in efforts:
            result = _try(ready, backend, effort, min(limit - before, max_bytes))
            if result is None:
                continue
            if [value.name for value in result.graph.output] != outputs:
                raise Refused("it changed the model's outputs")
            foreign = _domains(result) - domains
            if foreign:
                raise Refused(f"its result needs operators of {', '.join(sorted(foreign))}, which are not standard")
            _frame.restore(result, frame)
            size, nodes = result.ByteSize(), _nodes(result)
            if size <= min(limit, MOST_BYTES) and nodes <= most_nodes:
                out.write_bytes(result.SerializeToString())
                gained = nodes < most_nodes or size < before or frame.repaired or frame.bound
                return Done(before, size, gained, (*frame.notes, *_left(result, effort)))
            if nodes > most_nodes:  # a Loop written out
                why = f"its result has {nodes} nodes, the model {most_nodes}"
            else:
                why = f"its result has {_written(size)}, more than {max_growth:g} times the model"
        raise Refused(why)


def _try(ready: Path, backend: Backend, effort: Effort, spare: int) -> onnx.ModelProto | None:
    """Make one effort; None where this backend has no such."""
    if backend == "onnxsim":
        return _onnxsim.run(ready, largest=int(spare * effort.share), fold=effort.fold, fuse=effort.fuse)
    if (effort.fold and effort.note) or not effort.fuse:
        return None
    return _ort.run(ready, ready.with_name("optimised.onnx"), fold=effort.fold)


def _left(model: onnx.ModelProto, effort: Effort) -> list[str]:
    """Say which constants were not folded so as not to grow."""
    if effort.note:
        return [effort.note]
    constants = {tensor.name for tensor in model.graph.initializer}
    constants.update(name for node in model.graph.node if node.op_type == "Constant" for name in node.output)
    left = sum(
        node.op_type in _GROWING and all(name in constants for name in node.input if name) for node in model.graph.node
    )
    return [f"{left} large {'constant is' if left == 1 else 'constants are'} left unfolded"] if left else []


def _load(path: Path) -> onnx.ModelProto:
    import onnx

    try:
        return onnx.load(str(path))
    except DeployError:
        raise
    except Exception as error:  # noqa: BLE001 - protobuf's, the checker's and the system's errors alike
        raise ModelError(f"cannot read {path.name!r}: {error}") from None


def _check_size(model: onnx.ModelProto) -> None:
    size = model.ByteSize()
    if not 0 <= size < MOST_BYTES:
        raise ModelError(
            f"with its weights the model has {size / 2**30:.1f} GiB; 2 GiB is the most that can be simplified"
        )


def _nodes(model: onnx.ModelProto) -> int:
    inside = sum(len(graph.node) for graph in all_graphs(model.graph))
    return inside + sum(len(function.node) for function in model.functions)


def _written(size: int) -> str:
    return f"{size / 2**20:.1f} MiB" if size >= 2**20 else f"{size / 2**10:.1f} KiB"


def _domains(model: onnx.ModelProto) -> set[str]:
    names = {node.domain for graph in all_graphs(model.graph) for node in graph.node}
    names.update(node.domain for function in model.functions for node in function.node)
    return {"" if name == "ai.onnx" else name for name in names} | {""}


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Say in one line that the disk refuses."""
    try:
        yield
    except OSError as error:
        raise DeployError(f"cannot write in {str(folder)!r}: {error.strerror or error}") from None
