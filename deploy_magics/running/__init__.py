"""Inference runtimes behind one small protocol; others plug in by the entry-point group ``deploy_magics.runtimes``.

Sessions live in worker processes. :func:`run_once` is the short way to a model's outputs; timing goes through
``deploy_magics.timing``. Importing this imports no runtime.
"""

from __future__ import annotations

from deploy_magics.running._bits import same_bits
from deploy_magics.running._modules import packed
from deploy_magics.running._preparing import fixed_file, load_here, needs_preparing, open_session, prepare
from deploy_magics.running._protocol import (
    About,
    Arrays,
    HasVariants,
    Prepared,
    Prepares,
    Runtime,
    Session,
    TellsInputs,
)
from deploy_magics.running._registry import GROUP, available, get, names, require_usable, variants, version, why_not
from deploy_magics.running._run import run_once

__all__ = [
    "GROUP",
    "About",
    "Arrays",
    "HasVariants",
    "Prepared",
    "Prepares",
    "Runtime",
    "Session",
    "TellsInputs",
    "available",
    "fixed_file",
    "get",
    "load_here",
    "names",
    "needs_preparing",
    "open_session",
    "packed",
    "prepare",
    "require_usable",
    "run_once",
    "same_bits",
    "variants",
    "version",
    "why_not",
]
