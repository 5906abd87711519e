"""What the machine was doing while something was timed.

:class:`Watch` reads counters when the measurement starts and when it ends; the differences become notes. A system that
does not keep a counter (macOS has no steal time and no pressure stall information) gives fewer notes.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from deploy_magics.result import Note
from deploy_magics.timing import cgroup

_STEAL_NOTED = 0.01
_PRESSURE_NOTED = 0.10
_OTHERS_NOTED = 0.10
_BUSY_CORES = 0.10
_FREQUENCY_NOTED = 0.05


@dataclass(frozen=True)
class Machine:
    """The machine during one measurement; what is not known is None.

    Attributes
    ----------
    cores : float
        Cores that this process may use: its affinity, within the container's quota.
    host_cores : float or None
        Cores of the whole machine, which are more where an affinity or a container confines this process.
    load : float or None
        Load average over the minute before the measurement began, in runnable processes.
    seconds : float
        How long the watch lasted.
    steal : float or None
        Share of processor time that the hypervisor gave to others.
    pressure : float or None
        Share of time for which some process waited for a core (pressure stall information); in a confined process
        one of its own control group, where that is counted.
    throttled : float or None
        Share of time for which the container's quota held this process's group back.
    others : float or None
        Cores kept busy by other processes, on average.
    others_of : {"machine", "container"}
        Which processes ``others`` speaks of: all those of the machine, or, under a processor quota, those that share
        it.
    busy : tuple of (str, float)
        The busiest other programs by name, with the cores they used.
    frequency : tuple of float, or None
        Clock frequency in MHz at the beginning and at the end.
    """

    cores: float
    host_cores: float | None = None
    load: float | None = None
    seconds: float = 0.0
    steal: float | None = None
    pressure: float | None = None
    throttled: float | None = None
    others: float | None = None
    others_of: Literal["machine", "container"] = "machine"
    busy: tuple[tuple[str, float], ...] = ()
    frequency: tuple[float, float] | None = None

    def notes(self) -> tuple[Note, ...]:
        """Say in a few lines what may have disturbed the figures, and otherwise that nothing was seen."""
        warnings: list[str] = []
        host = max(self.cores, self.host_cores or 0.0)
        reach = self.cores if self.others_of == "container" else host
        if self.others is not None and self.others > _OTHERS_NOTED * reach:
            names = ", ".join(f"{name} {cores:.1f}" for name, cores in self.busy[:3])
            named = f" ({names})" if names else ""
            where = f"{reach:g} cores"
            if self.others_of == "container":
                where = f"the {reach:g} cores that the container may use"
            elif host > self.cores:
                where = f"the machine's {host:g} cores, of which {self.cores:g} may be used here,"
            warnings.append(f"other processes kept {min(self.others, reach):.1f} of {where} busy{named}")
        elif self.load is not None and self.load > 0.5 * host:
            warnings.append(f"the load average was {self.load:.1f} on {host:g} cores when it began")
        if self.steal is not None and self.steal > _STEAL_NOTED:
            warnings.append(f"the hypervisor took {self.steal:.0%} of the processor time (steal)")
        if self.throttled is not None and self.throttled > _STEAL_NOTED:
            warnings.append(f"the container's processor quota held it back {self.throttled:.0%} of the time")
        if self.pressure is not None and self.pressure > _PRESSURE_NOTED:
            warnings.append(f"some process waited for a core {self.pressure:.0%} of the time (pressure stall)")
        if self.frequency is not None and _apart(*self.frequency) > _FREQUENCY_NOTED:
            first, last = self.frequency
            warnings.append(f"the clock frequency went from {first:.0f} to {last:.0f} MHz")
        if warnings:
            return tuple(Note(f"machine: {text}", "warning") for text in warnings)
        return (Note(f"machine: {self.cores:g} cores, nothing else busy was seen"),)

    def to_plain(self) -> dict[str, Any]:
        """Give the figures as JSON's own types."""
        plain = asdict(self)
        return {**plain, "busy": [list(pair) for pair in self.busy], "frequency": list(self.frequency or ()) or None}


@dataclass
class _Counters:
    at: float
    steal: tuple[float, float] | None
    pressure: float | None
    throttled: float | None
    busy: float | None
    group_s: float | None
    processes: dict[tuple[int, float], tuple[str, float]] = field(default_factory=dict)
    frequency: float | None = None


