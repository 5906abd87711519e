"""How much memory a worker may take, so that the kernel beside it lives."""

from __future__ import annotations

from deploy_magics.workers.cgroup import memory_left

SHARE = 0.75
"""Of what is free, workers get this much; the kernel and its cells keep the rest."""


def memory_bound(most: int | None = None) -> int:
    """Give a bound on a worker's resident memory, in bytes: three quarters of what is free.

    Free is what the machine has available, or what the container's limit leaves, whichever is less.

    Parameters
    ----------
    most : int, optional
        What the work can need at most; the bound is never above it.

    Examples
    --------
    >>> memory_bound(most=1)
    1
    """
    import psutil

    free = int(psutil.virtual_memory().available)
    left = memory_left()
    bound = int(SHARE * (free if left is None else min(free, left)))
    return bound if most is None else min(bound, most)
