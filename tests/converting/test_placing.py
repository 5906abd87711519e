"""What belongs together is put in place all or none."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from deploy_magics.converting import place, placing
from deploy_magics.errors import DeployError


@pytest.fixture
def pairs(tmp_path: Path) -> list[tuple[Path, Path]]:
    made, out = tmp_path / "made", tmp_path / "out"
    (made / "net.mlpackage" / "Data").mkdir(parents=True)
    (made / "net.mlpackage" / "Manifest.json").write_text("new")
    (made / "net.xml").write_text("new")
    (made / "net.bin").write_text("new")
    out.mkdir()
    return [(made / name, out / name) for name in ("net.xml", "net.mlpackage", "net.bin")]


def listed(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


NEW = {"net.xml": "new", "net.bin": "new", "net.mlpackage/Manifest.json": "new"}


def test_files_and_folders_take_their_places(pairs: list[tuple[Path, Path]]) -> None:
    out = pairs[0][1].parent
    place(pairs)
    assert listed(out) == NEW
    with pytest.raises(DeployError, match=r"net.xml' exists and is left as it is; add --force"):
        place(pairs)
    (out / "net.bin").write_text("old")
    place(pairs, force=True)
    assert listed(out) == NEW
    assert sorted(path.name for path in out.iterdir()) == ["net.bin", "net.mlpackage", "net.xml"]


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("fails", ["copyfile", "settle", "_name"])
def test_a_full_disk_leaves_all_as_it_was(
    fails: str, force: bool, pairs: list[tuple[Path, Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = pairs[0][1].parent
    if force:
        place(pairs)
        for _, target in pairs[::2]:
            target.write_text("old")
    before = listed(out)
    real = shutil.copyfile if fails == "copyfile" else getattr(placing, fails)
    calls = []

    def full(*args: object) -> object:
        calls.append(args)
        if len(calls) == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(*args)

    if fails == "copyfile":
        monkeypatch.setattr(shutil, fails, full)
    else:
        monkeypatch.setattr(placing, fails, full)
    with pytest.raises(DeployError, match=r"cannot write .*: No space left on device"):
        place(pairs, force=force)
    assert len(calls) == 3
    assert listed(out) == before
    assert not [path for path in out.iterdir() if path.name.startswith(".")]


def test_a_folder_of_the_user_is_never_replaced(pairs: list[tuple[Path, Path]]) -> None:
    out = pairs[0][1].parent
    (out / "net.mlpackage").mkdir()
    (out / "net.mlpackage" / "thesis.txt").write_text("mine")
    with pytest.raises(DeployError, match="is a folder"):
        place(pairs, force=True)
    assert listed(out) == {"net.mlpackage/thesis.txt": "mine"}
