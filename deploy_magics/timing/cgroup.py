"""Limits that a container puts on this process: memory, share of the processor, and how often that share ran out.

Linux control groups, version 1 and 2; elsewhere every answer is None. A limit may stand at any level between the
process's own group and the root, so the narrowest one counts.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from deploy_magics.workers.cgroup import cpu_quota, folders, group_quota, memory_left, number, stat

_ROOT = Path("/sys/fs/cgroup")
_SELF = Path("/proc/self/cgroup")


def throttled_s(root: Path = _ROOT, own: Path = _SELF) -> float | None:
    """Seconds for which this process's group was held back since it exists; None where that is not counted."""
    found: list[float] = []
    for folder in folders("cpu", root, own):
        counts = stat(folder / "cpu.stat")
        if "throttled_usec" in counts:
            found.append(counts["throttled_usec"] / 1e6)
        elif "throttled_time" in counts:
            found.append(counts["throttled_time"] / 1e9)
    return max(found, default=None)


def cpu_used_s(root: Path = _ROOT, own: Path = _SELF) -> float | None:
    """Processor time in seconds that all in the group with the narrowest quota have taken; None without a quota."""
    found: list[tuple[float, float]] = []
    for folder in folders("cpu", root, own):
        quota = group_quota(folder)
        if quota is None:
            continue
        usage_us = stat(folder / "cpu.stat").get("usage_usec")
        usage_ns = number(folder / "cpuacct.usage")  # version 1, where the two controllers are mounted together
        if usage_us is not None:
            found.append((quota, usage_us / 1e6))
        elif usage_ns is not None:
            found.append((quota, usage_ns / 1e9))
    return min(found, default=(0.0, None))[1]


def cpu_waited_s(root: Path = _ROOT, own: Path = _SELF) -> float | None:
    """Seconds for which some process of this group waited for a core; None where that is not counted."""
    for folder in folders("cpu", root, own):
        waited = waited_s(folder / "cpu.pressure")
        if waited is not None:
            return waited
    return None


def waited_s(path: Path) -> float | None:
    """Seconds for which something waited, from a file of pressure stall information; None where there is none."""
    with suppress(OSError, ValueError):
        for line in path.read_text().splitlines():
            if line.startswith("some"):
                return int(line.rpartition("total=")[2]) / 1e6
    return None


__all__ = ["cpu_quota", "cpu_used_s", "cpu_waited_s", "memory_left", "throttled_s", "waited_s"]
