"""Environment variables by which a worker learns of its parent."""

from __future__ import annotations

PARENT = "DEPLOY_MAGICS_PARENT"
"""Number of the process whose main thread started the worker."""
