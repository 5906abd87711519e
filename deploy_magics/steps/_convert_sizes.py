"""Sizes of inputs in ``%convert``: which stay open, which are fixed, and what was computed on which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from deploy_magics.errors import ArgumentError, ModelError

if TYPE_CHECKING:
    from deploy_magics.converting import Made
    from deploy_magics.model import Model
    from deploy_magics.verifying import Reference


def read_dynamic(written: Sequence[str]) -> dict[str, dict[int, str]]:
    """Read ``input:axis`` or ``input:axis=name``.

    Raises
    ------
    ArgumentError
        Where it is not written so.

    Examples
    --------
    >>> read_dynamic(["x:0=N", "x:2"])
    {'x': {0: 'N', 2: 'x_2'}}
    """
    found: dict[str, dict[int, str]] = {}
    for text in written:
        place, _, symbol = text.partition("=")
        name, _, axis = place.rpartition(":")
        if not name or not axis.isdigit() or ("=" in text and not symbol.isidentifier()):
            raise ArgumentError(
                f"--dynamic takes input:axis or input:axis=name, not {text!r}", hint="for example x:0=N"
            )
        found.setdefault(name, {})[int(axis)] = symbol or f"{name}_{axis}"
    return found


def with_open_dimensions(given: Any, dynamic: Mapping[str, Mapping[int, str]], shapes: Any) -> Any:
    """Give a torch module with the shapes of its inputs, dimensions open as asked for, in place of what names it.

    Raises
    ------
    ModelError
        Where it is no torch module, or has no such input or dimension.
    """
    from deploy_magics.errors import did_you_mean
    from deploy_magics.model import Model, module_of

    found = module_of(given, shapes=shapes)
    sizes: dict[str, list[int | str]] = {
        name: list(value.shape) for name, value in zip(found.names, found.inputs, strict=True)
    }
    for name, axes in dynamic.items():
        if name not in sizes:
            raise ModelError(
                f"{found.name!r} has no input {name!r}", hint=did_you_mean(name, sizes) or f"it has {', '.join(sizes)}"
            )
        for axis, symbol in axes.items():
            if axis >= len(sizes[name]):
                raise ModelError(f"input {name!r} has {len(sizes[name])} dimensions, and no {axis}")
            sizes[name][axis] = symbol
    return Model.of(found.module, shapes=sizes, label=found.name)


def sizes_of(model: Model) -> dict[str, tuple[int | None, ...]]:
    """Give the shape of each input whose rank is known, None for what is open."""
    return {
        spec.name: tuple(size if isinstance(size, int) else None for size in spec.shape)
        for spec in model.inputs
        if spec.shape is not None
    }


def fitting(reference: Reference, made: Made) -> Reference:
    """Leave out what was computed on inputs of other sizes than what was made has."""
    if not made.fixes:
        return reference
    shapes = {port.name: port.shape for port in made.inputs}
    kept = [
        place
        for place, feeds in enumerate(reference.feeds)
        if all(shapes.get(name) in (None, feeds[name].shape) for name in feeds)
    ]
    return replace(
        reference,
        feeds=tuple(reference.feeds[place] for place in kept),
        outputs=tuple(reference.outputs[place] for place in kept),
    )


def open_dimensions(model: Model) -> dict[str, dict[int, str]]:
    """Give the open dimensions that have names, by input and axis."""
    return {
        spec.name: axes
        for spec in model.inputs
        if (axes := {axis: dim for axis, dim in enumerate(spec.shape or ()) if isinstance(dim, str)})
    }


__all__ = ["fitting", "open_dimensions", "read_dynamic", "sizes_of", "with_open_dimensions"]
