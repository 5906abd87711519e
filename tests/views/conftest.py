"""One Chromium for the tests of this room."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.views.stage import Stage


@pytest.fixture(scope="session")
def _stage() -> Iterator[Stage]:
    if Stage.chromium() is None:
        pytest.skip("no Chromium: install Debian's package chromium, or name one in DEPLOY_MAGICS_CHROMIUM")
    stage = Stage()
    yield stage
    stage.close()


@pytest.fixture
def stage(_stage: Stage) -> Iterator[Stage]:
    """Give an empty page; an uncaught error in it fails the test."""
    _stage.clear()
    yield _stage
    assert not _stage.errors
