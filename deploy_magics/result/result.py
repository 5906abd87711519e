"""A step's result: its tables, samples, curves and notes, saved, reloaded and shown."""

from __future__ import annotations

import json
from dataclasses import InitVar, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from deploy_magics.errors import DeployError
from deploy_magics.files import write_whole
from deploy_magics.result.chart import Chart, chart_from_plain
from deploy_magics.result.curve import Curve
from deploy_magics.result.goals import Goal, current
from deploy_magics.result.marking import Held, judge, mark
from deploy_magics.result.samples import Samples
from deploy_magics.result.table import Table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

Status = Literal["complete", "interrupted"]
FORMAT = 1


@dataclass(frozen=True)
class Note:
    """A quiet line under the tables.

    Attributes
    ----------
    text : str
        One sentence.
    level : {"info", "warning"}
        A warning is something that may make a figure wrong; it is drawn so that it is seen.
    """

    text: str
    level: Literal["info", "warning"] = "info"


@dataclass
class Result:
    """What a step found, as a value.

    In a notebook it shows itself as HTML and then as a widget; in a terminal as text. Steps return a subclass that adds
    what only they know (a model, a verdict by name).

    Attributes
    ----------
    step : str
        Name of the step that made it.
    headline : str
        The answer in one sentence.
    tables : tuple[Table, ...]
        Tables in the order to be read.
    samples : tuple[Samples, ...]
        Raw measurements, one entry a candidate; empty where nothing was timed.
    facts : tuple[tuple[str, str], ...]
        Short pairs of name and value drawn above the tables.
    notes : tuple[Note, ...]
        Quiet lines below the tables.
    status : {"complete", "interrupted"}
        Whether the step ran to its end.
    meta : dict[str, Any]
        How it was made: arguments, versions, machine; plain JSON types.
    curves : tuple[Curve, ...]
        Figures that changed while the step worked.
    charts : tuple[Stack or Timeline or Depth, ...]
        What a whole consists of, what happened when, and figures along a network's depth.
    goals : tuple[Goal, ...], optional
        Goals by which the tables are marked. If not given, those that are set when the result is made, as far as a
        table holds what they are for.
    held : tuple[Held, ...], optional
        Figures that stand in no table and that goals are set for; what is found of them becomes a fact.
    """

    step: str
    headline: str
    tables: tuple[Table, ...] = ()
    samples: tuple[Samples, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    notes: tuple[Note, ...] = ()
    status: Status = "complete"
    meta: dict[str, Any] = field(default_factory=dict)
    curves: tuple[Curve, ...] = ()
    charts: tuple[Chart, ...] = ()
    goals: tuple[Goal, ...] | None = None
    held: InitVar[tuple[Held, ...]] = ()

    _kinds: ClassVar[dict[str, type[Result]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        Result._kinds[cls.__name__] = cls

    def __post_init__(self, held: tuple[Held, ...]) -> None:
        if self.goals is not None:
            return
        try:
            goals = current()
        except DeployError as error:
            # What was measured must not be lost to a variable that is mistyped.
            goals, self.notes = (), (*self.notes, Note(str(error), "warning"))
        self.tables, used = mark(self.tables, goals)
        said, more = judge(held, goals)
        if said:
            self.facts = (*self.facts, ("goals", said))
        self.goals = tuple(dict.fromkeys((*used, *more)))

    @property
    def table(self) -> Table:
        """The first table; raises ValueError where there is none."""
        if not self.tables:
            raise ValueError(f"the result of {self.step} has no table")
        return self.tables[0]

    @property
    def selection(self) -> list[str]:
        """Names of the rows that the reader has selected in the widget shown last; empty where there is none."""
        from deploy_magics.views import selection

        return selection(self)

    def to_dataframe(self, table: int = 0) -> pd.DataFrame:
        """Give one of the tables as a data frame, its columns named ``title (unit)``."""
        return self.tables[table].to_dataframe()

    def to_json(self, path: str | Path | None = None, *, force: bool = False) -> str:
        """Give everything as JSON text, and write it where a path is given.

        Raises
        ------
        DeployError
            Where the file exists and ``force`` is not set, or it cannot be written.
        """
        plain = {
            "format": FORMAT,
            "kind": type(self).__name__,
            "step": self.step,
            "headline": self.headline,
            "tables": [table.to_plain() for table in self.tables],
            "samples": [samples.to_plain() for samples in self.samples],
            "facts": [list(pair) for pair in self.facts],
            "notes": [{"text": note.text, "level": note.level} for note in self.notes],
            "status": self.status,
            "meta": self.meta,
            "curves": [curve.to_plain() for curve in self.curves],
            "goals": [goal.to_plain() for goal in self.goals or ()],
            "charts": [chart.to_plain() for chart in self.charts],
        }
        text = json.dumps(plain, allow_nan=False, ensure_ascii=False)
        if path is not None:
            write_whole(Path(path), text.encode("utf-8"), force=force)
        return text

    @classmethod
    def from_json(cls, source: str | Path) -> Self:
        """Rebuild a result from :meth:`to_json`'s text, or from a file that holds it.

        Raises
        ------
        DeployError
            Where the text is not a saved result, or one of another kind than this class.
        """
        result = load_result(source)
        if not isinstance(result, cls):
            raise DeployError(f"that file holds a {type(result).__name__}, not a {cls.__name__}")
        return result

    def plot(self) -> Figure:
        """Draw the result as a matplotlib figure."""
        from deploy_magics.views import figure

        return figure.plot(self)

    def __str__(self) -> str:
        from deploy_magics.views import text

        return text.render(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.headline}>"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self) if cycle else str(self))

    def _ipython_display_(self) -> None:
        from deploy_magics.views import show

        show(self)


def load_result(source: str | Path) -> Result:
    """Read a saved result, whatever step made it.

    Parameters
    ----------
    source : str or Path
        A file's path, or the JSON text itself (recognised by its opening brace).

    Returns
    -------
    Result
        Of the step's own class where that is known, else a plain :class:`Result`.

    Raises
    ------
    DeployError
        Where there is no such file, or it does not hold a saved result.
    """
    if isinstance(source, str) and source.lstrip().startswith("{"):
        text, called = source, "the text"
    else:
        called = repr(str(source))
        try:
            text = Path(source).read_text(encoding="utf-8")
        except FileNotFoundError:
            raise DeployError(f"there is no file {called}", hint="check the path") from None
        except UnicodeDecodeError:
            raise DeployError(f"{called} is no saved result", hint="one is written by --save or to_json") from None
        except (OSError, ValueError) as error:  # a path with NUL is a ValueError, as is a text that is not UTF-8
            reason = getattr(error, "strerror", None) or error
            raise DeployError(f"cannot read a result from {called}: {reason}") from None
    try:
        plain = json.loads(text)
        if plain["format"] != FORMAT:
            raise DeployError(f"a result saved in format {plain['format']!r}; this version reads {FORMAT}")
        kind = _kind(plain["kind"], plain["step"])
        result = kind.__new__(kind)
        Result.__init__(
            result,
            step=plain["step"],
            headline=plain["headline"],
            tables=tuple(Table.from_plain(table) for table in plain["tables"]),
            samples=tuple(Samples.from_plain(samples) for samples in plain["samples"]),
            facts=tuple((str(name), str(value)) for name, value in plain["facts"]),
            notes=tuple(Note(note["text"], note["level"]) for note in plain["notes"]),
            status=plain["status"],
            meta=plain["meta"],
            curves=tuple(Curve.from_plain(curve) for curve in plain.get("curves", ())),  # older files have none
            goals=tuple(Goal(**goal) for goal in plain.get("goals", ())),
            charts=tuple(chart_from_plain(chart) for chart in plain.get("charts", ())),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DeployError(f"{called} is no saved result: {type(error).__name__}: {error}") from None
    return result


def _kind(name: str, step: str) -> type[Result]:
    """Find the class of a saved result; importing its step defines it."""
    if name not in Result._kinds and step.isidentifier():
        import importlib
        import importlib.util

        if importlib.util.find_spec(f"deploy_magics.steps.{step}"):
            importlib.import_module(f"deploy_magics.steps.{step}")
    return Result._kinds.get(name, Result)
