"""A torch module as an ONNX file, with batch normalisation kept apart.

Used by the zoo, in a worker, and for users' modules, in the process that holds them. Imports torch when called.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from deploy_magics.errors import ModelError, require

if TYPE_CHECKING:
    import torch

OPSET = 17

Exporter = Literal["auto", "torchscript", "dynamo"]


@dataclass(frozen=True)
class Exported:
    """How a file was made.

    Attributes
    ----------
    exporter : str
        ``"torchscript"`` or ``"dynamo"``.
    warnings : tuple of str
        What the exporter warned of, one line each: most often a value that tracing turned into a constant.
    """

    exporter: str
    warnings: tuple[str, ...] = ()


def export(
    module: torch.nn.Module,
    example_inputs: Sequence[Any],
    path: Path,
    *,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    dynamic: Mapping[str, Mapping[int, str]] | None = None,
    opset: int = OPSET,
    exporter: Exporter = "auto",
    weights: bool = True,
) -> Exported:
    """Write a torch module to an ONNX file as it computes in its present mode, folding nothing.

    Parameters
    ----------
    module : torch.nn.Module
        Exported in evaluation mode; its mode is put back afterwards.
    example_inputs : sequence of torch.Tensor
        Positional arguments of ``forward``.
    path : Path
        The file to write; overwritten. Give a temporary one and move it: it is not written whole or not at all.
    input_names, output_names : sequence of str, optional
        Names in the graph.
    dynamic : mapping, optional
        Symbolic dimensions by input or output name: ``{"input": {0: "N"}}``.
    opset : int
        Version of the ONNX operators. The dynamo exporter has 18 and later only and is given at least that.
    exporter : {"auto", "torchscript", "dynamo"}
        "auto" tries TorchScript's, which gives readable names and the fewest nodes, then dynamo's.
    weights : bool
        False leaves parameters and buffers out: they become inputs of the graph, named as in ``state_dict``.
        TorchScript's exporter only.

    Returns
    -------
    Exported
        Which exporter did it, and its warnings.

    Raises
    ------
    MissingPartError
        Where torch is not installed.
    ModelError
        Where no exporter can.

    Notes
    -----
    By default torch's exporters fold batch normalisation into convolutions. TorchScript's does so only where
    ``training`` is EVAL: PRESERVE on a module in evaluation mode computes the same and keeps the two apart. Dynamo's
    does so in its optimiser, which is left off.
    """
    torch = require("torch", extra="torch", purpose="exporting a torch module")
    chosen = [exporter] if exporter != "auto" else ["torchscript", "dynamo"] if weights else ["torchscript"]
    inputs, axes = tuple(example_inputs), dict(dynamic or {})
    modes = [(part, part.training) for part in module.modules()]
    failures: list[str] = []
    module.eval()
    try:
        for name in chosen:
            with warnings.catch_warnings(record=True) as caught, _quiet(), torch.no_grad():
                warnings.simplefilter("always")
                try:
                    if name == "torchscript":
                        _torchscript(module, inputs, path, input_names, output_names, axes, opset, weights)
                    else:
                        _dynamo(module, inputs, path, input_names, output_names, axes, opset)
                except Exception as error:  # noqa: BLE001 - exporters raise anything; the next one may manage
                    first = next(iter(str(error).strip().splitlines()), "")
                    failures.append(f"{name}: {type(error).__name__}: {first[:200]}")
                    continue
            return Exported(name, _lines(caught))
    finally:
        for part, training in modes:
            part.training = training
    raise ModelError(
        f"torch cannot export {type(module).__name__} to ONNX ({'; '.join(failures)})",
        hint="export it yourself with torch.onnx.export and give the file",
    )


def _torchscript(
    module: torch.nn.Module,
    inputs: tuple[Any, ...],
    path: Path,
    input_names: Sequence[str] | None,
    output_names: Sequence[str] | None,
    dynamic: Mapping[str, Mapping[int, str]],
    opset: int,
    weights: bool,
) -> None:
    import torch

    torch.onnx.export(
        _without_graph(module),
        inputs,
        str(path),
        dynamo=False,
        training=torch.onnx.TrainingMode.PRESERVE,
        do_constant_folding=False,
        export_params=weights,
        opset_version=opset,
        input_names=input_names,
        output_names=output_names,
        dynamic_axes={name: dict(axes) for name, axes in dynamic.items()} or None,
    )


def _without_graph(module: torch.nn.Module) -> torch.nn.Module:
    """Give a module that was traced without its graph, which the exporter would take for one of TorchScript's."""
    import torch

    if not isinstance(module, torch.fx.GraphModule):
        return module
    plain = torch.nn.Module()
    plain.__dict__.update(vars(module))
    plain.__class__ = type(type(module).__name__, (torch.nn.Module,), {"forward": type(module).forward})
    return plain


def _dynamo(
    module: torch.nn.Module,
    inputs: tuple[Any, ...],
    path: Path,
    input_names: Sequence[str] | None,
    output_names: Sequence[str] | None,
    dynamic: Mapping[str, Mapping[int, str]],
    opset: int,
) -> None:
    import torch

    names = list(input_names or [])
    shapes: tuple[Any, ...] | None = None
    if any(name in dynamic for name in names):
        dims = {dim: torch.export.Dim(dim) for axes in dynamic.values() for dim in axes.values()}
        shapes = tuple(
            {axis: dims[dim] for axis, dim in dynamic[name].items()} if name in dynamic else None for name in names
        )
    torch.onnx.export(
        module,
        inputs,
        str(path),
        dynamo=True,
        optimize=False,
        external_data=False,
        verbose=False,
        opset_version=max(opset, 18),
        input_names=input_names,
        output_names=output_names,
        dynamic_shapes=shapes,
    )


class _quiet(redirect_stdout[StringIO]):  # noqa: N801 - used as a function
    """Keep what exporters print and log out of the notebook."""

    def __init__(self) -> None:
        super().__init__(StringIO())
        self._logger = logging.getLogger("torch.onnx")
        self._level = self._logger.level

    def __enter__(self) -> StringIO:
        self._logger.setLevel(logging.CRITICAL)
        return super().__enter__()

    def __exit__(self, *error: Any) -> None:
        self._logger.setLevel(self._level)
        super().__exit__(*error)


def _lines(caught: Sequence[warnings.WarningMessage]) -> tuple[str, ...]:
    """Keep the warnings that concern the model, not torch's own housekeeping."""
    kept = [
        " ".join(str(item.message).split())[:300]
        for item in caught
        if not issubclass(item.category, DeprecationWarning | FutureWarning | PendingDeprecationWarning)
    ]
    return tuple(dict.fromkeys(kept))
