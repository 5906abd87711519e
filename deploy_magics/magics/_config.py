"""What ``%config DeployMagics`` sets: defaults of the steps' options, and how much is shown."""

from __future__ import annotations

from typing import Any

from IPython.core.magic import Magics, magics_class
from traitlets import Bool, Float, Int, TraitError, observe, validate

from deploy_magics.errors import DeployError

_POSITIVE = ("max_bytes", "threads", "processes", "precision", "budget", "max_growth", "timeout", "memory")
_NOT_OPTIONS = frozenset({"max_bytes", "traceback", "progress"})


@magics_class
class DeployMagics(Magics):
    """Settings of deploy_magics' magics.

    A setting named like an option of a step is that option's default wherever it is not given; None leaves the step its
    own.
    """

    max_bytes = Int(2 * 2**30, help="Bytes that a model's inputs or a folded constant may take.").tag(config=True)
    traceback = Bool(False, help="Show the whole traceback of an error rather than its one line.").tag(config=True)
    progress = Bool(True, help="Show the progress of what lasts over two seconds.").tag(config=True)

    threads = Int(None, allow_none=True, help="Threads that each candidate may use.").tag(config=True)
    processes = Int(None, allow_none=True, help="Fresh processes in which each candidate is timed.").tag(config=True)
    precision = Float(None, allow_none=True, help="Width of a ratio's interval, in %, that is enough.").tag(config=True)
    budget = Float(None, allow_none=True, help="Seconds after which timing ends.").tag(config=True)
    tolerance = Float(None, allow_none=True, help="Difference of outputs that is still the same model.").tag(
        config=True
    )
    max_growth = Float(None, allow_none=True, help="Times that a simplified model may grow.").tag(config=True)
    memory = Float(
        None, allow_none=True, help="GiB: for %bench what all processes take together, for %simplify each."
    ).tag(config=True)
    timeout = Float(None, allow_none=True, help="Seconds after which a worker is ended.").tag(config=True)

    def defaults(self) -> dict[str, Any]:
        """Give the options that were set, by name."""
        values = {name: getattr(self, name) for name in self.traits(config=True) if name not in _NOT_OPTIONS}
        return {name: value for name, value in values.items() if value is not None}

    @validate(*_POSITIVE)
    def _positive(self, proposal: Any) -> Any:
        if proposal["value"] is not None and not 0 < proposal["value"] < float("inf"):
            raise TraitError(f"DeployMagics.{proposal['trait'].name} must be above 0, not {proposal['value']!r}")
        return proposal["value"]

    @validate("tolerance")
    def _not_negative(self, proposal: Any) -> Any:
        if proposal["value"] is not None and not 0 <= proposal["value"] < float("inf"):
            raise TraitError(f"DeployMagics.tolerance must be 0 or more, not {proposal['value']!r}")
        return proposal["value"]

    @observe("traceback")
    def _show_traceback(self, change: Any) -> None:
        DeployError.show_traceback = change["new"]

    @observe("max_bytes")
    def _bound_models(self, change: Any) -> None:
        from deploy_magics.model import Limits

        Limits.default_max_bytes = change["new"]
