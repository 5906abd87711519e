from __future__ import annotations

from pathlib import Path

import pytest

from deploy_magics.timing import cgroup


def put(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_version_2_counts_the_narrowest_limit_on_the_way_to_the_root(tmp_path: Path) -> None:
    put(
        tmp_path,
        {
            "own": "0::/pod/box\n",
            "fs/memory.max": "max\n",
            "fs/pod/memory.max": "2000\n",
            "fs/pod/memory.current": "1500\n",
            "fs/pod/memory.stat": "anon 1000\ninactive_file 300\n",
            "fs/pod/box/memory.max": "max\n",
            "fs/pod/box/memory.current": "10\n",
            "fs/pod/cpu.max": "150000 100000\n",
            "fs/pod/cpu.stat": "usage_usec 9000000\n",
            "fs/pod/box/cpu.pressure": "some avg10=0.00 avg60=0.00 avg300=0.00 total=4000000\n",
            "fs/pod/box/cpu.max": "max 100000\n",
            "fs/pod/box/cpu.stat": "usage_usec 5\nthrottled_usec 2500000\n",
        },
    )
    where = {"root": tmp_path / "fs", "own": tmp_path / "own"}
    assert cgroup.memory_left(**where) == 800
    assert cgroup.cpu_quota(**where) == 1.5
    assert cgroup.throttled_s(**where) == 2.5
    assert cgroup.cpu_used_s(**where) == 9.0
    assert cgroup.cpu_waited_s(**where) == 4.0


def test_version_1_and_a_path_that_is_the_host_s(tmp_path: Path) -> None:
    put(
        tmp_path,
        {
            "own": "5:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc\n0::/\n",
            "fs/memory/memory.limit_in_bytes": "4096\n",
            "fs/memory/memory.usage_in_bytes": "1024\n",
            "fs/cpu,cpuacct/cpu.cfs_quota_us": "50000\n",
            "fs/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            "fs/cpu,cpuacct/cpuacct.usage": "7000000000\n",
            "fs/cpu,cpuacct/cpu.stat": "nr_throttled 1\nthrottled_time 3000000000\n",
        },
    )
    where = {"root": tmp_path / "fs", "own": tmp_path / "own"}
    assert cgroup.memory_left(**where) == 3072
    assert cgroup.cpu_quota(**where) == 0.5
    assert cgroup.throttled_s(**where) == 3.0
    assert cgroup.cpu_used_s(**where) == 7.0
    assert cgroup.cpu_waited_s(**where) is None


@pytest.mark.parametrize(
    "files",
    [
        {
            "own": "4:memory:/\n",
            "fs/memory/memory.limit_in_bytes": "9223372036854771712\n",
            "fs/memory/memory.usage_in_bytes": "1\n",
        },
        {"own": "0::/\n", "fs/memory.max": "nonsense\n", "fs/cpu.max": "odd\n", "fs/cpu.stat": "odd\n"},
        {"own": ""},
        {},
    ],
    ids=["no limit", "unreadable", "no group", "no such system"],
)
def test_no_limit_is_none(tmp_path: Path, files: dict[str, str]) -> None:
    put(tmp_path, files)
    where = {"root": tmp_path / "fs", "own": tmp_path / "own"}
    assert cgroup.memory_left(**where) is None
    assert cgroup.cpu_quota(**where) is None
    assert cgroup.throttled_s(**where) is None
    assert cgroup.cpu_used_s(**where) is None
