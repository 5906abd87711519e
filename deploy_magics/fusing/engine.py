"""Fuses a torch module: traces it, merges branches, folds normalisations, and shows that it computes the same."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import fx, nn
from torch.nn.modules.batchnorm import _BatchNorm, _NormBase
from torch.nn.modules.dropout import _DropoutNd

from deploy_magics.errors import ModelError, VerificationError
from deploy_magics.fusing import checking
from deploy_magics.fusing.branches import merge
from deploy_magics.fusing.census import Census, census
from deploy_magics.fusing.folding import fold
from deploy_magics.fusing.nodes import Context, Done, Left, owners_of
from deploy_magics.fusing.plain import simplify
from deploy_magics.fusing.trace import Region, arguments_of, is_basic, is_compiled, reason, regions_of, trace
from deploy_magics.fusing.watching import argument_counts, ranks, watched

if TYPE_CHECKING:
    from deploy_magics.verifying import Verification

Tell = Callable[[float, str], None]


@dataclass(frozen=True)
class Fused:
    """A module, fused.

    Attributes
    ----------
    module : nn.Module
        A new module in evaluation mode that shares nothing with the original; where nothing was fused, a copy of it.
    before, after : Census
        What the two are made of.
    done : tuple of Done
        What was fused, in order.
    left : tuple of Left
        What was not, and why.
    verification : Verification
        How far the two lie apart.
    """

    module: nn.Module
    before: Census
    after: Census
    done: tuple[Done, ...]
    left: tuple[Left, ...]
    verification: Verification


_IDLE = "it is not called with the inputs tried, so that nothing of it could be verified"


def fuse_module(
    module: nn.Module,
    inputs: tuple[Any, ...],
    *,
    tolerance: float | None = None,
    seed: int = 0,
    tell: Tell = lambda share, detail: None,
) -> Fused:
    """Merge branches and fold normalisations of a copy of a module.

    Parameters
    ----------
    module : nn.Module
        In evaluation mode. It is not changed.
    inputs : tuple
        What it is called with; random ones of the same shapes and types are tried besides.
    tolerance : float, optional
        Largest share of an output's local range by which a value may differ; by default that of the module's type.
    seed : int
        Of the random inputs.
    tell : callable, optional
        Told the share done and what is done next.

    Returns
    -------
    Fused
        Verified.

    Raises
    ------
    ModelError
        Where the module is in training mode, cannot be copied, or does not run on the inputs.
    VerificationError
        Where what came out computes something else.

    Notes
    -----
    Tracing may see something else than running does: a ``forward`` that asks for the type of its input, or one that
    reaches into its blocks. Where the result differs or fails, what was traced is narrowed down until it does not: the
    outermost ``forward`` and each block inside what cannot be traced either stay fused or are left alone and named.
    Where nothing fused remains by then, the difference is an error.
    """
    require_evaluation(module)
    own = _copied(module)
    tell(0.0, "running the original")
    reference = checking.Reference.of(own, inputs, tolerance=tolerance, seed=seed)
    count = 0

    def attempt(whole: bool, skipped: Mapping[str, str]) -> _Attempt:
        nonlocal count
        count += 1
        tell(1 - 0.8**count, "tracing" if count == 1 else "tracing less of it")
        made = _fuse(_copied(module), inputs, whole, skipped)
        return _checked(made, own, reference, whole, skipped)

    first = attempt(True, {})
    found = first if first.fits else _with_less(attempt, first)
    if found.idle:
        found = attempt(found.whole, {**found.skipped, **dict.fromkeys(found.idle, _IDLE)})
    made, left = found.made, found.made.left
    if isinstance(first.outcome, VerificationError):
        if not found.fits or not made.done:
            raise first.outcome
        if not found.whole:
            why = f"its outermost forward is left as it is: {first.outcome.message}"
            left = (Left(type(module).__name__, "module", why), *left)
    if isinstance(found.outcome, VerificationError):
        raise found.outcome
    result, after = (made.module, made.after) if made.done else (own, made.before)
    return Fused(result, made.before, after, made.done, left, found.outcome)


@dataclass(frozen=True)
class _Attempt:
    """A module fused as far as it was to be traced, and whether it computes the same.

    Attributes
    ----------
    made : _Made
        What came out.
    whole : bool
        Whether its outermost forward was to be traced.
    skipped : mapping of str to str
        Blocks inside that were not, and why.
    outcome : Verification or VerificationError
        How far it lies apart, or what is wrong with it.
    idle : tuple of str
        Blocks inside that were fused and never called.
    """

    made: _Made
    whole: bool
    skipped: Mapping[str, str]
    outcome: Verification | VerificationError
    idle: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether it computes the same."""
        return not isinstance(self.outcome, VerificationError)


