"""How a target is written: LLVM's triples, TVM's options, JSON, or names of boards; read in pure Python."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from deploy_magics.errors import ArgumentError, did_you_mean

ARCHES = {
    "x86_64": "x86_64",
    "amd64": "x86_64",
    "x86-64": "x86_64",
    "x64": "x86_64",
    "aarch64": "aarch64",
    "arm64": "aarch64",
    "armv7": "armv7a",
    "armv7a": "armv7a",
    "armv7l": "armv7a",
    "armhf": "armv7a",
    "arm": "armv7a",
}
"""What architectures are called, and LLVM's name of each."""
DEFAULT_CPUS = {"x86_64": "x86-64", "aarch64": "generic", "armv7a": "cortex-a7"}
"""What every processor of an architecture runs."""
BOARD_CORES = 4
"""Cores assumed of a machine that is not this one: most boards have four."""

_BOARDS = {
    "raspberry-pi-3": ("aarch64-linux-gnu", "cortex-a53"),
    "raspberry-pi-4": ("aarch64-linux-gnu", "cortex-a72"),
    "raspberry-pi-5": ("aarch64-linux-gnu", "cortex-a76"),
    "jetson-nano": ("aarch64-linux-gnu", "cortex-a57"),
    "rk3399": ("aarch64-linux-gnu", "cortex-a72"),
    "rk3588": ("aarch64-linux-gnu", "cortex-a76"),
    "graviton2": ("aarch64-linux-gnu", "neoverse-n1"),
    "graviton3": ("aarch64-linux-gnu", "neoverse-v1"),
}
_OPTIONS = ("mtriple", "mcpu", "mattr", "num-cores")
# What TVM itself writes into a target and what says nothing that is wanted here.
_IGNORED = ("kind", "keys", "tag", "host", "device", "model", "libs", "feature", "opt-level")
_ENVIRONMENTS = {"aarch64": ("gnu", "musl"), "x86_64": ("gnu", "musl"), "armv7a": ("gnueabihf", "musleabihf")}
_EXAMPLE = "give one like 'aarch64-linux-gnu' or 'llvm -mtriple=aarch64-linux-gnu -mcpu=cortex-a72 -num-cores=4'"


@dataclass(frozen=True)
class Wanted:
    """A target as it was asked for; what is None is left to be found.

    Attributes
    ----------
    triple : str or None
        ``"aarch64-unknown-linux-gnu"``; None for this machine's.
    cpu : str or None
        LLVM's name.
    cores : int or None
        Cores.
    features : tuple of str
        ``("+dotprod", "-sve")``.
    """

    triple: str | None = None
    cpu: str | None = None
    cores: int | None = None
    features: tuple[str, ...] = ()


def read_text(text: str) -> Wanted:
    """Read a target from text.

    Raises
    ------
    ArgumentError
        In one line, where it is none that is known.

    Examples
    --------
    >>> read_text("aarch64-linux-gnu").triple
    'aarch64-unknown-linux-gnu'
    >>> read_text("llvm -mcpu=znver4 -num-cores=2")
    Wanted(triple=None, cpu='znver4', cores=2, features=())
    """
    text = text.strip()
    if text in ("", "host", "native", "llvm"):
        return Wanted()
    if text.startswith("{"):
        return _read_json(text)
    try:
        first, *rest = shlex.split(text)
    except ValueError as error:
        raise ArgumentError(f"the target {text!r} cannot be read: {error}", hint=_EXAMPLE) from None
    if first in ("llvm", "host", "native"):
        return _read_options(rest)
    if first.startswith("-"):
        return _read_options([first, *rest])
    wanted = _board(first) if first in _BOARDS else Wanted(triple=_triple_or_kind(first))
    given = _read_options(rest)
    if given.triple is not None:
        raise ArgumentError(f"the target {text!r} names two triples", hint=_EXAMPLE)
    return replace(
        given, triple=wanted.triple, cpu=given.cpu or wanted.cpu, cores=given.cores or wanted.cores or BOARD_CORES
    )


