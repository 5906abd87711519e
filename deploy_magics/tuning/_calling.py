"""What the link to a device does: it asks the tracker for one, sends a candidate there and times it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from deploy_magics.lowering._tvm import tvm
from deploy_magics.lowering._words import gist
from deploy_magics.tuning._running import HOPELESS, REPEAT_S, REPEATS, values
from deploy_magics.tuning.job import Arrays, Failed, Lost, Ran

_tracker: dict[str, Any] = {}
# What TVM says when a connection is gone, and not when a candidate is wrong.
_GONE = ("connection", "socket", "timed out", "timeout", "broken pipe", "reset by peer", "cannot request", "closed")


def prepare(host: str, port: int, key: str, threads: int, session_s: float, wait_s: float) -> None:
    """Import TVM, and note where devices are."""
    _rpc()
    _tracker.update(host=host, port=port, key=key, threads=threads, session_s=session_s, wait_s=wait_s)


def count(host: str, port: int, key: str) -> int:
    """Give how many devices of a key are free."""
    rpc = _rpc()
    tracker = rpc.connect_tracker(host, port)
    summary = tracker.summary()
    return int(summary["queue_info"].get(key, {}).get("free", 0))


def run(path: str, arrays: Arrays, best: float | None = None) -> Ran | Failed | Lost:
    """Time a candidate on whichever device is free."""
    began = time.perf_counter()
    try:
        remote = _device()
    except Exception as error:  # noqa: BLE001 - TVM's errors have no base of their own
        return Lost(f"no device was to be had: {gist(error)}", begun=False)
    try:
        with _held(remote):
            remote.upload(path)
            library = remote.load_module(Path(path).name)
            device = remote.cpu()
            rng = np.random.default_rng(0)
            arguments = [tvm().runtime.tensor(values(rng, shape, dtype), device) for shape, dtype in arrays]
            times = _times(library, device, arguments, best)
    except Exception as error:  # noqa: BLE001
        text = gist(error)
        if any(word in str(error).lower() for word in _GONE):
            return Lost(text)
        return Failed(f"cannot be run: {text}")
    return Ran(times, time.perf_counter() - began)


def compare(paths: Sequence[str], arrays: Arrays, rounds: int) -> tuple[tuple[float, ...], ...] | Failed | Lost:
    """Time several candidates in turn on one device; see :func:`_running.compare`."""
    try:
        remote = _device(len(paths))
        with _held(remote):
            device, libraries = remote.cpu(), []
            for path in paths:
                remote.upload(path)
                libraries.append(remote.load_module(Path(path).name))
            rng = np.random.default_rng(0)
            arguments = [tvm().runtime.tensor(values(rng, shape, dtype), device) for shape, dtype in arrays]
            once = [_times(library, device, arguments, 0.0)[0] for library in libraries]
            timers = [
                library.time_evaluator("main", device, number=max(1, min(10_000, round(REPEAT_S / seconds))), repeat=1)
                for library, seconds in zip(libraries, once, strict=True)
            ]
            found: list[list[float]] = [[] for _ in paths]
            for turn in range(rounds):
                order = range(len(paths)) if turn % 2 == 0 else reversed(range(len(paths)))
                for place in order:
                    found[place] += [float(seconds) for seconds in timers[place](*arguments).results]
    except Exception as error:  # noqa: BLE001 - the comparison is left out, whatever the reason
        return Lost(gist(error))
    return tuple(tuple(times) for times in found)


def _times(library: Any, device: Any, arguments: list[Any], best: float | None) -> tuple[float, ...]:
    # Timed over there: the way to the device and back is not part of it.
    short = library.time_evaluator("main", device, number=1, repeat=2)(*arguments).results
    once = min(float(seconds) for seconds in short)
    if best is not None and once > HOPELESS * best:
        return (once,)
    number = max(1, min(10_000, round(REPEAT_S / max(once, 1e-7))))
    timed = library.time_evaluator("main", device, number=number, repeat=REPEATS)
    return tuple(float(seconds) for seconds in timed(*arguments).results)


def _device(candidates: int = 1) -> Any:
    """Ask for a device, for so many candidates; its server ends what outlasts the session."""
    tracker = _rpc().connect_tracker(_tracker["host"], _tracker["port"])
    # Otherwise it waits for ever where no device comes back.
    tracker._sock.settimeout(_tracker["wait_s"])
    try:
        session = max(1, round(_tracker["session_s"] * candidates))
        return tracker.request(_tracker["key"], priority=1, session_timeout=session, max_retry=1)
    finally:
        tracker.close()


@contextlib.contextmanager
def _held(remote: Any) -> Iterator[None]:
    """Set the threads of a device, and give it back in the end."""
    try:
        with contextlib.suppress(Exception):
            # Mode 1: as many threads, on the faster cores.
            remote.get_function("runtime.config_threadpool")(1, _tracker["threads"])
        yield
    finally:
        with contextlib.suppress(Exception):
            remote.get_function("CloseRPCConnection")()


def _rpc() -> Any:
    tvm()
    from tvm import rpc

    return rpc
