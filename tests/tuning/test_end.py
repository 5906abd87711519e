"""How a search ends that is not let end by itself: a real interrupt, and the death of the kernel."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

pytest.importorskip("tvm")

from deploy_magics.lowering.records import Records

ROOT = Path(__file__).parents[2]
ENOUGH = 40


def started(records: Path) -> tuple[subprocess.Popen[str], list[psutil.Process]]:
    """Start a kernel that tunes, and wait until it has done some trials; its workers."""
    kernel = subprocess.Popen(
        [sys.executable, "-m", "tests.tuning.jobs", str(records)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert kernel.stdout is not None
    for line in kernel.stdout:
        if int(line) >= ENOUGH:
            break
    return kernel, psutil.Process(kernel.pid).children(recursive=True)


def gone(workers: list[psutil.Process], seconds: float = 5.0) -> bool:
    return not psutil.wait_procs(workers, timeout=seconds)[1]


def test_an_interrupt_ends_it_at_once_and_keeps_every_trial(tmp_path: Path) -> None:
    kernel, workers = started(tmp_path / "records")
    assert len(workers) >= 2
    began = time.monotonic()
    os.kill(kernel.pid, signal.SIGINT)
    said = kernel.communicate(timeout=20)[0].splitlines()
    assert time.monotonic() - began < 5
    words = said[-1].split()
    assert words[:2] == ["stopped", "interrupted"]
    assert kernel.returncode == 0
    assert len(Records.read(tmp_path / "records").trials) == int(words[2]) >= ENOUGH
    assert gone(workers)


def test_the_death_of_the_kernel_leaves_no_worker_and_readable_records(tmp_path: Path) -> None:
    kernel, workers = started(tmp_path / "records")
    kernel.kill()
    kernel.communicate(timeout=20)
    assert gone(workers)
    read = Records.read(tmp_path / "records")
    assert len(read.trials) >= ENOUGH
    assert read.damaged <= 1
    assert Records.open(tmp_path / "records").damaged == 0
