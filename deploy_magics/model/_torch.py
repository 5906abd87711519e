"""Torch modules as models: exported in evaluation mode from a copy, the module itself left as it was."""

from __future__ import annotations

import copy
import inspect
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deploy_magics.errors import DeployError, ModelError
from deploy_magics.model._text import first_line, listed, nearest, quote


def is_module(obj: object) -> bool:
    """Tell whether something is a torch module, without importing torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(obj, torch.nn.Module)


def export(
    module: Any, example: object, shapes: Mapping[str, Sequence[int | str | None]] | None, path: Path
) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    """Write a module to an ONNX file.

    Parameters
    ----------
    module : torch.nn.Module
        Not changed: neither its mode, its parameters nor its buffers.
    example : tensor, tuple, list or mapping, optional
        Inputs to call it with; a mapping by the names of ``forward``'s arguments.
    shapes : mapping, optional
        Shapes by argument name, in place of an example: inputs are then random float32, or
        zeros of int64 where the module takes no floats. A symbolic dimension (a string)
        stays dynamic and is 2 in the example.
    path : Path
        The file to write.

    Returns
    -------
    example : tuple of torch.Tensor
        What it was called with.
    warnings : tuple of str
        What the exporter warned of.

    Raises
    ------
    ModelError
        Where there is neither example nor shapes, they do not fit, or torch cannot export it.
    """
    from deploy_magics.zoo import _export

    name = type(module).__name__
    inputs, dynamic = _inputs(module, example, shapes)
    names = input_names(module, len(inputs))
    try:
        apart = copy.deepcopy(module).eval()
    except Exception as error:  # noqa: BLE001 - a user's module may refuse to be copied in any way
        raise ModelError(
            f"{name} cannot be copied, so it is left alone: {first_line(error, 120)}",
            hint="export it with torch.onnx.export and give the file",
        ) from None
    inputs = _called(apart, inputs, name, guessed=example is None)
    only_takes(apart, len(inputs))
    try:
        done = _export.export(apart, inputs, path, input_names=names, dynamic=dynamic or None)
    except DeployError as error:
        raise ModelError(first_line(error.message, 250), hint=error.hint) from None
    return inputs, tuple(f"export: {line}" for line in done.warnings)


def input_names(module: Any, count: int) -> list[str]:
    """Name a module's first inputs by the arguments of ``forward``, or by number where it has fewer."""
    names = _arguments(module)[:count]
    return names if len(names) == count else [f"input_{place}" for place in range(count)]


def example_inputs(
    module: Any, example: object, shapes: Mapping[str, Sequence[int | str | None]] | None
) -> tuple[Any, ...]:
    """Give what a module is called with, from an example or from shapes, after it was called with it.

    Parameters are those of :func:`export`. The module is called as it is, in evaluation mode.

    Raises
    ------
    ModelError
        Where there is neither example nor shapes, or they do not fit.
    """
    inputs, _ = _inputs(module, example, shapes)
    return _called(module, inputs, type(module).__name__, guessed=example is None)


def _inputs(
    module: Any, example: object, shapes: Mapping[str, Sequence[int | str | None]] | None
) -> tuple[tuple[Any, ...], dict[str, dict[int, str]]]:
    """Give inputs, and the dimensions that stay dynamic by argument and axis."""
    import torch

    name = type(module).__name__
    if isinstance(module, torch.jit.ScriptModule):
        raise ModelError(f"{name} is a TorchScript module", hint="give the module that it was made from")
    arguments = _arguments(module)
    if example is not None:
        return _example(example, arguments, name), {}
    if shapes:
        return _from_shapes(shapes, arguments, name)
    first = arguments[0] if arguments else "x"
    raise ModelError(
        f"a torch module ({name}) alone does not say what its inputs are",
        hint=f"give (module, example_input), or shapes such as --shape {first}=1x3x224x224",
    )


