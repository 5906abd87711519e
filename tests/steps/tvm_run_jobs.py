"""Workers of ``%tvm_run`` that do not do as they should."""

from __future__ import annotations

import os
import time
from typing import Any


def load(path: str, *_: Any) -> None:
    """Abort, as native code does, or hang."""
    if "crash" in path:
        os.abort()
    time.sleep(60)
