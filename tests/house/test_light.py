"""Loading the extension and finding the steps imports nothing heavy."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

_HEAVY = (
    "cyclopts", "ipywidgets", "anywidget", "matplotlib", "numpy", "onnx", "onnxruntime", "onnxsim", "pandas",
    "scipy", "sklearn", "thop", "torch", "tvm",
)  # fmt: skip

_IMPORT = {
    "package": "import deploy_magics",
    "extension": "import deploy_magics.magics",
    "load_ext": (
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "InteractiveShell.instance().run_line_magic('load_ext', 'deploy_magics')"
    ),
    "steps": "from deploy_magics.steps import all_steps; all_steps()",
    "result": "import deploy_magics.result",
    "errors": "import deploy_magics.errors, deploy_magics.progress, deploy_magics.arguments, deploy_magics.workers",
}


@pytest.mark.parametrize("name", _IMPORT)
def test_nothing_heavy_is_imported(name: str) -> None:
    program = f"{_IMPORT[name]}\nimport json, sys\nprint(json.dumps([n for n in {_HEAVY!r} if n in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == []
