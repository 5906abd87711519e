"""PyTorch on the CPU, as it comes (eager) and by its compilers."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from deploy_magics.converting.torchscript import Packed, Session, trace, unpack
from deploy_magics.errors import ModelError
from deploy_magics.running._protocol import About, Prepared

if TYPE_CHECKING:
    from deploy_magics.converting import Source

_INSTALL = "pip install 'deploy-magics[torch]'"
# Which torch looks for in this order, after what the variable CXX names.
_COMPILERS = ("g++", "clang++", "c++")


class Torch:
    """PyTorch on the CPU: it runs torch modules, and no ONNX files.

    Parameters
    ----------
    variant : str
        One of :attr:`variants`, or "" for eager: operator by operator.
    """

    modules = ("numpy", "torch")
    takes: Literal["torch"] = "torch"
    suffixes = (".pickle", ".pt")
    variants: Mapping[str, str] = {
        "trace": "TorchScript, traced and frozen",
        "script": "TorchScript, scripted and frozen",
        "compile": "compiled by Inductor",
    }
    about = About(
        loads="torch modules",
        threads="held to as many",
        precision="the module's own",
        install=_INSTALL,
    )

    def __init__(self, variant: str = "") -> None:
        self._variant = variant

    @property
    def name(self) -> str:
        """Short name, the variant in it."""
        return f"torch:{self._variant}" if self._variant else "torch"

    @property
    def title(self) -> str:
        """Full name, the variant in it."""
        return f"PyTorch, {self.variants.get(self._variant, 'eager')}"

    def varied(self, variant: str) -> Torch:
        """Give it in another variant."""
        return Torch(variant)

    def why_not(self) -> str | None:
        """Say why it cannot be used here; None if it can."""
        from importlib.util import find_spec

        if find_spec("torch") is None:
            return f"PyTorch is not installed; {_INSTALL}"
        if self._variant == "compile" and not (os.environ.get("CXX") or any(map(shutil.which, _COMPILERS))):
            return "torch.compile needs a C++ compiler, and there is none on the path; install g++ or clang"
        return None

    def version(self) -> str:
        """Version of the installed package."""
        from importlib.metadata import version

        return version("torch")

    def prepare(self, source: Source, folder: Path, *, threads: int = 1) -> Prepared:
        """Trace, script or compile a packed module; see :class:`deploy_magics.running.Prepares`."""
        import torch

        options = {"packed": source.path, "outputs": source.outputs}
        if not self._variant:
            return Prepared(source.path, options)
        torch.set_num_threads(threads)
        packed = unpack(source.path)
        if self._variant == "compile":
            # Its cache is what is kept: each process makes the same code from it.
            options["cache"] = str(folder)
            _compiled(packed, str(folder))
            return Prepared(source.path, options)
        jit: Any = torch.jit
        module = trace(packed)[0] if self._variant == "trace" else _scripted(packed)
        target = folder / "model.pt"
        jit.save(jit.freeze(module.eval()), str(target))
        return Prepared(str(target), options)

    def load(self, path: Path, *, threads: int = 1, options: Mapping[str, Any] | None = None) -> Session:
        """Load what was prepared; see :meth:`deploy_magics.running.Runtime.load`."""
        import torch

        given = dict(options or {})
        if "packed" not in given:
            raise ModelError(f"PyTorch runs torch modules, and {path.name!r} is a file", hint="give the module itself")
        torch.set_num_threads(threads)
        packed = unpack(given["packed"])
        jit: Any = torch.jit
        if self._variant in ("trace", "script"):
            module = jit.load(str(path))
        elif self._variant == "compile":
            module = _compiled(packed, given["cache"])
        else:
            module = packed.module
        return Session(module, packed.names, given["outputs"], dict(zip(packed.names, packed.inputs, strict=True)))


def _scripted(packed: Packed) -> Any:
    import torch

    jit: Any = torch.jit
    try:
        return jit.script(packed.module)
    except Exception as error:  # noqa: BLE001 - a user's module may raise anything
        reason = " ".join(str(error).split())[:160]
        name = type(packed.module).__name__
        raise ModelError(f"torch cannot script {name}: {type(error).__name__}: {reason}") from None


@contextlib.contextmanager
def _temporary_folder(path: str) -> Iterator[None]:
    before, tempfile.tempdir = tempfile.tempdir, path
    try:
        yield
    finally:
        tempfile.tempdir = before


def _compiled(packed: Packed, cache: str) -> Any:
    """Compile a module and run it once, since it is compiled then."""
    # Read when Inductor is imported; its own pool of processes would run beside what is timed.
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = cache
    os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = "1"
    import torch

    with _temporary_folder(cache):
        # It notes now where to keep 149 MB of compiled headers, which is in no cache but in the temporary folder: each
        # worker has one of its own, and would compile them again.
        import_module("torch._inductor.codecache")
    compile_: Any = torch.compile
    module = compile_(packed.module, dynamic=False)
    try:
        with torch.inference_mode():
            module(*packed.inputs)
    except Exception as error:  # noqa: BLE001 - a user's module may raise anything
        reason = " ".join(str(error).split())[:160]
        name = type(packed.module).__name__
        raise ModelError(f"torch cannot compile {name}: {type(error).__name__}: {reason}") from None
    return module


__all__ = ["Torch"]
