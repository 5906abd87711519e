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
from deploy_magics.workers import Worker, WorkerCrashed, WorkerOutOfMemory, WorkerTimeout, call

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
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, f"{HERE}:{job}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=Path(__file__).parents[2],
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    time.sleep(0.5)
    parent.send_signal(how)
    parent.wait(10)
    parent.stdout.close()
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
