"""Whether what was made has the inputs and outputs of the original."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy_magics.errors import VerificationError

if TYPE_CHECKING:
    from deploy_magics.converting import Made, Port
    from deploy_magics.model import Model, TensorSpec

# A format without 64-bit integers takes indices as 32-bit ones, which loses nothing below 2^31.
_NARROWER = {("int64", "int32"), ("float64", "float32"), ("bool", "int32")}


@dataclass(frozen=True)
class Interface:
    """What became of inputs and outputs.

    Attributes
    ----------
    problems : tuple of str
        What differs and may not, one line each.
    notes : tuple of str
        What differs because the format has no other.
    """

    problems: tuple[str, ...]
    notes: tuple[str, ...]

    def require(self, title: str) -> None:
        """Raise where something differs that may not.

        Raises
        ------
        VerificationError
            With the first two.
        """
        if self.problems:
            more = f" (and {len(self.problems) - 2} more)" if len(self.problems) > 2 else ""
            raise VerificationError(
                f"what was made for {title} is called in another way: {'; '.join(self.problems[:2])}{more}",
                hint="nothing is written",
            )


def compare_interface(model: Model, made: Made, arguments: Sequence[str] = ()) -> Interface:
    """Compare number, names, types and dimensions.

    Parameters
    ----------
    model : Model
        The original.
    made : Made
        What was made of it.
    arguments : sequence of str
        Arguments of the torch module that it was made from: one on which nothing depends may be an input, or not.
    """
    problems: list[str] = []
    notes = [f"{old!r} is called {new!r} there" for old, new in made.renamed.items()]
    known = {spec.name for spec in model.inputs}
    unused = [port.name for port in made.inputs if port.name in arguments and port.name not in known]
    notes += [f"nothing depends on input {name!r}, which is there as the module has it" for name in unused]
    inputs = tuple(port for port in made.inputs if port.name not in unused)
    for what, specs, ports in (("input", model.inputs, inputs), ("output", model.outputs, made.outputs)):
        if len(specs) != len(ports):
            problems.append(f"it has {len(ports)} {what}s and the original {len(specs)}")
            continue
        for spec, port in zip(specs, _ordered(specs, ports, made), strict=True):
            _compare(what, spec, port, made, problems, notes)
    return Interface(tuple(problems), tuple(notes))


def _ordered(specs: Sequence[TensorSpec], ports: Sequence[Port], made: Made) -> Sequence[Port]:
    """Order ports as the original has them, where the format orders by name."""
    by_name = {port.name: port for port in ports}
    names = [made.renamed.get(spec.name, spec.name) for spec in specs]
    return [by_name[name] for name in names] if set(names) == set(by_name) and len(by_name) == len(ports) else ports


def _compare(what: str, spec: TensorSpec, port: Port, made: Made, problems: list[str], notes: list[str]) -> None:
    called = f"{what} {spec.name!r}"
    if port.name and port.name != made.renamed.get(spec.name, spec.name):
        problems.append(f"{called} is {port.name!r} there")
    if port.dtype and port.dtype != spec.dtype:
        text = f"{called} is {port.dtype} there, not {spec.dtype}"
        (notes if (spec.dtype, port.dtype) in _NARROWER else problems).append(text)
    if port.shape is None or spec.shape is None:
        return
    if len(port.shape) != len(spec.shape):
        problems.append(f"{called} has {len(port.shape)} dimensions there, not {len(spec.shape)}")
        return
    for axis, (before, after) in enumerate(zip(spec.shape, port.shape, strict=True)):
        if isinstance(before, int):
            # A result whose size is not told is what it is; its value is compared.
            if after is not None and after != before:
                problems.append(f"dimension {axis} of {called} is {after} there, not {before}")
        elif after is not None and what == "input":
            text = f"dimension {axis} of {called} is fixed at {after} there, and was open"
            (notes if made.fixes else problems).append(text)


__all__ = ["Interface", "compare_interface"]
