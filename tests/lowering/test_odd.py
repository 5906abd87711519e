"""Small models of what is easily read, filled up or cut wrongly."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import onnx.parser
import pytest

from deploy_magics.lowering import _tvm
from deploy_magics.lowering.frontend import CannotImport
from deploy_magics.workers import Worker

pytestmark = pytest.mark.skipif(_tvm.why_not() is not None, reason=str(_tvm.why_not()))

RIGHT = {
    # What fills up the last block of channels becomes exp(150), which no float32 holds.
    "filling": """(float[1,3,6,6] x) => (float[1,4,4,4] y)
        <float[1] big = {150.0}, float[5,3,1,1] v = {W15}, float[5] b = {-150,-150,-150,-150,-150},
         float[4,5,3,3] w = {W180}>
        { c = Conv(x, v, b) d = Floor(c) e = Add(d, big) f = Exp(e) y = Conv(f, w) }""",
    "vector": "(float[5] x) => (float[3] y) <float[5,3] w = {W15}> { y = MatMul(x, w) }",
    "rank one": "(float[3,40] x) => (float[3] y) <int64[1] a = {1}> { y = ReduceSum <keepdims = 0> (x, a) }",
    "uneven": """(float[1,2,7,9] x) => (float[1,2,3,15] y) <float[4] s = {1, 1, 0.5, 1.7}>
        { y = Resize <mode = "linear"> (x, , s) }""",
    "crossing": "(float[4] x) => (float[4] y) <float l = {0.5}, float h = {-0.5}> { c = Clip(x, l, h) y = Add(x, c) }",
    "inside": """(float[4,3] x) => (float y)
        { n = NonZero(x) m = Cast <to = 1> (n) y = ReduceMax <keepdims = 0> (m) }""",
    # Names of the importer's own, and those that it would make way to.
    "named": """(float[2,3] a) => (float[2,3] y)
        { x0 = Relu(a) v_x0 = Neg(a) v0 = Abs(a) s = Sub(x0, v_x0) y = Mul(s, v0) }""",
    # Neither may be rearranged: a sort is a call to elsewhere, and a scatter is one piece.
    "scattered": """(float[5,3] x) => (float[5,3] y) <int64[2,3] i = {0,1,2, 4,3,0}, float[2,3] u = {1,2,3,4,5,6}>
        { y = ScatterElements <axis = 0> (x, i, u) }""",
    "suppressed": """(float[1,6,4] x, float[1,1,6] s) => (float y)
        <int64 n = {4}, float iou = {0.5}, float t = {0.0}>
        { k = NonMaxSuppression(x, s, n, iou, t) c = Cast <to = 1> (k) y = ReduceMax <keepdims = 0> (c) }""",
}
REFUSED = {
    "depends on the data": "(float[4,3] x) => (int64[2,N] y) { y = NonZero(x) }",
    "sequences": "(float[4] x) => (seq(float[4]) y) { y = SequenceConstruct(x, x) }",
    "output_shape": """(float[1,1,4,4] x) => (float[1,1,8,8] y) <float[1,1,3,3] w = {W9}>
        { y = ConvTranspose <strides = [2,2], output_shape = [8,8]> (x, w) }""",
}


def write(path: Path, text: str) -> Path:
    """Write a model that is given as ONNX's text, ``{W9}`` standing for nine weights."""
    for count in (9, 15, 180):
        values = ", ".join(f"{((7 * place) % 11 - 5) / 8}" for place in range(count))
        text = text.replace(f"{{W{count}}}", f"{{{values}}}")
    opset = '<ir_version: 8, opset_import: ["" : 17]>'
    onnx.save(onnx.parser.parse_model(f"{opset} odd {text}"), str(path))
    return path


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker("TVM", env={"TVM_NUM_THREADS": "1"}) as made:
        yield made


@pytest.mark.parametrize("name", RIGHT)
def test_it_computes_what_onnx_runtime_computes(worker: Worker, tmp_path: Path, name: str) -> None:
    path = write(tmp_path / "m.onnx", RIGHT[name])
    apart, _ = worker.call("tests.lowering.jobs:difference", str(path), "", "auto", timeout=120)
    assert apart < 1e-4


@pytest.mark.parametrize("why", REFUSED)
def test_what_cannot_be_compiled_is_refused_in_one_line(worker: Worker, tmp_path: Path, why: str) -> None:
    path = write(tmp_path / "m.onnx", REFUSED[why])
    with pytest.raises(CannotImport, match=why):
        worker.call("tests.lowering.jobs:difference", str(path), "", "auto", timeout=120)
