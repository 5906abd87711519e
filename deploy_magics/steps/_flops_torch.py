"""A torch module's figures by other counters, and why they differ from ours."""

from __future__ import annotations

import copy
import warnings
from collections import Counter
from typing import TYPE_CHECKING, Any

from deploy_magics.counting import count_model
from deploy_magics.errors import MissingPartError, require
from deploy_magics.result import Cell, Column, Row, Table

if TYPE_CHECKING:
    from deploy_magics.counting import Counts
    from deploy_magics.model import Model

_CONVOLUTIONS = ("convolution", "_convolution", "conv")


def other_counters(model: Model, *, titled: bool) -> Table:
    """Count a module with torch's FlopCounterMode and with thop, beside our count of the exported graph.

    Parameters
    ----------
    model : Model
        Exported from a torch module. The counters run on a copy: thop leaves its own buffers in what it has counted.
    titled : bool
        Whether to name the model, where there are several.
    """
    ours = count_model(model)
    columns = (
        Column("tool", "counted by", kind="text"),
        Column("macs", "MACs", kind="integer", help="Multiply-accumulates, or what the tool calls so."),
        Column("difference", "difference", kind="integer", help="Its MACs less ours."),
        Column("params", "params", kind="integer"),
    )
    rows = [Row({"tool": "%flops, conv+linear", "macs": ours.macs, "difference": 0, "params": ours.params})]
    try:
        module = copy.deepcopy(model.module).eval()  # type: ignore[attr-defined]  # a torch.nn.Module
        inputs = _inputs(model)
    except Exception as error:  # noqa: BLE001 - a user's module may refuse in any way
        return _table(columns, [*rows, _failed("FlopCounterMode, thop", error)], model, titled)
    for tool, counter in (("torch FlopCounterMode / 2", _flop_counter), ("thop", _thop)):
        try:
            rows.append(counter(tool, module, inputs, ours))
        except MissingPartError as error:
            rows.append(Row({"tool": tool}, status="failed", note=str(error)))
        except Exception as error:  # noqa: BLE001 - it runs the user's forward, and thop fails in many ways
            rows.append(_failed(tool, error))
    return _table(columns, rows, model, titled)


def _table(columns: tuple[Column, ...], rows: list[Row], model: Model, titled: bool) -> Table:
    title = "the module by other counters"
    return Table(columns, tuple(rows), title=f"{model.name}: {title}" if titled else title)


def _failed(tool: str, error: Exception) -> Row:
    text = " ".join(str(error).split())[:200]
    return Row({"tool": tool}, status="failed", note=f"{type(error).__name__}: {text}")


def _inputs(model: Model) -> tuple[Any, ...]:
    """Give the module's example inputs at the sizes that we count with."""
    import torch

    examples = model.example_inputs or ()
    specs = model.concrete().inputs
    if len(specs) != len(examples):
        return examples
    fitted = []
    for example, spec in zip(examples, specs, strict=True):
        same = not isinstance(example, torch.Tensor) or spec.shape is None or tuple(example.shape) == spec.shape
        fitted.append(example if same else torch.zeros(spec.shape, dtype=example.dtype))  # type: ignore[arg-type]
    return tuple(fitted)


def _flop_counter(tool: str, module: Any, inputs: tuple[Any, ...], ours: Counts) -> Row:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        module(*inputs)
    theirs = Counter[str]()
    for op, number in counter.get_flop_counts().get("Global", {}).items():
        name = getattr(op, "__name__", str(op)).split(".")[0]
        theirs["convolutions" if name.startswith(_CONVOLUTIONS) else "matrix products"] += number // 2
    params = sum(parameter.numel() for parameter in module.parameters())
    macs = counter.get_total_flops() // 2
    reasons = _by_class(theirs, ours)
    recurrent = {node.kind for node in ours.nodes} & {"LSTM", "GRU", "RNN"}
    if recurrent and macs < ours.macs:
        reasons.append(f"it has no rule for {' and '.join(sorted(recurrent))} as one operation")
    if params != ours.params:
        reasons.append(
            f"the module has {params:,} parameters, the exported graph {ours.params:,}: exporting changed them"
        )
    return _row(tool, macs, params, ours, reasons)


def _thop(tool: str, module: Any, inputs: tuple[Any, ...], ours: Counts) -> Row:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        thop = require("thop", extra="torch", purpose="thop's count")
        macs, params, layers = thop.profile(module, inputs=inputs, verbose=False, ret_layer_info=True)
    by_kind = _by_kind(module, int(macs), layers)
    products = Counter[str]()
    extra = Counter[str]()
    for kind, number in by_kind.items():
        if kind.startswith(("Conv", "LazyConv")):
            products["convolutions"] += number
        elif kind in ("Linear", "LSTM", "GRU", "RNN", "LSTMCell", "GRUCell", "RNNCell"):
            products["matrix products"] += number
        elif number:
            extra[kind] += number
    reasons = []
    if extra:
        added = ", ".join(f"{kind} {number:,}" for kind, number in extra.most_common())
        reasons.append(f"it adds operations of {added}")
    reasons += _by_class(products, ours, fewer="what is called as a function, not as a module, escapes it")
    own = sum(parameter.numel() for parameter in module.parameters())
    if int(params) != own:
        reasons.append(f"its parameters are those of modules it has a rule for, of {own:,}")
    return _row(tool, int(macs), int(params), ours, reasons)


def _by_kind(module: Any, total: int, layers: dict[str, Any]) -> Counter[str]:
    """Add up thop's figures by the class of module; ``layers`` names each child by its attribute."""
    if not layers:
        return Counter({type(module).__name__: total})
    found = Counter[str]()
    stack = [(module, layers)]
    while stack:
        here, info = stack.pop()
        for name, child in here.named_children():
            ops, _, inner = info[name]
            if inner:
                stack.append((child, inner))
            else:
                found[type(child).__name__] += int(ops)
    return found


def _by_class(theirs: Counter[str], ours: Counts, *, fewer: str = "") -> list[str]:
    """Say where products differ: among convolutions, or among matrix products."""
    from deploy_magics.counting.products import CONVOLUTIONS

    own = Counter[str]()
    for node in ours.nodes:
        if node.macs:
            own["convolutions" if node.kind in CONVOLUTIONS else "matrix products"] += node.macs
    reasons = []
    for kind in ("convolutions", "matrix products"):
        difference = theirs[kind] - own[kind]
        if difference:
            word = "more" if difference > 0 else "fewer"
            why = f": {fewer}" if fewer and difference < 0 else ""
            reasons.append(f"{abs(difference):,} MACs {word} in {kind}{why}")
    return reasons


def _row(tool: str, macs: int, params: int, ours: Counts, reasons: list[str]) -> Row:
    cells: dict[str, Cell] = {"tool": tool, "macs": macs, "difference": macs - ours.macs, "params": params}
    return Row(cells, note="; ".join(reasons) or "the same")
