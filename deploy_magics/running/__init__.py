"""Inference runtimes behind one small protocol; others plug in by the entry-point group ``deploy_magics.runtimes``.

Sessions live in worker processes. :func:`run_once` is the short way to a model's outputs; timing goes through
``deploy_magics.timing``. Importing this imports no runtime.
"""

from __future__ import annotations

from deploy_magics.running._protocol import Arrays, Runtime, Session
from deploy_magics.running._registry import GROUP, available, get, names, require_usable
from deploy_magics.running._run import run_once

__all__ = ["GROUP", "Arrays", "Runtime", "Session", "available", "get", "names", "require_usable", "run_once"]
