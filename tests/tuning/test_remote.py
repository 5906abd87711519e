"""Devices at TVM's tracker, on this machine."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil
import pytest

pytest.importorskip("tvm")

from deploy_magics.errors import ArgumentError
from deploy_magics.lowering.records import Records
from deploy_magics.lowering.target import Target
from deploy_magics.progress import Tuning
from deploy_magics.tuning import Bounds, Budget, NoDevice, tune
from deploy_magics.tuning.remote import RemoteCrew, Tracker
from tests.tuning import spaces
from tests.tuning.fakes import plan
from tests.tuning.spaces import GOOD


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


@pytest.fixture(scope="module")
def boards() -> Iterator[tuple[Tracker, Sequence[Board]]]:
    port = free_port()
    tracker = Board("tvm.exec.rpc_tracker", "--host", "127.0.0.1", "--port", port, "--port-end", port + 1)
    servers = []
    for _ in range(2):
        own = free_port()
        address = ["--host", "127.0.0.1", "--port", own, "--port-end", own + 1]
        servers.append(Board("tvm.exec.rpc_server", *address, "--tracker", f"127.0.0.1:{port}", "--key", "board"))
    found = Tracker("127.0.0.1", port, "board")
    try:
        crew = RemoteCrew(Target.host(), found)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            with contextlib.suppress(NoDevice):
                if crew.devices() == 2:
                    break
            time.sleep(0.5)
        crew.close()
        yield found, servers
    finally:
        for board in (*servers, tracker):
            board.kill()


def test_a_server_that_dies_costs_no_trial(boards: tuple[Tracker, Sequence[Board]], tmp_path: Path) -> None:
    tracker, servers = boards
    before = set(psutil.Process().children(recursive=True))
    jobs = [spaces.job(key) for key in ("one", "two")]
    told: list[int] = []

    def tell(tuning: Tuning) -> None:
        told.append(sum(row.trials for row in tuning.tasks))
        if told[-1] == 4:
            servers[0].kill()

    with RemoteCrew(Target.host(), tracker, bounds=Bounds(run_s=5.0)) as crew:
        crew.take(jobs)
        crew.points = lambda key, seed: (("what", "tile"), [(GOOD, tile) for tile in (1, 2, 4, 8, 16, 32)])  # type: ignore[method-assign]
        found = tune(plan(*jobs), crew, Records.open(tmp_path), Budget(100), tell=tell)
    trials = Records.read(tmp_path).trials
    assert found.trials == len(trials) == len({(trial.task, trial.point) for trial in trials}) == 12
    assert all(trial.seconds for trial in trials)
    assert set(psutil.Process().children(recursive=True)) - before == set()


def test_no_device_of_that_key_is_one_line(boards: tuple[Tracker, Sequence[Board]]) -> None:
    tracker, _ = boards
    crew = RemoteCrew(Target.host(), Tracker(tracker.host, tracker.port, "other"))
    with pytest.raises(NoDevice, match="no free device of the key 'other'"):
        crew.start()
    crew.close()


def test_no_tracker_is_one_line() -> None:
    crew = RemoteCrew(Target.host(), Tracker("127.0.0.1", free_port(), "board"))
    with pytest.raises(NoDevice, match="does not answer") as raised:
        crew.start()
    crew.close()
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("address", ["board", "board:", ":9190", "board:0", "board:99999", "a b:1"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ArgumentError, match="HOST:PORT"):
        Tracker.parse(address, "key")
