"""Torch modules themselves, for steps that change them before they are exported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from deploy_magics.arguments import ModelLike
from deploy_magics.errors import ModelError
from deploy_magics.model import _compiled, _torch
from deploy_magics.model._handle import Model
from deploy_magics.model._text import quote

Sizes = Mapping[str, Sequence[int | str | None]]


@dataclass(frozen=True)
class TorchModule:
    """A torch module, and what it is called with.

    Attributes
    ----------
    name : str
        The label that tables show.
    source : str
        Where it is from, for people.
    module : torch.nn.Module
        As the user holds it.
    inputs : tuple
        It was called with these.
    shapes : mapping or None
        Shapes that the inputs were made from, symbolic ones among them; None where an example was given.
    known : ModelLike, optional
        The same as a model, where there is one already.
    """

    name: str
    source: str
    module: Any
    inputs: tuple[Any, ...]
    shapes: Sizes | None = None
    known: ModelLike | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """What its inputs are called, as its export names them: the arguments of ``forward``."""
        return tuple(_torch.input_names(self.module, len(self.inputs)))

    def exported(self, module: Any = None, dims: Mapping[str, int] | None = None) -> Model:
        """Export it, or another module with the same inputs.

        Raises
        ------
        ModelError
            Where torch cannot.
        """
        given = self.module if module is None else module
        if module is None and self.known is not None:
            made = Model.of(self.known)
        else:
            made = Model.of((given, self.inputs)) if self.shapes is None else Model.of(given, shapes=self.shapes)
        return made.bind(dims=dims) if dims else made


def module_of(obj: ModelLike, *, shapes: Sizes | None = None, check: Any = None) -> TorchModule:
    """Find the torch module in anything that holds one.

    Parameters
    ----------
    obj : ModelLike
        A module (with ``shapes``), a pair of one and its example input, the name of a network of the zoo that is
        defined in torch, a ``Model`` that was exported from a module, or a result with one; or a pair ``(label, obj)``.
    shapes : mapping, optional
        Shapes of inputs.
    check : callable, optional
        Called with the module before it is run.

    Raises
    ------
    ModelError
        In one line, where there is no torch module, or its inputs are not known or do not fit.
    """
    if isinstance(obj, tuple) and len(obj) == 2 and isinstance(obj[0], str):
        found = module_of(obj[1], shapes=shapes, check=check)
        return replace(found, name=obj[0])
    inner = obj if isinstance(obj, Model) else None if isinstance(obj, str) else _compiled.model_in(obj)
    if isinstance(inner, Model):
        if inner.module is None:
            raise _no_module(f"{quote(inner.name)} is an ONNX model")
        if check is not None:
            check(inner.module)
        if shapes is None:
            return TorchModule(inner.name, inner.source, inner.module, inner.example_inputs or (), known=inner)
        obj = inner.module
    if isinstance(obj, str):
        return _of_zoo(obj, shapes, check)
    example: object = None
    if isinstance(obj, tuple) and len(obj) == 2:
        obj, example = obj
    if not _torch.is_module(obj):
        kind = type(obj).__name__
        raise _no_module(f"{'an' if kind[:1].lower() in 'aeiou' else 'a'} {kind} is no torch module")
    if hasattr(obj, "_orig_mod"):
        raise ModelError("this module is compiled by torch.compile", hint="give the module that it was made from")
    if check is not None:
        check(obj)
    name = type(obj).__name__
    inputs = _torch.example_inputs(obj, example, shapes)
    return TorchModule(name, f"torch module {name}", obj, inputs, shapes if example is None else None)


def _of_zoo(name: str, shapes: Sizes | None, check: Any) -> TorchModule:
    from deploy_magics import zoo

    if name not in zoo.names():
        what = "a file" if Path(name).expanduser().exists() else "no network of the zoo"
        raise _no_module(f"{quote(name, 100)} is {what}")
    if zoo.entry(name).kind != "torch":
        raise _no_module(f"the zoo's {quote(name)} is an ONNX model")
    module = zoo.module(name)
    if check is not None:
        check(module)
    sizes: Sizes = shapes or zoo.entry(name).inputs
    inputs = _torch.example_inputs(module, None, sizes)
    return TorchModule(name, f"zoo: {name}", module, inputs, sizes, None if shapes else name)


def _no_module(what: str) -> ModelError:
    return ModelError(
        f"{what}, and a torch module is needed", hint="give a torch module; %simplify folds what is in an ONNX model"
    )
