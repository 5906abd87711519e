"""Published models: by name, with their checksum, from a mirror if one is set, into the user's cache."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from deploy_magics.errors import DeployError
from deploy_magics.files import settle, write_whole
from deploy_magics.progress import progress
from deploy_magics.zoo._cache import cache_folder, unwritable
from deploy_magics.zoo._catalogue import PUBLISHED
from deploy_magics.zoo._download import DownloadError, ResumingDownloader

# Where the files of the repository onnx/models moved in 2025, under the same paths.
BASE = "https://huggingface.co/onnxmodelzoo/legacy_models/resolve/main/"


def fetch(name: str) -> Path:
    """Give the cached file of a published model, downloaded and checked the first time.

    What came is checked, and noted beside the file once it is on the disk; as long as the note fits, the file is taken
    as it is. Where it does not, as after a power cut, the file is checked again and fetched anew if it is not whole.
    """
    published = PUBLISHED[name]
    folder = cache_folder() / "published"
    path = folder / f"{name}.onnx"
    if _is_whole(path, published.size, published.sha256):
        return path
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from None
    base = os.environ.get("DEPLOY_MAGICS_MIRROR") or BASE
    with progress(f"fetching {name}") as tracker:
        partial = folder / f"{name}.onnx.partial"
        if "://" not in base:
            return _placed(path, published.sha256, name, base, _Copier(Path(base).expanduser(), published.path))
        url = base.rstrip("/") + "/" + quote(published.path)
        downloader = ResumingDownloader(name, partial, published.size, tracker)
        try:
            return _placed(path, published.sha256, name, url, downloader)
        except _Mismatch:
            if not downloader.resumed:
                raise
            # What an earlier session left may have been the part that was wrong.
            return _placed(path, published.sha256, name, url, downloader)


def _is_whole(path: Path, size: int, sha256: str) -> bool:
    """Whether the file in the cache is the published one: by the note beside it, else by reading it."""
    try:
        stat = path.stat()
        if stat.st_size != size:
            return False
        with contextlib.suppress(OSError):
            if _note(path).read_text("utf-8", "replace") == _noted(stat, sha256):
                return True
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                return False
    except OSError:
        return False
    _write_note(path, sha256)
    return True


def _note(path: Path) -> Path:
    return path.with_name(f".{path.name}.checked")


def _noted(stat: os.stat_result, sha256: str) -> str:
    return f"{sha256} {stat.st_size} {stat.st_mtime_ns} {stat.st_ino}\n"


def _write_note(path: Path, sha256: str) -> None:
    """Note that a file was checked, once its bytes are on the disk; without the note it is checked each time."""
    with contextlib.suppress(OSError, DeployError):
        settle(path)
        write_whole(_note(path), _noted(path.stat(), sha256).encode(), force=True)


class _Mismatch(DownloadError):
    """All bytes came, and they are not the published ones."""


class _Copier:
    """Takes the file from a folder: a shared disk, a stick that goes round in class."""

    def __init__(self, folder: Path, path: str) -> None:
        self.candidates = [folder / path, folder / Path(path).name]

    def __call__(self, url: str, output: str, pooch: object) -> None:
        for candidate in self.candidates:
            if candidate.is_file():
                # What waits there is private; a model is meant to be read by whoever may read the cache.
                Path(output).unlink(missing_ok=True)
                shutil.copyfile(candidate, output)
                return
        raise DownloadError(
            f"the mirror has neither {str(self.candidates[0])!r} nor {str(self.candidates[1])!r}",
            hint="DEPLOY_MAGICS_MIRROR names a folder that holds one of them",
        )


def _placed(path: Path, sha256: str, name: str, url: str, downloader: ResumingDownloader | _Copier) -> Path:
    """Have pooch check the digest and move the file into place."""
    import pooch

    registry = pooch.create(
        path=path.parent, base_url="", registry={path.name: f"sha256:{sha256}"}, urls={path.name: url}
    )
    try:
        with _quiet(pooch.get_logger()):
            placed = Path(registry.fetch(path.name, downloader=downloader))
        _write_note(placed, sha256)
        return placed
    except ValueError:
        raise _Mismatch(
            f"what came from {url} is not the published {name}: its sha256 differs, and it was thrown away",
            hint="try again, or set DEPLOY_MAGICS_MIRROR to a folder or address that has the file",
        ) from None
    except DeployError:
        raise
    except OSError as error:
        raise unwritable(path.parent, error) from None


@contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    """Keep pooch's own lines out of the notebook; progress and errors are told in ours."""
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
