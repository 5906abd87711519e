"""What a torch module, traced as far as it goes, is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from torch import fx, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

from deploy_magics.fusing.nodes import counts


@dataclass
class Census:
    """Counts of a module.

    Attributes
    ----------
    layers : int
        Modules that are made of no others, each once, identities left out.
    ops : int
        Calls in the traced graphs, without the taking of items and attributes. A module that could not be traced is
        one call, and what was traced inside it is counted besides.
    norms : int
        Calls of batch normalisations in these graphs, and those held by modules that could not be traced.
    params : int
        Parameters, each once.
    """

    layers: int = 0
    ops: int = 0
    norms: int = 0
    params: int = 0

    def to_plain(self) -> dict[str, int]:
        """Give the counts as JSON's own types."""
        return asdict(self)


def census(module: nn.Module, traced: Mapping[int, fx.GraphModule] | None = None) -> Census:
    """Count what a module is made of; graphs are looked into, and modules that hold graphs.

    Parameters
    ----------
    module : nn.Module
        Counted.
    traced : mapping of int to fx.GraphModule, optional
        Graphs of modules inside that are no graphs themselves, by the module's identity.

    Examples
    --------
    >>> made = fx.symbolic_trace(nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU()).eval())
    >>> census(made)
    Census(layers=3, ops=3, norms=1, params=24)
    """
    parts = [part for part in module.modules() if not any(True for _ in part.children())]
    found = Census(
        layers=sum(type(part) not in (nn.Identity, nn.Module) for part in parts),
        params=sum(parameter.numel() for parameter in module.parameters()),
        ops=int(not isinstance(module, fx.GraphModule)),
    )
    _count(module, found, set(), traced or {})
    return found


def _count(module: nn.Module, found: Census, seen: set[int], traced: Mapping[int, fx.GraphModule]) -> None:
    if id(module) in seen:
        return
    seen.add(id(module))
    module = traced.get(id(module), module)
    if isinstance(module, _BatchNorm):
        found.norms += 1
    if not isinstance(module, fx.GraphModule):
        for child in module.children():
            _count(child, found, seen, traced)
        return
    for node in module.graph.nodes:
        found.ops += counts(node)
        if node.op == "call_module":
            called = module.get_submodule(str(node.target))
            if isinstance(called, _BatchNorm):
                found.norms += 1
            else:
                _count(called, found, seen, traced)
        found.norms += node.target is functional.batch_norm
