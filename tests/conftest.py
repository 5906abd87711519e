"""Fixtures that several rooms of the tests share."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# A shell starts what it runs in the background with interrupts ignored, and whatever that starts inherits it: the tests
# that interrupt for real would wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)


def _shared_folder() -> Path | None:
    named = os.environ.get("DEPLOY_MAGICS_SHARED")
    folder = Path(named) if named else Path(__file__).parents[2] / "shared"
    return folder if folder.is_dir() else None


@pytest.fixture(scope="session")
def shared_models() -> Path:
    """Folder of real models from elsewhere, which are not part of this repository."""
    folder = _shared_folder()
    if folder is None or not (folder / "models").is_dir():
        pytest.skip("no real models at hand: set DEPLOY_MAGICS_SHARED to the folder that holds models/")
    return folder / "models"


@pytest.fixture(scope="session")
def boards() -> Iterator[tuple[Any, Any]]:
    """Two devices at a tracker on this machine, and their processes, of which a test may end one."""
    pytest.importorskip("tvm")
    from tests.tuning.boards import boards

    with boards(2) as found:
        yield found
