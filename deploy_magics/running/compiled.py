"""Models that one runtime alone runs, compiled or converted for it, as steps take them beside others."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from deploy_magics.arguments import FeedSource, ModelLike
from deploy_magics.errors import ArgumentError, DeployError, MissingPartError, ModelError
from deploy_magics.lowering.artefact import Manifest, is_artefact, read_manifest
from deploy_magics.model import Model, TensorSpec, distinct, feeds_for, is_compiled_object
from deploy_magics.running._protocol import TellsInputs

if TYPE_CHECKING:
    import numpy as np

    from deploy_magics.converting import Port

_TIMEOUT_S = 120.0
_WEIGHTS_APART = (".xml", ".param")


@dataclass(frozen=True)
class OwnFile:
    """A model in the format of one runtime, which alone runs it. It has what runs need of a ``Model``.

    Attributes
    ----------
    name : str
        The label that tables show.
    source : str
        Where it is from, for people.
    path : Path
        What is loaded.
    """

    name: str
    source: str
    path: Path

    @property
    def files(self) -> tuple[Path, ...]:
        """What it is in: its file, and the one with the weights where those are apart."""
        weights = self.path.with_suffix(".bin")
        return (self.path, weights) if self.path.suffix in _WEIGHTS_APART and weights.is_file() else (self.path,)

    @property
    def size_bytes(self) -> int:
        """Bytes of its files."""
        return sum(path.stat().st_size for path in self.files)

    @property
    def digest(self) -> str:
        """SHA-256 of its files, one after the other, in hex."""
        found = hashlib.sha256()
        for path in self.files:
            with path.open("rb") as file:
                while block := file.read(2**20):
                    found.update(block)
        return found.hexdigest()

    def renamed(self, label: str) -> Self:
        """Give the same model under another name."""
        return replace(self, name=str(label))

    @contextmanager
    def file(self) -> Iterator[Path]:
        """Give its file, for the length of the block."""
        yield self.path


@dataclass(frozen=True)
class CompiledModel(OwnFile):
    """A model that ``%tvm_compile`` or ``%tvm_tune`` made, opened by :func:`open_all`.

    Attributes
    ----------
    manifest : Manifest
        What it says of itself.
    """

    manifest: Manifest
    runtime = "tvm"
    """The one runtime that runs it."""
    assumed = ()
    """Sizes that were assumed for open dimensions: none, as all are fixed when it is compiled."""

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """The inputs, as it was compiled for them."""
        return tuple(TensorSpec(each["name"], each["dtype"], tuple(each["shape"])) for each in self.manifest.inputs)

    def feeds(self, source: FeedSource = 0, *, batch: int | None = None) -> dict[str, np.ndarray[Any, Any]]:
        """Make inputs to run it on, as ``Model.feeds`` does.

        Raises
        ------
        ModelError
            Where given data do not fit, or it was compiled for another batch.
        """
        fixed = {spec.shape[0] for spec in self.inputs if spec.shape}
        if batch is not None and fixed != {batch}:
            sizes = ", ".join(map(str, sorted(map(str, fixed)))) or "none"
            raise ModelError(
                f"{self.name!r} is compiled for a batch of {sizes}, not {batch}", hint="compile it again for that batch"
            )
        return feeds_for(self.inputs, source)


@dataclass(frozen=True)
class ConvertedModel(OwnFile):
    """A file that a runtime has for its own, as ``%convert`` writes: ``.tflite``, ``.xml``, ``.mnn``.

    Attributes
    ----------
    runtime : str
        Short name of the runtime that runs it.
    inputs : tuple of TensorSpec
        What it takes, open dimensions among them.
    """

    runtime: str
    inputs: tuple[TensorSpec, ...]

    @property
    def assumed(self) -> tuple[str, ...]:
        """Sizes that are assumed for open dimensions: one each."""
        return tuple(
            f"dimension {axis} of {spec.name}=1"
            for spec in self.inputs
            for axis, size in enumerate(spec.shape or ())
            if not isinstance(size, int)
        )

    def bound(self, shapes: Mapping[str, Sequence[int | str | None]]) -> ConvertedModel:
        """Give it with the sizes of its inputs, as far as they are given.

        Raises
        ------
        ModelError
            Where it has no such input.
        """
        names = [spec.name for spec in self.inputs]
        given = {names[0] if not name and len(names) == 1 else name: shape for name, shape in shapes.items()}
        for name in given:
            if name not in names:
                raise ModelError(f"{self.name!r} has no input {name!r}", hint=f"it has {', '.join(names)}")
        sized = (replace(spec, shape=tuple(given.get(spec.name, spec.shape or ()))) for spec in self.inputs)
        return replace(self, inputs=tuple(sized))

    def feeds(self, source: FeedSource = 0, *, batch: int | None = None) -> dict[str, np.ndarray[Any, Any]]:
        """Make inputs to run it on, as ``Model.feeds`` does.

        Raises
        ------
        ModelError
            Where given data do not fit, or the file tells no sizes.
        """
        lost = [spec.name for spec in self.inputs if spec.shape is None]
        if lost and not isinstance(source, Mapping | str | os.PathLike):
            raise ModelError(f"{self.path.name!r} tells no sizes of {', '.join(lost)}", hint="give --data or --shape")
        sized = []
        for spec in self.inputs:
            first, *rest = spec.shape or (None,)
            sizes = [first if isinstance(first, int) else batch or 1, *(d if isinstance(d, int) else 1 for d in rest)]
            if batch is not None and sizes[0] != batch:
                raise ModelError(f"{self.name!r} takes a batch of {sizes[0]}, not {batch}")
            sized.append(replace(spec, shape=tuple(sizes) if spec.shape else spec.shape))
        return feeds_for(sized, source)


Runnable: TypeAlias = "Model | CompiledModel | ConvertedModel"
"""What runs: a model on any runtime, a compiled or converted one on its own."""


def open_all(
    objs: Sequence[ModelLike],
    *,
    shapes: Mapping[str, Sequence[int | str | None]] | None = None,
    dims: Mapping[str, int] | None = None,
) -> tuple[Runnable, ...]:
    """Make handles of several models, compiled ones among them, with names that differ.

    Parameters
    ----------
    objs : sequence of ModelLike
        What ``Model.all_of`` takes; besides, results of ``%tvm_compile`` and ``%tvm_tune``, and paths of what they
        wrote, and of files in a runtime's own format.
    shapes, dims : mapping, optional
        Bind dynamic dimensions; see ``Model.all_of``. What is compiled has none.

    Raises
    ------
    ModelError
        As ``Model.of`` does.
    ArgumentError
        Where sizes are given and nothing could take them.
    """
    compiled = [find(obj) for obj in objs]
    if shapes:
        compiled = [each.bound(shapes) if isinstance(each, ConvertedModel) else each for each in compiled]
    rest = [obj for obj, found in zip(objs, compiled, strict=True) if found is None]
    takers = rest or (shapes and any(isinstance(each, ConvertedModel) for each in compiled))
    if not takers and (shapes or dims):
        raise ArgumentError("sizes cannot be bound: all are compiled, for fixed ones", hint="compile again with others")
    models = iter(Model.all_of(rest, shapes=shapes, dims=dims))
    opened: list[Runnable] = [next(models) if found is None else found for found in compiled]
    names = distinct([each.name for each in opened])
    return tuple(each.renamed(name) if each.name != name else each for each, name in zip(opened, names, strict=True))


def find(obj: ModelLike) -> CompiledModel | ConvertedModel | None:
    """Open a compiled or converted model; None where it is something else.

    Raises
    ------
    DeployError
        Where a result says that it holds none.
    """
    label: str | None = None
    if isinstance(obj, tuple) and len(obj) == 2 and isinstance(obj[0], str):
        label, obj = obj
    if isinstance(obj, CompiledModel | ConvertedModel):
        return obj.renamed(label) if label else obj
    if isinstance(obj, str | os.PathLike):
        path = Path(os.fspath(obj)).expanduser()
        if not _is_file(path):
            return None
        if is_artefact(path):
            return CompiledModel(label or path.stem, str(path), path, read_manifest(path))
        return _converted(path, label)
    if not is_compiled_object(obj):
        return None
    inner: Any = getattr(obj, "artefact", obj)
    if inner is None:
        raise DeployError("this result holds no compiled model", hint="run the step that made it again")
    path = Path(inner.path)
    # Read again: a file may have been written over since.
    manifest = read_manifest(path)
    return CompiledModel(label or manifest.name or path.stem, str(path), path, manifest)


def _converted(path: Path, label: str | None) -> ConvertedModel | None:
    from deploy_magics import workers
    from deploy_magics.running._registry import reader_of, why_not

    runtime = reader_of(path.suffix)
    if runtime is None:
        return None
    MissingPartError.check(why_not(runtime))
    ports = workers.call(
        "deploy_magics.running.compiled:inputs_here",
        str(path),
        runtime.name,
        name=f"{runtime.title} on {path.name!r}",
        timeout=_TIMEOUT_S,
        memory=workers.memory_bound(),
    )
    inputs = tuple(TensorSpec(port.name, port.dtype, port.shape) for port in ports)
    return ConvertedModel(label or path.name, str(path), path, runtime.name, inputs)


def inputs_here(path: str, runtime: str) -> tuple[Port, ...]:
    """Read in this process what a file in a runtime's own format takes."""
    from deploy_magics.running._registry import get

    found = get(runtime)
    assert isinstance(found, TellsInputs)
    return found.inputs(Path(path))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
