from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from deploy_magics.errors import ModelError, WorkerError
from deploy_magics.workers import Worker, WorkerCrashed, WorkerOutOfMemory, WorkerTimeout, call, parent, ready

HERE = "tests.workers.jobs"


def gone(pid: int, within: float = 5.0) -> bool:
    end = time.monotonic() + within
    while time.monotonic() < end:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.02)
    return False


def test_a_value_comes_back_whatever_is_printed_meanwhile() -> None:
    assert call(f"{HERE}:print_and_return", b"x" * 3_000_000, name="job") == b"x" * 3_000_000


def test_our_own_errors_come_back_as_they_are() -> None:
    with pytest.raises(ModelError, match="no such model; look again"):
        call(f"{HERE}:raise_model_error", name="job")


def test_any_other_error_is_one_line_with_the_traceback_as_a_note() -> None:
    with pytest.raises(WorkerError, match="job failed: ZeroDivisionError") as caught:
        call(f"{HERE}:divide", 1, 0, name="job")
    assert "jobs.py" in caught.value.__notes__[0]


@pytest.mark.parametrize("target", [f"{HERE}:abort", f"{HERE}:segfault"])
def test_a_crash_is_an_error(target: str) -> None:
    with pytest.raises(WorkerCrashed, match=r"job crashed: its process was ended by SIG(ABRT|SEGV)"):
        call(target, name="job")


def test_an_exit_is_an_error_that_says_what_was_printed_last() -> None:
    with pytest.raises(WorkerCrashed, match=r"ended with status 3 \(last words\)"):
        call(f"{HERE}:leave", name="job")


def test_a_hang_ends_with_its_children() -> None:
    with Worker("job") as worker:
        child = worker.call(f"{HERE}:start_child")
        with pytest.raises(WorkerTimeout, match=r"took longer than 0\.3 s"):
            worker.call("time:sleep", 60, timeout=0.3)
        assert not worker.alive
    assert gone(child)


def test_a_glutton_is_ended() -> None:
    with pytest.raises(WorkerOutOfMemory, match="took more than 150 MiB"):
        call(f"{HERE}:eat", 10**9, name="job", memory=150 * 2**20)


def test_the_children_of_a_glutton_count() -> None:
    with pytest.raises(WorkerOutOfMemory, match="took more than 150 MiB"):
        call(f"{HERE}:eat_in_a_child", 400 * 10**6, name="job", memory=150 * 2**20, timeout=20)


def test_a_worker_that_closes_its_pipes_is_ended() -> None:
    with Worker("job") as worker:
        pid = worker.pid
        with pytest.raises(WorkerCrashed, match="closed its pipes without ending, and was ended"):
            worker.call(f"{HERE}:close_the_pipes")
        assert gone(pid)


@pytest.mark.parametrize(("size", "announced"), [(2**40, "1048576"), (2 * 2**20, "2")])
def test_an_answer_is_refused_by_its_length(size: int, announced: str) -> None:
    with Worker("job", answer=None if size > 2**30 else 2**20) as worker:
        with pytest.raises(WorkerOutOfMemory, match=rf"job gave an answer of {announced} MiB where \d+ MiB fit"):
            worker.call(f"{HERE}:announce", size, timeout=20)
        assert not worker.alive


def test_where_no_process_can_be_started_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    with pytest.raises(WorkerError, match=r"^job: no process could be started: Resource temporarily unavailable$"):
        Worker("job")


def test_windows_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parent, "_HAS_PROCESS_GROUPS", False)
    with pytest.raises(WorkerError, match=r"^deploy_magics runs on Linux and macOS; on Windows use WSL$"):
        Worker("job")


def test_a_worker_keeps_its_state_between_calls() -> None:
    with Worker("job") as worker:
        assert [worker.call(f"{HERE}:count") for _ in range(3)] == [1, 2, 3]
        pid = worker.pid
    assert gone(pid)
    worker.close()


def test_what_cannot_travel_back_is_an_error() -> None:
    with pytest.raises(WorkerError, match="job failed"):
        call(f"{HERE}:unpicklable", name="job")


PARENT = """
import sys
from deploy_magics.workers import Worker
worker = Worker("job")
print(worker.pid, flush=True)
worker.call(sys.argv[1], timeout=None)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize("job", ["spin", "hold_the_interpreter"])
def test_a_busy_worker_does_not_outlive_its_parent(job: str, how: signal.Signals) -> None:
    if job == "hold_the_interpreter" and sys.platform != "linux":
        pytest.skip("only Linux ends a process with its parent while native code keeps its threads out")
    starter = subprocess.Popen(
        [sys.executable, "-c", PARENT, f"{HERE}:{job}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=Path(__file__).parents[2],
    )
    assert starter.stdout is not None
    pid = int(starter.stdout.readline())
    time.sleep(0.5)
    starter.send_signal(how)
    starter.wait(10)
    starter.stdout.close()
    assert gone(pid)


def test_a_worker_outlives_the_thread_that_started_it() -> None:
    started: list[Worker] = []
    thread = threading.Thread(target=lambda: started.append(Worker("job")))
    thread.start()
    thread.join()
    with started[0] as worker:
        assert worker.call(f"{HERE}:count") == 1
        time.sleep(0.2)
        assert worker.call(f"{HERE}:count") == 2


def test_several_are_waited_for_and_the_first_that_is_done_is_given() -> None:
    with Worker("slow") as slow, Worker("quick") as quick:
        slow.send("time:sleep", 60)
        quick.send(f"{HERE}:count")
        assert ready([slow, quick], timeout=20) == [quick]
        assert quick.receive() == 1
        began = time.monotonic()
        assert ready([slow], timeout=0.2) == []
        assert 0.15 < time.monotonic() - began < 2


def test_waiting_sees_crashes_and_bounds() -> None:
    with Worker("crash") as crash, Worker("hang") as hang, Worker("glutton", memory=150 * 2**20) as glutton:
        crash.send(f"{HERE}:abort")
        hang.send("time:sleep", 60, timeout=0.5)
        glutton.send(f"{HERE}:eat", 10**9)
        left, seen = [crash, hang, glutton], {}
        while left:
            for worker in ready(left, timeout=20):
                with pytest.raises(WorkerError) as caught:
                    worker.receive()
                seen[worker.name] = type(caught.value)
                left.remove(worker)
        assert seen == {"crash": WorkerCrashed, "hang": WorkerTimeout, "glutton": WorkerOutOfMemory}
        assert ready([crash], timeout=20) == [crash]
