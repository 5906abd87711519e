"""One module a step. A module here with a function of its own name, marked by :func:`step`, is all a step needs.

Its magic, shell command, completion and help follow from the function's signature and docstring. Modules whose name
begins with an underscore are shared parts, not steps. Finding the names imports none of them.
"""

from __future__ import annotations

from deploy_magics.steps._registry import Step, all_steps, get, names, step

__all__ = ["Step", "all_steps", "get", "names", "step"]
