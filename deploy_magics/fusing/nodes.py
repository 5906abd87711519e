"""Nodes of a traced graph: what they call, who else uses it, and what writes in place."""

from __future__ import annotations

import builtins
import operator
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

import torch
from torch import fx, nn
from torch.nn import functional

from deploy_magics.fusing.arithmetic import TRANSPOSED, is_linear, is_norm
from deploy_magics.fusing.trace import has_hooks, named

_INPLACE = (operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.setitem)
# These never hand on the memory of what they take.
_NEW = (operator.add, operator.sub, operator.mul, operator.truediv, operator.neg, torch.add, torch.sub, torch.mul)
_ACCESS = (operator.getitem, builtins.getattr)
SEVERAL_RANKS = (nn.BatchNorm1d, nn.SyncBatchNorm)
"""Normalisations that take inputs of several numbers of dimensions."""
_DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout)


@dataclass(frozen=True)
class Left:
    """Something that was not fused, and why.

    Attributes
    ----------
    name : str
        Where it stands in the module.
    what : str
        What it is: ``"normalisation"``, ``"sum of branches"``, ``"module"``.
    why : str
        One line.
    """

    name: str
    what: str
    why: str


@dataclass(frozen=True)
class Done:
    """Something that was fused.

    Attributes
    ----------
    into : str
        The module that now does it all.
    parts : tuple of str
        What it was made of, by place in the whole module; ``"identity"`` for a branch that does nothing.
    classes : tuple of str
        The classes of these.
    kind : {"fold", "branches"}
        Whether a normalisation went into its neighbour, or branches were summed into one.
    """

    into: str
    parts: tuple[str, ...]
    classes: tuple[str, ...]
    kind: str


@dataclass
class Context:
    """What the passes over one graph share.

    Attributes
    ----------
    made : fx.GraphModule
        The graph, changed in place.
    path : str
        Its place in the whole module.
    owners : Counter of int
        How many modules hold each parameter, by its identity.
    ranks : dict of int to set of int
        Dimensions of what each normalisation that takes several numbers of them was given, by the module's identity.
    done : list of Done
        What was fused.
    left : dict of str to Left
        What was not, by name.
    """

    made: fx.GraphModule
    path: str
    owners: Counter[int]
    ranks: dict[int, set[int]]
    done: list[Done] = field(default_factory=list)
    left: dict[str, Left] = field(default_factory=dict)

    def module(self, node: object) -> Any:
        """Give the module that a node calls; None where it calls none."""
        if not isinstance(node, fx.Node) or node.op != "call_module":
            return None
        return self.made.get_submodule(str(node.target))

    def linear(self, node: object) -> Any:
        """Give the convolution or linear layer that a node calls on one value; None where it is none.

        A transposed convolution may be told the size of its output besides.
        """
        found = self.module(node)
        if found is None or not is_linear(found):
            return None
        sized = isinstance(found, TRANSPOSED) and isinstance(next(iter(node.args), None), fx.Node)  # type: ignore[attr-defined]
        return found if sized or _plain_call(node) else None

    def norm(self, node: object) -> Any:
        """Give the normalisation that a node calls; None where it is none."""
        found = self.module(node)
        return found if found is not None and is_norm(found) and _plain_call(node) else None

    def calls(self, target: object) -> list[fx.Node]:
        """List the nodes that call a module."""
        return [node for node in self.made.graph.nodes if node.op == "call_module" and node.target == target]

    def name(self, node: fx.Node) -> str:
        """Say where what a node does stands in the whole module."""
        return named(self.path, str(node.target) if node.op == "call_module" else node.name)

    def replace(self, node: fx.Node, module: nn.Module) -> None:
        """Put another module in the place of that which a node calls."""
        self.made.set_submodule(str(node.target), module)

    def leave(self, node: fx.Node, what: str, why: str) -> None:
        """Note what was not fused."""
        self.left[self.name(node)] = Left(self.name(node), what, why)

    def why_fixed(self, node: fx.Node) -> str:
        """Say why the weights of the linear module that a node calls cannot be changed; "" where they can."""
        module, name = self.module(node), self.name(node)
        if has_hooks(module):
            return f"{name} has hooks"
        for other in self.made.graph.nodes:
            if other.op == "get_attr" and str(other.target).startswith(f"{node.target}."):
                return f"the weights of {name} are also read as they are"
            if other.op == "call_module" and str(node.target).startswith(f"{other.target}."):
                return f"{name} is a part of {self.name(other)}, which is left as it is"
        if any(self.owners[id(parameter)] > 1 for parameter in module.parameters(recurse=False)):
            return f"the weights of {name} are shared with another module"
        if not module.weight.is_floating_point():
            return f"the weights of {name} are {str(module.weight.dtype).removeprefix('torch.')}"
        return ""

    def why_rank(self, norm: Any, linear: Any, name: str) -> str:
        """Say why the channels of a normalisation and of a linear module may be different axes; "" if they are one.

        A normalisation takes axis 1 for the channels, a linear layer the last one: these are one axis of two dimensions
        alone. A convolution takes one dimension less for one sample without a batch.
        """
        if not isinstance(norm, SEVERAL_RANKS):
            return (
                "" if not isinstance(linear, nn.Linear) else f"{name} gives features on the last axis, it takes axis 1"
            )
        wanted = linear.weight.dim()
        seen = self.ranks.get(id(norm), set())
        if not seen:
            return "it was not called with the example input, so it is not known which axis it normalises"
        if seen != {wanted}:
            listed = " or ".join(map(str, sorted(seen)))
            return f"its input has {listed} dimensions, so that its channels are not those of {name}"
        return ""

    def makes_new(self, node: object) -> bool:
        """Tell whether what a node gives is surely no other value's memory."""
        called = isinstance(node, fx.Node) and node.op == "call_function" and node.target in _NEW
        return called or self.linear(node) is not None or self.norm(node) is not None