class Watch:
    """Watches the machine from its making to :meth:`stop`.

    Examples
    --------
    >>> watch = Watch()
    >>> watch.stop(own_pids=(), own_cpu_s=0.0).cores > 0
    True
    """

    def __init__(self) -> None:
        self._load = _quietly(lambda: os.getloadavg()[0])
        self._start = _read()

    def stop(self, own_pids: Collection[int], own_cpu_s: float) -> Machine:
        """Read the counters again.

        Parameters
        ----------
        own_pids : collection of int
            Processes that were part of the measurement.
        own_cpu_s : float
            Processor time in seconds that they took.
        """
        first, last = self._start, _read()
        seconds = max(1e-9, last.at - first.at)
        ours = {*own_pids, os.getpid()}
        busy: dict[str, float] = {}
        for key, (name, cpu_s) in last.processes.items():
            # One that is not in the first reading was started meanwhile: all it used counts.
            kept = (cpu_s - first.processes.get(key, (name, 0.0))[1]) / seconds
            if key[0] not in ours and kept >= _BUSY_CORES:
                busy[name] = round(busy.get(name, 0.0) + kept, 2)
        own = own_cpu_s + _used_since(first, last, os.getpid())
        cores, host = usable_cores(), float(os.cpu_count() or 1)
        group = _difference(first.group_s, last.group_s)
        used = _difference(first.busy, last.busy) if group is None else group
        others = None if used is None else min(max(0.0, (used - own) / seconds), host if group is None else cores)
        steal = None
        if first.steal is not None and last.steal is not None:
            steal = min(1.0, max(0.0, last.steal[0] - first.steal[0]) / max(1e-9, last.steal[1] - first.steal[1]))
        frequency = None
        if first.frequency and last.frequency:
            frequency = (first.frequency, last.frequency)
        return Machine(
            cores=cores,
            host_cores=host,
            load=self._load,
            seconds=seconds,
            steal=steal,
            pressure=_share(first.pressure, last.pressure, seconds),
            throttled=_share(first.throttled, last.throttled, seconds),
            others=others,
            others_of="machine" if group is None else "container",
            busy=tuple(sorted(busy.items(), key=lambda pair: -pair[1])[:5]),
            frequency=frequency,
        )


def processor() -> str:
    """Name of the processor, as far as the system tells."""
    import platform

    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.lower().startswith(("model name", "hardware")):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def usable_cores() -> float:
    """Cores that this process may use: its affinity, within the container's quota."""
    quota = cgroup.cpu_quota()
    return float(_affinity()) if quota is None else min(float(_affinity()), quota)


def _affinity() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows have no affinity to read
        return os.cpu_count() or 1


def _read() -> _Counters:
    import psutil

    counters = _Counters(
        at=time.monotonic(),
        steal=_quietly(_steal),
        pressure=_quietly(_pressure_s),
        throttled=_quietly(cgroup.throttled_s),
        busy=_quietly(_busy_s),
        group_s=_quietly(cgroup.cpu_used_s) if cgroup.cpu_quota() is not None else None,
        frequency=_quietly(lambda: psutil.cpu_freq().current),
    )
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError), process.oneshot():
            times = process.cpu_times()
            key = (process.pid, process.create_time())
            counters.processes[key] = (process.name(), times.user + times.system)
    return counters


def _used_since(first: _Counters, last: _Counters, pid: int) -> float:
    for key, (_, cpu_s) in last.processes.items():
        if key[0] == pid:
            return cpu_s - first.processes.get(key, ("", cpu_s))[1]
    return 0.0


def _steal() -> tuple[float, float] | None:
    """Steal time and all time of all processors in seconds (``/proc/stat``)."""
    import psutil

    times = psutil.cpu_times()
    return (times.steal, sum(times[:8])) if hasattr(times, "steal") else None


def _busy_s() -> float:
    import psutil

    times = psutil.cpu_times()
    # Guest time is part of user time, and waiting for a disk or for the hypervisor is no process's work.
    return float(times.user + times.system + getattr(times, "nice", 0.0))


def _pressure_s() -> float | None:
    """Seconds for which some process waited for a core: of this control group where it is confined, else of all."""
    if usable_cores() < (os.cpu_count() or 1):
        own = cgroup.cpu_waited_s()
        if own is not None:
            return own
    return cgroup.waited_s(Path("/proc/pressure/cpu"))


def _quietly(read: Callable[[], Any]) -> Any:
    """Read a counter that not every system has; None where it has not."""
    try:
        return read()
    except (OSError, AttributeError, ValueError, NotImplementedError, RuntimeError):
        return None


def _difference(first: float | None, last: float | None) -> float | None:
    return None if first is None or last is None else last - first


def _share(first: float | None, last: float | None, seconds: float) -> float | None:
    """Give a share of the time, which is 1 at most: several cores may be counted, and clocks are read one by one."""
    return None if first is None or last is None else min(1.0, max(0.0, (last - first) / seconds))


def _apart(a: float, b: float) -> float:
    return abs(a - b) / max(a, b)
