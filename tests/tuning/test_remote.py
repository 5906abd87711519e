"""Devices at TVM's tracker, on this machine."""

from __future__ import annotations

from collections.abc import Sequence
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
from tests.tuning.boards import Board, free_port
from tests.tuning.fakes import plan
from tests.tuning.spaces import GOOD


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
