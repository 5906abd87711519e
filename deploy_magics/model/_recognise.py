"""What a file is that is no ONNX model, by its content, and what to do about it."""

from __future__ import annotations

import re
import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path

from deploy_magics.model import _compiled, _wire
from deploy_magics.model._text import quote, size

HEAD_BYTES = 64 * 2**10

_EXPORT = "export it to ONNX and give that file"
_TORCH = "load it in Python, then give the module itself, or torch.onnx.export it"
_KERAS = "%convert it --to onnx, and give that file"
_KERAS_FILE = "a Keras model"
_HDF5 = b"\x89HDF\r\n\x1a\n"
_UNPACK = "unpack it and give the .onnx file"
_CONVERTED = "give the model it was converted from"
_DOWNLOAD = "download it again; a page took the file's place"

_MNN_TABLE_BYTES = 4 + 2 * 12
_CORE_ML_KINDS = range(200, 3001)
_FIELDS_LOOKED_AT = 8

_MAGIC: tuple[tuple[int, bytes, str, str], ...] = (
    (4, b"TFL3", "a TensorFlow Lite model", "convert it with tf2onnx --tflite, or give the model it was made from"),
    (4, b"ORTM", "a model in ONNX Runtime's own format", "give the .onnx file it was made from"),
    (0, _HDF5, "an HDF5 file, as Keras writes", _KERAS),
    (0, b"GGUF", "a GGUF file of llama.cpp", "give an ONNX export of that network"),
    (0, b"RKNN", "a Rockchip NPU model", "give the ONNX file it was made from"),
    (0, b"ftrt", "a TensorRT engine", "give the ONNX file it was built from"),
    (0, b"ptrt", "a TensorRT engine", "give the ONNX file it was built from"),
    (0, b"\xdd\x85\x76\x00", "an ncnn model in binary form", _CONVERTED),
    (0, b"7767517", "an ncnn model's .param file", _CONVERTED),
    # Flags before the first weights: float16, and 8-bit integers; float32 has four zeros, which many files begin with.
    (0, b"Gk0\x01", "the weights of an ncnn model (.bin)", _CONVERTED),
    (0, b"8K\x0d\x00", "the weights of an ncnn model (.bin)", _CONVERTED),
    (0, b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19", "a PyTorch file in its old format", _TORCH),
    (0, b"\x93NUMPY", "a NumPy array", "give it as data, for example --data inputs.npz, beside a model"),
    (0, b"\x1f\x8b", "compressed with gzip", _UNPACK),
    (0, b"BZh", "compressed with bzip2", _UNPACK),
    (0, b"\xfd7zXZ\0", "compressed with xz", _UNPACK),
    (0, b"\x28\xb5\x2f\xfd", "compressed with zstd", _UNPACK),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _UNPACK),
    (0, b"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    (257, b"ustar", "a tar archive", _UNPACK),
    (0, b"\x7fELF", "a compiled library or program", "give the model it was compiled from"),
    (0, b"BC\xc0\xde", "LLVM bitcode", "give the model it was compiled from"),
    (0, b"PAR1", "a Parquet file", "give a model"),
    (0, b"SQLite format 3\0", "an SQLite database", "give a model"),
    (0, b"%PDF-", "a PDF document", "give a model"),
    (0, b"\x89PNG\r\n", "a PNG picture", "give a model"),
    (0, b"\xff\xd8\xff", "a JPEG picture", "give a model"),
    (0, b"GIF8", "a GIF picture", "give a model"),
)

_SUFFIX: dict[str, tuple[str, str]] = {
    ".mnn": ("an MNN model", _CONVERTED),
    ".mlmodel": ("a Core ML model", _CONVERTED),
    ".caffemodel": ("Caffe weights", _EXPORT),
    ".pdmodel": ("a PaddlePaddle model", "convert it with paddle2onnx"),
    ".pdiparams": ("PaddlePaddle weights", "convert the model with paddle2onnx"),
    ".pt": ("a PyTorch file", _TORCH),
    ".pth": ("a PyTorch file", _TORCH),
    ".engine": ("a TensorRT engine", "give the ONNX file it was built from"),
    ".plan": ("a TensorRT engine", "give the ONNX file it was built from"),
    ".tflite": ("no TensorFlow Lite model either, whatever its name says", "fetch it again"),
    ".bin": ("a file of bare weights", "give the model that they belong to"),
    ".data": ("the external data of a model", "give the .onnx file that it belongs to"),
    ".onnx_data": ("the external data of a model", "give the .onnx file that it belongs to"),
    ".npz": ("data, not a model", "give it as --data beside a model"),
}


def foreign(head: bytes, path: Path, length: int) -> tuple[str, str] | None:
    """Say what a file surely is, if it is one that can be told by its first bytes.

    Parameters
    ----------
    head : bytes
        Its first :data:`HEAD_BYTES`.
    path : Path
        Where it is; a zip's list of names is read from there.
    length : int
        Its size in bytes.

    Returns
    -------
    tuple of str, optional
        What it is ("a TensorFlow Lite model") and what to do; None where it may be an ONNX model.
    """
    if not length:
        return "empty", "fetch or export it again"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _archive(path)
    if _compiled.is_compiled(head, path):
        return _compiled.WHAT, _compiled.HINT
    for offset, magic, what, hint in _MAGIC:
        if head[offset : offset + len(magic)] == magic:
            return what, hint
    if head.startswith(b"version https://git-lfs.github.com/spec/"):
        found = re.search(rb"^size (\d{1,18})$", head, re.MULTILINE)
        of = f" to {size(int(found[1]))}" if found else ""
        return f"a git-lfs pointer{of}, not the model itself", "run 'git lfs pull' where it was cloned"
    if len(head) > 9 and head[8:9] == b"{" and 1 < int.from_bytes(head[:8], "little") <= length - 8:
        return "a safetensors file: weights without a network", "load it into its network and export that to ONNX"
    if _is_mnn(head):
        return "an MNN model", _CONVERTED
    if _is_core_ml(head):
        return "a Core ML model", _CONVERTED
    beside = _weights_of(path)
    if beside is not None:
        return beside, _CONVERTED
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return "a Python pickle, and is not loaded, since that would run it", _TORCH
    return _markup(head)


def framework(path: Path) -> str | None:
    """Tell the framework of a file or folder that ``%convert`` takes besides ONNX models, by its content.

    Returns
    -------
    str, optional
        ``"keras"`` or ``"saved_model"``; None for anything else.
    """
    try:
        if path.is_dir():
            return "saved_model" if (path / "saved_model.pb").is_file() else None
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except (OSError, ValueError):
        return None
    if head.startswith(_HDF5):
        return "keras"
    return "keras" if head.startswith(b"PK\x03\x04") and _archive(path)[0] == _KERAS_FILE else None


def otherwise(head: bytes, path: Path) -> tuple[str, str]:
    """Say what a file may be that did not parse as a model, or has nothing of one."""
    text = _text(head)
    if text is not None:
        return text
    if any(mark in head for mark in (b"saved_model_main_op", b"serving_default", b"\x12\x05serve")):
        return "a TensorFlow saved model", "%convert its folder --to onnx, and give that file"
    if head[:1] == b"\n" and any(mark in head for mark in (b"Placeholder", b"\x12\x05Const")):
        return "a frozen TensorFlow graph", "convert it with tf2onnx --graphdef"
    suffix = path.suffix.lower()
    if suffix == ".pb":
        return "no ONNX model, perhaps a TensorFlow graph", "convert it with tf2onnx"
    if path.name.lower().endswith(".onnx.data"):
        suffix = ".onnx_data"
    return _SUFFIX.get(suffix, ("no ONNX model", "fetch or export it again"))


def folder(path: Path) -> tuple[str, str]:
    """Say what a folder holds and what to give in its place."""
    try:
        names = sorted(entry.name for entry, _ in zip(path.iterdir(), range(10_000), strict=False))
    except OSError as error:
        return f"a folder that cannot be read ({error.strerror})", "give a model's file"
    inside = [name for name in names if name.lower().endswith(".onnx")]
    if "saved_model.pb" in names:
        return "a TensorFlow saved model", _KERAS
    if path.suffix == ".mlpackage" or ("Manifest.json" in names and (path / "Data" / "com.apple.CoreML").is_dir()):
        return "a Core ML package", _CONVERTED
    if "coremldata.bin" in names:
        return "a compiled Core ML model", _CONVERTED
    if inside:
        return "a folder", f"give the model's file in it, for example {quote(str(path / inside[0]), 100)}"
    return "a folder with no .onnx file in it", "give a model's file"


def _is_mnn(head: bytes) -> bool:
    """Tell an MNN model, which has no mark of its own: a FlatBuffer whose twelfth field is the text of a UUID.

    Layout: https://flatbuffers.dev/internals/; ``Net.mnn_uuid`` in MNN's ``schema/default/MNN.fbs``.
    """
    try:
        (root,) = struct.unpack_from("<I", head)
        (back,) = struct.unpack_from("<i", head, root)
        table = root - back
        if table < 0:
            return False
        (length,) = struct.unpack_from("<H", head, table)
        if not _MNN_TABLE_BYTES <= length < 2 * _MNN_TABLE_BYTES:
            return False
        (place,) = struct.unpack_from("<H", head, table + _MNN_TABLE_BYTES - 2)
        if not place:
            return False
        (ahead,) = struct.unpack_from("<I", head, root + place)
        text = root + place + ahead
        (size,) = struct.unpack_from("<I", head, text)
    except struct.error:
        return False
    return (
        size == 36
        and re.fullmatch(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", head[text + 4 : text + 40]) is not None
    )


def _is_core_ml(head: bytes) -> bool:
    """Tell Core ML's own protobuf by its fields: a version, then a description, then a model of a number above 199.

    https://apple.github.io/coremltools/mlmodel/Format/Model.html. ONNX has no field of such a number.
    """
    at = 0
    try:
        for place in range(_FIELDS_LOOKED_AT):
            number, wire, before, body = _wire.head(head, at)
            if place == 0 and (number, wire) != (1, 0):
                return False
            if number in _CORE_ML_KINDS:
                return wire == 2
            if number not in (1, 2, 10):
                return False
            at += before + body
    except _wire.Malformed:
        return False
    return False


def _weights_of(path: Path) -> str | None:
    """Tell bare weights by the description beside them, which says whose they are."""
    if path.suffix.lower() != ".bin":
        return None
    for suffix, mark, what in (
        (".xml", b"<net ", "the weights of an OpenVINO model (.bin)"),
        (".param", b"7767517", "the weights of an ncnn model (.bin)"),
    ):
        try:
            with path.with_suffix(suffix).open("rb") as file:
                if mark in file.read(4096):
                    return what
        except (OSError, ValueError):  # there is none, and then this says nothing
            continue
    return None


def _archive(path: Path) -> tuple[str, str]:
    """Tell the many things that are zip files apart by the names in them."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()[:100_000]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, MemoryError):
        return "a broken or truncated zip archive", "fetch it again"
    tails = {name.rsplit("/", 1)[-1] for name in names}
    if {"metadata.json", "config.json"} <= tails and any(name.endswith(".weights.h5") for name in names):
        return _KERAS_FILE, _KERAS
    if "data.pkl" in tails:
        if "constants.pkl" in tails:
            return "a TorchScript module", _TORCH
        return "a PyTorch file, pickled", _TORCH
    if "serialized_exported_program.json" in tails or any(
        name.endswith(".pt2") or "/models/" in name for name in names
    ):
        return "a program of torch.export", "load it with torch.export.load and torch.onnx.export it"
    if "dlc.metadata" in tails:
        return "a Qualcomm DLC model", "give the ONNX file it was converted from"
    if names and all(name.endswith(".npy") for name in names):
        return "NumPy arrays (.npz)", "give them as data, for example --data inputs.npz, beside a model"
    inside = [name for name in names if name.lower().endswith(".onnx")]
    if inside:
        return f"a zip archive that holds {quote(inside[0])}", _UNPACK
    return "a zip archive", _UNPACK


def _markup(head: bytes) -> tuple[str, str] | None:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:4096].lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return "an HTML page", _DOWNLOAD
    if start.startswith((b"<?xml", b"<net ", b"<pmml", b"<error")):
        if b"<net " in start:
            return "an OpenVINO model (.xml)", "give the ONNX file it was converted from"
        if b"<pmml" in start:
            return "a PMML model", _EXPORT
        return "an XML file", _DOWNLOAD if b"<error" in start or b"<code" in start else "give a model's file"
    return None


def _text(head: bytes) -> tuple[str, str] | None:
    """Recognise text: no control characters but white space, and UTF-8 throughout (its end may be cut)."""
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:
            return None
        text = head[: error.start].decode("utf-8")
    if not text or any(ord(char) < 32 and char not in "\t\n\r\f\v" for char in text):
        return None
    start = text.lstrip("\ufeff \t\r\n")
    if start.startswith(("{", "[")):
        return "a JSON file", "give the model that it describes"
    if re.search(r"^\s*layers?\s*\{", text, re.MULTILINE):
        return "a Caffe prototxt", _EXPORT
    if re.match(r"ir_version:\s*\d", start):
        return "an ONNX model written as text", "save it with onnx.save in binary form"
    words = _sentence(start.splitlines())
    return f"a text file that begins {words}", "check the path, or download it again"


def _sentence(lines: Sequence[str]) -> str:
    return quote(" ".join(" ".join(lines[:3]).split())[:200], 40)
