"""What a container's limits leave this process: memory, and time of the processor.

Linux control groups, version 1 and 2; elsewhere the answer is None. A limit may stand at any level between the
process's own group and the root, so the narrowest one counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_SELF = Path("/proc/self/cgroup")
# Version 1 says "no limit" with the largest multiple of a page that fits 63 bits.
_NO_LIMIT = 1 << 60


def memory_left(root: Path = _ROOT, own: Path = _SELF) -> int | None:
    """Bytes that this process's group may still take; None where there is no limit.

    File pages that the kernel can drop at once do not count as taken.
    """
    left: list[int] = []
    for folder in folders("memory", root, own):
        for limit_name, usage_name, dropped in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            limit, usage = number(folder / limit_name), number(folder / usage_name)
            if limit is not None and usage is not None and limit < _NO_LIMIT:
                left.append(max(0, limit - usage + stat(folder / "memory.stat").get(dropped, 0)))
    return min(left, default=None)


def cpu_quota(root: Path = _ROOT, own: Path = _SELF) -> float | None:
    """Cores' worth of time that this process's group may use; None where there is no limit."""
    quotas = [group_quota(folder) for folder in folders("cpu", root, own)]
    return min((quota for quota in quotas if quota is not None), default=None)


def group_quota(folder: Path) -> float | None:
    """Cores' worth of time that one group may use by its own limit."""
    with suppress(OSError, ValueError):
        quota, period = (folder / "cpu.max").read_text().split()
        if quota != "max":
            return int(quota) / int(period)
    old, period_us = number(folder / "cpu.cfs_quota_us"), number(folder / "cpu.cfs_period_us")
    return old / period_us if old is not None and period_us and old > 0 else None


def folders(controller: str, root: Path, own: Path) -> Iterator[Path]:
    """Yield the folders of this process's group and of those around it."""
    seen: set[Path] = set()
    try:
        lines = own.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers == "":
            mounts = [root, root / "unified"]
        elif controller in controllers.split(","):
            mounts = [root / controllers, root / controller]
        else:
            continue
        for mount in mounts:
            # In a container the path may be the host's, which is not mounted here: the mount itself is then our group.
            inside = mount / path.lstrip("/")
            for folder in (inside, *inside.parents):
                if folder.is_relative_to(mount) and folder not in seen:
                    seen.add(folder)
                    if folder.is_dir():
                        yield folder


def number(path: Path) -> int | None:
    """Give the number that a file holds; None where there is none."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def stat(path: Path) -> dict[str, int]:
    """Give the lines of a file of names and numbers; none where it cannot be read."""
    found: dict[str, int] = {}
    with suppress(OSError, ValueError):
        for line in path.read_text().splitlines():
            key, _, value = line.partition(" ")
            found[key] = int(value)
    return found
