"""TVM's tracker and servers on this machine, for the tests that need devices."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence

from deploy_magics.tuning import NoDevice
from deploy_magics.tuning.remote import Tracker

_START_S = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Board:
    """A process of TVM's, with all that it starts."""

    def __init__(self, *words: object) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", *map(str, words)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def kill(self) -> None:
        """End it and all that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextlib.contextmanager
def boards(count: int) -> Iterator[tuple[Tracker, Sequence[Board]]]:
    """Start a tracker and so many devices of the key ``board``, and end them all."""
    port = free_port()
    started = [Board("tvm.exec.rpc_tracker", "--host", "127.0.0.1", "--port", port, "--port-end", port + 1)]
    try:
        # A server that finds no tracker tries again after 5 s only.
        _until(lambda: _answers(port))
        for _ in range(count):
            own = free_port()
            address = ["--host", "127.0.0.1", "--port", own, "--port-end", own + 1]
            started.append(Board("tvm.exec.rpc_server", *address, "--tracker", f"127.0.0.1:{port}", "--key", "board"))
        found = Tracker("127.0.0.1", port, "board")
        _until(lambda: _free(found) == count)
        yield found, started[1:]
    finally:
        for board in reversed(started):
            board.kill()


def _until(there: Callable[[], bool]) -> None:
    end = time.monotonic() + _START_S
    while not there():
        assert time.monotonic() < end, "no device has started"
        time.sleep(0.2)


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), 1.0).close()
        return True
    return False


def _free(tracker: Tracker) -> int:
    with contextlib.suppress(NoDevice):
        return tracker.free()
    return 0
