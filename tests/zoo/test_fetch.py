"""Fetching against a server on loopback that does what servers and networks do."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
import threading
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest

from deploy_magics import zoo
from deploy_magics.errors import DeployError, ModelError
from deploy_magics.progress import Progress, reporting
from deploy_magics.zoo import _download
from deploy_magics.zoo._catalogue import PUBLISHED, Published
from deploy_magics.zoo._download import DownloadError
from tests.zoo import server
from tests.zoo.server import Site, serving

NAME = "mnist-12"
CONTENT = np.random.default_rng(0).integers(0, 256, 300_000, dtype=np.uint8).tobytes()
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PATH = "validated/vision/a folder/mnist-12.onnx"


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache, a published file of ours in place of a real one, and little patience."""
    monkeypatch.setitem(PUBLISHED, NAME, Published(PATH, len(CONTENT), SHA256, "test"))
    monkeypatch.setenv("DEPLOY_MAGICS_CACHE", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(_download, "STALL_S", 0.3)
    monkeypatch.setattr(_download, "PAUSE_S", 0.01)
    return tmp_path / "published"


def fetched(site: Site, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DEPLOY_MAGICS_MIRROR", site.address)
    return zoo.fetch(NAME)


def files(folder: Path) -> list[str]:
    """List what is there, but for the notes on what was checked."""
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".checked"))


def test_comes_once_and_says_how_far_it_is(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Progress] = []

    class Reporter:
        def update(self, progress: Progress) -> None:
            seen.append(progress)

        def close(self) -> None:
            pass

    with serving(CONTENT) as site, reporting(Reporter):
        path = fetched(site, monkeypatch)
        assert path.read_bytes() == CONTENT
        assert path == cache / "mnist-12.onnx"
        assert path.stat().st_mode & 0o444 == 0o444 & ~_umask()
        assert zoo.path(NAME) == path
        assert site.asked == [("/validated/vision/a%20folder/mnist-12.onnx", None)]
    assert files(cache) == ["mnist-12.onnx"]
    assert seen[0].title == "fetching mnist-12"
    assert seen[-1].fraction == 1
    assert seen[-1].detail == "0.3 of 0.3 MiB"