def _checked(
    made: _Made, own: nn.Module, reference: checking.Reference, whole: bool, skipped: Mapping[str, str]
) -> _Attempt:
    called: set[int] = set()
    try:
        with watched(made.inside.values(), lambda module, *_: called.add(id(module))):
            outcome = reference.compare(made.module if made.done else own)
    except VerificationError as error:
        return _Attempt(made, whole, skipped, error)
    idle = tuple(place for place, graph in made.inside.items() if id(graph) not in called)
    return _Attempt(made, whole, skipped, outcome, idle)


def _with_less(attempt: Callable[[bool, Mapping[str, str]], _Attempt], first: _Attempt) -> _Attempt:
    """Fuse less of a module of which tracing saw something else than running does; it may be wrong all the same."""
    assert isinstance(first.outcome, VerificationError)
    why = f"it is left as it is: {first.outcome.message}"
    places = list(first.made.inside)
    found = attempt(True, dict.fromkeys(places, why)) if places else first
    whole = found.fits
    if not whole:
        found = attempt(False, {})
        places = list(found.made.inside)
        if found.fits or not places:
            return found

    def fits(part: list[str]) -> bool:
        return attempt(whole, {place: why for place in places if place not in part}).fits

    found = attempt(whole, dict.fromkeys(_misfits(fits, places), why))
    return found if found.fits else attempt(whole, dict.fromkeys(places, why))


def _misfits(fits: Callable[[list[str]], bool], places: list[str]) -> list[str]:
    """Of places that do not fit together, find those that do not fit, by halves."""
    if len(places) == 1:
        return places
    middle = len(places) // 2
    parts = (places[:middle], places[middle:])
    return [place for part in parts if not fits(part) for place in _misfits(fits, part)]


def require_evaluation(module: nn.Module) -> None:
    """Refuse a module in training mode, whose normalisations depend on the batch and cannot be folded.

    Raises
    ------
    ModelError
        In one line that names the part.
    """
    parts = ((name, part) for name, part in module.named_modules() if part.training and (not name or _minds(part)))
    name, part = next(parts, (None, None))
    if part is None:
        return
    called = type(module).__name__ if not name else f"{name!r} of {type(module).__name__}"
    norms = any(isinstance(each, _BatchNorm) for each in part.modules())
    what = "its batch normalisation depends on the batch and cannot be folded" if norms else "it may give other values"
    raise ModelError(f"{called} is in training mode, in which {what}", hint="call .eval()")


def _minds(part: nn.Module) -> bool:
    """Tell whether training mode makes a difference to a part: to most of torch's own layers it makes none."""
    own = type(part).__module__.startswith("torch.nn.modules.")
    kinds = (_NormBase, _DropoutNd, nn.RNNBase, nn.MultiheadAttention, nn.RReLU)
    return not own or isinstance(part, kinds)


@dataclass(frozen=True)
class _Made:
    """What fusing came to, not verified yet; ``inside`` are the graphs of fused blocks inside what was not traced."""

    module: nn.Module
    before: Census
    after: Census
    done: tuple[Done, ...]
    left: tuple[Left, ...]
    inside: dict[str, nn.Module]


