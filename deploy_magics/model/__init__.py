"""The only door for models from outside: whatever it was, it becomes one checked, immutable handle.

Nothing heavy is imported here; onnx and NumPy come with the first model that is opened.
"""

from __future__ import annotations

from deploy_magics.model._handle import Model
from deploy_magics.model._spec import Limits, TensorSpec

__all__ = ["Limits", "Model", "TensorSpec"]
