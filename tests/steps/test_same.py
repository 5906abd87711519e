"""Code that a runtime makes of a model by itself is compared with the model, wherever it is run."""

from __future__ import annotations

from pathlib import Path

import onnx.parser
import pytest

pytest.importorskip("tvm")

from deploy_magics import bench, tvm_run
from deploy_magics.errors import VerificationError

# TVM begins a maximum at the least finite number, so it finds that where all is minus infinity.
TEXT = """<ir_version: 8, opset_import: ["" : 17]>
odd (float[1,1,4,4] x) => (float[1,1,2,2] y)
    { a = Sub(x, x) b = Log(a) y = MaxPool <kernel_shape = [2,2], strides = [2,2]> (b) }"""


@pytest.fixture
def odd(tmp_path: Path) -> str:
    onnx.save(onnx.parser.parse_model(TEXT), str(tmp_path / "odd.onnx"))
    return str(tmp_path / "odd.onnx")


def test_bench_warns_of_code_that_computes_something_else(odd: str) -> None:
    found = bench(odd, "digits", on=["tvm"], processes=2, budget=0.5)
    [warning] = [note for note in found.notes if "odd on tvm: does not compute what ONNX Runtime computes" in note.text]
    assert warning.level == "warning"


def test_run_refuses_it_and_writes_nothing(odd: str, tmp_path: Path) -> None:
    with pytest.raises(VerificationError, match="what TVM made of it"):
        tvm_run(odd, repeat=1, output=tmp_path / "o.npz")
    assert not (tmp_path / "o.npz").exists()