def _called(module: Any, inputs: tuple[Any, ...], name: str, *, guessed: bool) -> tuple[Any, ...]:
    """Call a module once, so that what does not fit is said in its own words and not the exporter's.

    Random floats stand for inputs of which only the shape was given; where the module wants indices, zeros do.
    """
    import torch

    tries = [inputs]
    if guessed:
        # What the weights are, where that is no float32.
        kinds = {value.dtype for value in module.parameters() if value.dtype.is_floating_point or value.is_complex()}
        if len(kinds) == 1:
            tries.insert(0, tuple(value.to(next(iter(kinds))) for value in inputs))
        tries.append(tuple(torch.zeros(value.shape, dtype=torch.int64) for value in inputs))
    said = ""
    for values in tries:
        try:
            with torch.no_grad():
                module(*values)
        except Exception as error:  # noqa: BLE001 - a user's module may raise anything
            said = said or f"{type(error).__name__}: {first_line(error, 160)}"
        else:
            return values
    shapes = ", ".join("x".join(map(str, v.shape)) if isinstance(v, torch.Tensor) else repr(v)[:20] for v in inputs[:4])
    raise ModelError(f"{name} cannot be called with {shapes}: {said}", hint="give inputs that it takes")


def _parameters(module: Any) -> list[inspect.Parameter]:
    """List ``forward``'s positional parameters."""
    try:
        parameters = inspect.signature(module.forward).parameters.values()
    except (TypeError, ValueError):
        return []
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [parameter for parameter in parameters if parameter.kind in kinds]


def _arguments(module: Any) -> list[str]:
    return [parameter.name for parameter in _parameters(module)]


def only_takes(module: Any, count: int) -> None:
    """Hide the arguments that keep their defaults: torch's exporter would make inputs of numbers among them."""
    parameters = _parameters(module)
    if len(parameters) <= count:
        return
    forward = module.forward

    def shorter(*inputs: Any) -> Any:
        return forward(*inputs)

    shorter.__signature__ = inspect.Signature(parameters[:count])  # type: ignore[attr-defined]
    module.forward = shorter


def _example(example: object, arguments: list[str], name: str) -> tuple[Any, ...]:
    if isinstance(example, Mapping):
        extra = [str(key) for key in example if key not in arguments]
        if extra:
            raise ModelError(
                f"{name}.forward has no argument {quote(extra[0])}",
                hint=nearest(extra[0], arguments) or f"it has {listed(arguments, 5)}",
            )
        given = [example[key] for key in arguments if key in example]
        if list(arguments[: len(given)]) != [key for key in arguments if key in example]:
            raise ModelError(f"the example for {name} leaves out an argument before others", hint="give them in order")
        return tuple(_tensor(value) for value in given)
    if isinstance(example, tuple | list):
        return tuple(_tensor(value) for value in example)
    return (_tensor(example),)


def _tensor(value: Any) -> Any:
    import numpy as np
    import torch

    if isinstance(value, np.ndarray):
        return torch.from_numpy(np.ascontiguousarray(value))
    return value.detach() if isinstance(value, torch.Tensor) else value


def _from_shapes(
    shapes: Mapping[str, Sequence[int | str | None]], arguments: list[str], name: str
) -> tuple[tuple[Any, ...], dict[str, dict[int, str]]]:
    import torch

    if "" in shapes:
        if len(shapes) > 1:
            raise ModelError("a shape without a name stands alone, for a module of one input")
        shapes = {arguments[0] if arguments else "input": shapes[""]}
    for key in shapes:
        if arguments and key not in arguments:
            raise ModelError(
                f"{name}.forward has no argument {quote(key)}",
                hint=nearest(key, arguments) or f"it has {listed(arguments, 5)}",
            )
    order = sorted(shapes, key=arguments.index) if arguments else list(shapes)
    if arguments and order != arguments[: len(order)]:
        raise ModelError(
            f"the shapes for {name} leave out the argument {quote(next(a for a in arguments if a not in shapes))}",
            hint="give one for each argument before the last",
        )
    inputs: list[Any] = []
    dynamic: dict[str, dict[int, str]] = {}
    generator = torch.Generator().manual_seed(0)
    for key in order:
        sizes = []
        for place, dim in enumerate(shapes[key]):
            if isinstance(dim, int) and not isinstance(dim, bool) and 0 <= dim < 2**31:
                sizes.append(dim)
            elif isinstance(dim, str) and dim.isdigit():
                sizes.append(int(dim))
            elif dim is None or isinstance(dim, str):
                symbol = dim if dim and dim != "?" else f"{key}_{place}"
                dynamic.setdefault(key, {})[place] = symbol
                sizes.append(2)
            else:
                raise ModelError(f"the shape of {quote(key)} has {quote(dim)}, which is no dimension")
        inputs.append(torch.rand(sizes, generator=generator))
    return tuple(inputs), dynamic
