"""How many threads TVM's code runs on, and how they wait.

TVM makes its pool of threads when a thread of this process first runs a parallel loop, from what the environment says
at that moment. Left alone, on x86 it takes half of the cores, binds each of its threads to a core of its own choosing,
and has them spin after the last loop for as long as 300 000 calls of ``sched_yield`` last.
"""

from __future__ import annotations

import os

from deploy_magics.errors import ArgumentError
from deploy_magics.lowering._tvm import tvm

SPINS = {"shortly": 2_000, "always": 300_000, "never": 0}
"""How often a waiting thread yields its core before it sleeps, by the name of the way to wait.

Measured on SqueezeNet with two threads, in ms: the latency, and the processor time that was burnt after the last run.

======  =======  =====
spins   latency  burnt
======  =======  =====
0       19.3     0.1
1000    10.0     0.4
3000    10.0     1.3
10 000  10.0     4.0
30 000  10.2     11.8
300 000 10.0     116
======  =======  =====

What is burnt falls into the time in which ``%bench`` measures the next candidate, and its bursts last 50 ms. Without
any spinning the loops of a network, which follow one another within microseconds, each wake a sleeping thread: then
both share one core for most of the run, and two threads are no faster than one.
"""


def use(threads: int, spinning: str = "shortly") -> None:
    """Have what TVM runs in this process run on so many threads, the calling one included.

    Threads are not bound to cores: bound ones wait for their core while another is free, and a container may not have
    the cores that TVM would bind them to.

    Parameters
    ----------
    threads : int
        Threads inside one operator.
    spinning : str
        How threads wait for the next loop: one of :data:`SPINS`. The first choice in a process stays.

    Raises
    ------
    ArgumentError
        Where this thread has a pool already, with fewer threads than these.
    """
    os.environ["TVM_NUM_THREADS"] = str(threads)
    os.environ["TVM_BIND_THREADS"] = "0"
    os.environ["TVM_THREAD_POOL_SPIN_COUNT"] = str(SPINS[spinning])
    # With one thread no pool is ever asked for.
    if threads > 1 and (have := _pool(threads)) != threads:
        raise ArgumentError(
            f"TVM runs on {have} threads in this process, which cannot become {threads}",
            hint="load the model in a process of its own",
        )


def _pool(threads: int) -> int:
    """Make the pool of this thread, if there is none, have it use so many threads, and give how many it uses."""
    count = tvm().get_global_func("runtime.NumThreads")
    if count() != threads:
        # A new pool has as many threads as it was told, and uses no more of them than there are cores.
        tvm().get_global_func("runtime.config_threadpool")(1, threads)
    return int(count())
