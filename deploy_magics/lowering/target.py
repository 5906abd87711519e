"""The machine that code is made for, as plain data.

Nothing of TVM is imported to hold, compare, write or read a :class:`Target`. Only LLVM knows what this machine's
processor is called and what a named one can do; it is asked in a worker, once, unless this process has TVM already.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from deploy_magics.errors import ArgumentError, MissingPartError, did_you_mean
from deploy_magics.lowering import _tvm
from deploy_magics.lowering._target_text import ARCHES, DEFAULT_CPUS, Wanted, read_text, read_triple

_ASK_S = 120.0
# Features that change what code is made, of all that LLVM lists.
_MATTER = {
    "x86_64": ("sse3", "ssse3", "sse4", "avx", "fma", "f16c", "bmi", "lzcnt", "popcnt", "amx"),
    "aarch64": ("neon", "dotprod", "i8mm", "bf16", "fullfp16", "fp16", "sve", "sme"),
    "armv7a": ("neon", "vfp", "dotprod", "fp16"),
}


@dataclass(frozen=True)
class Target:
    """A machine that code is made for.

    Attributes
    ----------
    triple : str
        LLVM's name of architecture and system, ``"x86_64-unknown-linux-gnu"``.
    cpu : str
        LLVM's name of the processor, ``"znver5"``, ``"cortex-a72"``.
    cores : int
        Cores that the code may use.
    features : tuple of str
        What the processor has (``"+avx512f"``) of the features that matter to the code, and what it lacks
        (``"-avx512f"``) of those that others of its name have.

    Examples
    --------
    >>> board = Target("aarch64-unknown-linux-gnu", "cortex-a72", 4)
    >>> board.lanes, board.registers
    (4, 32)
    >>> str(board)
    'llvm -mtriple=aarch64-unknown-linux-gnu -mcpu=cortex-a72 -num-cores=4'
    """

    triple: str
    cpu: str
    cores: int
    features: tuple[str, ...] = ()

    @classmethod
    def host(cls, cores: int | None = None) -> Target:
        """Give this machine, with the cores that this process may use.

        Raises
        ------
        MissingPartError
            Where TVM is not installed.
        """
        found = _asked(Wanted())
        return found if cores is None else replace(found, cores=cores)

    @classmethod
    def parse(cls, text: str) -> Target:
        """Read a target from text, and look up in LLVM what its processor can do.

        Parameters
        ----------
        text : str
            ``"host"``; a triple, ``"aarch64-linux-gnu"``; a board, ``"raspberry-pi-4"``; each with options if need be:
            ``"llvm -mtriple=aarch64-linux-gnu -mcpu=cortex-a72 -num-cores=4"``; or these as JSON.

        Raises
        ------
        ArgumentError
            In one line, for what code cannot be made for here.
        MissingPartError
            Where TVM is not installed.
        """
        return _asked(read_text(text))

    @property
    def arch(self) -> str:
        """LLVM's name of the architecture: ``"x86_64"``, ``"aarch64"``, ``"armv7a"``."""
        return self.triple.partition("-")[0]

    @property
    def system(self) -> str:
        """``"linux"`` or ``"darwin"``."""
        return "darwin" if "darwin" in self.triple else "linux"

    @property
    def lanes(self) -> int:
        """Numbers of float32 that a vector register holds."""
        if self.arch == "x86_64":
            return 16 if "+avx512f" in self.features else 8 if "+avx" in self.features else 4
        return 4

    @property
    def registers(self) -> int:
        """Vector registers."""
        return 32 if self.arch == "aarch64" or self.lanes == 16 else 16

    @property
    def is_host(self) -> bool:
        """Whether its code runs on this machine."""
        return self.why_not_here() is None

    @property
    def title(self) -> str:
        """What it is, for people: ``"znver5, 2 cores (x86_64 linux)"``."""
        cores = "1 core" if self.cores == 1 else f"{self.cores} cores"
        return f"{self.cpu}, {cores} ({self.arch} {self.system})"

    def why_not_here(self) -> str | None:
        """Say why its code does not run on this machine; None if it does. Asks no TVM."""
        arch, system = ARCHES.get(platform.machine().lower(), platform.machine()), sys.platform
        if self.arch != arch or self.system != system:
            return f"it is made for {self.arch} {self.system}, and this machine is {arch} {system}"
        flags = _flags()
        lacking = [f[1:] for f in self.features if f[0] == "+" and flags and f[1:].startswith("avx")]
        lacking = [name for name in lacking if _plain_name(name) not in flags]
        if lacking:
            return f"it is made for {self.cpu}, and this machine's processor lacks {', '.join(lacking)}"
        return None

    def to_tvm(self) -> Any:
        """Give it as TVM's own target."""
        config: dict[str, Any] = {"kind": "llvm", "mtriple": self.triple, "mcpu": self.cpu, "num-cores": self.cores}
        if self.features:
            config["mattr"] = list(self.features)
        return _tvm.tvm().target.Target(config)

    def to_plain(self) -> dict[str, Any]:
        """Give it as JSON's own types; see :meth:`from_plain`."""
        return {"triple": self.triple, "cpu": self.cpu, "cores": self.cores, "features": list(self.features)}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Target:
        """Read what :meth:`to_plain` gave.

        Raises
        ------
        ArgumentError
            Where it is something else.
        """
        try:
            triple, cpu, cores = plain["triple"], plain["cpu"], plain["cores"]
            features = tuple(plain.get("features", ()))
        except (KeyError, TypeError, AttributeError):
            raise ArgumentError(f"this describes no target: {str(plain)[:100]}") from None
        words = (triple, cpu, *features)
        if not all(isinstance(each, str) and each for each in words) or type(cores) is not int or cores < 1:
            raise ArgumentError(f"this describes no target: {str(plain)[:100]}")
        return cls(read_triple(triple), cpu, cores, features)

    def __str__(self) -> str:
        text = f"llvm -mtriple={self.triple} -mcpu={self.cpu} -num-cores={self.cores}"
        return f"{text} -mattr={','.join(self.features)}" if self.features else text


