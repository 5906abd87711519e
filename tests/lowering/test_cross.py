"""Code for other processors: the file is what its system loads, and under an emulator it computes the right numbers."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deploy_magics.lowering import _tvm
from deploy_magics.lowering.artefact import read_manifest
from deploy_magics.workers import Worker
from tests.lowering.emulated import EMULATOR, Emulated
from tests.lowering.networks import build

pytestmark = pytest.mark.skipif(_tvm.why_not() is not None, reason=str(_tvm.why_not()))

ELF_TYPE, ELF_MACHINE, SHARED, AARCH64 = 16, 18, 3, 183
LAYERS = [
    ("conv", 24, 3, 2, 1),
    ("Relu",),
    ("conv", 24, 3, 1, 1, 1, 0),
    ("clip",),
    ("residual", "Add"),
    ("pool", "MaxPool", 1),
    ("classify",),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    pytest.importorskip("ziglang")
    folder = tmp_path_factory.mktemp("cross")
    model = build(folder / "model.onnx", (3, 16, 16), LAYERS, 0)
    outputs = [str(folder / "model.so"), str(folder / "model.tar")]
    with Worker("TVM", env={"TVM_NUM_THREADS": "1"}) as worker:
        cases = worker.call(
            "tests.lowering.cross_jobs:compile_for", str(model), "raspberry-pi-4", outputs, str(folder), timeout=240
        )
    return folder, cases


def test_a_library_for_a_board_is_one_of_its_processor_and_says_what_it_is(made: Any) -> None:
    folder, _ = made
    head = (folder / "model.so").read_bytes()[:20]
    assert head[:6] == b"\x7fELF\x02\x01"
    assert int.from_bytes(head[ELF_TYPE : ELF_TYPE + 2], "little") == SHARED
    assert int.from_bytes(head[ELF_MACHINE : ELF_MACHINE + 2], "little") == AARCH64
    for name in ("model.so", "model.tar"):
        manifest = read_manifest(folder / name)
        assert (manifest.machine.arch, manifest.machine.cpu) == ("aarch64", "cortex-a72")
        assert "made for aarch64" in str(manifest.machine.why_not_here()) or manifest.machine.is_host


@pytest.mark.skipif(shutil.which(EMULATOR) is None, reason=f"{EMULATOR} is not installed (package qemu-user)")
def test_functions_for_a_board_compute_there_what_plain_loops_compute_here(made: Any, tmp_path: Path) -> None:
    folder, cases = made
    board = Emulated(folder / "model.tar", {name: shapes for name, (shapes, _, _) in cases.items()}, tmp_path)
    assert sum("conv2d" in name for name in cases) >= 2
    for name, (_, inputs, wanted) in cases.items():
        found, expected = (np.frombuffer(data, np.float32) for data in (board.call(name, inputs), wanted))
        assert found.shape == expected.shape, name
        assert np.abs(found - expected).max() <= 1e-5 * max(1.0, float(np.ptp(expected))), name
