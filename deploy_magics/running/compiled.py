"""A compiled model as steps take it, beside models that are not: it runs, and that is all that is asked of it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from deploy_magics.arguments import FeedSource, ModelLike
from deploy_magics.errors import ArgumentError, DeployError, ModelError
from deploy_magics.lowering.artefact import Manifest, is_artefact, read_manifest
from deploy_magics.model import Model, TensorSpec, distinct, feeds_for, is_compiled_object

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class CompiledModel:
    """A model that ``%tvm_compile`` or ``%tvm_tune`` made, opened by :func:`open_all`.

    It has what runs need of a ``Model``.

    Attributes
    ----------
    name : str
        The label that tables show.
    source : str
        Where it is from, for people.
    path : Path
        The library or archive.
    manifest : Manifest
        What it says of itself.
    """

    name: str
    source: str
    path: Path
    manifest: Manifest
    runtime = "tvm"
    """The one runtime that runs it."""
    assumed = ()
    """Sizes that were assumed for open dimensions: none, as all are fixed when it is compiled."""

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """The inputs, as it was compiled for them."""
        return tuple(TensorSpec(each["name"], each["dtype"], tuple(each["shape"])) for each in self.manifest.inputs)

    @property
    def size_bytes(self) -> int:
        """Bytes of its file."""
        return self.path.stat().st_size

    @property
    def digest(self) -> str:
        """SHA-256 of its file, in hex."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def renamed(self, label: str) -> CompiledModel:
        """Give the same model under another name."""
        return replace(self, name=str(label))

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

    @contextmanager
    def file(self) -> Iterator[Path]:
        """Give its file, for the length of the block."""
        yield self.path


Runnable: TypeAlias = "Model | CompiledModel"
"""What runs: a model on any runtime, a compiled one on its own."""


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
        wrote.
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
    rest = [obj for obj, found in zip(objs, compiled, strict=True) if found is None]
    if not rest and (shapes or dims):
        raise ArgumentError("sizes cannot be bound: all are compiled, for fixed ones", hint="compile again with others")
    models = iter(Model.all_of(rest, shapes=shapes, dims=dims))
    opened: list[Runnable] = [next(models) if found is None else found for found in compiled]
    names = distinct([each.name for each in opened])
    return tuple(each.renamed(name) if each.name != name else each for each, name in zip(opened, names, strict=True))


def find(obj: ModelLike) -> CompiledModel | None:
    """Open a compiled model; None where it is something else.

    Raises
    ------
    DeployError
        Where a result says that it holds none.
    """
    label: str | None = None
    if isinstance(obj, tuple) and len(obj) == 2 and isinstance(obj[0], str):
        label, obj = obj
    if isinstance(obj, CompiledModel):
        return obj.renamed(label) if label else obj
    if isinstance(obj, str | os.PathLike):
        path = Path(os.fspath(obj)).expanduser()
        if not _is_file(path) or not is_artefact(path):
            return None
        return CompiledModel(label or path.stem, str(path), path, read_manifest(path))
    if not is_compiled_object(obj):
        return None
    inner: Any = getattr(obj, "artefact", obj)
    if inner is None:
        raise DeployError("this result holds no compiled model", hint="run the step that made it again")
    path = Path(inner.path)
    # Read again: a file may have been written over since.
    manifest = read_manifest(path)
    return CompiledModel(label or manifest.name or path.stem, str(path), path, manifest)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
