"""A module to a library or an archive that says itself what it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deploy_magics.errors import DeployError
from deploy_magics.lowering import _tvm
from deploy_magics.lowering._link import BuildError, linker_for, write_archive
from deploy_magics.lowering._words import gist
from deploy_magics.lowering.artefact import Manifest, c_source
from deploy_magics.lowering.target import Target

__all__ = ["BuildError", "compile_module", "export"]


def compile_module(mod: Any, target: Target) -> Any:
    """Make code of a module, in memory.

    Raises
    ------
    BuildError
        In one line, where TVM fails.
    """
    tvm = _tvm.tvm()
    try:
        with tvm.transform.PassContext(opt_level=3):
            return tvm.relax.build(mod, target=target.to_tvm())
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - its errors have no base of their own
        raise BuildError(f"TVM could not build the model: {gist(error)}") from None


def export(executable: Any, target: Target, path: Path, manifest: Manifest, *, workspace: Path) -> None:
    """Link what :func:`compile_module` made, its manifest inside.

    Parameters
    ----------
    executable : tvm.relax.VMExecutable
        The code.
    target : Target
        The machine.
    path : Path
        The file to write: a library, or an archive of object files where it ends in ``.tar``.
    manifest : Manifest
        What it says of itself.
    workspace : Path
        An empty folder for what is made on the way.

    Raises
    ------
    BuildError
        In one line, where TVM, the compiler or the disk fails.
    MissingPartError
        Where nothing here can link for this target.
    """
    linker = linker_for(target)

    def join(output: str, objects: list[str], **_: Any) -> None:
        if path.suffix == ".tar":
            write_archive(Path(output), objects)
        else:
            linker.library(Path(output), objects)

    source, constant = workspace / "manifest.c", workspace / "manifest.o"
    try:
        source.write_text(c_source(manifest))
        linker.compile(source, constant)
        source.unlink()
        executable.export_library(
            str(path),
            fcompile=join,
            addons=[str(constant)],
            workspace_dir=str(workspace),
        )
    except (DeployError, MemoryError):
        raise
    except OSError as error:
        raise BuildError(f"the code could not be written: {error.strerror or error}") from None
    except Exception as error:  # noqa: BLE001 - its errors have no base of their own
        raise BuildError(f"TVM could not write the code: {gist(error)}") from None
