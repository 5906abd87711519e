"""Types of the arguments that steps share, and the marks that tell magics and shell how to read them from text.

A mark is plain data: a step imports no parser. ``deploy_magics.binding`` reads the marks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np

    from deploy_magics.model import Model


@dataclass(frozen=True)
class ModelArgument:
    """This argument is a model: a path, zoo name or notebook variable, which may be labelled ``label=model``.

    Attributes
    ----------
    compiled : bool
        Whether it may also be a compiled one, which runs and is not looked into.
    """

    compiled: bool = False


@dataclass(frozen=True)
class CommaList:
    """This argument is written ``a,b,c``, or repeated.

    Attributes
    ----------
    of : type
        Type of the items.
    """

    of: type = str


@dataclass(frozen=True)
class ShapeBindings:
    """This argument is written ``name=1x3x224x224``, and may be repeated; ``?`` keeps a dimension free."""


@dataclass(frozen=True)
class DimBindings:
    """This argument is written ``N=1``, and may be repeated."""


@dataclass(frozen=True)
class FunctionsArgument:
    """This argument is functions by name: those that a cell's body or a Python file defines, or a notebook variable.

    Attributes
    ----------
    names : tuple[str, ...]
        Functions that must be there; empty for any two or more.
    """

    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class OutputPath:
    """This argument is a file or folder to write; the shell and Tab complete it as a path.

    One called ``output`` may be written ``-o`` in a shell; in a notebook too, where it is a path and not the name of a
    variable that keeps the result.

    Attributes
    ----------
    always : bool
        Whether the step can do nothing without it: then even a bare name after ``-o`` is this.
    """

    always: bool = False


ModelLike: TypeAlias = "str | PathLike[str] | Model | Any"
"""What a step takes as a model: a path, zoo name, ``onnx.ModelProto``, ``torch.nn.Module``, :class:`Model`, or a result
with a ``model`` attribute. A pair ``(label, model)`` labels it."""

AModel: TypeAlias = Annotated[Any, ModelArgument()]
ARunnable: TypeAlias = Annotated[Any, ModelArgument(compiled=True)]
Functions: TypeAlias = Annotated[Mapping[str, Callable[..., Any]], FunctionsArgument()]
Names: TypeAlias = Annotated[Sequence[str], CommaList(str)]
Shapes: TypeAlias = Annotated[Mapping[str, Sequence[int | str]] | None, ShapeBindings()]
Dims: TypeAlias = Annotated[Mapping[str, int] | None, DimBindings()]

FeedSource: TypeAlias = (
    "int | str | PathLike[str] | Mapping[str, np.ndarray[Any, Any]] | Callable[[], Mapping[str, Any]]"
)
"""Where inputs come from: a seed, an ``.npz`` file, arrays by name, or a function that returns such a mapping."""
