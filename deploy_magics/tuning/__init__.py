"""The search for faster code: what is tried, where it is built and run, and when it is enough.

The search itself is pure Python and stays in the kernel, where an interrupt is heard at once; TVM lives in worker
processes only, which are started once and kept. Builders schedule and build candidates; a runner of its own loads and
times them, so that one that crashes, hangs or eats memory costs a trial and nothing else.

==================  ==========================================================================
:mod:`.job`         what is tuned, as plain data
:mod:`.station`     a worker that is kept, and started again when it has ended
:mod:`.crew`        builders and runners: candidates go in, trials come out
:mod:`.search`      which point of one task's space is tried next
:mod:`.allocate`    which task the next trials go to, and when more is not worth it
:mod:`.loop`        all of it together, step by step, with records
:mod:`.remote`      devices at TVM's own tracker in place of the runner
==================  ==========================================================================

In a worker: :mod:`._planning` finds the tasks, :mod:`._building` builds, :mod:`._running` times here and
:mod:`._calling` on a device.
"""

from __future__ import annotations

from deploy_magics.tuning._state import TaskOutcome, Tuned
from deploy_magics.tuning.allocate import Budget
from deploy_magics.tuning.crew import Bounds, Crew, NoDevice
from deploy_magics.tuning.loop import tune

__all__ = ["Bounds", "Budget", "Crew", "NoDevice", "TaskOutcome", "Tuned", "tune"]
