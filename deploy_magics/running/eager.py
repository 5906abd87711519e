"""A torch module as it runs without being exported: eager PyTorch.

It loads modules and not ONNX files, so it is no runtime for ``%bench --on``: steps that change modules time them here.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy_magics.errors import ModelError


@dataclass(frozen=True)
class PickledModule:
    """A torch module in a file, from which a worker loads it; it has what ``%bench`` tells of a model.

    Attributes
    ----------
    name : str
        The label that tables show.
    source : str
        Where it is from, for people.
    path : Path
        The file, written by :func:`pickled`.
    """

    name: str
    source: str
    path: Path
    runtime = "torch"
    """The one runtime that runs it."""
    assumed = ()
    """Sizes that were assumed for open dimensions: its inputs have sizes."""

    @property
    def size_bytes(self) -> int:
        """Bytes of its file."""
        return self.path.stat().st_size

    @property
    def digest(self) -> str:
        """SHA-256 of its file, in hex."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


class EagerTorch:
    """PyTorch as it runs a module operator by operator."""

    name = "torch"
    title = "PyTorch, eager"
    modules = ("numpy", "torch")

    def version(self) -> str:
        """Version of the installed package."""
        from importlib.metadata import version

        return version("torch")

    def load(self, path: Path, *, threads: int) -> EagerSession:
        """Load a module from a file of :func:`pickled`, in a worker."""
        import torch

        torch.set_num_threads(threads)
        with path.open("rb") as file:
            return EagerSession(pickle.load(file))


class EagerSession:
    """A module that runs in this process."""

    def __init__(self, module: Any) -> None:
        self._module = module
        self._inputs: tuple[Any, ...] = ()

    def set_inputs(self, feeds: Mapping[str, Any]) -> None:
        """Place the inputs: arrays or tensors, in the order of the module's arguments."""
        self._inputs = tuple(_tensor(value) for value in feeds.values())

    def run(self) -> None:
        """Run the module once."""
        import torch

        with torch.inference_mode():
            self._module(*self._inputs)


def _tensor(value: Any) -> Any:
    import torch

    dtype = getattr(value, "dtype", None)
    if str(dtype) == "bfloat16":
        # NumPy has that type from another package, which torch does not read.
        return torch.as_tensor(value.view("int16")).view(torch.bfloat16)
    # What is no array is an option, such as a number.
    return value if dtype is None else torch.as_tensor(value)


def open_module(path: str, threads: int) -> EagerSession:
    """Load a module here in this process: the factory of what is timed."""
    return EagerTorch().load(Path(path), threads=threads)


def pickled(module: Any, path: Path) -> None:
    """Write a module so that a worker can load it, its class among it where that is defined in a notebook.

    Raises
    ------
    ModelError
        Where it cannot be pickled.
    """
    import cloudpickle

    try:
        data = cloudpickle.dumps(module)
    except Exception as error:  # whatever a user's module raises
        reason = " ".join(str(error).split())[:120]
        name = type(module).__name__
        raise ModelError(f"{name} cannot be sent to another process: {type(error).__name__}: {reason}") from error
    path.write_bytes(data)
