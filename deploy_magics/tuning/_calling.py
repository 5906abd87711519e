"""What the link to a device does: it asks the tracker for one, sends a candidate there and times it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from deploy_magics.lowering import devices
from deploy_magics.lowering._tvm import tvm
from deploy_magics.lowering._words import gist
from deploy_magics.tuning._running import HOPELESS, REPEAT_S, REPEATS, values
from deploy_magics.tuning.job import Arrays, Failed, Lost, Ran

_tracker: dict[str, Any] = {}


def prepare(host: str, port: int, key: str, threads: int, session_s: float, wait_s: float) -> None:
    """Import TVM, and note where devices are."""
    devices.rpc()
    _tracker.update(host=host, port=port, key=key, threads=threads, session_s=session_s, wait_s=wait_s)


def run(path: str, arrays: Arrays, best: float | None = None) -> Ran | Failed | Lost:
    """Time a candidate on whichever device is free."""
    began = time.perf_counter()
    try:
        remote = _device()
    except Exception as error:  # noqa: BLE001 - TVM's errors have no base of their own
        return Lost(f"no device was to be had: {gist(error)}", begun=False)
    try:
        with devices.held(remote, _tracker["threads"]):
            remote.upload(path)
            library = remote.load_module(Path(path).name)
            device = remote.cpu()
            rng = np.random.default_rng(0)
            arguments = [tvm().runtime.tensor(values(rng, shape, dtype), device) for shape, dtype in arrays]
            times = _times(library, device, arguments, best)
    except Exception as error:  # noqa: BLE001
        text = gist(error)
        if devices.is_gone(error):
            return Lost(text)
        return Failed(f"cannot be run: {text}")
    return Ran(times, time.perf_counter() - began)


def compare(paths: Sequence[str], arrays: Arrays, rounds: int) -> tuple[tuple[float, ...], ...] | Failed | Lost:
    """Time several candidates in turn on one device; see :func:`_running.compare`."""
    try:
        remote = _device(len(paths))
        with devices.held(remote, _tracker["threads"]):
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
    """Ask for a device, for so many candidates."""
    return devices.request(
        _tracker["host"],
        _tracker["port"],
        _tracker["key"],
        session_s=round(_tracker["session_s"] * candidates),
        wait_s=_tracker["wait_s"],
    )
