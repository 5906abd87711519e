"""Where the time of a run goes, operator by operator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class OperatorTime:
    """What one operator takes of a run.

    Attributes
    ----------
    name : str
        What tells it from others: a node's name, or what a compiled function computes and at which size.
    kind : str
        Its type, as the runtime calls it.
    calls : int
        How often it is called in one run.
    median, least : float
        Time of all its calls in one run in seconds, over the runs: the median, and the least.
    """

    name: str
    kind: str
    calls: int
    median: float
    least: float


@runtime_checkable
class TellsOperators(Protocol):
    """What a runtime offers besides :class:`deploy_magics.running.Runtime` where it can time operators."""

    def operator_times(
        self,
        path: Path,
        feeds: Mapping[str, NDArray[Any]],
        *,
        threads: int,
        repeats: int,
        options: Mapping[str, Any],
    ) -> tuple[OperatorTime, ...]:
        """Load a model, run it ``repeats`` times on the same inputs, and time its operators.

        Called in a worker process of its own, since what watches operators slows them.

        Raises
        ------
        DeployError
            In one line, where the model cannot run.
        """


def summed(runs: Sequence[Mapping[tuple[str, str], Sequence[float]]]) -> tuple[OperatorTime, ...]:
    """Make the times of operators from those of their calls.

    Parameters
    ----------
    runs : sequence of mappings
        For each run: the times of the calls in seconds, by name and type of the operator.

    Returns
    -------
    tuple of OperatorTime
        In the order of the first run.

    Examples
    --------
    >>> summed([{("a", "Add"): [1.0, 2.0]}, {("a", "Add"): [1.0, 1.0]}])
    (OperatorTime(name='a', kind='Add', calls=2, median=2.5, least=2.0),)
    """
    import numpy as np

    found = []
    for key in dict.fromkeys(key for run in runs for key in run):
        totals = [sum(run.get(key, ())) for run in runs]
        calls = round(float(np.median([len(run.get(key, ())) for run in runs])))
        found.append(OperatorTime(*key, calls, float(np.median(totals)), float(min(totals))))
    return tuple(found)


__all__ = ["OperatorTime", "TellsOperators", "summed"]
