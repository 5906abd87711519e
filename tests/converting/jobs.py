"""What the worker does in place of converting, to see what is made of it."""

from __future__ import annotations

import errno
import os
import shutil
import sys
import time
from pathlib import Path

from deploy_magics.converting import Made, Options, Source
from deploy_magics.converting.onnx_file import ports


def crashes(source: Source, folder: Path, stem: str, options: Options) -> Made:
    (folder / f"{stem}.onnx").write_bytes(b"half")
    os.abort()


def hangs(source: Source, folder: Path, stem: str, options: Options) -> Made:
    (folder / f"{stem}.onnx").write_bytes(b"half")
    time.sleep(60)
    raise AssertionError


def talks(source: Source, folder: Path, stem: str, options: Options) -> Made:
    """Print junk where answers go, and do what is asked."""
    for _ in range(1000):
        print("\x00\xff junk \x1b[2J", file=sys.__stdout__)
    os.write(1, b"\x10\0\0\0\0\0\0\0not an answer")
    return copies(source, folder, stem, options)


def copies(source: Source, folder: Path, stem: str, options: Options) -> Made:
    target = folder / f"{stem}.onnx"
    shutil.copyfile(source.path, target)
    return Made(target.name, "a copier 1.0", *ports(target))


def cuts_short(source: Source, folder: Path, stem: str, options: Options) -> Made:
    """Write half a file and say that all is well."""
    made = copies(source, folder, stem, options)
    whole = Path(source.path).read_bytes()
    (folder / made.main).write_bytes(whole[: len(whole) // 2])
    return made


def says_nothing(source: Source, folder: Path, stem: str, options: Options) -> Made:
    return Made(f"{stem}.onnx", "nobody", (), ())


def changes_weights(source: Source, folder: Path, stem: str, options: Options) -> Made:
    """Make a model whose weights are 2 % off."""
    import onnx
    from onnx import numpy_helper

    model = onnx.load(source.path)
    for tensor in model.graph.initializer:
        array = numpy_helper.to_array(tensor)
        tensor.CopyFrom(numpy_helper.from_array((array * 1.02).astype(array.dtype), tensor.name))
    onnx.save(model, folder / f"{stem}.onnx")
    return Made(f"{stem}.onnx", "a changer 1.0", *ports(folder / f"{stem}.onnx"))


def renames_an_input(source: Source, folder: Path, stem: str, options: Options) -> Made:
    made = copies(source, folder, stem, options)
    first = made.inputs[0]
    return Made(made.main, made.by, (type(first)("other", "int8", (1,)), *made.inputs[1:]), made.outputs)


def finds_the_disk_full(source: Source, folder: Path, stem: str, options: Options) -> Made:
    (folder / f"{stem}.onnx").write_bytes(b"half")
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def raises(source: Source, folder: Path, stem: str, options: Options) -> Made:
    raise ValueError("the operator <b>Frob</b>\nis not known\n" + "x" * 5000)
