"""Devices behind TVM's own RPC tracker: how one is asked for, held and given back, inside a worker."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from deploy_magics.lowering._tvm import tvm

# What TVM says when a connection is gone, and not when the code is wrong.
_GONE = (
    "connection",
    "socket",
    "timed out",
    "timeout",
    "broken pipe",
    "reset by peer",
    "cannot request",
    "closed",
    "kshutdown",
)


def rpc() -> Any:
    """Import what calls devices, and give it."""
    tvm()
    from tvm import rpc as module

    return module


def count(host: str, port: int, key: str) -> int:
    """Give how many devices of a key are free."""
    summary = rpc().connect_tracker(host, port).summary()
    return int(summary["queue_info"].get(key, {}).get("free", 0))


def request(host: str, port: int, key: str, *, session_s: float, wait_s: float) -> Any:
    """Ask for a device, and wait ``wait_s`` for one; its server ends what outlasts ``session_s``."""
    tracker = rpc().connect_tracker(host, port)
    # Otherwise it waits for ever where no device comes back.
    tracker._sock.settimeout(wait_s)
    try:
        return tracker.request(key, priority=1, session_timeout=max(1, round(session_s)), max_retry=1)
    finally:
        tracker.close()


def use_threads(remote: Any, threads: int) -> int | None:
    """Have what runs on a device run on so many threads, and give how many it has; None where it does not tell.

    They are never more than its server was started with: ``TVM_NUM_THREADS`` there, by default all cores, and half of
    them on x86.
    """
    with contextlib.suppress(Exception):
        # Mode 1: as many threads, on the faster cores.
        remote.get_function("runtime.config_threadpool")(1, threads)
        return int(remote.get_function("runtime.NumThreads")())
    return None


@contextlib.contextmanager
def held(remote: Any, threads: int) -> Iterator[None]:
    """Set the threads of a device, and give it back in the end."""
    try:
        use_threads(remote, threads)
        yield
    finally:
        with contextlib.suppress(Exception):
            remote.get_function("CloseRPCConnection")()


def is_gone(error: BaseException) -> bool:
    """Tell whether an error says that a device is gone, and not that its code is wrong.

    Examples
    --------
    >>> is_gone(OSError("Connection reset by peer")), is_gone(ValueError("shapes differ"))
    (True, False)
    """
    return any(word in str(error).lower() for word in _GONE)
