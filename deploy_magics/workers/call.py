"""One bounded call in a worker of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deploy_magics.workers.parent import Worker


def call(
    target: str,
    *args: Any,
    name: str,
    timeout: float = 120.0,
    memory: int | None = None,
    env: Mapping[str, str] | None = None,
    **kwargs: Any,
) -> Any:
    """Run ``"package.module:function"`` in a fresh worker and give what it returns.

    Parameters
    ----------
    target : str
        An importable function; arguments and value travel as pickles, so pass paths rather than large models.
    *args, **kwargs
        Its arguments.
    name : str
        What runs, as the subject of error lines.
    timeout : float
        Bound in seconds.
    memory : int, optional
        Bound on resident memory in bytes.
    env : Mapping[str, str], optional
        Environment variables to set or change.

    Raises
    ------
    DeployError
        Raised there, raised here.
    WorkerError
        Crash, time-out, out of memory, or any other exception there.

    Examples
    --------
    >>> call("math:sqrt", 9.0, name="root")
    3.0
    """
    with Worker(name, memory=memory, env=env) as worker:
        return worker.call(target, *args, timeout=timeout, **kwargs)
