from __future__ import annotations

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
