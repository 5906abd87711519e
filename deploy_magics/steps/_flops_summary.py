"""The summary of a torch module that training scripts of detectors print, and how far it is from a full count.

Such a script counts the MACs of an input as large as the network's stride, say 32 x 32, which takes no time, and scales
them by the area of the image. What grows with the area comes out right by that; what does not (a linear layer after
a global pool) is counted as often as the small input fits into the image.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from deploy_magics.errors import DeployError, MissingPartError, ModelError, require
from deploy_magics.result import Cell, Column, Row, Table

if TYPE_CHECKING:
    from deploy_magics.model import Model

_STRIDE = 32
"""What scripts take where the module does not tell its own, and never less."""


@dataclass(frozen=True)
class Summary:
    """What such a script prints.

    Attributes
    ----------
    layers : int
        Modules of every kind, containers and the network itself among them.
    params : int
        Parameters.
    gradients : int
        Parameters that ask for gradients.
    stride : int
        Side of the input that was counted, in pixels.
    size : int
        Side of the image that it is scaled to, in pixels.
    macs : float or None
        Multiply-accumulates of that input by thop, scaled; None where thop cannot count it.
    """

    layers: int
    params: int
    gradients: int
    stride: int
    size: int
    macs: float | None

    @property
    def text(self) -> str:
        """The line that it prints.

        Examples
        --------
        >>> Summary(8, 7598, 7598, 32, 640, 5.04e8).text
        'Model Summary: 8 layers, 7598 parameters, 7598 gradients, 1.0 GFLOPS'
        """
        speed = "" if self.macs is None else f", {2 * self.macs / 1e9:.1f} GFLOPS"
        return f"Model Summary: {self.layers} layers, {self.params} parameters, {self.gradients} gradients{speed}"

    def to_plain(self) -> dict[str, Any]:
        """Give it as JSON's own types."""
        return {**asdict(self), "text": self.text}


def summarise(model: Model, size: int, *, titled: bool) -> tuple[Summary, Table]:
    """Summarise a module as such a script does, beside counts in full.

    Parameters
    ----------
    model : Model
        Exported from a torch module that takes one image.
    size : int
        Side of the image, in pixels.
    titled : bool
        Whether to name the model, where there are several.

    Raises
    ------
    ModelError
        Where the module does not take one image.
    """
    module: Any = model.module
    examples = model.example_inputs or ()
    if len(examples) != 1 or getattr(examples[0], "ndim", 0) != 4:
        raise ModelError(f"{model.name!r} does not take one image, and the summary scales by the area of one")
    stride = max((_STRIDE, *_strides(module)))
    scale = (size / stride) ** 2
    full = _counted("%flops in full", _ours, model, size, 1.0)
    rows = [
        _counted("summary: thop, scaled", _thop, model, stride, scale),
        _counted("thop in full", _thop, model, size, 1.0),
        _counted("%flops, scaled", _ours, model, stride, scale),
        full,
    ]
    true = full.cells.get("macs")
    columns = (
        Column("how", "counted by", kind="text"),
        Column("input", "input", unit="pixels", kind="text"),
        Column("macs", "MACs", unit="M", help="Multiply-accumulates, scaled to the image."),
        Column("flops", "GFLOPS", help="Twice the MACs, in billions, as such summaries call them."),
        Column("off", "error", unit="%", digits=3, help="Against %flops in full."),
    )
    for row in rows:
        macs = row.cells.get("macs")
        if isinstance(macs, float) and isinstance(true, float) and true:
            row.cells["off"] = 100 * (macs / true - 1)
    first = rows[0].cells.get("macs")
    summary = Summary(
        layers=sum(1 for _ in module.modules()),
        params=sum(value.numel() for value in module.parameters()),
        gradients=sum(value.numel() for value in module.parameters() if value.requires_grad),
        stride=stride,
        size=size,
        macs=first * 1e6 if isinstance(first, float) else None,
    )
    title = f"torch summary at {size} x {size}"
    notes = (
        summary.text,
        f"scaled: counted on {stride} x {stride} and multiplied by ({size}/{stride})²; what does not grow with the "
        "area, such as a linear layer after a global pool, is then counted too often",
    )
    return summary, Table(columns, tuple(rows), title=f"{model.name}: {title}" if titled else title, notes=notes)


def _strides(module: Any) -> tuple[int, ...]:
    """Read the strides that a detector tells of itself; none where it tells none."""
    found: Any = getattr(module, "stride", None)
    values = found.flatten().tolist() if hasattr(found, "flatten") else found
    try:
        return tuple(int(value) for value in (values if isinstance(values, Iterable) else (values,)))
    except (TypeError, ValueError, OverflowError):
        return ()


def _counted(how: str, count: Any, model: Model, side: int, scale: float) -> Row:
    cells: dict[str, Cell] = {"how": how, "input": f"{side} x {side}"}
    try:
        macs = count(model, side) * scale
    except MissingPartError as error:
        return Row(cells, status="failed", note=str(error))
    except DeployError as error:
        return Row(cells, status="failed", note=error.message)
    except Exception as error:  # noqa: BLE001 - it runs the user's forward, and thop fails in many ways
        text = " ".join(str(error).split())[:150]
        return Row(cells, status="failed", note=f"{type(error).__name__}: {text}")
    return Row({**cells, "macs": macs / 1e6, "flops": 2 * macs / 1e9})


def _image(model: Model, side: int) -> Any:
    import torch

    assert model.example_inputs is not None
    example = model.example_inputs[0]
    return torch.zeros(1, example.shape[1], side, side, dtype=example.dtype, device=example.device)


def _thop(model: Model, side: int) -> float:
    thop = require("thop", extra="torch", purpose="thop's count")
    # It leaves buffers of its own in what it has counted.
    module = copy.deepcopy(model.module).eval()  # type: ignore[attr-defined]  # a torch.nn.Module
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        macs, _ = thop.profile(module, inputs=(_image(model, side),), verbose=False)
    return float(macs)


def _ours(model: Model, side: int) -> float:
    from deploy_magics.counting import count_model
    from deploy_magics.model import Model

    return float(count_model(Model.of((model.module, _image(model, side)))).macs)
