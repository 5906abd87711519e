from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil
import pytest

from deploy_magics.timing import machine
from deploy_magics.timing.machine import Machine, Watch, usable_cores


@contextmanager
def busy() -> Iterator[int]:
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait()


def test_another_busy_process_is_seen_by_name() -> None:
    watch = Watch()
    with busy() as pid:
        name = psutil.Process(pid).name()
        time.sleep(0.6)
        found = watch.stop(own_pids=(), own_cpu_s=0.0)
    assert name in dict(found.busy)
    assert found.others is not None
    assert found.others > 0.1
    json.dumps(found.to_plain(), allow_nan=False)


def test_our_own_processes_are_not_called_others() -> None:
    watch = Watch()
    with busy() as pid:
        time.sleep(0.5)
        used = sum(psutil.Process(pid).cpu_times()[:2])
        without = watch.stop(own_pids=(), own_cpu_s=0.0)
        found = watch.stop(own_pids=(pid,), own_cpu_s=used)
    assert found.others is not None
    assert without.others is not None
    assert found.others < without.others
    assert dict(found.busy) != dict(without.busy)


def test_notes_name_what_may_have_disturbed() -> None:
    found = Machine(
        cores=2.0, load=3.0, seconds=10.0, steal=0.05, pressure=0.4, throttled=0.1, others=1.3,
        busy=(("chromium", 0.9), ("python", 0.4)), frequency=(3000.0, 2000.0),
    )  # fmt: skip
    text = "\n".join(note.text for note in found.notes())
    for part in ("1.3 of 2 cores busy (chromium 0.9, python 0.4)", "5% of the processor time", "10% of the time"):
        assert part in text
    assert "from 3000 to 2000 MHz" in text
    assert all(note.level == "warning" for note in found.notes())


def test_a_quiet_machine_has_one_quiet_note() -> None:
    [note] = Machine(cores=2.0, load=0.1, steal=0.0, pressure=0.01, others=0.02).notes()
    assert note.level == "info"


def test_a_load_before_is_told_only_where_the_present_is_not_known() -> None:
    [note] = Machine(cores=2.0, load=1.9).notes()
    assert "load average was 1.9" in note.text


def test_a_system_without_these_counters_says_less(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(*_: object) -> None:
        raise OSError("no such counter")

    for name in ("_steal", "_pressure_s", "_busy_s"):
        monkeypatch.setattr(machine, name, absent)
    monkeypatch.setattr(psutil, "cpu_freq", absent)
    monkeypatch.setattr(machine.os, "getloadavg", absent)
    monkeypatch.delattr(machine.os, "sched_getaffinity", raising=False)
    found = Watch().stop(own_pids=(), own_cpu_s=0.0)
    assert (found.steal, found.pressure, found.others, found.load, found.frequency) == (None,) * 5
    assert found.notes()


def test_a_quota_narrows_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.cgroup, "cpu_quota", lambda: 0.5)
    assert usable_cores() == 0.5


def read_twice(monkeypatch: pytest.MonkeyPatch, **rates: float) -> None:
    """Let counters rise by these rates a second over ten seconds."""
    readings = iter((0.0, 10.0))

    def read() -> Any:
        at = next(readings)
        known: dict[str, Any] = {
            name: rates[name] * at if name in rates else None for name in ("pressure", "throttled", "busy", "group_s")
        }
        return machine._Counters(at=at, steal=(0.0, at), **known)

    monkeypatch.setattr(machine, "_read", read)
    monkeypatch.setattr(machine.os, "cpu_count", lambda: 64)
    monkeypatch.setattr(machine, "usable_cores", lambda: 2.0)
    monkeypatch.setattr(machine.os, "getloadavg", lambda: (30.0, 30.0, 30.0))


def test_others_on_a_machine_of_which_little_may_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    read_twice(monkeypatch, busy=31.0, pressure=1.02, throttled=3.0)
    found = Watch().stop(own_pids=(), own_cpu_s=10.0)
    assert (found.cores, found.host_cores, found.others_of) == (2.0, 64.0, "machine")
    assert found.others == pytest.approx(30.0)
    assert (found.pressure, found.throttled) == (1.0, 1.0)
    text = "\n".join(note.text for note in found.notes())
    assert "30.0 of the machine's 64 cores, of which 2 may be used here, busy" in text
    json.dumps(found.to_plain(), allow_nan=False)


def test_few_others_on_a_large_machine_are_no_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    read_twice(monkeypatch, busy=3.0)
    assert all(note.level == "info" for note in Watch().stop(own_pids=(), own_cpu_s=0.0).notes())


def test_under_a_quota_those_who_share_it_are_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    read_twice(monkeypatch, busy=31.0, group_s=1.5)
    found = Watch().stop(own_pids=(), own_cpu_s=5.0)
    assert found.others == pytest.approx(1.0)
    assert found.others_of == "container"
    [note] = found.notes()
    assert "1.0 of the 2 cores that the container may use busy" in note.text


def test_a_confined_process_asks_its_own_group_for_pressure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.cgroup, "cpu_waited_s", lambda: 7.0)
    monkeypatch.setattr(machine.cgroup, "waited_s", lambda path: 9.0)
    monkeypatch.setattr(machine.os, "cpu_count", lambda: 64)
    monkeypatch.setattr(machine, "usable_cores", lambda: 2.0)
    assert machine._pressure_s() == 7.0
    monkeypatch.setattr(machine.cgroup, "cpu_waited_s", lambda: None)
    assert machine._pressure_s() == 9.0
    monkeypatch.setattr(machine, "usable_cores", lambda: 64.0)
    monkeypatch.setattr(machine.cgroup, "cpu_waited_s", lambda: 7.0)
    assert machine._pressure_s() == 9.0
