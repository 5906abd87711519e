"""What ``%bench`` tells of its rows beside their times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from deploy_magics.result import Cell, Column, Note


@dataclass(frozen=True)
class Beside:
    """What is told beside the times, by the rows' labels; a column is there only where it has a cell.

    Attributes
    ----------
    convert : mapping
        Seconds that the runtime's conversion took.
    differs : mapping
        Largest difference from ONNX Runtime, in millionths of the output's range.
    coarser : mapping
        The type in which a row computes, where that is coarser than the model's own: such rows are told apart.
    model : str
        The model, where each row is a runtime of one.
    notes : tuple of Note
        What is to be said of them.
    """

    convert: Mapping[str, Cell] = field(default_factory=dict)
    differs: Mapping[str, Cell] = field(default_factory=dict)
    coarser: Mapping[str, str] = field(default_factory=dict)
    model: str = ""
    notes: tuple[Note, ...] = ()

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns."""
        told = "Time in which the runtime converted or compiled the model, once, before it was measured."
        far = "Largest difference from what ONNX Runtime computes, in millionths of the output's range."
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
