"""The two kinds of line in a file of records, as values."""

from __future__ import annotations

import json
import math
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

FORMAT = 1
Decisions: TypeAlias = dict[str, int]
"""Which value each knob of a space takes."""


@dataclass(frozen=True)
class Session:
    """What made the trials that name it.

    Attributes
    ----------
    id : str
        Drawn at random; trials name it.
    model, digest : str
        Name of the model for people, and what identifies its content.
    target : Mapping[str, Any]
        The machine that ran the trials, as :meth:`deploy_magics.lowering.target.Target.to_plain` gives it.
    versions : Mapping[str, Any]
        Of ``tvm``, ``deploy_magics`` and ``space``; decisions mean something in one version of the space only.
    layout : str
        Of the tensors.
    threads : int
        With which the trials ran.
    tasks : Mapping[str, str]
        Key and label of each task of the model.
    when : str
        Begin, in UTC.
    """

    model: str
    digest: str
    target: Mapping[str, Any]
    versions: Mapping[str, Any]
    layout: str
    threads: int
    tasks: Mapping[str, str]
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    when: str = field(default_factory=lambda: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))

    @property
    def space(self) -> int:
        """Version of the space."""
        return int(self.versions["space"])

    def to_plain(self) -> dict[str, Any]:
        """Give its line."""
        return {
            "kind": "session",
            "format": FORMAT,
            "id": self.id,
            "model": {"name": self.model, "digest": self.digest},
            "target": dict(self.target),
            "versions": dict(self.versions),
            "layout": self.layout,
            "threads": self.threads,
            "tasks": dict(self.tasks),
            "when": self.when,
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Session:
        """Read its line; raises KeyError, TypeError or ValueError where it is none."""
        if plain["format"] != FORMAT:
            raise ValueError("another format")
        int(plain["versions"]["space"])
        return cls(
            model=str(plain["model"]["name"]),
            digest=str(plain["model"]["digest"]),
            target=dict(plain["target"]),
            versions=dict(plain["versions"]),
            layout=str(plain["layout"]),
            threads=int(plain["threads"]),
            tasks={str(key): str(label) for key, label in dict(plain["tasks"]).items()},
            id=str(plain["id"]),
            when=str(plain["when"]),
        )


@dataclass(frozen=True)
class Trial:
    """Decisions that were tried, and what came of it.

    Attributes
    ----------
    session : str
        The :attr:`Session.id` under which it was made.
    task : str
        Key of the task.
    decisions : Decisions
        What was tried.
    seconds : tuple of float or None
        Time of each repeat; None where it failed.
    error : str or None
        Why it failed, in one line.
    """

    session: str
    task: str
    decisions: Decisions
    seconds: tuple[float, ...] | None = None
    error: str | None = None

    @property
    def best(self) -> float:
        """The least of its repeats in seconds; infinite where it failed.

        What else the machine does only ever adds time, so the least repeat is the one that was disturbed least.
        """
        return min(self.seconds) if self.seconds else math.inf

    @property
    def point(self) -> frozenset[tuple[str, int]]:
        """The decisions in a form that can be looked up."""
        return frozenset(self.decisions.items())

    def to_plain(self) -> dict[str, Any]:
        """Give its line."""
        return {
            "kind": "trial",
            "session": self.session,
            "task": self.task,
            "decisions": self.decisions,
            "seconds": None if self.seconds is None else list(self.seconds),
            "error": self.error,
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Trial:
        """Read its line; raises KeyError, TypeError or ValueError where it is none."""
        seconds = plain["seconds"]
        if seconds is not None:
            seconds = tuple(float(second) for second in seconds)
            if not seconds or not all(math.isfinite(second) and second > 0 for second in seconds):
                raise ValueError("no times")
        elif not plain["error"]:
            raise ValueError("neither a time nor an error")
        decisions = dict(plain["decisions"])
        if not all(isinstance(name, str) and type(value) is int for name, value in decisions.items()):
            raise ValueError("decisions are whole numbers by name")
        error = plain["error"]
        return cls(
            session=str(plain["session"]),
            task=str(plain["task"]),
            decisions=decisions,
            seconds=seconds,
            error=None if error is None else str(error),
        )


def canonical(line: Session | Trial) -> str:
    """Write a line so that equal ones are equal text.

    Examples
    --------
    >>> canonical(Trial("s", "t", {"b": 1, "a": 2}, error="no"))
    '{"decisions":{"a":2,"b":1},"error":"no","kind":"trial","seconds":null,"session":"s","task":"t"}'
    """
    return json.dumps(line.to_plain(), sort_keys=True, separators=(",", ":"), allow_nan=False)


def read_line(text: bytes) -> Session | Trial | None:
    """Read one line; None where it is damaged, or of a kind that this version does not know."""
    try:
        plain = json.loads(text)
        kind = plain["kind"]
        if kind == "session":
            return Session.from_plain(plain)
        return Trial.from_plain(plain) if kind == "trial" else None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