def _fuse(own: nn.Module, inputs: tuple[Any, ...], whole: bool, skipped: Mapping[str, str]) -> _Made:
    """Fuse a copy in place, its outermost forward traced or not, but for some blocks inside."""
    params = census(own).params
    holder = nn.Module()
    holder.add_module("whole", own)
    found: list[tuple[nn.Module, str, Region, nn.Module]] = []
    left: dict[str, Left] = {}
    waiting: list[tuple[nn.Module, str, nn.Module, str, list[str] | None]] = [
        (holder, "whole", own, "", arguments_of(own, len(inputs)))
    ]
    if is_basic(own):
        waiting.clear()
    counts: dict[str, int] | None = None
    seen: set[int] = set()
    while waiting:
        parent, name, module, path, arguments = waiting.pop()
        opened: list[tuple[nn.Module, str]] = []
        if path in skipped:
            left[path] = Left(path, "module", skipped[path])
        elif not path and not whole:
            opened = [(module, "")]
        else:
            try:
                region = trace(module, path, arguments)
            except Exception as error:  # noqa: BLE001 - a user's forward may fail on stand-ins in any way
                left[path] = Left(path or type(own).__name__, "module", f"it cannot be traced: {reason(error)}")
                opened = [(module, path)]
            else:
                setattr(parent, name, region.graph)
                found.append((parent, name, region, module))
                for place, why in region.apart.items():
                    left[place] = Left(place, "module", f"it cannot be traced: {why}")
                    opened.append((region.graph.get_submodule(place[len(path) + 1 :] if path else place), place))
        for part, place in opened:
            # A forward of its own instance may hold on to the very blocks that would be replaced.
            if "forward" in vars(part) or is_compiled(part):
                continue
            for inner in regions_of(part, place, seen):
                counts = argument_counts(own, inputs) if counts is None else counts
                count = counts.get(inner[3])
                waiting.append((*inner, None if count is None else arguments_of(inner[2], count)))
    root: nn.Module = holder.get_submodule("whole")
    # What nothing calls is in no graph, and the module holds it all the same.
    before = replace(census(root), params=params)
    # Blocks in which nothing will be fused are put back, and count as they did.
    traced = {id(module): _twin_graph(region.graph) for _, _, region, module in found if region.path}
    owners = owners_of(own)
    for _, _, region, _ in found:
        simplify(region.graph)
    seen_ranks = ranks(root, inputs)
    done: list[Done] = []
    inside: dict[str, nn.Module] = {}
    for parent, name, region, module in found:
        context = Context(region.graph, region.path, owners, seen_ranks)
        # Branches first: each still has its own normalisation then, and what they are merged to may have one after it.
        merge(context)
        fold(context)
        done += context.done
        left.update(context.left)
        if region.path and context.done:
            inside[region.path] = region.graph
        elif region.path:
            setattr(parent, name, module)
    made: nn.Module = holder.get_submodule("whole")
    if isinstance(made, fx.GraphModule):
        _keep_attributes(own, made)
    return _Made(made.eval(), before, census(made, traced), tuple(done), tuple(left.values()), inside)


def _twin_graph(made: fx.GraphModule) -> fx.GraphModule:
    graph = fx.Graph()
    graph.output(graph.graph_copy(made.graph, {}))
    return fx.GraphModule(made, graph)


def _copied(module: nn.Module) -> nn.Module:
    # What a forward or a pruned layer computed and kept as an attribute cannot be copied with its history.
    kept = [value for part in module.modules() for value in vars(part).values() if isinstance(value, torch.Tensor)]
    known: dict[int, Any] = {id(value): value.detach().clone() for value in kept if not value.is_leaf}
    try:
        return copy.deepcopy(module, known)
    except Exception as error:  # noqa: BLE001 - a user's module may refuse to be copied in any way
        raise ModelError(
            f"{type(module).__name__} cannot be copied, so it is left alone: {reason(error)}",
            hint="fusing changes a copy",
        ) from None


def _keep_attributes(own: nn.Module, made: fx.GraphModule) -> None:
    """Keep plain attributes, such as class names or strides, that others may ask the module for."""
    for name, value in vars(own).items():
        if not name.startswith("_") and not hasattr(made, name) and not callable(value):
            setattr(made, name, value)
