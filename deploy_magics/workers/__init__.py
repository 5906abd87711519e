"""Processes in which native code runs on files from outside, and in which everything is timed.

A crash, a hang or a memory leak there is an error here, never a dead kernel. :func:`call` runs one function and is
done; :class:`Worker` keeps a process for many calls, and :func:`ready` waits for several. A worker is a fresh Python,
in a session of its own so that an interrupt of the notebook does not reach it; it ends when its parent does, however
that ends.
"""

from __future__ import annotations

from deploy_magics.workers.call import call
from deploy_magics.workers.memory import memory_bound
from deploy_magics.workers.parent import Worker, WorkerCrashed, WorkerOutOfMemory, WorkerTimeout, ready

__all__ = ["Worker", "WorkerCrashed", "WorkerOutOfMemory", "WorkerTimeout", "call", "memory_bound", "ready"]
