"""Does a fused module compute what the original does? Both run on the same inputs."""

from __future__ import annotations

import contextlib
import io
import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from deploy_magics.errors import ModelError, VerificationError
from deploy_magics.fusing.trace import reason, run
from deploy_magics.verifying import Difference, Verification, difference

_TRIES = 3
# Shares of an output's range. Folding moves a result of fifty layers by some units in the last place; see
# ``deploy_magics.verifying._tolerance``, whose figures these are.
_TOLERANCES = {torch.float64: 1e-9, torch.float32: 1e-4, torch.float16: 1e-2, torch.bfloat16: 5e-2}


@dataclass(frozen=True)
class Reference:
    """What the original gives on each input.

    Attributes
    ----------
    name : str
        Its class.
    inputs : tuple of tuple
        What it was called with, each time.
    outputs : tuple of dict
        Tensors that it gave, by their place.
    tolerance : float
        Largest share of an output's local range by which a value may differ.
    reason : str
        Where the tolerance comes from.
    random : frozenset of str
        Outputs in which it differs from itself.
    channel_floor : float
        Least scale of a channel, as a share of the output's range; as when files are compared, wider for narrow types,
        whose rounding grows with a value's size and not with how far its channel ranges.
    """

    name: str
    inputs: tuple[tuple[Any, ...], ...]
    outputs: tuple[dict[str, Any], ...]
    tolerance: float
    reason: str
    random: frozenset[str]
    channel_floor: float

    @classmethod
    def of(cls, module: nn.Module, inputs: tuple[Any, ...], *, tolerance: float | None, seed: int) -> Reference:
        """Run the original.

        Raises
        ------
        ModelError
            Where it does not run, or gives no tensor.
        """
        name = type(module).__name__
        if any(value.is_meta for value in (*module.parameters(), *module.buffers())):
            raise ModelError(f"{name} is on the meta device, so it has no weights", hint="load them first")
        generator = torch.Generator().manual_seed(seed)
        tried = (inputs, *(tuple(_random(value, generator) for value in inputs) for _ in range(_TRIES - 1)))
        try:
            outputs = tuple(_outputs(module, each) for each in tried)
            again = _outputs(module, tried[0])
            random = frozenset(key for key, value in outputs[0].items() if not _same(value, again.get(key)))
        except Exception as error:  # noqa: BLE001 - a user's module may raise anything
            raise ModelError(f"{name} does not run: {reason(error)}", hint="give inputs that it takes") from None
        if not outputs[0]:
            raise ModelError(f"{name} gives no tensor, so nothing could be verified")
        types = {value.dtype for value in module.parameters() if value.dtype in _TOLERANCES} or {torch.float32}
        coarsest = max(types, key=_TOLERANCES.__getitem__)
        asked = tolerance is not None
        told = "as asked for" if asked else str(coarsest).removeprefix("torch.")
        own = _TOLERANCES[coarsest]
        return cls(name, tried, outputs, own if tolerance is None else tolerance, told, random, math.sqrt(own))

    def compare(self, module: nn.Module) -> Verification:
        """Run the result on the same inputs.

        Raises
        ------
        VerificationError
            Where it does not run, or what it gives differs by more than the tolerance.
        """
        try:
            # A traced module prints where its code failed, which is nothing that its author wrote.
            with contextlib.redirect_stderr(io.StringIO()):
                found = tuple(_outputs(module, each) for each in self.inputs)
                again = [_outputs(module, self.inputs[0]) for _ in range(_TRIES if self.random else 0)]
        except Exception as error:  # noqa: BLE001 - tracing may have lost what a forward needs
            text = f"the fused {self.name} does not run: {reason(error)}"
            raise VerificationError(text, hint="the original is kept") from None
        for key in self.random:
            if key in found[0] and all(_same(found[0][key], each.get(key)) for each in again):
                # Tracing drew its random numbers once, and kept them.
                text = f"the fused {self.name} always gives the same {key!r}, which is random in the original"
                raise VerificationError(text, hint="the original is kept")
        keys = list(self.outputs[0])
        verification = Verification(
            differences=tuple(self._difference(key, found) for key in keys if all(key in each for each in found)),
            inputs=len(self.inputs),
            runtime=f"PyTorch {torch.__version__}",
            tolerance=self.tolerance,
            reason=self.reason,
            random=self.random,
            missing=tuple(key for key in keys if key not in found[0]),
            added=tuple(key for key in found[0] if key not in keys),
        )
        verification.require(f"the fused {self.name}")
        return verification

    def _difference(self, key: str, found: tuple[dict[str, Any], ...]) -> Difference:
        before = [_array(each[key]) for each in self.outputs if key in each]
        return difference(key, before, [_array(each[key]) for each in found], channel_floor=self.channel_floor)


def fresh(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """Copy inputs, which a module may write to."""
    return tuple(value.clone() if isinstance(value, torch.Tensor) else value for value in inputs)


def _outputs(module: nn.Module, inputs: tuple[Any, ...]) -> dict[str, Any]:
    """Run a module; give its tensors by their place: ``output``, ``output[0]``, ``output['logits']``."""
    found: dict[str, Any] = {}
    _collect(run(module, fresh(inputs)), "output", found)
    return found


def _collect(value: Any, place: str, found: dict[str, Any]) -> None:
    if isinstance(value, torch.Tensor):
        found[place] = value
    elif isinstance(value, dict):
        for key, each in value.items():
            _collect(each, f"{place}[{key!r}]", found)
    elif isinstance(value, list | tuple):
        fields = getattr(value, "_fields", None)
        for key, each in enumerate(value):
            _collect(each, f"{place}.{fields[key]}" if fields else f"{place}[{key}]", found)
    elif hasattr(value, "__dataclass_fields__"):
        for key in value.__dataclass_fields__:
            _collect(getattr(value, key), f"{place}.{key}", found)


def _random(value: Any, generator: torch.Generator) -> Any:
    """Make another input of the same form: random numbers; whole ones are put in another order."""
    if not isinstance(value, torch.Tensor):
        return value
    if value.is_floating_point() or value.is_complex():
        return torch.randn(value.shape, dtype=torch.float32, generator=generator).to(value.dtype).to(value.device)
    order = torch.randperm(value.numel(), generator=generator).to(value.device)
    return value.flatten()[order].reshape(value.shape)


def _array(value: torch.Tensor) -> Any:
    found = value.detach().cpu()
    if found.is_sparse or found.is_quantized:
        found = found.to_dense() if found.is_sparse else found.dequantize()
    return (found.float() if found.dtype == torch.bfloat16 else found.resolve_conj()).numpy()


def _same(one: torch.Tensor, two: torch.Tensor | None) -> bool:
    return two is not None and one.shape == two.shape and bool(torch.equal(one.nan_to_num(), two.nan_to_num()))
