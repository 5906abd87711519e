"""Downloads that resume: what has come so far is kept, and the next attempt asks for the rest."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from deploy_magics.errors import DeployError
from deploy_magics.zoo._cache import unwritable

if TYPE_CHECKING:
    import requests

    from deploy_magics.progress import Tracker

# A host that is there answers a connection within this; where there is no network, the user waits no longer.
CONNECT_S = 5.0
# A connection that sends nothing for this long has stalled, and is tried anew from where it was.
STALL_S = 20.0
# Attempts in a row that bring nothing new, and the pause before the second of them, doubled each time.
ATTEMPTS = 3
PAUSE_S = 0.5
# What a connection that breaks had sent of its last chunk is lost, so chunks are small.
_CHUNK = 1 << 14
_WORTH_ANOTHER_TRY = frozenset({408, 425, 429, 500, 502, 503, 504})


class DownloadError(DeployError):
    """A file that could not be fetched."""


class _Again(Exception):
    """This attempt ended early; the next may fare better."""


class ResumingDownloader:
    """Fetches one file of known size; pooch calls it with an address and the path to write to.

    Parameters
    ----------
    title : str
        What is fetched, as the object of error lines.
    partial : Path
        Where an unfinished file waits for the next attempt, also one of a later session.
    size : int
        Bytes the file has.
    tracker : Tracker
        Told of the progress.

    Attributes
    ----------
    resumed : bool
        Whether part of the file was there from an earlier call.
    """

    def __init__(self, title: str, partial: Path, size: int, tracker: Tracker) -> None:
        self.title = title
        self.partial = partial
        self.size = size
        self.tracker = tracker
        self.resumed = False

    def __call__(self, url: str, output: str, pooch: object) -> None:
        """Fetch ``url`` into ``output``.

        Raises
        ------
        DownloadError
            With no network, a refusal, an answer that is not the file, or no progress after several attempts.
        DeployError
            Where the disk is full or the cache cannot be written.
        """
        with _claimed(self.partial) as mine:
            try:
                have = _length(mine)
                self.resumed = 0 < have <= self.size
                free = shutil.disk_usage(mine.parent).free
                if free < self.size - have:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                self._download(url, mine)
                mine.replace(output)
            except OSError as error:
                raise unwritable(self.partial.parent, error) from None

    def _download(self, url: str, mine: Path) -> None:
        import requests

        best, barren, reached = _length(mine), 0, False
        with requests.Session() as session:
            while True:
                try:
                    self._attempt(session, url, mine)
                    return
                except _Again as failure:
                    reason, reached = str(failure), True
                except requests.RequestException as error:
                    reason = self._reason(url, error, reached)
                have = _length(mine)
                barren = 0 if have > best else barren + 1
                best = max(best, have)
                if barren >= ATTEMPTS:
                    raise self._failed(
                        url, f"{reason}, {barren} times in a row with {have:,} of {self.size:,} bytes there"
                    )
                if barren:
                    time.sleep(PAUSE_S * 2 ** (barren - 1))

    def _reason(self, url: str, error: requests.RequestException, reached: bool) -> str:
        """Say why an attempt broke off, or raise where another would end alike."""
        import requests
        from urllib3.exceptions import NewConnectionError

        cause = getattr(error.args[0] if error.args else None, "reason", None)
        if isinstance(error, requests.ConnectTimeout) or isinstance(cause, NewConnectionError):
            if reached:
                return "no connection could be made"
            # Nothing ever came: most likely there is no network, and waiting would not bring one.
            raise self._unreachable(url) from None
        if isinstance(error, requests.exceptions.SSLError):
            raise self._failed(url, "the host's certificate is not trusted here") from None
        if isinstance(error, requests.exceptions.ProxyError):
            raise self._failed(url, "the proxy does not let it through") from None
        if isinstance(error, requests.ReadTimeout) or "Read timed out" in str(error):
            # While a body comes, requests calls a time-out a ConnectionError.
            return f"nothing came for {STALL_S:g} s"
        if isinstance(error, requests.ConnectionError | requests.exceptions.ChunkedEncodingError):
            return "the connection broke"
        raise self._failed(url, f"{type(error).__name__}: {error}") from None

    def _attempt(self, session: requests.Session, url: str, mine: Path) -> None:
        """Ask for what is missing and write what comes; returns once the file has its size."""
        have = _length(mine)
        if have > self.size:
            mine.unlink()
            have = 0
        if have == self.size:
            return
        # Compressed on the way, offsets would mean something else.
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
        with session.get(url, headers=headers, stream=True, timeout=(CONNECT_S, STALL_S)) as answer:
            self._judge(answer, url, have)
            if answer.status_code == 206 and not answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
                mine.unlink(missing_ok=True)
                raise _Again("it answered with another part than was asked for")
            # A server that does not resume answers 200, and what it sends begins at the beginning.
            self._write(answer, mine, have if answer.status_code == 206 else 0)
        if _length(mine) < self.size:
            raise _Again("the answer ended early")

    def _judge(self, answer: requests.Response, url: str, have: int) -> None:
        """Raise where the answer does not bring the file."""
        status = answer.status_code
        if status in _WORTH_ANOTHER_TRY:
            raise _Again(f"it answered {status} {answer.reason}")
        if status == 416 and have:
            raise self._failed(url, f"it holds a file of another size than the {self.size:,} bytes published")
        if status >= 400:
            raise self._failed(url, f"it answered {status} {answer.reason}")
        kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind in {"text/html", "application/xhtml+xml"}:
            raise self._failed(url, "a web page came in place of the file (a login page or a proxy?)")

    def _write(self, answer: requests.Response, mine: Path, have: int) -> None:
        done = have
        with mine.open("r+b" if have else "wb") as file:
            file.seek(have)
            for chunk in answer.iter_content(_CHUNK):
                file.write(chunk[: self.size - done])
                done += len(chunk)
                self.tracker.update(min(done / self.size, 1.0), f"{done / 2**20:.1f} of {self.size / 2**20:.1f} MiB")
                if done > self.size:
                    raise self._failed(answer.url, f"it sends more than the {self.size:,} bytes published")

    def _unreachable(self, url: str) -> DownloadError:
        host = url.split("/")[2] if "://" in url else url
        return DownloadError(
            f"cannot fetch {self.title}: no connection to {host}",
            hint="connect to a network, or set DEPLOY_MAGICS_MIRROR to a folder or address that has the file",
        )

    def _failed(self, url: str, reason: str) -> DownloadError:
        return DownloadError(
            f"cannot fetch {self.title} from {url}: {reason}"[:500],
            hint="try again later, or set DEPLOY_MAGICS_MIRROR to a folder or address that has the file",
        )


def _length(path: Path) -> int:
    """Give a file's size in bytes, 0 where there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


