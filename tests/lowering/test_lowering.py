"""Blocked layouts and register tiles against ONNX Runtime, on networks put together at random."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deploy_magics.lowering import _tvm
from deploy_magics.workers import Worker
from tests.lowering.networks import build

pytestmark = pytest.mark.skipif(_tvm.why_not() is not None, reason=str(_tvm.why_not()))

JOBS = "tests.lowering.jobs:"
# Vectors of 4, of 8, and those of this machine.
CPUS = ["x86-64", "x86-64-v3", ""] if platform.machine() == "x86_64" else [""]
TOLERANCE = 1e-4

LAYERS = st.one_of(
    st.tuples(
        st.just("conv"),
        st.integers(1, 40),
        st.sampled_from([1, 3]),
        st.sampled_from([1, 2]),
        st.sampled_from([0, 1]),
        st.sampled_from([1, 2]),
        st.sampled_from([1, 1, 2, 4, 0]),
    ),
    st.tuples(
        st.just("transposed"),
        st.sampled_from([1, 5, 16, 20]),
        st.integers(1, 5),
        st.integers(1, 3),
        st.integers(0, 2),
        st.integers(0, 2),
    ),
    st.tuples(st.just("pool"), st.sampled_from(["MaxPool", "AveragePool"]), st.sampled_from([0, 1])),
    st.tuples(st.just("residual"), st.sampled_from(["Add", "Sum", "Max"])),
    st.tuples(st.just("concat"), st.integers(1, 32)),
    st.sampled_from([("norm",), ("clip",), ("scale",), ("shuffle",), ("gate",), ("Relu",), ("Sigmoid",)]),
)


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker("TVM", env={"TVM_NUM_THREADS": "1"}) as made:
        yield made


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    shape=st.tuples(st.sampled_from([3, 16, 24]), st.integers(5, 14), st.integers(5, 14)),
    layers=st.lists(LAYERS, min_size=2, max_size=6),
    classified=st.booleans(),
    cpu=st.sampled_from(CPUS),
    layout=st.sampled_from(["auto", "auto", "plain"]),
    seed=st.integers(0, 1000),
)
def test_any_network_computes_what_onnx_runtime_computes(
    worker: Worker,
    tmp_path: Path,
    shape: tuple[int, int, int],
    layers: list[Any],
    classified: bool,
    cpu: str,
    layout: str,
    seed: int,
) -> None:
    path = build(tmp_path / "n.onnx", shape, [*layers, *([("classify",)] if classified else [])], seed)
    apart, _ = worker.call(JOBS + "difference", str(path), cpu, layout, timeout=120)
    assert apart < TOLERANCE


MIXED = [
    ("conv", 24, 3, 2, 1),
    ("norm",),
    ("Relu",),
    ("conv", 24, 3, 1, 1, 1, 0),
    ("clip",),
    ("residual", "Sum"),
    ("concat", 20),
    ("conv", 44, 1, 1, 0, 1, 4),
    ("shuffle",),
    ("gate",),
    ("conv", 32, 3, 2, 2, 2),
    ("transposed", 20, 3, 2, 1, 1),
    ("pool", "MaxPool", 1),
    ("classify",),
]


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("mixed") / "mixed.onnx", (3, 32, 32), MIXED, 0)


@pytest.mark.parametrize("cpu", CPUS)
def test_one_of_everything_is_blocked_and_right(worker: Worker, mixed: Path, cpu: str) -> None:
    apart, layout = worker.call(JOBS + "difference", str(mixed), cpu, "auto", timeout=120)
    assert layout == "blocked"
    assert apart < TOLERANCE


def test_the_bare_build_is_right_too(worker: Worker, mixed: Path) -> None:
    apart, layout = worker.call(JOBS + "difference", str(mixed), "", "auto", "none", timeout=120)
    assert (layout, apart < TOLERANCE) == ("plain", True)


@pytest.mark.parametrize("cpu", CPUS)
def test_no_default_decision_is_refused(worker: Worker, mixed: Path, cpu: str) -> None:
    assert worker.call(JOBS + "refused_defaults", str(mixed), cpu, timeout=120) == []


def test_all_valid_decisions_compute_the_same(worker: Worker, mixed: Path) -> None:
    apart = worker.call(JOBS + "decided", str(mixed), "", 0, 6, timeout=240)
    assert len(apart) > 20
    assert max(apart) < TOLERANCE


def test_keys_do_not_depend_on_the_process(worker: Worker, mixed: Path) -> None:
    mine = worker.call(JOBS + "keys", str(mixed), timeout=120)
    with Worker("another", env={"PYTHONHASHSEED": "7"}) as other:
        theirs = other.call(JOBS + "keys", str(mixed), timeout=120)
    assert mine == theirs
    assert len(set(mine)) == len(mine)


def test_an_unknown_layout_is_one_line(worker: Worker, mixed: Path) -> None:
    with pytest.raises(Exception, match="there is no layout 'blokced'; did you mean 'blocked'"):
        worker.call(JOBS + "difference", str(mixed), "", "blokced", timeout=120)
