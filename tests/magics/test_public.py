"""The public names, on one screen and light."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import deploy_magics
from deploy_magics.steps import names

PUBLIC = {"bench", "inspect", "flops", "simplify", "deploy", "Model", "zoo", "load_result", "load_ipython_extension"}


def test_dir_lists_the_public_names() -> None:
    assert {*PUBLIC, "__version__"} <= set(dir(deploy_magics))


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_each_is_there(name: str) -> None:
    assert getattr(deploy_magics, name) is not None


def test_every_step_is_public() -> None:
    assert set(names()) <= set(dir(deploy_magics))
    for name in names():
        assert callable(getattr(deploy_magics, name))


def test_what_is_not_there_is_python_s_own_error() -> None:
    with pytest.raises(AttributeError, match="module 'deploy_magics' has no attribute 'nope'"):
        deploy_magics.nope  # noqa: B018


def test_loading_imports_only_what_a_kernel_has_already() -> None:
    program = """
import sys, json
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
before = set(sys.modules)
shell.run_line_magic("load_ext", "deploy_magics")
print(json.dumps(sorted({name.partition(".")[0] for name in set(sys.modules) - before})))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    added = set(json.loads(done.stdout.splitlines()[-1]))
    assert added - set(sys.stdlib_module_names) <= {"deploy_magics", "IPython"}