@contextmanager
def _claimed(partial: Path) -> Iterator[Path]:
    """Give a file of our own to download into, begun by whoever got that far before.

    Two processes that fetch at once must not write into one file. Whoever renames the waiting file first has it; the
    other begins anew. It goes back to its waiting name however the body ends, unless the body moved it away; one
    whose process was killed is taken over when that process is gone.
    """
    import psutil

    mine = partial.with_name(f"{partial.name}.{os.getpid()}.{uuid.uuid4().hex[:8]}")
    try:
        for orphan in partial.parent.glob(f"{partial.name}.*.*"):
            owner = orphan.name[len(partial.name) + 1 :].partition(".")[0]
            if owner.isdigit() and not psutil.pid_exists(int(owner)):
                _keep_larger(orphan, partial)
        with contextlib.suppress(FileNotFoundError):
            partial.rename(mine)
    except OSError as error:
        raise unwritable(partial.parent, error) from None
    try:
        yield mine
    finally:
        _keep_larger(mine, partial)


def _keep_larger(candidate: Path, partial: Path) -> None:
    """Put an unfinished file where the next attempt looks, unless a longer one is there."""
    with contextlib.suppress(FileNotFoundError):
        if partial.exists() and partial.stat().st_size >= candidate.stat().st_size:
            candidate.unlink()
        else:
            candidate.replace(partial)
