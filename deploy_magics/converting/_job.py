"""What runs in the worker around each converter: its errors in one line, and the disk's."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from deploy_magics.converting._made import Made, Options, Source
from deploy_magics.errors import DeployError, ModelError


def run(job: str, source: Source, folder: str, stem: str, options: Options) -> Made:
    """Run a converter.

    Raises
    ------
    ModelError
        With what it said, in one line.
    DeployError
        Where the disk refuses.
    """
    module, _, name = job.partition(":")
    function: Any = getattr(importlib.import_module(module), name)
    try:
        made: Made = function(source, Path(folder), stem, options)
    except (DeployError, MemoryError):
        raise
    except OSError as error:
        raise DeployError(f"cannot write in {folder!r}: {error.strerror or error}") from None
    except Exception as error:  # noqa: BLE001 - converters raise anything
        raise ModelError(_line(error)) from None
    return made


def _line(error: BaseException) -> str:
    """Give the lines in which a converter says what is wrong, and not those that say where in its source."""
    from deploy_magics.model._text import first_line

    lines = [line.strip() for line in str(error).splitlines()]
    telling = [line for line in lines if line and not line.startswith(("Check '", "Exception from ", "File "))]
    said = " ".join(telling)
    # A single word, as a KeyError has, says nothing without what kind of error it is.
    return first_line(said if " " in said else f"{type(error).__name__}{f': {said}' if said else ''}")


__all__ = ["run"]
