"""What ``%bench`` tells of its rows beside their times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from deploy_magics.result import Cell, Column, Missing, Note

if TYPE_CHECKING:
    from deploy_magics.steps._bench_ready import Entry
    from deploy_magics.steps._bench_same import Compared


@dataclass(frozen=True)
class Beside:
    """What is told beside the times, by the rows' labels; a column is there only where it has a cell.

    Attributes
    ----------
    convert : mapping
        Seconds that the runtime's conversion took.
    differs : mapping
        Largest difference from ONNX Runtime, in millionths of the value's local range.
    wrong : frozenset of str
        Rows that compute something else: their times tell nothing.
    coarser : mapping
        The type in which a row computes, where that is coarser than the model's own: such rows are told apart.
    model : str
        The model, where each row is a runtime of one.
    conventions : tuple of str
        How the columns are meant, a line each.
    notes : tuple of Note
        What is to be said of them.
    meta : mapping
        What the comparison of each row found, as JSON's own types.
    """

    convert: Mapping[str, Cell] = field(default_factory=dict)
    differs: Mapping[str, Cell] = field(default_factory=dict)
    wrong: frozenset[str] = frozenset()
    coarser: Mapping[str, str] = field(default_factory=dict)
    model: str = ""
    conventions: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns."""
        told = "Time in which the runtime converted or compiled the model, once, before it was measured."
        far = (
            "Largest difference from what ONNX Runtime computes without its optimisations, in millionths of the "
            "value's own size plus the range of its channel."
        )
        found = []
        if self.differs:
            found.append(Column("differs", "differs by", "ppm", better="lower", digits=3, help=far))
        if self.convert:
            found.append(Column("convert", "convert", "s", better="lower", digits=3, help=told))
        return tuple(found)

    def cells(self, label: str) -> dict[str, Cell]:
        """Give the cells of one row."""
        pairs = (("convert", self.convert), ("differs", self.differs))
        return {key: values[label] for key, values in pairs if label in values}


def beside(entries: Sequence[Entry], compared: Compared) -> Beside:
    """Give what is told of conversions, where there were some, and of differences, where there may be some."""
    from deploy_magics.steps._bench_same import held_to

    rows = compared.rows
    converted = any(entry.prepared is not None for entry in entries)
    seconds = {
        entry.label: Missing("it is loaded as it is") if entry.prepared is None else entry.prepared.seconds
        for entry in entries
    }
    several = bool(compared.notes) or any(not isinstance(row.differs, Missing) for row in rows.values())
    coarser = {entry.label: str(getattr(entry.runtime, "arithmetic", "")) for entry in entries}
    given = {id(entry.given): entry.given for entry in entries}
    fixed = ("open dimensions were fixed for every row alike",) if any(each.fixed for each in given.values()) else ()
    return Beside(
        convert=seconds if converted else {},
        differs={label: row.differs for label, row in rows.items()} if several else {},
        wrong=frozenset(label for label, row in rows.items() if row.wrong),
        coarser={label: kind for label, kind in coarser.items() if kind},
        model=next(each.model.name for each in given.values()) if len(given) == 1 and len(entries) > 1 else "",
        conventions=(*fixed, *(held_to(compared) if several else ())),
        notes=(*(Note(each.note, "warning") for each in given.values() if each.note), *compared.notes),
        meta={label: row.to_plain() for label, row in rows.items()} if several else {},
    )
