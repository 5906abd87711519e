"""Formats that models are converted to. A format is a module with a function, and an entry here.

The function is ``(source: Source, folder: Path, stem: str, options: Options) -> Made``. It runs in a worker, writes
into an empty folder and reads back what it wrote. ``opener`` is ``(path, *, threads, options) -> Session`` and runs
what was made, in another worker; "" where a runtime of :mod:`deploy_magics.running` does, and None where nothing here
can.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
    takes : {"onnx", "torch", "either", "original"}
        What it is made from: "original" is what a network was written in, a torch module, Keras model, saved model or
        JAX function; of "either" that as well, where there is one, and else the ONNX model.
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
        The Python that runs it where it runs, ``{file}`` standing for what was written, in quotes, and ``{inputs}`` for
        a mapping of ones; "" where that is here.
    needs : mapping
        Packages that are needed besides, by what it is made from: ``{"keras": ("tensorflow", "pip install ...")}``.
    fixes_sizes : bool
        Whether it is told the size that open dimensions take, since it may leave none open.
    instead : str
        What to do with a model of which it cannot be made.
    """

    name: str
    title: str
    job: str
    takes: Literal["onnx", "torch", "either", "original"]
    files: tuple[str, ...]
    opener: str | None = ""
    package: str = ""
    install: str = ""
    precision: str = ""
    elsewhere: str = ""
    needs: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    fixes_sizes: bool = False
    instead: str = "give the torch module, with its input or --shape"

    def why_not(self, kind: str = "") -> str | None:
        """Say why it cannot be made here, with the command that installs what is missing; None if it can.

        Parameters
        ----------
        kind : str
            What it is to be made from, as in :class:`Source`.
        """
        own = (self.package, self.install)
        return missing(self.title, own) or missing(self.title, self.needs.get(kind, ("", "")))


def missing(what: str, need: tuple[str, str]) -> str | None:
    """Say that a package is not installed, and the command that installs it; None if it is there."""
    from importlib.util import find_spec

    package, install = need
    if package and find_spec(package) is None:
        return f"{what} needs the package {package!r}, which is not installed; {install}"
    return None


_ROOM = "deploy_magics.converting"
_TORCH = "pip install 'deploy-magics[torch]'"
_CONVERT = "pip install 'deploy-magics[convert]'"
TENSORFLOW = "pip install 'deploy-magics[tensorflow]'"
# litert-torch asks for an old typing_extensions by way of a package that it does not use; Jupyter and TVM need a newer.
_LITERT_TORCH = "pip install litert-torch && pip install -U typing_extensions"
# It pins NumPy 1.26, ONNX 1.19 and protobuf 4, so it cannot be here, and it looks for onnxsim on the path.
_ONNX2TF = "python3 -m venv o2t && . o2t/bin/activate && pip install onnx2tf && onnx2tf -i MODEL.onnx -o out"

TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        Target(
            "onnx",
            "ONNX",
            f"{_ROOM}.onnx_file:plain",
            "either",
            ("{stem}.onnx", "{stem}.onnx.data"),
            needs={
                "keras": ("tf2onnx", TENSORFLOW),
                "saved_model": ("tf2onnx", TENSORFLOW),
                "jax": ("jax2onnx", TENSORFLOW),
            },
        ),
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
            ("{stem}.ncnn.param", "{stem}.ncnn.bin", "{stem}.ncnn.json"),
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
            "tflite",
            "TFLite",
            f"{_ROOM}.tflite:convert",
            "original",
            ("{stem}.tflite",),
            opener=f"{_ROOM}.litert:load",
            package="ai_edge_litert",
            install=_CONVERT,
            needs={
                "torch": ("litert_torch", _LITERT_TORCH),
                "keras": ("tensorflow", TENSORFLOW),
                "saved_model": ("tensorflow", TENSORFLOW),
                "jax": ("tensorflow", TENSORFLOW),
            },
            fixes_sizes=True,
            instead=f"give the torch module, Keras model, saved model or JAX function, or elsewhere: {_ONNX2TF}",
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
            elsewhere="import coremltools as ct, numpy as np; print(ct.models.MLModel({file}).predict({inputs}))",
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


__all__ = ["TARGETS", "TENSORFLOW", "Target", "chosen", "missing"]
