"""What compiling gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy_magics.lowering.artefact import Manifest
from deploy_magics.temporary import Folder
from deploy_magics.verifying import Verification


@dataclass(frozen=True)
class Function:
    """A function of a compiled model.

    Attributes
    ----------
    label : str
        What it computes.
    kind : str
        ``"conv2d"``, ``"depthwise"``, ``"matmul"``, ``"sum"``, or ``"other"`` for what only moves or maps values.
    calls : int
        How often one run calls it.
    flops : float
        Floating-point operations of one call.
    scheduled : str
        ``"rule"``, or ``"tuned"`` where records had decisions for it.
    """

    label: str
    kind: str
    calls: int
    flops: float
    scheduled: str


@dataclass(frozen=True)
class Compiled:
    """A compiled model.

    Attributes
    ----------
    path : Path
        The library (``.so``) or archive (``.tar``); a temporary one lives as long as this object.
    manifest : Manifest
        What it says of itself.
    verification : Verification or None
        How far it lies from the original; None where it was made for another machine, on which it could not be run.
    functions : tuple of Function
        What it consists of; empty for a bare build.
    seconds : Mapping[str, float]
        How long each stage took.
    notes : tuple of str
        What a reader should know, one line each.
    folder : Folder or None
        Keeps a temporary file alive.
    """

    path: Path
    manifest: Manifest
    verification: Verification | None
    functions: tuple[Function, ...]
    seconds: Mapping[str, float]
    notes: tuple[str, ...] = ()
    folder: Folder | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.manifest.name

    @property
    def size_bytes(self) -> int:
        """Bytes of the file."""
        return self.path.stat().st_size