def usable_cores() -> int:
    """Count the cores that this process may use: its affinity, within the container's quota."""
    from deploy_magics.workers.cgroup import cpu_quota

    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS has no affinity to read
        cores = os.cpu_count() or 1
    quota = cpu_quota()
    # With more threads than whole cores, all of them are held back at once when the quota runs out.
    return cores if quota is None else max(1, min(cores, int(quota)))


def complete(wanted: Wanted) -> Target:
    """Look up in LLVM what a target leaves open; needs TVM in this process, so it is called in a worker.

    Raises
    ------
    ArgumentError
        For a processor or feature that LLVM does not know.
    """
    codegen = _tvm.tvm().target.codegen
    local = wanted.triple is None
    triple = wanted.triple or _host_triple()
    arch = triple.partition("-")[0]
    detected = local and wanted.cpu is None
    cpu = wanted.cpu or (str(codegen.llvm_get_system_cpu()) if local else DEFAULT_CPUS[arch])
    if not codegen.llvm_is_valid_cpu(cpu, triple):
        names = [str(each) for each in codegen.llvm_get_cpu_archlist(_named(triple))]
        hint = did_you_mean(cpu, names) or f"LLVM knows {len(names)} for {arch}, such as {', '.join(names[-4:])}"
        raise ArgumentError(f"LLVM knows no {arch} processor {cpu!r}", hint=hint)
    has = {str(each) for each in codegen.llvm_get_cpu_features(_named(triple, cpu))}
    lacks: set[str] = set()
    if detected:
        # A virtual machine may hide features of its processor, whose name still promises them.
        real = _tvm.tvm().get_global_func("tvm.codegen.llvm.GetHostCPUFeatures")()
        present = {str(name): bool(value) for name, value in real.items()}
        lacks = {name for name in has if not present.get(name, True)}
        has = (has - lacks) | {name for name, value in present.items() if value}
    given = {each[1:] for each in wanted.features}
    for name in sorted(given):
        if name not in {str(each) for each in codegen.llvm_get_cpu_features(_named(triple, cpu, f"+{name}"))}:
            raise ArgumentError(
                f"LLVM knows no feature {name!r} of {arch}", hint=did_you_mean(name, has) or f"{cpu} has {len(has)}"
            )
    matter = [f"+{name}" for name in sorted(has - given) if name.startswith(_MATTER[arch])]
    matter += [f"-{name}" for name in sorted(lacks - given) if name.startswith(_MATTER[arch])]
    cores = wanted.cores or usable_cores()
    return Target(triple, cpu, cores, (*matter, *wanted.features))


@lru_cache(maxsize=64)
def _asked(wanted: Wanted) -> Target:
    if _tvm.loaded():
        return complete(wanted)
    MissingPartError.check(_tvm.why_not())
    from deploy_magics import workers

    target: Target = workers.call("deploy_magics.lowering.target:complete", wanted, name="LLVM", timeout=_ASK_S)
    return target


def _named(triple: str, cpu: str = "", *features: str) -> Any:
    config: dict[str, Any] = {"kind": "llvm", "mtriple": triple}
    if cpu:
        config["mcpu"] = cpu
    if features:
        config["mattr"] = list(features)
    return _tvm.tvm().target.Target(config)


def _host_triple() -> str:
    machine = platform.machine()
    if sys.platform == "darwin":
        return read_triple(f"{machine}-apple-darwin")
    musl = "musl" in f"{platform.libc_ver()[0]} {getattr(sys.implementation, '_multiarch', '')}"
    suffix = {"armv7a": "eabihf"}.get(ARCHES.get(machine.lower(), ""), "")
    return read_triple(f"{machine}-linux-{'musl' if musl else 'gnu'}{suffix}")


@lru_cache(maxsize=1)
def _flags() -> frozenset[str]:
    """Features of this machine's processor as Linux names them; none where it does not tell."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return frozenset()
    words = next((line.partition(":")[2].split() for line in lines if line.startswith("flags")), [])
    return frozenset(_plain_name(word) for word in words)


def _plain_name(feature: str) -> str:
    """Give a feature's name as it is alike in LLVM and in Linux: ``avx512vnni`` and ``avx512_vnni``."""
    return feature.replace("_", "").replace("-", "").replace(".", "")
