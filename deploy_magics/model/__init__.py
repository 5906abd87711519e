"""The only door for models from outside: whatever it was, it becomes one checked, immutable handle.

A file is recognised by its content, read without its large weights, and checked in pure Python; what native code has to
say of it (:meth:`Model.check`, :meth:`Model.inferred`) is asked in a worker, when it is asked for. Nothing heavy is
imported here; onnx and NumPy come with the first model that is opened.

=====================  =================================================================================
what a step wants      where it is
=====================  =================================================================================
names, dtypes, shapes  ``inputs``, ``outputs``; ``bind`` and ``concrete`` for dynamic dimensions
nodes and attributes   ``skeleton``: the proto without large weights, or ``inferred()`` with shapes as well
weights                ``weights()``, one at a time; ``proto`` only where all are needed together
something to run       ``file()``, a path for a worker, and ``feeds()``
a changed model        ``with_proto()``, then ``save()``
the torch module       ``module_of()``, for what changes modules before they are exported
=====================  =================================================================================

A model compiled by TVM is none of these: it is refused here in one line, and run by ``deploy_magics.running``, which
takes from here what it shares with models: :func:`feeds_for` and :func:`distinct` names.
"""

from __future__ import annotations

from deploy_magics.model._compiled import COMPILED_MARK, is_compiled_object
from deploy_magics.model._feeds import feeds_for
from deploy_magics.model._handle import Model
from deploy_magics.model._many import distinct
from deploy_magics.model._module import TorchModule, module_of
from deploy_magics.model._recognise import framework
from deploy_magics.model._spec import Limits, TensorSpec, numpy_dtype
from deploy_magics.model._torch import only_takes

__all__ = [
    "COMPILED_MARK",
    "Limits",
    "Model",
    "TensorSpec",
    "TorchModule",
    "distinct",
    "feeds_for",
    "framework",
    "is_compiled_object",
    "module_of",
    "numpy_dtype",
    "only_takes",
]
