"""Formats that models are converted to. A format is a module with a function, and an entry here.

The function is ``(source: Source, folder: Path, stem: str, options: Options) -> Made``. It runs in a worker, writes
into an empty folder and reads back what it wrote. ``opener`` is ``(path, *, threads, options) -> Session`` and runs
what was made, in another worker; "" where a runtime of :mod:`deploy_magics.running` does, and None where nothing here
can.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from deploy_magics.errors import ArgumentError, did_you_mean


@dataclass(frozen=True)
class Target:
    """A format.

    Attributes
    ----------
    name : str
        Short name for ``--to``.
    title : str
        Full name for tables.
    job : str
        What converts: ``"package.module:function"``.
    takes : {"onnx", "torch", "either"}
        What it is made from; of "either", the torch module where there is one.
    files : tuple of str
        What may be written, ``{stem}`` standing for the model's name; the first is what is loaded.
    opener : str or None
        What runs it, as above.
    package : str
        The package that is needed, as it is imported.
    install : str
        The command that installs it.
    precision : str
        The type whose tolerance holds, where that is not the model's own: ``"float16"``.
    elsewhere : str
        The Python that runs it where it runs, ``{file!r}`` standing for what was written and ``{inputs}`` for a mapping
        of ones; "" where that is here.
    """

    name: str
    title: str
    job: str
    takes: Literal["onnx", "torch", "either"]
    files: tuple[str, ...]
    opener: str | None = ""
    package: str = ""
    install: str = ""
    precision: str = ""
    elsewhere: str = ""

    def why_not(self) -> str | None:
        """Say why it cannot be made here, with the command that installs what is missing; None if it can."""
        from importlib.util import find_spec

        if self.package and find_spec(self.package) is None:
            return f"{self.title} needs the package {self.package!r}, which is not installed; {self.install}"
        return None


_ROOM = "deploy_magics.converting"
_TORCH = "pip install 'deploy-magics[torch]'"
_CONVERT = "pip install 'deploy-magics[convert]'"

TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        Target("onnx", "ONNX", f"{_ROOM}.onnx_file:plain", "either", ("{stem}.onnx", "{stem}.onnx.data")),
        Target(
            "fp16",
            "ONNX, float16",
            f"{_ROOM}.onnx_file:half",
            "onnx",
            ("{stem}_fp16.onnx", "{stem}_fp16.onnx.data"),
            precision="float16",
        ),
        Target("ort", "ONNX Runtime's format", f"{_ROOM}.ort_format:convert", "onnx", ("{stem}.ort",)),
        Target(
            "openvino",
            "OpenVINO IR",
            f"{_ROOM}.openvino:convert",
            "onnx",
            ("{stem}.xml", "{stem}.bin"),
            opener=f"{_ROOM}.openvino:load",
            package="openvino",
            install=_CONVERT,
        ),
        Target(
            "ncnn",
            "ncnn",
            f"{_ROOM}.ncnn:convert",
            "onnx",
            ("{stem}.ncnn.param", "{stem}.ncnn.bin"),
            opener=f"{_ROOM}.ncnn:load",
            package="pnnx",
            install=_CONVERT,
        ),
        Target(
            "mnn",
            "MNN",
            f"{_ROOM}.mnn:convert",
            "onnx",
            ("{stem}.mnn",),
            opener=f"{_ROOM}.mnn:load",
            package="MNN",
            install=_CONVERT,
        ),
        Target(
            "torchscript",
            "TorchScript",
            f"{_ROOM}.torchscript:convert",
            "torch",
            ("{stem}.pt",),
            opener=f"{_ROOM}.torchscript:load",
            package="torch",
            install=_TORCH,
        ),
        Target(
            "coreml",
            "Core ML package",
            f"{_ROOM}.coreml:convert",
            "torch",
            ("{stem}.mlpackage",),
            opener=None,
            package="coremltools",
            install=_CONVERT,
            elsewhere="import coremltools as ct, numpy as np; print(ct.models.MLModel({file!r}).predict({inputs}))",
        ),
    )
}


def chosen(names: Sequence[str]) -> list[Target]:
    """Find formats by their short names, each once.

    Raises
    ------
    ArgumentError
        Where there is none of that name, or none is named.

    Examples
    --------
    >>> [target.title for target in chosen(["ort", "openvino", "ort"])]
    ["ONNX Runtime's format", 'OpenVINO IR']
    """
    if not names:
        raise ArgumentError("no format was named", hint=f"name some: --to {','.join(TARGETS)}")
    for name in names:
        if name not in TARGETS:
            raise ArgumentError(
                f"there is no format {name!r} to convert to",
                hint=did_you_mean(name, TARGETS) or f"there are {', '.join(TARGETS)}",
            )
    return [TARGETS[name] for name in dict.fromkeys(names)]


__all__ = ["TARGETS", "Target", "chosen"]
