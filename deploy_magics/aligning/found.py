"""What was found of two models, layer by layer."""

from __future__ import annotations

from dataclasses import dataclass

from deploy_magics.aligning.matching import Matching, Pair
from deploy_magics.aligning.metrics import Errors


@dataclass(frozen=True)
class LayerErrors:
    """What was found of one layer.

    Attributes
    ----------
    pair : Pair
        Which layer, and which tensors.
    whole, alone : Errors or None
        With errors that add up, and its own; None where that was not asked for or could not be run.
    why : str
        Why one of them is not there, where it was asked for.
    """

    pair: Pair
    whole: Errors | None = None
    alone: Errors | None = None
    why: str = ""


@dataclass(frozen=True)
class Alignment:
    """What was found of two models.

    Attributes
    ----------
    layers : tuple of LayerErrors
        In the order in which the reference computes.
    matching : Matching
        Which belong together, and what has no counterpart.
    tolerance : float
        Largest share of a tensor's range by which it may be off.
    reason : str
        Where that comes from.
    samples : int
        Inputs that both ran on.
    chunks : int
        Parts in which the layers were run.
    notes : tuple of str
        What is to be known, one line each.
    outputs : tuple of str
        The reference's outputs.
    stopped : bool
        Whether an interrupt came before all layers were run.
    """

    layers: tuple[LayerErrors, ...]
    matching: Matching
    tolerance: float
    reason: str
    samples: int
    chunks: int
    notes: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    stopped: bool = False

    def first(self, mode: str) -> LayerErrors | None:
        """Find the first layer past the tolerance in a mode, ``"whole"`` or ``"alone"``."""
        for layer in self.layers:
            found: Errors | None = getattr(layer, mode)
            if found is not None and not found.within(self.tolerance):
                return layer
        return None


class Stopped(KeyboardInterrupt):
    """An interrupt that keeps what was compared before it, as :attr:`found`."""

    def __init__(self, found: Alignment) -> None:
        super().__init__()
        self.found = found
