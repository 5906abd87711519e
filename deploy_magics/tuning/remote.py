"""Devices at TVM's own tracker in place of the runner: several at once, and one may go away in the middle.

Each device that is free at the begin gets a worker of ours, which asks the tracker for one and holds it for one
candidate at a time. A device that gives no answer loses its candidate to another; one candidate that several devices
do not answer for is a failed trial, since it is likely that it ends them.
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from typing import Any

from deploy_magics.errors import ArgumentError, WorkerError
from deploy_magics.lowering.target import Target
from deploy_magics.tuning.crew import Bounds, Crew, NoDevice, Runner
from deploy_magics.tuning.job import Ended, Lost
from deploy_magics.tuning.station import Station

CALLING = "deploy_magics.tuning._calling"
_MOST = 16
_ASK_S = 20.0
_CONNECT_S = 5.0
WAIT_S = 10.0
"""How long a link waits for a free device."""


@dataclass(frozen=True)
class Tracker:
    """Where devices are registered.

    Attributes
    ----------
    host : str
        Name or address of the machine.
    port : int
        Of the tracker there.
    key : str
        Under which the devices are registered.
    """

    host: str
    port: int
    key: str

    @classmethod
    def parse(cls, address: str, key: str) -> Tracker:
        """Read ``HOST:PORT``; raises ArgumentError where it is something else.

        Examples
        --------
        >>> Tracker.parse("10.0.0.2:9190", "board").port
        9190
        """
        found = re.fullmatch(r"\[?([^\[\]\s]+?)\]?:(\d{1,5})", address.strip())
        if found is None or not 0 < int(found[2]) < 65536:
            raise ArgumentError(f"a tracker is HOST:PORT, not {address!r}", hint="such as --tracker 10.0.0.2:9190")
        if not key:
            raise ArgumentError("no key of the devices was given", hint="the one that rpc_server --key has")
        return cls(found[1], int(found[2]), key)

    @property
    def title(self) -> str:
        """What it is, for people."""
        return f"the tracker {self.host}:{self.port}"

    def free(self) -> int:
        """Ask the tracker how many devices are free.

        Raises
        ------
        NoDevice
            Where there are none, or it does not answer.
        """
        from deploy_magics import workers

        try:
            # TVM tries for much longer than a person waits.
            socket.create_connection((self.host, self.port), _CONNECT_S).close()
        except OSError as error:
            raise self._silent(error.strerror or str(error)) from None
        try:
            count: int = workers.call(
                "deploy_magics.lowering.devices:count",
                self.host,
                self.port,
                self.key,
                name=self.title,
                timeout=_ASK_S,
            )
        except WorkerError as error:
            raise self._silent(error.message) from None
        if count == 0:
            raise NoDevice(
                f"{self.title} has no free device of the key {self.key!r}",
                hint="start one with: python -m tvm.exec.rpc_server --tracker HOST:PORT --key KEY",
            )
        return count

    def _silent(self, why: str) -> NoDevice:
        hint = "start it with: python -m tvm.exec.rpc_tracker --host 0.0.0.0 --port PORT"
        return NoDevice(f"{self.title} does not answer: {why}"[:300], hint=hint)


class RemoteCrew(Crew):
    """Builders here, and devices at a tracker; see :class:`Crew`.

    Parameters
    ----------
    target : Target
        The devices'; code for it is linked here.
    tracker : Tracker
        Where they are.
    threads : int
        With which code runs on a device.
    bounds : Bounds
        On one candidate, the way to the device and back included.
    """

    # Builders and devices are different machines.
    apart = False

    def __init__(
        self,
        target: Target,
        tracker: Tracker,
        *,
        threads: int = 1,
        bounds: Bounds | None = None,
        builders: int | None = None,
    ) -> None:
        super().__init__(target, threads=threads, bounds=bounds, builders=builders)
        self.tracker = tracker

    def make_runners(self) -> list[Runner]:
        """Ask the tracker for its devices, and make a worker for each.

        Raises
        ------
        NoDevice
            Where the tracker does not answer, or has none.
        """
        count = self.devices()
        return [
            Runner(
                Station(
                    f"the link to device {number + 1}",
                    f"{CALLING}:prepare",
                    self.tracker.host,
                    self.tracker.port,
                    self.tracker.key,
                    self.threads,
                    self.bounds.run_s,
                    WAIT_S,
                    memory=self._memory,
                ),
                f"{CALLING}:run",
                WAIT_S + 2 * self.bounds.run_s,
            )
            for number in range(count)
        ]

    def judged(self, result: Any) -> Any:
        """Take a link that ended or hung for a device that gave no answer."""
        return Lost(result.reason) if isinstance(result, Ended) else result

    def devices(self) -> int:
        """Count the devices that candidates will run on; raises as :meth:`Tracker.free` does."""
        return min(self.tracker.free(), _MOST)
