from __future__ import annotations

import os

import pytest

from deploy_magics.errors import DeployError
from deploy_magics.files import whole_file, write_whole


def test_a_broken_write_leaves_the_old_file_and_no_rubbish(tmp_path) -> None:
    path = tmp_path / "a.bin"
    write_whole(path, b"old")

    def fail() -> None:
        with whole_file(path, force=True) as part:
            part.write_bytes(b"half")
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        fail()
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.bin"]


def test_an_interrupt_leaves_no_rubbish(tmp_path) -> None:
    def stop() -> None:
        with whole_file(tmp_path / "a.bin"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop()
    assert list(tmp_path.iterdir()) == []


def test_where_nothing_can_be_written_is_one_line(tmp_path) -> None:
    with pytest.raises(DeployError, match="No such file or directory"):
        write_whole(tmp_path / "none" / "a.bin", b"")
    with pytest.raises(DeployError, match="is a folder"):
        write_whole(tmp_path, b"", force=True)


def no_links(*_: object, **__: object) -> None:
    raise PermissionError(1, "Operation not permitted")


@pytest.mark.parametrize("links", [True, False])
def test_what_appeared_meanwhile_is_left_as_it_is(links: bool, tmp_path, monkeypatch) -> None:
    if not links:
        monkeypatch.setattr(os, "link", no_links)
    path = tmp_path / "a.bin"

    def race() -> None:
        with whole_file(path) as part:
            part.write_bytes(b"ours")
            path.write_bytes(b"theirs")

    with pytest.raises(DeployError, match=r"a\.bin' exists and is left as it is; add --force"):
        race()
    assert path.read_bytes() == b"theirs"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.bin"]
    with whole_file(path, force=True) as part:
        part.write_bytes(b"ours")
    assert path.read_bytes() == b"ours"


def test_without_links_a_file_is_written_all_the_same(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(os, "link", no_links)
    write_whole(tmp_path / "a.bin", b"new")
    assert (tmp_path / "a.bin").read_bytes() == b"new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.bin"]


def test_a_link_that_leads_nowhere_exists(tmp_path) -> None:
    link = tmp_path / "a.bin"
    link.symlink_to(tmp_path / "gone")
    with pytest.raises(DeployError, match="exists and is left as it is"):
        write_whole(link, b"new")
    assert link.is_symlink()


@pytest.mark.parametrize("force", [False, True])
def test_a_name_may_be_as_long_as_the_system_allows(force: bool, tmp_path) -> None:
    path = tmp_path / ("n" * 251 + ".bin")
    write_whole(path, b"new", force=force)
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("force", [False, True])
def test_bytes_are_on_the_disk_before_the_name_is(force: bool, tmp_path, monkeypatch) -> None:
    path = tmp_path / "a.bin"
    settled: list[tuple[int, bool]] = []
    fsync = os.fsync

    def watched(handle: int) -> None:
        settled.append((os.fstat(handle).st_ino, path.exists()))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", watched)
    write_whole(path, b"new", force=force)
    assert settled[0] == (path.stat().st_ino, False)


@pytest.mark.skipif(os.name != "posix", reason="permissions of this kind are POSIX's")
def test_a_file_has_the_permissions_of_any_other(tmp_path, monkeypatch) -> None:
    other = tmp_path / "other"
    other.touch()
    # The mask belongs to the whole process: to set it, even for a moment, would show in other threads' files.
    monkeypatch.setattr(os, "umask", None)
    write_whole(tmp_path / "a.bin", b"")
    assert (tmp_path / "a.bin").stat().st_mode == other.stat().st_mode
