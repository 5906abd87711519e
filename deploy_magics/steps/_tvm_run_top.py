"""The likeliest classes: which output has them, and what they are called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy_magics.errors import ArgumentError, DeployError
from deploy_magics.result import Cell, Column, Row, Table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from deploy_magics.lowering.artefact import Manifest

_MOST_LABELS_BYTES = 16 * 2**20
_CLOSE_TO_ONE = 1e-3
_MOST_NAMED = 4


@dataclass(frozen=True)
class Scores:
    """An output that has a value for each class.

    Attributes
    ----------
    name : str
        Of the output.
    classes : int
        How many there are.
    """

    name: str
    classes: int


@dataclass(frozen=True)
class Likeliest:
    """The likeliest classes of each picture, or whatever else a row of the output stands for.

    Attributes
    ----------
    table : Table
        A row of each.
    best : str or None
        The first one with its probability, for the headline; None where there are several pictures.
    """

    table: Table
    best: str | None


def read_labels(path: Path) -> list[str]:
    """Read the names of the classes, one a line.

    Raises
    ------
    DeployError
        In one line, where there is no such file, or it holds something else.
    """
    shown = repr(str(path))
    try:
        if path.stat().st_size > _MOST_LABELS_BYTES:
            raise DeployError(f"{shown} is too large for a file of labels", hint="it has one name a line")
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        raise DeployError(f"there is no file of labels {shown}", hint="check the path") from None
    except UnicodeDecodeError:
        raise DeployError(f"{shown} is no file of labels", hint="it is text with one name a line") from None
    except (OSError, ValueError) as error:
        raise DeployError(f"cannot read {shown}: {getattr(error, 'strerror', None) or error}") from None
    names = [line.strip() for line in lines]
    while names and not names[-1]:
        names.pop()
    if not names:
        raise DeployError(f"{shown} holds no labels", hint="it has one name a line")
    return names


def find(manifest: Manifest, labels: Sequence[str] | None) -> Scores:
    """Find the output that has a value for each class: of several the first for which there are labels.

    Raises
    ------
    ArgumentError
        Where there is none, or the labels are fewer or more than its classes.
    """
    found = [Scores(str(each["name"]), count) for each in manifest.outputs if (count := _classes(each))]
    if not found:
        some = [f"{each['name']} {each['dtype']} {_shape(each['shape'])}" for each in manifest.outputs[:_MOST_NAMED]]
        raise ArgumentError(
            f"no output has one value for each class, which --top needs: {', '.join(some)}", hint="leave it out"
        )
    if labels is None:
        return found[0]
    fitting = [each for each in found if each.classes == len(labels)]
    if not fitting:
        many = "1 label" if len(labels) == 1 else f"{len(labels)} labels"
        raise ArgumentError(f"there are {many}, and {found[0].name!r} has {found[0].classes} classes")
    return fitting[0]


def likeliest(scores: Scores, values: NDArray[Any], count: int, labels: Sequence[str] | None) -> Likeliest:
    """Give the likeliest classes of an output, all of whose values are finite."""
    import numpy as np

    rows = values.astype(np.float64).reshape(-1, scores.classes)
    given = is_distribution(rows)
    chances = rows if given else softmax(rows)
    several = len(rows) > 1
    table_rows = []
    for number, (row, chance) in enumerate(zip(rows, chances, strict=True)):
        # Of equal ones the first comes first.
        for place in np.argsort(-row, kind="stable")[:count].tolist():
            cells: dict[str, Cell] = {"class": place, "probability": float(chance[place]), "score": float(row[place])}
            if labels is not None:
                cells["label"] = labels[place]
            if several:
                cells["number"] = number
            table_rows.append(Row(cells))
    columns = [
        *([Column("number", "number", kind="integer", help="Place in the batch, from 0.")] if several else []),
        *([Column("label", "label", kind="text")] if labels is not None else []),
        Column("class", "class", kind="integer", help="Place in the output, from 0."),
        Column("probability", "probability", digits=4),
        *([] if given else [Column("score", "score", digits=4, help="What the output holds.")]),
    ]
    how = f"{scores.name!r} holds probabilities" if given else f"probabilities are the softmax of {scores.name!r}"
    best = None
    if not several:
        top = int(np.argmax(rows[0]))
        best = f"{labels[top] if labels is not None else f'class {top}'} ({100 * chances[0, top]:.1f} %)"
    shown = min(count, scores.classes)
    return Likeliest(Table(tuple(columns), tuple(table_rows), title=f"top {shown}", notes=(how,)), best)


def is_distribution(rows: NDArray[Any]) -> bool:
    """Tell whether each row is one of probabilities: none negative, one in sum.

    Examples
    --------
    >>> import numpy as np
    >>> is_distribution(np.array([[0.25, 0.75]])), is_distribution(np.array([[1.5, -0.5]]))
    (True, False)
    """
    import numpy as np

    return bool(np.all(rows >= 0) and np.all(np.abs(rows.sum(axis=1) - 1) <= _CLOSE_TO_ONE))


def softmax(rows: NDArray[Any]) -> NDArray[Any]:
    """Make probabilities of scores, row by row.

    Examples
    --------
    >>> import numpy as np
    >>> softmax(np.array([[1000.0, 1000.0]])).tolist()
    [[0.5, 0.5]]
    """
    import numpy as np

    powers = np.exp(rows - rows.max(axis=1, keepdims=True))
    found: NDArray[Any] = powers / powers.sum(axis=1, keepdims=True)
    return found


def _classes(output: Any) -> int:
    """Give how many values an output has for each of its batch; 0 where it is no vector of numbers with a point."""
    shape = [int(extent) for extent in output["shape"]]
    # Some networks leave the two dimensions of their pictures, 1x1000x1x1.
    while len(shape) > 2 and shape[-1] == 1:
        shape.pop()
    if not str(output["dtype"]).startswith("float") or len(shape) not in (1, 2) or 0 in shape:
        return 0
    return shape[-1] if shape[-1] > 1 else 0


def _shape(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape)) or "without dimensions"