def why_no_constants(norm: Any, name: str) -> str:
    """Say why a normalisation is no fixed scale and shift; "" where it is."""
    if norm.running_mean is None or norm.running_var is None:
        return "it has no running statistics, so that it depends on the whole batch"
    return f"{name} has hooks" if has_hooks(norm) else ""


def owners_of(module: nn.Module) -> Counter[int]:
    """Count the modules that hold each parameter."""
    found = Counter[int]()
    for part in module.modules():
        found.update(id(each) for each in part._parameters.values() if each is not None)
    return found


def writes(made: fx.GraphModule, node: fx.Node) -> bool:
    """Tell whether a node may change what it is given in place."""
    if node.kwargs.get("inplace") is True or node.kwargs.get("out") is not None:
        return True
    if node.op == "call_method":
        return str(node.target).endswith("_") and not str(node.target).endswith("__")
    if node.op == "call_function":
        name = getattr(node.target, "__name__", "")
        return (
            node.target in _INPLACE
            or (name.endswith("_") and not name.startswith("_"))
            or any(each is True for each in node.args[1:])
            # One of the user's own, which was not traced.
            or (isinstance(node.target, FunctionType) and not str(node.target.__module__).startswith("torch."))
        )
    if node.op == "call_module":
        found = made.get_submodule(str(node.target))
        return any(getattr(part, "inplace", False) for part in found.modules()) or not _of_torch(found)
    return False


def writes_between(made: fx.GraphModule, first: fx.Node, last: fx.Node, own: Iterable[fx.Node]) -> fx.Node | None:
    """Find a node between two, other than their own, that may write in place."""
    skipped, inside = set(own), False
    nodes: list[fx.Node] = list(made.graph.nodes)
    for node in nodes:
        if node is last:
            return None
        inside = inside or node is first
        if inside and node not in skipped and writes(made, node):
            return node
    return None


def counts(node: fx.Node) -> bool:
    """Tell whether a node is an operation: a call, other than taking an item or attribute."""
    return node.op in ("call_module", "call_method") or (node.op == "call_function" and node.target not in _ACCESS)


def does_nothing(made: fx.GraphModule, node: fx.Node) -> bool:
    """Tell whether a node hands on its only input: an identity, or a dropout, which inference leaves out."""
    if not node.args or not isinstance(node.args[0], fx.Node):
        return False
    if node.op == "call_module":
        found = made.get_submodule(str(node.target))
        idle = type(found) is nn.Identity or (type(found) in _DROPOUTS and not found.training)
        return idle and not has_hooks(found) and "forward" not in vars(found) and len(node.args) == 1
    return node.target is functional.dropout and node.kwargs.get("training") is False


def attribute(made: fx.GraphModule, value: object) -> tuple[bool, torch.Tensor | None]:
    """Read an argument that is a parameter or buffer, or None; tells first whether it is one of these."""
    if value is None:
        return True, None
    if not isinstance(value, fx.Node) or value.op != "get_attr":
        return False, None
    found: Any = made
    for part in str(value.target).split("."):
        found = getattr(found, part, None)
    return isinstance(found, torch.Tensor), found if isinstance(found, torch.Tensor) else None


def _plain_call(node: Any) -> bool:
    return len(node.args) == 1 and not node.kwargs and isinstance(node.args[0], fx.Node)


def _of_torch(module: nn.Module) -> bool:
    return type(module).__module__.startswith("torch.nn.")
