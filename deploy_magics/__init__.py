"""From a trained model to one that runs well where it has to: notebook magics, widgets and workbooks.

Every step is one typed function; its magic, its shell command and its Python call are the same function.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from deploy_magics import zoo
    from deploy_magics.magics import load_ipython_extension, unload_ipython_extension
    from deploy_magics.model import Model
    from deploy_magics.result import load_result
    from deploy_magics.steps.align import align
    from deploy_magics.steps.bench import bench
    from deploy_magics.steps.convert import convert
    from deploy_magics.steps.cut import cut
    from deploy_magics.steps.deploy import deploy
    from deploy_magics.steps.flops import flops
    from deploy_magics.steps.fuse import fuse
    from deploy_magics.steps.goal import goal
    from deploy_magics.steps.inspect import inspect
    from deploy_magics.steps.pipeline import pipeline
    from deploy_magics.steps.postprocess import postprocess
    from deploy_magics.steps.runtimes import runtimes
    from deploy_magics.steps.simplify import simplify
    from deploy_magics.steps.tvm_compile import tvm_compile
    from deploy_magics.steps.tvm_run import tvm_run
    from deploy_magics.steps.tvm_tune import tvm_tune

__all__ = [
    "Model",
    "__version__",
    "align",
    "bench",
    "convert",
    "cut",
    "deploy",
    "flops",
    "fuse",
    "goal",
    "inspect",
    "load_ipython_extension",
    "load_result",
    "pipeline",
    "postprocess",
    "runtimes",
    "simplify",
    "tvm_compile",
    "tvm_run",
    "tvm_tune",
    "unload_ipython_extension",
    "zoo",
]

_HOMES = {
    "Model": "deploy_magics.model",
    "load_ipython_extension": "deploy_magics.magics",
    "load_result": "deploy_magics.result",
    "unload_ipython_extension": "deploy_magics.magics",
}


def __getattr__(name: str) -> Any:
    """Import a public name at its first use, since importing this package must stay light."""
    import importlib

    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "zoo":
        return importlib.import_module("deploy_magics.zoo")
    value = getattr(importlib.import_module(_HOMES.get(name, f"deploy_magics.steps.{name}")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
