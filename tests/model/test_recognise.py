"""What is no ONNX model is named for what it is."""

from __future__ import annotations

import gzip
import io
import os
import pickle
import struct
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from deploy_magics.model import _wire
from tests.model.build import model, refused


def zipped(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def npz() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, x=np.zeros(3))
    return buffer.getvalue()


def tarred() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo("model.onnx"))
    return buffer.getvalue()


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 102442450\n"
SAFETENSORS = struct.pack("<Q", 60) + b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}      ' + b"\0" * 4
TORCH = zipped(**{"m/data.pkl": b"", "m/data/0": b"", "m/version": b"3"})
SCRIPT = zipped(**{"m/data.pkl": b"", "m/constants.pkl": b"", "m/code/__torch__.py": b""})
KERAS = zipped(**{"metadata.json": b"{}", "config.json": b"{}", "model.weights.h5": b""})
SAVED = b"\x08\x01\x12\x40" + b"\n\x10" + b"\x12\x05serve" + b"serving_default" + b"\0" * 60
FROZEN = b"\n\x1c\n\x05input\x12\x0bPlaceholder*\x06\n\x02ab"
# As MNN 3.6 writes it: offset of the root, a table of twelve fields of which the last is the UUID, the root, the text.
MNN = (
    struct.pack("<I", 32)
    + struct.pack("<14H", 28, 36, *[0] * 11, 32)
    + struct.pack("<i", 28)
    + b"\0" * 28
    + struct.pack("<II", 4, 36)
    + b"967dd89a-e742-42cc-ac51-77fad28ff363"
    + b"\0" * 8
)
# As coremltools 9 begins a program: its version, a description, and the program in field 502.
CORE_ML = b"\x08\x07\x12\x05\x0a\x03\x0a\x01x" + b"\xb2\x1f\x04\x08\x01\x12\x00" + b"\0" * 4
CASES = {
    "empty.onnx": (b"", "is empty"),
    "page.onnx": (b"\n<!DOCTYPE html><html><body>404</body></html>", "an HTML page"),
    "page2.onnx": (b"<html>\n<head>", "an HTML page"),
    "denied.onnx": (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "an XML file"),
    "text.onnx": ("wir hätten gern\nein Modell".encode(), "a text file that begins 'wir hätten gern ein Modell'"),
    "code.onnx": (b'{"detail": "Not Found"}', "a JSON file"),
    "pointer.onnx": (LFS, "a git-lfs pointer to 97.7 MiB"),
    "plain.zip": (zipped(a=b"1"), "a zip archive"),
    "holds.onnx": (zipped(**{"deep/net.onnx": b"1"}), "a zip archive that holds 'deep/net.onnx'"),
    "broken.zip": (zipped(a=b"1")[:20], "a broken or truncated zip archive"),
    "model.pt": (TORCH, "a PyTorch file"),
    "script.pt": (SCRIPT, "a TorchScript module"),
    "old.pt": (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", "a PyTorch file in its old format"),
    "model.keras": (KERAS, "a Keras model"),
    "data.npz": (npz(), "NumPy arrays (.npz)"),
    "data.npy": (b"\x93NUMPY\x01\x00", "a NumPy array"),
    "net.tflite": (b"\x1c\0\0\0TFL3" + b"\0" * 40, "a TensorFlow Lite model"),
    "net.ort": (b"\x1c\0\0\0ORTM" + b"\0" * 40, "a model in ONNX Runtime's own format"),
    "net.h5": (b"\x89HDF\r\n\x1a\n" + b"\0" * 40, "an HDF5 file"),
    "net.pkl": (pickle.dumps({"a": 1}), "a Python pickle"),
    "net.xml": (b'<?xml version="1.0"?>\n<net name="x" version="11">', "an OpenVINO model"),
    "saved_model.pb": (SAVED, "a TensorFlow saved model"),
    "frozen.pb": (FROZEN, "a frozen TensorFlow graph"),
    "net.gguf": (b"GGUF\x03\0\0\0" + b"\0" * 40, "a GGUF file"),
    "net.safetensors": (SAFETENSORS, "a safetensors file"),
    "net.param": (b"7767517\n75 83\nInput data", "an ncnn model's .param file"),
    "net.mnn": (b"\x18\0\0\0\0\0\x12\0" + b"\0" * 40, "an MNN model"),
    "mnn.onnx": (MNN, "an MNN model"),
    "mlmodel.onnx": (CORE_ML, "a Core ML model"),
    "ncnn16.onnx": (b"Gk0\x01" + b"\0" * 40, "the weights of an ncnn model"),
    "ncnn8.onnx": (b"8K\x0d\x00" + b"\0" * 40, "the weights of an ncnn model"),
    "net.gz": (gzip.compress(b"x"), "compressed with gzip"),
    "net.tar": (tarred(), "a tar archive"),
    "net.so": (b"\x7fELF\x02\x01", "a compiled library"),
    "net.prototxt": (b'name: "lenet"\nlayer {\n  name: "data"\n}', "a Caffe prototxt"),
    "text.pbtxt": (b"ir_version: 8\ngraph {\n}", "an ONNX model written as text"),
    "net.onnx.data": (os.urandom(1) + b"\xff" * 200, "the external data of a model"),
    "zeros.onnx": (b"\0" * 5000, "no ONNX model"),
    "noise.onnx": (b"\xff\xfe" * 500, "no ONNX model"),
}


@pytest.mark.parametrize("name", CASES)
def test_foreign_file_is_named(name: str, tmp_path: Path) -> None:
    data, what = CASES[name]
    path = tmp_path / name
    path.write_bytes(data)
    line = refused(path)
    assert what in line
    assert repr(str(path))[1:-1].rsplit("/", 1)[-1] in line


def test_truncated_file_says_so(tmp_path: Path) -> None:
    whole = model().SerializeToString()
    path = tmp_path / "cut.onnx"
    said = set()
    for length in range(2, len(whole)):
        path.write_bytes(whole[:length])
        said.add(refused(path).split(": ")[0].rsplit("/", 1)[-1])
    assert "cut.onnx' is truncated" in said


def test_missing_file_suggests_its_neighbour(tmp_path: Path) -> None:
    (tmp_path / "resnet50.onnx").write_bytes(b"")
    assert "did you mean 'resnet50.onnx'?" in refused(tmp_path / "resnet5.onnx")
    assert "no folder" in refused(tmp_path / "nowhere" / "a.onnx")


def test_unknown_zoo_name_suggests_the_nearest() -> None:
    assert "'resnet50'" in refused("resnet5O")
    assert "'resnet50'" in refused("resnet51.onnx")


@pytest.mark.parametrize("name", ["", "  ", "a\0b.onnx", "x" * 5000 + ".onnx", "new\nline.onnx", "~nobody_here/x.onnx"])
def test_odd_names(name: str) -> None:
    refused(name)


def test_folders(tmp_path: Path) -> None:
    assert "a folder with no .onnx file" in refused(tmp_path)
    (tmp_path / "net.onnx").write_bytes(b"")
    assert "net.onnx" in refused(tmp_path)
    (tmp_path / "saved_model.pb").write_bytes(b"")
    assert "a TensorFlow saved model" in refused(tmp_path)


def test_folders_of_core_ml(tmp_path: Path) -> None:
    (tmp_path / "renamed" / "Data" / "com.apple.CoreML").mkdir(parents=True)
    (tmp_path / "renamed" / "Manifest.json").write_text('{"rootModelIdentifier": "a"}')
    assert "a Core ML package" in refused(tmp_path / "renamed")
    (tmp_path / "net.mlmodelc").mkdir()
    (tmp_path / "net.mlmodelc" / "coremldata.bin").write_bytes(b"")
    assert "a compiled Core ML model" in refused(tmp_path / "net.mlmodelc")


@pytest.mark.parametrize(
    ("beside", "text", "whose"),
    [("net.xml", '<?xml version="1.0"?>\n<net name="x">', "OpenVINO"), ("net.param", "7767517\n1 1\n", "ncnn")],
)
def test_bare_weights_are_named_by_what_stands_beside_them(beside: str, text: str, whose: str, tmp_path: Path) -> None:
    (tmp_path / "net.bin").write_bytes(b"\0" * 400)
    assert "a file of bare weights" in refused(tmp_path / "net.bin")
    (tmp_path / beside).write_text(text)
    assert f"the weights of an {whose} model" in refused(tmp_path / "net.bin")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes in folders")
def test_pipe_and_device_are_not_read(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.onnx"
    os.mkfifo(pipe)
    assert "no regular file" in refused(pipe)
    assert "no regular file" in refused("/dev/zero")


def test_unreadable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(model().SerializeToString())

    def refuse(*args: object, **options: object) -> int:
        raise PermissionError(13, "Permission denied")

    # Taking the permission away would not keep root, who runs tests in containers, from reading it.
    monkeypatch.setattr(os, "open", refuse)
    assert "may not be read" in refused(path)


def test_huge_sparse_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.onnx"
    with path.open("wb") as file:
        file.write(b"\x08\x08")
        file.truncate(10 * 2**30)
    assert "10.0 GiB" in refused(path)
    with path.open("wb") as file:
        file.truncate(10 * 2**30)
    assert "no ONNX model" in refused(path)


def test_large_claims_are_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "claims.onnx"
    path.write_bytes(b"\x08\x08\x3a\xff\xff\xff\xff\x07")
    assert "truncated" in refused(path)


def test_a_message_made_of_little_fields_is_given_up_soon(tmp_path: Path) -> None:
    path = tmp_path / "bomb.onnx"
    nodes = b"\x0a\x00" * 3_000_000
    path.write_bytes(
        b"\x08\x08\x3a"
        + bytes(
            [0x80 | len(nodes) & 127, 0x80 | len(nodes) >> 7 & 127, 0x80 | len(nodes) >> 14 & 127, len(nodes) >> 21]
        )
        + nodes
    )
    assert "too large" in refused(path)


def test_parts_that_fill_the_memory_are_given_up_soon(tmp_path: Path) -> None:
    path = tmp_path / "bomb.onnx"
    node = _wire.field(1, _wire.field(5, b"") * 20_000)
    path.write_bytes(b"\x08\x08" + _wire.field(7, node * 60) + _wire.field(8, b"\x10\x11"))
    assert "more than 1,000,000 nodes and attributes" in refused(path)


@pytest.mark.parametrize("obj", [3, None, [], {}, object(), np.zeros(3), b"bytes"])
def test_other_objects(obj: object) -> None:
    refused(obj)
