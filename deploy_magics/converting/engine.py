"""A conversion in a worker, within bounds, into a folder that nobody else looks into."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from deploy_magics import workers
from deploy_magics.converting._made import Made, Options, Source
from deploy_magics.converting._targets import Target
from deploy_magics.errors import DeployError, MissingPartError, ModelError

JOB = "deploy_magics.converting._job:run"
"""What runs in the worker."""


@dataclass(frozen=True)
class Converted:
    """What came of it.

    Attributes
    ----------
    made : Made
        What the converter tells of it.
    paths : tuple of Path
        The files and folders it consists of; the first is what is loaded.
    seconds : float
        How long it took, the start of the process included.
    """

    made: Made
    paths: tuple[Path, ...]
    seconds: float

    @property
    def size_bytes(self) -> int:
        """Bytes of all of it."""
        files = [each for path in self.paths for each in (path.rglob("*") if path.is_dir() else (path,))]
        return sum(file.stat().st_size for file in files if file.is_file())


def convert_file(
    target: Target,
    source: Source,
    folder: Path,
    stem: str,
    options: Options | None = None,
    *,
    timeout: float = 300.0,
    memory: int | None = None,
) -> Converted:
    """Convert a model. Nothing is compared here, and what comes of it is put nowhere: the caller does both.

    Parameters
    ----------
    target : Target
        The format.
    source : Source
        The model.
    folder : Path
        A folder in which one of the target's name is made; the caller removes it.
    stem : str
        Name of what is made, without its ending.
    options : Options, optional
        How.
    timeout : float
        Bound in seconds.
    memory : int, optional
        Bound on the worker's resident memory, in bytes.

    Raises
    ------
    MissingPartError
        Where the converter is not installed.
    ModelError
        What the converter said, or that it wrote nothing.
    WorkerError
        Where it crashed or passed a bound.
    """
    MissingPartError.check(target.why_not(source.kind))
    place = folder / target.name
    started = time.monotonic()
    try:
        place.mkdir()
    except OSError as error:
        raise DeployError(f"cannot write in {str(folder)!r}: {error.strerror or error}") from None
    made: Made = workers.call(
        JOB,
        target.job,
        source,
        str(place),
        stem,
        options or Options(),
        name=f"the converter to {target.title}",
        timeout=timeout,
        memory=memory,
        env={"OMP_NUM_THREADS": "1"},
    )
    found = [place / name.format(stem=stem) for name in target.files]
    paths = tuple(path for path in found if path.is_dir() or (path.is_file() and path.stat().st_size))
    if not paths or paths[0] != found[0]:
        raise ModelError(f"the converter to {target.title} said nothing and wrote nothing")
    return Converted(made, paths, time.monotonic() - started)


__all__ = ["JOB", "Converted", "convert_file"]
