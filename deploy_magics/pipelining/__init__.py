"""From a picture on the disk to what the application uses: read, preprocess, infer, postprocess, each stage timed.

The stages run in a worker process, one frame after another or overlapped in threads. Importing this imports no runtime.
"""

from __future__ import annotations

from deploy_magics.pipelining.engine import measure
from deploy_magics.pipelining.functions import check_functions
from deploy_magics.pipelining.measured import STAGES, THREADS, Burst, Failure, Measured
from deploy_magics.pipelining.source import Source, find_source

__all__ = [
    "STAGES",
    "THREADS",
    "Burst",
    "Failure",
    "Measured",
    "Source",
    "check_functions",
    "find_source",
    "measure",
]