def read_triple(text: str) -> str:
    """Give a triple in LLVM's full form.

    Raises
    ------
    ArgumentError
        For an architecture or system that code cannot be made for here.

    Examples
    --------
    >>> read_triple("arm64-linux")
    'aarch64-unknown-linux-gnu'
    >>> read_triple("arm-linux-gnueabihf"), read_triple("arm64-apple-darwin23.1.0")
    ('armv7a-unknown-linux-gnueabihf', 'aarch64-apple-darwin')
    """
    name, *rest = text.strip().lower().split("-")
    if name == "x86" and rest[:1] == ["64"]:
        name, rest = "x86_64", rest[1:]
    arch = ARCHES.get(name)
    if arch is None:
        hint = did_you_mean(name, [*ARCHES, *_BOARDS]) or f"there are: {', '.join(DEFAULT_CPUS)}"
        raise ArgumentError(f"the target {text!r} has no architecture that code can be made for here", hint=hint)
    if any(part.startswith(("darwin", "macos")) for part in rest):
        return f"{arch}-apple-darwin"
    known = _ENVIRONMENTS[arch]
    environment = known[0]
    if rest:
        if "linux" not in rest:
            raise ArgumentError(
                f"the target {text!r} has no system that code can be made for here", hint="there are: linux, darwin"
            )
        after = rest[rest.index("linux") + 1 :]
        if after and after[0] not in known:
            hint = did_you_mean(after[0], known) or f"there are: {', '.join(known)}"
            raise ArgumentError(f"the target {text!r} has an unknown environment {after[0]!r}", hint=hint)
        environment = after[0] if after else environment
    return f"{arch}-unknown-linux-{environment}"


def _triple_or_kind(word: str) -> str:
    kinds = ("cuda", "opencl", "vulkan", "metal", "rocm", "hexagon", "webgpu", "c")
    if word in kinds:
        raise ArgumentError(f"the target {word!r} is not supported: code is made for CPUs, by LLVM", hint=_EXAMPLE)
    if "-" not in word and word.lower() not in ARCHES:
        hint = did_you_mean(word, [*ARCHES, *_BOARDS, "host", "llvm"]) or _EXAMPLE
        raise ArgumentError(f"there is no target {word!r}", hint=hint)
    return read_triple(word)


def _board(name: str) -> Wanted:
    triple, cpu = _BOARDS[name]
    return Wanted(read_triple(triple), cpu, BOARD_CORES)


def _read_json(text: str) -> Wanted:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ArgumentError(f"the target is no JSON: {str(error)[:100]}", hint=_EXAMPLE) from None
    if found.get("kind", "llvm") != "llvm":
        raise ArgumentError(f"the target kind {found['kind']!r} is not supported: code is made by LLVM", hint=_EXAMPLE)
    return _from_mapping(found)


def _read_options(words: Sequence[str]) -> Wanted:
    found: dict[str, Any] = {}
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        name, equals, value = word.lstrip("-").partition("=")
        if not word.startswith("-"):
            raise ArgumentError(f"the target has {word!r}, which is no option", hint=_EXAMPLE)
        if not equals:
            value = waiting.pop(0) if waiting and not waiting[0].startswith("-") else ""
        found[name] = value
    return _from_mapping(found)


def _from_mapping(found: Mapping[str, Any]) -> Wanted:
    for name in found:
        if name not in _OPTIONS and name not in _IGNORED:
            hint = did_you_mean(name, _OPTIONS) or f"there are: {', '.join('-' + each for each in _OPTIONS)}"
            raise ArgumentError(f"a target has no option {name!r} here", hint=hint)
        if name in _OPTIONS and found[name] in ("", None):
            raise ArgumentError(f"the target's option {name!r} has no value", hint=_EXAMPLE)
    triple = read_triple(str(found["mtriple"])) if "mtriple" in found else None
    cpu = str(found["mcpu"]).strip() if "mcpu" in found else None
    cores = _cores(found["num-cores"]) if "num-cores" in found else None
    if triple is not None and cores is None:
        cores = BOARD_CORES
    return Wanted(triple, cpu, cores, _features(found.get("mattr", ())))


def _cores(value: Any) -> int:
    try:
        cores = int(value)
    except (TypeError, ValueError):
        cores = 0
    if not 1 <= cores <= 4096:
        raise ArgumentError(f"the target's num-cores is a number of 1 to 4096, not {str(value)[:40]!r}")
    return cores


def _features(value: Any) -> tuple[str, ...]:
    if not isinstance(value, str | list | tuple):
        raise ArgumentError(f"the target's mattr is a list such as '+avx2,+fma', not {str(value)[:40]!r}")
    parts = value.split(",") if isinstance(value, str) else [str(each) for each in value]
    features = tuple(part.strip() for part in parts if part.strip())
    for feature in features:
        if feature[0] not in "+-" or not feature[1:].replace(".", "").replace("-", "").isalnum():
            raise ArgumentError(f"the target's feature {feature[:40]!r} is not written like '+avx2' or '-avx2'")
    return features
