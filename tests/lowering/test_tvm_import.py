"""TVM is imported quickly, quietly, and leaves the process as it was."""

from __future__ import annotations

import subprocess
import sys

import pytest

from deploy_magics.lowering import _tvm

pytestmark = pytest.mark.skipif(_tvm.why_not() is not None, reason=str(_tvm.why_not()))


def test_the_import_is_quick_and_says_nothing() -> None:
    code = (
        "import sys, time\nhook = sys.excepthook\nstart = time.perf_counter()\n"
        "from deploy_magics.lowering._tvm import tvm\nassert tvm() is tvm()\n"
        "import tvm.s_tir.tensor_intrin, tvm.s_tir.meta_schedule, tvm.relax.frontend.onnx\n"
        "assert time.process_time() < 6, time.process_time()\n"
        "assert sys.excepthook is hook\nassert 'torch' not in sys.modules\n"
        "import logging\nlogging.getLogger('tvm').warning('not seen')\n"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout + done.stderr == ""
