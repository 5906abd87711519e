"""Graphs of torch modules by tracing them, as far as that goes.

``torch.fx`` runs a module's ``forward`` on stand-ins that write down what is done to them. What looks at values (``if
x.sum() > 0``) cannot be traced so. Such a module is left as it is, as one call in the graph around it, and what it is
made of is traced apart: a network whose outermost ``forward`` is untraceable still has blocks that are not.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import fx, nn
from torch.nn.modules.batchnorm import _BatchNorm

from deploy_magics.fusing.arithmetic import NORMS, kind_of

_CHECKS = tuple(kind._check_input_dim for kind in NORMS)
_NO_CALLS = (nn.ModuleList, nn.ModuleDict, nn.ParameterList, nn.ParameterDict)


@dataclass
class Region:
    """A part of a module that was traced.

    Attributes
    ----------
    path : str
        Where it stands in the whole module; "" for all of it.
    graph : fx.GraphModule
        What it does. Its leaves are the modules that were traced, not copies of them.
    apart : dict of str to str
        Modules that stayed one call, by their place in the whole module, and why.
    """

    path: str
    graph: fx.GraphModule
    apart: dict[str, str] = field(default_factory=dict)


class _Tracer(fx.Tracer):
    """Traces a module into one graph; a submodule that cannot be traced becomes one call."""

    def __init__(self, arguments: list[str] | None) -> None:
        super().__init__()
        self._arguments = arguments
        self.apart: dict[str, str] = {}

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Tell whether a module is taken whole, though it could be traced."""
        return is_basic(m)

    def create_args_for_root(self, root_fn: Any, is_module: bool, concrete_args: Any = None) -> tuple[Any, list[Any]]:
        """Make a stand-in for each argument that the module is called with; others keep their defaults."""
        if self._arguments is None:
            return super().create_args_for_root(root_fn, is_module, concrete_args)
        made = [self.create_proxy("placeholder", name, (), {}) for name in self._arguments]
        return root_fn, [self.root, *made]

    def call_module(self, m: nn.Module, forward: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Trace a call, or take it whole."""
        name = self.path_of_module(m)
        if self.is_leaf_module(m, name):
            return super().call_module(m, forward, args, kwargs)
        why = "it has hooks" if has_hooks(m) else "it was compiled by torch.jit" if is_compiled(m) else ""
        if not why:
            before, stack = list(self.graph.nodes), dict(self.module_stack)
            # A forward may put something else into a list that it is given, as detectors' heads do.
            given = fx.node.map_aggregate((args, kwargs), lambda value: value)
            try:
                return super().call_module(m, forward, args, kwargs)
            except Exception as error:  # noqa: BLE001 - a user's forward may fail on stand-ins in any way
                why = reason(error)
            # What it had begun to do is taken back, the last first, since each uses what came before it.
            for node in reversed(list(self.graph.nodes)[len(before) :]):
                self.graph.erase_node(node)
            self.module_stack.clear()
            self.module_stack.update(stack)
            args, kwargs = given
        self.apart[name] = why
        return self.create_proxy("call_module", name, args, kwargs)


def trace(module: nn.Module, path: str, arguments: list[str] | None) -> Region:
    """Trace a module in evaluation mode.

    Parameters
    ----------
    module : nn.Module
        A copy that nobody else needs; its leaves become those of the graph.
    path : str
        Where it stands in the whole, for names.
    arguments : list of str, optional
        Names of the arguments that ``forward`` is called with. By default all that it has, defaults among them.

    Raises
    ------
    Exception
        Whatever its own ``forward`` raises on stand-ins.
    """
    if has_hooks(module) or "forward" in vars(module) or is_compiled(module):
        raise TypeError("it has hooks or a forward of its own instance, or was compiled by torch.jit")
    # A forward may keep what it sees in attributes: stand-ins must not stay in the module that is handed out.
    scratch = twin(module)
    for part in scratch.modules():
        if isinstance(part, _BatchNorm) and kind_of(part) is None and type(part)._check_input_dim in _CHECKS:
            # A subclass whose forward goes on to torch's: that looks at the number of dimensions, which a stand-in has
            # not, and for nothing but to refuse.
            part._check_input_dim = _unchecked  # type: ignore[method-assign]
    tracer = _Tracer(arguments)
    graph = tracer.trace(scratch)
    for node in graph.nodes:
        # An annotation that is kept as text is nothing that a graph could be pickled with.
        node.type = None
        if node.op == "get_attr" and not _has(module, node.target):
            # A constant that tracing found, and keeps as an attribute of what it traced.
            setattr(module, node.target, getattr(scratch, node.target))
    # A copy knows no tracer, which whoever loads it from a pickle would have to have.
    own = fx.Graph()
    own.output(own.graph_copy(graph, {}))
    made = fx.GraphModule(module, own, class_name=type(module).__name__)
    made.eval()
    return Region(path, made, {_joined(path, name): why for name, why in tracer.apart.items()})


def regions_of(module: nn.Module, path: str, seen: set[int]) -> Iterator[tuple[nn.Module, str, nn.Module, str]]:
    """List the modules inside one that could not be traced which may be traced on their own.

    Yields
    ------
    tuple
        The module that holds it, its name there, the module, and its place in the whole.
    """
    for name, child in module.named_children():
        if id(child) in seen:
            continue
        seen.add(id(child))
        place = _joined(path, name)
        if isinstance(child, _NO_CALLS):
            yield from regions_of(child, place, seen)
        elif not is_basic(child):
            yield module, name, child, place


def is_basic(module: nn.Module) -> bool:
    """Tell whether tracing takes a module whole: one of torch's own, or one that computes as such, but no container."""
    if isinstance(module, nn.DataParallel | nn.parallel.DistributedDataParallel):
        return False
    return kind_of(module) is not None or fx.Tracer().is_leaf_module(module, "")


def has_hooks(module: nn.Module) -> bool:
    """Tell whether something else runs when a module is called."""
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return any(getattr(module, kind, None) for kind in kinds)


def is_compiled(module: nn.Module) -> bool:
    """Tell whether a module was compiled by torch.jit: stand-ins would go to its inside, past what it holds."""
    return isinstance(module, torch.jit.ScriptModule)


def twin(module: nn.Module) -> nn.Module:
    """Copy a module but not its parameters and buffers, which both then hold."""
    kept: dict[int, Any] = {id(each): each for each in (*module.parameters(), *module.buffers())}
    copied: nn.Module = copy.deepcopy(module, kept)
    return copied


def arguments_of(module: nn.Module, count: int) -> list[str]:
    """Name the first arguments of a module's ``forward``; where they have no names of their own, by number."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    try:
        parameters = list(inspect.signature(module.forward).parameters.values())
    except (TypeError, ValueError):
        # One that was compiled by torch.jit, say, tells nothing.
        parameters = []
    names = [each.name for each in parameters if each.kind in kinds]
    return names[:count] if len(names) >= count else [f"input_{place}" for place in range(count)]


def reason(error: BaseException) -> str:
    """Say in one short line what an exception says.

    Examples
    --------
    >>> reason(ValueError("no   luck"))
    'ValueError: no luck'
    """
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:120]}{'...' if len(text) > 120 else ''}"


def _unchecked(input: object) -> None:
    """Refuse nothing."""


def _has(module: nn.Module, target: str) -> bool:
    found: Any = module
    for part in target.split("."):
        if not hasattr(found, part):
            return False
        found = getattr(found, part)
    return True


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path and name else path or name


def named(path: str, name: str) -> str:
    """Join the place of a region and a name in it."""
    return _joined(path, name)


def run(module: nn.Module, inputs: tuple[Any, ...]) -> Any:
    """Call a module without gradients."""
    with torch.no_grad():
        return module(*inputs)
