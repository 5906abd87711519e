"""Inference runtimes behind one small protocol; others plug in by the entry-point group ``deploy_magics.runtimes``."""

from __future__ import annotations

from deploy_magics.runtimes._protocol import Arrays, Runtime, Session

__all__ = ["Arrays", "Runtime", "Session"]
