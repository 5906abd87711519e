"""What a runtime has to offer to be benchmarked, verified and compared."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from numpy.typing import NDArray

Arrays: TypeAlias = "dict[str, NDArray[Any]]"
"""Arrays by the name of the model's input or output."""


class Session(Protocol):
    """A loaded model. Lives in a worker process and never leaves it."""

    def set_inputs(self, feeds: Mapping[str, NDArray[Any]]) -> None:
        """Place the inputs once, so that :meth:`run` times inference and not copying.

        Inputs that the model does not have are passed over, so that a model and its simplified copy take the same.

        Raises
        ------
        ModelError
            Where an input is missing, or has a type or shape that the model does not take.
        """

    def run(self) -> None:
        """Run inference once on the inputs that were set."""

    def outputs(self) -> Arrays:
        """Copy out the outputs of the last run, by name."""


class Runtime(Protocol):
    """One inference runtime.

    Attributes
    ----------
    name : str
        Short name for ``--on``: ``"ort"``.
    title : str
        Full name for tables: ``"ONNX Runtime"``.
    modules : tuple[str, ...]
        Modules that a worker imports before it loads a model, so that load time and memory are the model's.
    """

    name: str
    title: str
    modules: tuple[str, ...]

    def why_not(self) -> str | None:
        """Say in one line why it cannot be used here, with the command that installs it; None if it can."""

    def version(self) -> str:
        """Version of the package; only called where it can be used, and without importing it."""

    def load(self, path: Path, *, threads: int, options: Mapping[str, Any]) -> Session:
        """Load a model from an ONNX file.

        Called in a worker process.

        Parameters
        ----------
        path : Path
            The file; external data lies beside it.
        threads : int
            Threads inside one operator.
        options : Mapping[str, Any]
            The runtime's own; an unknown one is an error.

        Raises
        ------
        DeployError
            In one line, where the model cannot run on this runtime.
        """


__all__ = ["Arrays", "Runtime", "Session"]
