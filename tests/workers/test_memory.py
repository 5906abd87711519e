"""What a worker may take follows from what is free."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import psutil
import pytest

from deploy_magics import workers
from deploy_magics.model import Model
from deploy_magics.workers import memory, memory_bound
from tests.model.build import linear


def free(monkeypatch: pytest.MonkeyPatch, machine: int, left: int | None) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=machine))
    monkeypatch.setattr(memory, "memory_left", lambda: left)


def test_three_quarters_of_the_less_of_machine_and_container(monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, 1000, None)
    assert memory_bound() == 750
    free(monkeypatch, 1000, 400)
    assert memory_bound() == 300
    assert memory_bound(200) == 200
    assert memory_bound(4 * 2**30) == 300
    free(monkeypatch, 1000, 0)
    assert memory_bound() == 0


def test_questions_about_a_model_stay_below_what_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container with 400 MiB left must not be filled by a worker that may take 4 GiB."""
    free(monkeypatch, 8 * 2**30, 400 * 2**20)
    bounds: list[int | None] = []
    start = workers.Worker.__init__

    def watched(self: workers.Worker, *args: Any, **kwargs: Any) -> None:
        bounds.append(kwargs["memory"])
        start(self, *args, **kwargs)

    monkeypatch.setattr(workers.Worker, "__init__", watched)
    model = Model.of(linear(), dims={"N": 2})
    assert model.inferred().graph.value_info
    assert model.feeds(0)["x"].dtype == np.float32
    assert bounds
    assert set(bounds) == {300 * 2**20}
