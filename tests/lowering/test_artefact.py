"""The manifest inside an artefact: written, found, and refused where it is damaged."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from deploy_magics.errors import ArgumentError, ModelError
from deploy_magics.lowering.artefact import FORMAT, Manifest, c_source, is_artefact, pack, read_manifest

MANIFEST = Manifest(
    model={"name": "tiny <net>", "digest": "ab" * 32, "source": "zoo: tiny"},
    inputs=({"name": "x", "dtype": "float32", "shape": [1, 3, 8, 8]},),
    outputs=({"name": "y", "dtype": "float32", "shape": [1, 10]},),
    target={"triple": "x86_64-unknown-linux-gnu", "cpu": "x86-64", "cores": 2, "features": []},
    layout="plain",
    schedule="rule",
    records={"trials": 3},
    versions={"tvm": "0.27"},
    labels={"fused_conv2d": "conv2d 3x3 µ \udce4"},
)


def library(path: Path, *, before: int, body: bytes) -> Path:
    path.write_bytes(b"\x7fELF" + b"\x00" * before + body + b"\x00" * 100)
    return path


@pytest.mark.parametrize("before", [0, 2**20 - 30, 2**20 - 5, 2**20, 3 * 2**20 + 17])
def test_it_is_found_wherever_it_stands(tmp_path: Path, before: int) -> None:
    found = read_manifest(library(tmp_path / "a.so", before=before, body=pack(MANIFEST)))
    assert found == MANIFEST
    assert found.machine.lanes == 4
    assert found.name == "tiny <net>"


def test_it_is_found_in_an_archive(tmp_path: Path) -> None:
    (tmp_path / "manifest.o").write_bytes(pack(MANIFEST))
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.add(tmp_path / "manifest.o", "manifest.o")
    assert read_manifest(tmp_path / "a.tar") == MANIFEST
    assert is_artefact(tmp_path / "a.tar")


def test_a_damaged_one_before_a_whole_one_is_passed_over(tmp_path: Path) -> None:
    damaged = pack(MANIFEST)[:-20] + b"x" * 20
    assert read_manifest(library(tmp_path / "a.so", before=9, body=damaged + pack(MANIFEST))) == MANIFEST


def test_every_cut_is_refused_in_one_line(tmp_path: Path) -> None:
    whole = pack(MANIFEST)
    for length in (0, 5, 27, 31, 40, len(whole) - 1):
        (tmp_path / "cut.so").write_bytes(b"\x7fELF" + whole[:length])
        with pytest.raises(ModelError, match=r"no artefact|damaged") as caught:
            read_manifest(tmp_path / "cut.so")
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"format": FORMAT + 1}, "later version"),
        ({"format": "1"}, "no description"),
        ({"inputs": [{"name": "x"}]}, "damaged"),
        ({"inputs": [{"name": "x", "dtype": "float32", "shape": ["a"]}]}, "damaged"),
        ({"outputs": 3}, "damaged"),
        ({"model": []}, "damaged"),
        ({"labels": {"a": 3}}, "damaged"),
        ({"layout": None}, "damaged"),
        ({"records": 3}, "damaged"),
        ({"target": {"triple": 3}}, "no target"),
        ({"layout": 1}, "damaged"),
    ],
)
def test_what_is_no_manifest_is_refused(change: dict[str, object], says: str) -> None:
    with pytest.raises(ArgumentError, match=says):
        Manifest.from_plain({**MANIFEST.to_plain(), **change})


def test_fields_that_are_not_known_are_passed_over() -> None:
    assert Manifest.from_plain({**MANIFEST.to_plain(), "new": 1}) == MANIFEST


def test_other_files_are_no_artefacts(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(pack(MANIFEST))
    (tmp_path / "b.so").write_bytes(b"\x7fELF and no more")
    (tmp_path / "empty").write_bytes(b"")
    with pytest.raises(ModelError, match="is no artefact of %tvm_compile; make one"):
        read_manifest(tmp_path / "b.so")
    for name in ("a.onnx", "empty"):
        with pytest.raises(ModelError, match="is no compiled model"):
            read_manifest(tmp_path / name)
        assert not is_artefact(tmp_path / name)
    with pytest.raises(ModelError, match="is not there"):
        read_manifest(tmp_path / "gone.so")
    with pytest.raises(ModelError, match="is a folder"):
        read_manifest(tmp_path)


def test_the_source_of_the_constant_holds_the_same_bytes() -> None:
    text = c_source(MANIFEST)
    octal = "".join(line.strip().strip(";").strip('"') for line in text.splitlines() if line.startswith("    "))
    assert bytes(int(part, 8) for part in octal.split("\\") if part) == pack(MANIFEST)