def test_what_a_power_cut_emptied_is_fetched_anew(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(CONTENT) as site:
        path = fetched(site, monkeypatch)
        path.write_bytes(bytes(len(CONTENT)))
        assert zoo.fetch(NAME).read_bytes() == CONTENT
        assert len(site.asked) == 2


def test_a_file_is_read_again_only_where_its_note_does_not_fit(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[object] = []
    digest = hashlib.file_digest

    def watched(file: object, name: str) -> object:
        read.append(file)
        return digest(file, name)  # type: ignore[arg-type]

    with serving(CONTENT) as site:
        path = fetched(site, monkeypatch)
        monkeypatch.setattr(hashlib, "file_digest", watched)
        zoo.fetch(NAME)
        assert not read
        (note,) = cache.glob(".*.checked")
        note.write_bytes(bytes(note.stat().st_size))
        assert zoo.fetch(NAME) == path
        assert len(read) == 1
        zoo.fetch(NAME)
        assert len(read) == 1
        assert len(site.asked) == 1


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


BAD_THEN_GOOD = {
    "truncated": [server.truncated(98_304), server.truncated(50_000)],
    "stalled": [server.stalled(98_304)],
    "silent": [server.silent],
    "hung up": [server.hung_up],
    "no ranges": [server.truncated(98_304), server.no_ranges],
    "other range": [server.truncated(98_304), server.other_range],
    "busy": [server.status(503), server.status(429)],
    "broken": [server.truncated(98_304), server.status(500)],
    # As long as each attempt brings something, the number of attempts is not bounded.
    "many": [server.truncated(30_000)] * 9,
}


@pytest.mark.parametrize("answers", BAD_THEN_GOOD.values(), ids=BAD_THEN_GOOD)
def test_recovers(answers: list[server.Answer], cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(CONTENT, *answers) as site:
        assert fetched(site, monkeypatch).read_bytes() == CONTENT
    assert files(cache) == ["mnist-12.onnx"]


def test_what_came_is_not_asked_for_again(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(CONTENT, server.truncated(98_304)) as site:
        fetched(site, monkeypatch)
        assert [asked for _, asked in site.asked] == [None, "bytes=98304-"]


def test_resumes_what_an_earlier_session_left(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = server.status(404)
    with serving(CONTENT, server.truncated(98_304), gone) as site, pytest.raises(DownloadError, match="answered 404"):
        fetched(site, monkeypatch)
    assert files(cache) == ["mnist-12.onnx.partial"]
    with serving(CONTENT) as site:
        assert fetched(site, monkeypatch).read_bytes() == CONTENT
        assert [asked for _, asked in site.asked] == ["bytes=98304-"]


def test_takes_over_from_a_process_that_was_killed(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    cache.mkdir()
    (cache / f"mnist-12.onnx.partial.{ended.pid}.abc").write_bytes(CONTENT[:200_000])
    # One of a process that lives is its own.
    (cache / f"mnist-12.onnx.partial.{os.getppid()}.def").write_bytes(CONTENT[:250_000])
    with serving(CONTENT) as site:
        assert fetched(site, monkeypatch).read_bytes() == CONTENT
        assert [asked for _, asked in site.asked] == ["bytes=200000-"]
    assert files(cache) == ["mnist-12.onnx", f"mnist-12.onnx.partial.{os.getppid()}.def"]


def test_damaged_leftover_is_thrown_away_and_all_is_fetched(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.mkdir()
    (cache / "mnist-12.onnx.partial").write_bytes(bytes(1000))
    with serving(CONTENT) as site:
        assert fetched(site, monkeypatch).read_bytes() == CONTENT
        assert [asked for _, asked in site.asked] == ["bytes=1000-", None]
    (cache / "mnist-12.onnx").write_bytes(CONTENT[:1000])
    (cache / "mnist-12.onnx.partial").write_bytes(CONTENT + bytes(10))
    with serving(CONTENT) as site:
        assert fetched(site, monkeypatch).read_bytes() == CONTENT


HOPELESS = {
    "corrupt": ([server.corrupt], "is not the published mnist-12: its sha256 differs, and it was thrown away"),
    "page": ([server.page], "a web page came in place of the file"),
    "missing": ([server.status(404)], "it answered 404 Not Found"),
    "forbidden": ([server.status(403)], "it answered 403 Forbidden"),
    "broken": ([server.status(500)] * 9, "answered 500 Internal Server Error, 3 times in a row with 0 of 300,000"),
    "truncated": ([server.truncated(0)] * 9, "ended early|connection broke"),
    "stalled": ([server.stalled(0)] * 9, "nothing came for 0.3 s, 3 times in a row"),
    "hung up": ([server.hung_up] * 9, "the connection broke, 3 times in a row"),
    "longer": ([server.longer], "it sends more than the 300,000 bytes published"),
    "no ranges": ([server.truncated(98_304), *[server.status(416)] * 2], "it holds a file of another size"),
}


@pytest.mark.parametrize(("answers", "line"), HOPELESS.values(), ids=HOPELESS)
def test_gives_up_in_one_line(
    answers: list[server.Answer], line: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(CONTENT, *answers) as site, pytest.raises(DownloadError, match=line) as caught:
        fetched(site, monkeypatch)
    assert "\n" not in str(caught.value)
    assert "DEPLOY_MAGICS_MIRROR" in str(caught.value)
    assert "mnist-12.onnx" not in files(cache)
    # Whatever went wrong is over: the next call succeeds.
    with serving(CONTENT) as site:
        assert fetched(site, monkeypatch).read_bytes() == CONTENT


def test_no_network_is_one_line_at_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        # Bound and not listening: the connection is refused.
        monkeypatch.setenv("DEPLOY_MAGICS_MIRROR", f"http://127.0.0.1:{unused.getsockname()[1]}")
        with pytest.raises(DownloadError, match=r"cannot fetch mnist-12: no connection to 127\.0\.0\.1:\d+; connect"):
            zoo.fetch(NAME)


def test_unknown_host_is_one_line(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.delenv("DEPLOY_MAGICS_MIRROR", raising=False)
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(DownloadError, match=r"no connection to huggingface\.co; connect to a network, or set"):
        zoo.fetch(NAME)


def test_full_disk_is_one_line(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    with serving(CONTENT) as site:
        monkeypatch.setattr("shutil.disk_usage", lambda path: usage(10, 10, 1000))
        with pytest.raises(DeployError, match="No space left on device; free some space"):
            fetched(site, monkeypatch)
        assert not site.asked
        monkeypatch.undo()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_disk_that_fills_up_is_one_line(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.mkdir()
    (cache / "mnist-12.onnx.partial").symlink_to("/dev/full")
    with serving(CONTENT) as site, pytest.raises(DeployError, match="No space left on device; free some space"):
        fetched(site, monkeypatch)


def test_unwritable_cache_is_one_line(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.write_text("a file where the folder should be")
    with serving(CONTENT) as site, pytest.raises(DeployError, match="cannot write to the cache"):
        fetched(site, monkeypatch)


def test_interrupt_keeps_what_came(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stop:
        def update(self, progress: Progress) -> None:
            if progress.fraction:
                raise KeyboardInterrupt

        def close(self) -> None:
            pass

    with serving(CONTENT) as site, reporting(Stop), pytest.raises(KeyboardInterrupt):
        fetched(site, monkeypatch)
    (left,) = cache.iterdir()
    assert left.name == "mnist-12.onnx.partial"
    assert CONTENT.startswith(left.read_bytes())
    assert left.stat().st_size > 0


def test_two_threads_at_once_are_safe(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results: list[bytes | Exception] = []

    def work() -> None:
        try:
            results.append(zoo.fetch(NAME).read_bytes())
        except Exception as error:  # noqa: BLE001 - the assertion shows it
            results.append(error)

    with serving(CONTENT, server.truncated(98_304), server.truncated(98_304)) as site:
        monkeypatch.setenv("DEPLOY_MAGICS_MIRROR", site.address)
        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert results == [CONTENT] * 3
    assert files(cache)[0] == "mnist-12.onnx"


def test_two_processes_at_once_are_safe(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "from deploy_magics import zoo; from deploy_magics.zoo._catalogue import PUBLISHED, Published;"
        f"PUBLISHED[{NAME!r}] = Published({PATH!r}, {len(CONTENT)}, {SHA256!r}, 'test');"
        f"print(zoo.fetch({NAME!r}).stat().st_size)"
    )
    with serving(CONTENT) as site:
        monkeypatch.setenv("DEPLOY_MAGICS_MIRROR", site.address)
        both = [
            subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for _ in range(2)
        ]
        answers = [process.communicate(timeout=60) for process in both]
    assert [(process.returncode, out.strip()) for process, (out, _) in zip(both, answers, strict=True)] == [
        (0, "300000"), (0, "300000"),
    ], answers  # fmt: skip
    assert (cache / "mnist-12.onnx").read_bytes() == CONTENT


def test_mirror_may_be_a_folder(cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    monkeypatch.setenv("DEPLOY_MAGICS_MIRROR", str(stick))
    with pytest.raises(DownloadError, match="the mirror has neither"):
        zoo.fetch(NAME)
    (stick / "mnist-12.onnx").write_bytes(CONTENT[:-1] + b"?")
    with pytest.raises(DownloadError, match="its sha256 differs"):
        zoo.fetch(NAME)
    (stick / "mnist-12.onnx").write_bytes(CONTENT)
    # The process's mask is shared by its threads: it is not to be touched.
    with monkeypatch.context() as patch:
        patch.setattr(os, "umask", None)
        path = zoo.fetch(NAME)
    assert path.read_bytes() == CONTENT
    assert path.stat().st_mode & 0o777 == 0o666 & ~_umask()


def test_only_published_names_are_fetched() -> None:
    with pytest.raises(ModelError, match="no published model is called 'resnet50-v2'; did you mean 'resnet50-v2-7'"):
        zoo.fetch("resnet50-v2")
    with pytest.raises(ModelError, match="no published model is called 'zzz'; there are resnet50-v2-7, "):
        zoo.fetch("zzz")


def test_catalogue_of_published_models() -> None:
    assert len(PUBLISHED) == 10
    for name, item in PUBLISHED.items():
        assert item.path.endswith(f"/model/{name}.onnx")
        assert len(bytes.fromhex(item.sha256)) == 32
        assert zoo.entry(name).kind == "published"
