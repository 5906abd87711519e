"""What a runtime has to offer to be benchmarked, verified and compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from deploy_magics.converting import Port, Source

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

    Two more are looked for where there are any: ``arithmetic``, the type in which it computes where that is coarser
    than the model's own (such a row is told apart and held to that type's tolerance), and ``one_at_a_time``, why
    several sessions of it cannot run at once.
    """

    name: str
    title: str
    modules: tuple[str, ...]

    def why_not(self) -> str | None:
        """Say in one line why it cannot be used here, with the command that installs it; None if it can."""

    def version(self) -> str:
        """Version of the package; only called where it can be used, and without importing it."""

    def load(self, path: Path, *, threads: int, options: Mapping[str, Any]) -> Session:
        """Load a model from an ONNX file, or from what :meth:`Prepares.prepare` made of one.

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


@dataclass(frozen=True)
class Prepared:
    """What a runtime made of a model for itself.

    Attributes
    ----------
    path : str
        What :meth:`Runtime.load` is given.
    options : mapping
        Plain values that go with it, such as names that the format does not keep.
    seconds : float
        How long that took.
    """

    path: str
    options: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0


@runtime_checkable
class Prepares(Protocol):
    """A runtime that converts or compiles a model before it loads it: once, ahead, in a worker of its own.

    So the time of that is told apart, and every process that is timed loads the same files.

    Attributes
    ----------
    takes : {"onnx", "torch"}
        What it is made of: an ONNX file, or a torch module (:func:`deploy_magics.converting.torchscript.unpack`).
    suffixes : tuple of str
        Endings of files in its own format, which it loads as they are.
    """

    takes: Literal["onnx", "torch"]
    suffixes: tuple[str, ...]

    def prepare(self, source: Source, folder: Path, *, threads: int) -> Prepared:
        """Make what :meth:`Runtime.load` takes, in an empty folder. Dimensions of the inputs of an ONNX file are fixed.

        Raises
        ------
        DeployError
            In one line, where the runtime does not take the model.
        """


@runtime_checkable
class TellsInputs(Protocol):
    """A runtime that tells what a file in its own format takes, so that one can be run without the model it is from.

    Attributes
    ----------
    suffixes : tuple of str
        Endings of such files.
    """

    suffixes: tuple[str, ...]

    def inputs(self, path: Path) -> tuple[Port, ...]:
        """Read its inputs; called in a worker.

        Raises
        ------
        DeployError
            In one line, where the file is something else.
        """


@runtime_checkable
class HasVariants(Protocol):
    """A runtime that can be asked to run otherwise: ``openvino:bf16``.

    Attributes
    ----------
    variants : mapping of str to str
        What each is, by its short name.
    """

    variants: Mapping[str, str]

    def varied(self, variant: str) -> Runtime:
        """Give the runtime that runs so; its name is ``"runtime:variant"``."""


@dataclass(frozen=True)
class About:
    """What ``%runtimes`` tells of a runtime that has it as its attribute ``about``.

    Attributes
    ----------
    loads : str
        What it can load.
    threads : str
        How ``threads`` is kept to.
    precision : str
        What it computes in.
    install : str
        The command that installs it.
    """

    loads: str
    threads: str
    precision: str
    install: str


__all__ = ["About", "Arrays", "HasVariants", "Prepared", "Prepares", "Runtime", "Session", "TellsInputs"]
