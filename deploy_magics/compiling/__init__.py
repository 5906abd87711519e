"""From a model to a file for TVM's runtime: simplified, compiled in a worker, and verified before it is given.

What uses TVM is in :mod:`deploy_magics.lowering`; here are the bounds around it, and the proof that the compiled model
computes what the original does.
"""

from __future__ import annotations

from deploy_magics.compiling.compiled import Compiled, Function
from deploy_magics.compiling.engine import Options, compile_model, output_path, simplified

__all__ = ["Compiled", "Function", "Options", "compile_model", "output_path", "simplified"]
