"""Networks and data at hand: by name, with no download, and published ones by name and checksum.

Importing this imports nothing heavy; torch is imported by :func:`module` here, and for :func:`path` in a worker.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from deploy_magics.errors import ModelError, did_you_mean
from deploy_magics.zoo._average_precision import average_precision, mean_average_precision
from deploy_magics.zoo._catalogue import ENTRIES, PUBLISHED, Entry
from deploy_magics.zoo._detectors import Detector, detector
from deploy_magics.zoo._shapes import Truth, shapes
from deploy_magics.zoo._shipped import FOLDER, digits, sample_data

if TYPE_CHECKING:
    import torch

__all__ = [
    "Detector",
    "Entry",
    "Truth",
    "average_precision",
    "detector",
    "digits",
    "entry",
    "fetch",
    "mean_average_precision",
    "module",
    "names",
    "path",
    "sample_data",
    "shapes",
]


def names() -> list[str]:
    """Give the names of all networks, in the order of the catalogue."""
    return list(ENTRIES)


def entry(name: str) -> Entry:
    """Tell what a network is.

    Raises
    ------
    ModelError
        Where no network has that name.
    """
    if name in ENTRIES:
        return ENTRIES[name]
    raise ModelError(
        f"the zoo has no network {name!r}", hint=did_you_mean(name, names()) or "deploy_magics.zoo.names() lists them"
    )


def path(name: str) -> Path:
    """Give the ONNX file of a network: made in the user's cache, or fetched, on first use; or come with this package.

    Raises
    ------
    ModelError
        Where no network has that name.
    MissingPartError
        Where it is made by torch, is not cached yet, and torch is not installed.
    DownloadError
        Where it has to be fetched and cannot be; see :func:`fetch`.
    DeployError
        Where the cache cannot be written.
    """
    kind = entry(name).kind
    if kind == "published":
        return fetch(name)
    if kind == "shipped":
        return FOLDER / f"{name}.onnx"
    if kind == "light":
        from deploy_magics.zoo import _light

        return _light.filled(name)
    from deploy_magics.zoo import _build

    return _build.exported(name)


def fetch(name: str) -> Path:
    """Give the file of a published model, in the user's cache; downloaded and checked on first use.

    What has come of an unfinished download is kept and resumed. ``DEPLOY_MAGICS_MIRROR`` sets another address, or a
    folder, that holds the files: under their published paths, or, in a folder, side by side.

    Raises
    ------
    ModelError
        Where no published model has that name.
    DownloadError
        With no network, or where what comes is not the published file.
    DeployError
        Where the disk is full or the cache cannot be written.
    """
    if name not in PUBLISHED:
        raise ModelError(
            f"no published model is called {name!r}",
            hint=did_you_mean(name, PUBLISHED) or f"there are {', '.join(PUBLISHED)}",
        )
    from deploy_magics.zoo import _fetch

    return _fetch.fetch(name)


def module(name: str) -> torch.nn.Module:
    """Build a network as a torch module: seeded weights, evaluation mode.

    Raises
    ------
    ModelError
        Where no torch network has that name.
    MissingPartError
        Where torch is not installed.
    """
    from deploy_magics.zoo import _build

    found = entry(name)
    if found.kind != "torch":
        raise ModelError(f"{name!r} is not defined in torch", hint="use deploy_magics.zoo.path(name), an ONNX file")
    return _build.module(name)
