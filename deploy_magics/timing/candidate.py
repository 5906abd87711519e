"""What can be timed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deploy_magics.errors import DeployError


@dataclass(frozen=True)
class Candidate:
    """One thing to be timed against others.

    Attributes
    ----------
    label : str
        Its name in tables; distinct among those measured together.
    factory : str
        ``"package.module:function"``, called in the worker process. It gives an object whose method ``run()`` is
        what is timed; an attribute ``extra``, a dict of plain values, comes back with the figures.
    args, kwargs
        The factory's arguments; they travel as pickles.
    per_call : int
        Inferences (or items) in one ``run()``, counted in the throughput.
    imports : tuple[str, ...]
        Modules that the worker imports first, so that load time and memory are those of the candidate and not of the
        library it runs on.
    inputs : optional
        What the object's method ``set_inputs`` is given after loading. It is in the worker before memory is counted,
        and placing it is no part of the load time.
    error : DeployError, optional
        Why it cannot be timed, where that is known before; it keeps its place among the others.
    """

    label: str
    factory: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    per_call: int = 1
    imports: tuple[str, ...] = ()
    inputs: Any = None
    error: DeployError | None = None
