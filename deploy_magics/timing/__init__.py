"""How time is measured: worker processes, interleaving, warm-up, statistics, noise of the machine.

:func:`measure` times anything that a worker can import and run; ``deploy_magics.steps.bench`` times models with it.
"""

from __future__ import annotations

from deploy_magics.timing.candidate import Candidate
from deploy_magics.timing.engine import MeasurementInterrupted, measure
from deploy_magics.timing.finishing import Finishing
from deploy_magics.timing.machine import Machine, Watch
from deploy_magics.timing.measurement import Measurement, Track

__all__ = ["Candidate", "Finishing", "Machine", "Measurement", "MeasurementInterrupted", "Track", "Watch", "measure"]
