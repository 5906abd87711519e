"""The one place where TVM is imported: quickly, quietly, and only where it is a release that this package knows.

As it comes, ``import tvm`` brings torch wherever that is installed (0.8 s and 200 MB), and the intrinsics that every
search imports parse for 11.8 s, 11.5 of them for GPUs. Code for a CPU that is scheduled here needs none of either.
"""

from __future__ import annotations

import sys
import threading
import types
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from deploy_magics.errors import MissingPartError

EXTRA = "pip install 'deploy-magics[tvm]'"
RELEASE = "0.27."
# A later one ends the process with a segmentation fault as soon as a search makes its context.
NEWEST_FFI = (0, 1, 14)

_INTRINSICS = "tvm.s_tir.tensor_intrin"
# Parsed from scripts at import: CUDA's alone for 11.5 s, those of ARM and x86 for 2 s.
_PARSED = ("cuda", "rocm", "hexagon", "metal", "riscv_cpu", "arm_cpu", "x86", "dot_product_common")
_lock = threading.RLock()


def why_not() -> str | None:
    """Say in one line why TVM cannot be used here; None if it can. Imports nothing of it.

    Examples
    --------
    >>> why_not() is None or "pip install" in why_not()
    True
    """
    found = _version("apache-tvm")
    if found is None:
        return f"TVM is not installed; {EXTRA}"
    if not found.startswith(RELEASE):
        return f"TVM {found} is installed, and this works with {RELEASE}0; {EXTRA}"
    ffi = _version("apache-tvm-ffi")
    if ffi is None or _numbers(ffi) > NEWEST_FFI:
        return f"apache-tvm-ffi {ffi or 'is missing'} does not work with TVM {found}; {EXTRA}"
    return None


def tvm_version() -> str:
    """Version of the installed TVM; ``""`` where there is none."""
    return _version("apache-tvm") or ""


def loaded() -> bool:
    """Whether this process has TVM already, so that asking it costs nothing."""
    return hasattr(sys.modules.get("tvm"), "target")


def tvm() -> Any:
    """Import TVM and give its module.

    Raises
    ------
    MissingPartError
        Where it is not installed, or is another release than this package works with.
    """
    with _lock:
        if loaded():
            return sys.modules["tvm"]
        MissingPartError.check(why_not())
        return _import()


def _import() -> Any:
    import logging
    import warnings

    for name in _PARSED:
        sys.modules.setdefault(f"{_INTRINSICS}.{name}", types.ModuleType(f"{_INTRINSICS}.{name}"))
    # It wraps the hook for uncaught errors with one that also ends every child process of this one.
    hook = sys.excepthook
    # An entry of None makes ``import torch`` an ImportError, which TVM takes as "not installed".
    without_torch = "torch" not in sys.modules
    if without_torch:
        sys.modules["torch"] = None  # type: ignore[assignment]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import tvm as module
    finally:
        sys.excepthook = hook
        if without_torch:
            sys.modules.pop("torch", None)
    for name in ("tvm", "tvm_ffi", "te_compiler", "autotvm"):
        # Without a handler, Python prints warnings to stderr.
        logging.getLogger(name).addHandler(logging.NullHandler())
    return module


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _numbers(text: str) -> tuple[int, ...]:
    """Give the first three numbers of a version.

    Examples
    --------
    >>> _numbers("0.1.14.post1")
    (0, 1, 14)
    """
    parts = text.split(".")[:3]
    return tuple(int("".join(c for c in part if c.isdigit()) or 0) for part in parts)
