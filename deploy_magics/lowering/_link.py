"""Object files to a library: by this machine's C compiler, or by a packaged one where there is none, or for others.

The packaged one (ziglang) brings linker, headers and C library of every system that code is made for here.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy_magics.errors import DeployError, MissingPartError
from deploy_magics.lowering.target import Target

# The oldest C library that the result runs with: that of Debian 10 and of all boards since.
GLIBC = "2.28"
_COMPILERS = ("cc", "gcc", "clang")
_ZIG_ARCH = {"armv7a": "arm"}


class BuildError(DeployError):
    """Code that could not be made, or not be linked."""


@dataclass(frozen=True)
class Linker:
    """What makes a library.

    Attributes
    ----------
    command : tuple of str
        The compiler, with what makes it work for the target.
    title : str
        What it is, for people.
    system : str
        ``"linux"`` or ``"darwin"``.
    """

    command: tuple[str, ...]
    title: str
    system: str

    def library(self, path: Path, objects: Sequence[str | Path]) -> None:
        """Link a shared library.

        Raises
        ------
        BuildError
            In one line, where it fails.
        """
        # What the code calls of TVM is found when the library is loaded.
        more = ["-undefined", "dynamic_lookup"] if self.system == "darwin" else ["-lm"]
        self._run(["-shared", "-fPIC", "-o", str(path), *map(str, objects), *more], path.parent)

    def compile(self, source: Path, path: Path) -> None:
        """Compile a C file to an object file; raises as :meth:`library` does."""
        self._run(["-c", "-O1", "-fPIC", "-o", str(path), str(source)], path.parent)

    def _run(self, options: Sequence[str], folder: Path) -> None:
        try:
            done = subprocess.run(
                [*self.command, *options],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={**os.environ, "LC_ALL": "C", **_caches(folder)},
                check=False,
            )
        except OSError as error:
            raise BuildError(f"{self.title} could not be started: {error.strerror or error}") from None
        if done.returncode:
            raise BuildError(f"{self.title} could not link the code: {_gist(done.stdout.decode('utf-8', 'replace'))}")


def linker_for(target: Target) -> Linker:
    """Find what links for a target.

    Raises
    ------
    MissingPartError
        Where nothing here does; the line says what to install.
    BuildError
        For a system that nothing packaged links for.
    """
    native = _is_native(target)
    if native:
        for name in _compilers():
            found = shutil.which(name)
            if found:
                return Linker((found,), Path(found).name, target.system)
    if importlib.util.find_spec("ziglang") is None:
        why = (
            "there is no C compiler here to link the code, and the package 'ziglang' is not installed"
            if native
            else f"linking for {target.arch} {target.system} needs the package 'ziglang', which is not installed"
        )
        raise MissingPartError(why, hint="pip install 'deploy-magics[tvm]'")
    if target.system == "darwin" and not native:
        raise BuildError("code for macOS can be linked on macOS only", hint="compile there, or to a .tar")
    command = (sys.executable, "-m", "ziglang", "cc", "-target", zig_target(target))
    return Linker(command, "ziglang", target.system)


def zig_target(target: Target) -> str:
    """Give a target as ziglang calls it.

    Examples
    --------
    >>> zig_target(Target("aarch64-unknown-linux-gnu", "generic", 4))
    'aarch64-linux-gnu.2.28'
    """
    arch = _ZIG_ARCH.get(target.arch, target.arch)
    if target.system == "darwin":
        return f"{arch}-macos"
    environment = target.triple.rpartition("-")[2]
    return f"{arch}-linux-{environment}" + (f".{GLIBC}" if environment.startswith("gnu") else "")


def write_archive(path: Path, objects: Sequence[str | Path]) -> None:
    """Put object files into a plain ``.tar``, to be linked where it is loaded; the same files give the same bytes.

    Raises
    ------
    BuildError
        Where the disk refuses.
    """
    try:
        with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archive:
            for each in objects:
                entry = tarfile.TarInfo(Path(each).name)
                entry.size, entry.mode = Path(each).stat().st_size, 0o644
                with Path(each).open("rb") as stream:
                    archive.addfile(entry, stream)
    except OSError as error:
        raise BuildError(f"the archive could not be written: {error.strerror or error}") from None


def _is_native(target: Target) -> bool:
    import platform

    from deploy_magics.lowering._target_text import ARCHES

    if target.arch != ARCHES.get(platform.machine().lower()) or target.system != sys.platform:
        return False
    # Code for another C library is linked by the packaged compiler, which has both.
    return target.system == "darwin" or ("musl" in target.triple) == ("musl" in _libc())


def _libc() -> str:
    import platform

    return f"{platform.libc_ver()[0]} {getattr(sys.implementation, '_multiarch', '')}"


def _compilers() -> tuple[str, ...]:
    chosen = os.environ.get("CC", "")
    return (chosen, *_COMPILERS) if chosen and " " not in chosen else _COMPILERS


def _caches(folder: Path) -> dict[str, str]:
    """Give ziglang a folder for what it keeps, where the user's own cannot be written."""
    if "ZIG_GLOBAL_CACHE_DIR" in os.environ:
        return {}
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    near = home if home.is_dir() else home.parent
    return {} if os.access(near, os.W_OK) else {"ZIG_GLOBAL_CACHE_DIR": str(folder / "zig")}


def _gist(text: str) -> str:
    """Give what is wrong in a compiler's words, in one line."""
    if "No space left" in text or "NoSpaceLeft" in text:
        return "the disk is full"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    wrong = [line for line in lines if "error" in line.lower()] or lines[-1:] or ["it printed nothing"]
    return wrong[0][:200]
