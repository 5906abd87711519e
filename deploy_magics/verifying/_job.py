"""What the worker does: load a model once, and run it on inputs from files into files."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy_magics.errors import DeployError, ModelError
from deploy_magics.verifying._stored import ArrayFile, write

if TYPE_CHECKING:
    from deploy_magics.running._protocol import Session

_loaded: list[Session] = []


def load(path: str, runtime: str, threads: int, options: Mapping[str, Any]) -> None:
    """Load a model, to be run by :func:`run` in this process."""
    from deploy_magics import running

    _loaded[:] = [running.open_session(path, runtime, threads, options)]


def load_by(path: str, opener: str, threads: int, options: Mapping[str, Any]) -> None:
    """Load a model by a function, as ``package.module:function`` names it, to be run by :func:`run`."""
    from importlib import import_module

    module, _, name = opener.partition(":")
    _loaded[:] = [getattr(import_module(module), name)(Path(path), threads=threads, options=options)]


def run(feeds_path: str, folder: str, most_bytes: int) -> dict[str, ArrayFile]:
    """Run the loaded model once, and write what it gives into a folder.

    Raises
    ------
    ModelError
        Where the model does not run, or takes more than ``most_bytes`` with its inputs and outputs.
    DeployError
        Where the disk refuses.
    """
    (session,) = _loaded
    with Path(feeds_path).open("rb") as file:
        feeds = pickle.load(file)
    taken = Path(feeds_path).stat().st_size
    session.set_inputs(feeds)
    del feeds
    session.run()
    outputs = session.outputs()
    taken += sum(array.nbytes for array in outputs.values())
    if taken > most_bytes:
        raise ModelError(
            f"its inputs and outputs take {taken / 2**20:.0f} MiB in one run, and {most_bytes / 2**20:.0f} MiB are "
            "allowed",
            hint="give smaller --shape or --dim, or raise DeployMagics.max_bytes",
        )
    try:
        return {
            name: write(outputs.pop(name), Path(folder) / f"{place}.bin") for place, name in enumerate(list(outputs))
        }
    except OSError as error:
        raise DeployError(f"cannot write in {folder!r}: {error.strerror or error}") from None
