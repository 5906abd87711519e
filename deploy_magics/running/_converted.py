"""What runtimes have in common that run what ``%convert`` writes for them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from deploy_magics.converting import TARGETS, Options, convert_here
from deploy_magics.errors import MissingPartError
from deploy_magics.running._protocol import Prepared

if TYPE_CHECKING:
    from deploy_magics.converting import Port, Source
    from deploy_magics.running._protocol import About, Session


class Converted:
    """A runtime with a format of its own; a subclass says which.

    Parameters
    ----------
    variant : str
        One of :attr:`variants`, or "" for float32.
    """

    base: ClassVar[str]
    """Its short name."""
    format: ClassVar[str] = ""
    """Short name of its format, where that is another."""
    called: ClassVar[str]
    """Its full name."""
    package: ClassVar[str]
    """Name under which it is installed."""
    modules: tuple[str, ...]
    about: About
    takes: Literal["onnx", "torch"] = "onnx"
    suffixes: tuple[str, ...]
    variants: Mapping[str, str] = {}

    def __init__(self, variant: str = "") -> None:
        self.variant = variant

    @property
    def name(self) -> str:
        """Short name, the variant in it."""
        return f"{self.base}:{self.variant}" if self.variant else self.base

    @property
    def title(self) -> str:
        """Full name, the variant in it."""
        return f"{self.called}, {self.variants[self.variant]}" if self.variant else self.called

    @property
    def arithmetic(self) -> str:
        """The type it computes in, where that is coarser than the model's own."""
        return {"": "", "f16": "float16"}.get(self.variant, "bfloat16")

    def varied(self, variant: str) -> Self:
        """Give it in another variant."""
        return type(self)(variant)

    def why_not(self) -> str | None:
        """Say why it cannot be used here; None if it can."""
        from importlib.util import find_spec

        missing = [module for module in self.modules if find_spec(module.partition(".")[0]) is None]
        if missing:
            return f"{self.called} is not installed; {self.about.install}"
        return None

    def version(self) -> str:
        """Version of the installed package."""
        from importlib.metadata import version

        return version(self.package)

    def prepare(self, source: Source, folder: Path, *, threads: int = 1) -> Prepared:
        """Convert an ONNX file; see :class:`deploy_magics.running.Prepares`."""
        target = TARGETS[self.format or self.base]
        MissingPartError.check(target.why_not(source.kind))
        made = convert_here(target.job, source, str(folder), "model", Options())
        return Prepared(str(folder / made.main), {"inputs": source.inputs, "outputs": source.outputs})

    def inputs(self, path: Path) -> tuple[Port, ...]:
        """Read what a file of its own takes; see :class:`deploy_magics.running.TellsInputs`."""
        found: tuple[Port, ...] = self._format().inputs_of(path)
        return found

    def _format(self) -> ModuleType:
        return import_module(f"deploy_magics.converting.{self.base}")

    def load(self, path: Path, *, threads: int = 1, options: Mapping[str, Any] | None = None) -> Session:
        """Load what was converted; see :meth:`deploy_magics.running.Runtime.load`."""
        given = {"precision": self.variant, **(options or {})}
        session: Session = self._format().load(path, threads=threads, options=given)
        return session
