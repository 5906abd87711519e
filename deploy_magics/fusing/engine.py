"""Fuses a torch module: traces it, merges branches, folds normalisations, and shows that it computes the same."""

from __future__ import annotations

import contextlib
import copy
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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
from deploy_magics.fusing.trace import Region, arguments_of, is_basic, reason, regions_of, run, trace

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


@dataclass(frozen=True)
class _Way:
    """How far to trace: the whole, and what is inside modules that cannot be traced."""

    whole: bool
    inside: bool


_WAYS = (_Way(True, True), _Way(True, False), _Way(False, True))


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
    reaches into its blocks. Where the result differs or fails, blocks inside untraceable modules are left alone, and
    then the outermost ``forward``.
    """
    require_evaluation(module)
    own = _copied(module)
    tell(0.0, "running the original")
    reference = checking.Reference.of(own, inputs, tolerance=tolerance, seed=seed)
    failures: list[VerificationError] = []
    for place, way in enumerate(_WAYS):
        tell(0.2 + 0.25 * place, "tracing" if not place else "tracing less of it")
        made = _fuse(_copied(module), inputs, way)
        if made is None:
            continue
        if failures and not made.done:
            break
        tell(0.3 + 0.25 * place, "running the result")
        result = made.module if made.done else own
        try:
            verification = reference.compare(result)
        except VerificationError as error:
            failures.append(error)
            continue
        left = [*made.left]
        if failures:
            what = "what is inside it" if way.whole else "its outermost forward"
            left.insert(0, Left(type(module).__name__, "module", f"{what} is left as it is: {failures[0].message}"))
        after = made.after if made.done else made.before
        return Fused(result, made.before, after, made.done, tuple(left), verification)
    raise failures[0]


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
    kinds = (_NormBase, _DropoutNd, nn.RNNBase, nn.MultiheadAttention)
    return not own or isinstance(part, kinds)


@dataclass(frozen=True)
class _Made:
    module: nn.Module
    before: Census
    after: Census
    done: tuple[Done, ...]
    left: tuple[Left, ...]


def _fuse(own: nn.Module, inputs: tuple[Any, ...], way: _Way) -> _Made | None:
    """Fuse a copy in place, traced in one way; None where that is no other way than those before."""
    holder = nn.Module()
    holder.add_module("whole", own)
    found: list[tuple[nn.Module, str, Region, nn.Module]] = []
    left: dict[str, Left] = {}
    waiting: list[tuple[nn.Module, str, nn.Module, str, list[str] | None]] = [
        (holder, "whole", own, "", arguments_of(own, len(inputs)))
    ]
    if is_basic(own):
        waiting.clear()
    seen: set[int] = set()
    while waiting:
        parent, name, module, path, arguments = waiting.pop()
        opened: list[tuple[nn.Module, str]] = []
        if not path and not way.whole:
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
                    inner = place[len(path) + 1 :] if path else place
                    opened.append((region.graph.get_submodule(inner), place))
        for part, place in opened:
            # A forward of its own instance may hold on to the very blocks that would be replaced.
            if way.inside and "forward" not in vars(part):
                waiting += [(*each, None) for each in regions_of(part, place, seen) if not is_basic(each[2])]
    if not way.inside and not left:
        return None
    root: nn.Module = holder.get_submodule("whole")
    before = census(root)
    owners = owners_of(own)
    for _, _, region, _ in found:
        simplify(region.graph)
    ranks = _ranks(root, inputs)
    done: list[Done] = []
    for parent, name, region, module in found:
        context = Context(region.graph, region.path, owners, ranks)
        # Branches first: each still has its own normalisation then, and what they are merged to may have one after it.
        merge(context)
        fold(context)
        done += context.done
        left.update(context.left)
        if not context.done and region.path:
            setattr(parent, name, module)
    made: nn.Module = holder.get_submodule("whole")
    if isinstance(made, fx.GraphModule):
        _keep_attributes(own, made)
    return _Made(made.eval(), before, census(made), tuple(done), tuple(left.values()))


def _ranks(root: nn.Module, inputs: tuple[Any, ...]) -> dict[int, set[int]]:
    """Tell how many dimensions each one-dimensional normalisation is given, by running the module once."""
    found: dict[int, set[int]] = {}

    def note(module: nn.Module, given: tuple[Any, ...]) -> None:
        found.setdefault(id(module), set()).add(given[0].dim())

    norms: list[nn.Module] = [part for part in root.modules() if isinstance(part, nn.BatchNorm1d)]
    if not norms:
        return found
    with _hooked(norms, note):
        try:
            with contextlib.redirect_stderr(io.StringIO()):
                run(root, checking.fresh(inputs))
        except Exception:  # noqa: BLE001 - what was seen until then is known; the comparison will say what is wrong
            return found
    return found


@contextmanager
def _hooked(modules: list[nn.Module], hook: Callable[[nn.Module, tuple[Any, ...]], None]) -> Iterator[None]:
    handles = [module.register_forward_pre_hook(hook) for module in modules]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _copied(module: nn.Module) -> nn.Module:
    try:
        return copy.deepcopy(module)
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
