"""From an imported graph to tasks: functions that can be scheduled one by one, equal ones once."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from deploy_magics.errors import ArgumentError, did_you_mean
from deploy_magics.lowering.schedules import Decisions, ScheduleError, Space, simple, space_of
from deploy_magics.lowering.target import Target

Layout: TypeAlias = Literal["auto", "blocked", "plain"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)
"""How tensors lie in memory: ``blocked`` by channels (NCHWc), or ``plain`` as in the model; ``auto`` blocks those of
convolutions."""


@dataclass
class Task:
    """A function to schedule, and the others of the model that are the same but for their names.

    Attributes
    ----------
    key : str
        Digest of what it computes; functions of one key are scheduled alike.
    label : str
        What it is, for people: ``"conv2d 3x3 64->64 56x56 +add+relu"``.
    names : tuple of str
        The functions of the module.
    weight : int
        How often one run of the model calls them.
    flops : float
        Floating-point operations of one call, a multiplication and an addition counted as two.
    function : tvm.tirx.PrimFunc
        Unscheduled.
    space : Space or None
        What may be chosen; None where a rule is all there is.
    """

    key: str
    label: str
    names: tuple[str, ...]
    weight: int
    flops: float
    function: Any
    space: Space | None


@dataclass
class Lowered:
    """A graph of calls, and the functions they call.

    Attributes
    ----------
    module : tvm.IRModule
        Unscheduled.
    tasks : tuple of Task
        Its functions, those that take most of the work first.
    layout : str
        ``"blocked"`` or ``"plain"``: what was chosen.
    target : Target
        The machine.
    """

    module: Any
    tasks: tuple[Task, ...]
    layout: str
    target: Target


def lower(module: Any, target: Target, *, layout: str = "auto") -> Lowered:
    """Lay out, fuse and cut a graph into tasks.

    Parameters
    ----------
    module : tvm.IRModule
        As imported; it is not changed.
    target : Target
        The machine.
    layout : str
        One of :data:`LAYOUTS`.

    Raises
    ------
    ArgumentError
        For another layout.
    """
    from deploy_magics.lowering.blocking import blocked

    if layout not in LAYOUTS:
        raise ArgumentError(
            f"there is no layout {layout!r}", hint=did_you_mean(layout, LAYOUTS) or f"there are: {', '.join(LAYOUTS)}"
        )
    if layout == "auto":
        layout = "blocked" if _convolves(module) else "plain"
    if layout == "blocked":
        module = blocked(module, target.lanes)
    module = _fused(module, target)
    return Lowered(module, _tasks(module, target), layout, target)


def schedule(lowered: Lowered, decisions: Mapping[str, Decisions] | None = None) -> Any:
    """Schedule every function.

    Parameters
    ----------
    lowered : Lowered
        From :func:`lower`.
    decisions : Mapping[str, Decisions], optional
        What a search found best, by the task's key; the rule's choice where there is none.

    Returns
    -------
    tvm.IRModule
        For :func:`deploy_magics.lowering.build.compile_module`.
    """
    import tvm

    made = {}
    for task in lowered.tasks:
        done = scheduled(task, (decisions or {}).get(task.key))
        made.update(dict.fromkeys(task.names, done))
    functions = {}
    for name, function in lowered.module.functions.items():
        if name.name_hint in made:
            function = made[name.name_hint].with_attr("tirx.is_scheduled", True)
        functions[name] = function
    return tvm.IRModule(functions, attrs=lowered.module.attrs)


def scheduled(task: Task, decisions: Decisions | None = None) -> Any:
    """Schedule one task; where TVM refuses what the rule chose, by the plainest rule.

    Raises
    ------
    ScheduleError
        Where TVM refuses the given decisions.
    """
    if task.space is not None:
        try:
            return _only(task.space.apply(task.space.default if decisions is None else decisions))
        except ScheduleError:
            if decisions is not None:
                raise
    return _only(simple(task.function).mod)


def _only(module: Any) -> Any:
    function = module["main"]
    return function.without_attr("global_symbol") if "global_symbol" in (function.attrs or {}) else function


def _convolves(module: Any) -> bool:
    return any(getattr(call.op, "name", "") == "relax.nn.conv2d" for call in _calls(module))


def _calls(module: Any) -> list[Any]:
    from tvm import relax

    blocks = module["main"].body.blocks
    return [each.value for block in blocks for each in block.bindings if isinstance(each.value, relax.Call)]


def _fused(module: Any, target: Target) -> Any:
    import tvm
    from tvm import relax

    passes = tvm.ir.transform.Sequential(
        [
            relax.transform.DecomposeOpsForInference(),
            relax.transform.LegalizeOps(),
            relax.transform.AnnotateTIROpPattern(),
            relax.transform.FoldConstant(),
            relax.transform.FuseOps(),
            relax.transform.FuseTIR(),
            relax.transform.DeadCodeElimination(),
        ]
    )
    with target.to_tvm():
        return passes(module)


def _tasks(module: Any, target: Target) -> tuple[Task, ...]:
    from tvm import tirx

    calls = Counter(name for call in _calls(module) if (name := _callee(call)))
    groups: dict[str, list[str]] = {}
    for name, function in module.functions.items():
        if isinstance(function, tirx.PrimFunc):
            groups.setdefault(_key(function), []).append(str(name.name_hint))
    tasks = []
    for key, names in groups.items():
        function = module[names[0]]
        space = space_of(function, target)
        weight = sum(calls[name] for name in names)
        tasks.append(
            Task(key, _label(names[0], function, space), tuple(names), weight, _flops(function), function, space)
        )
    return tuple(sorted(tasks, key=lambda task: (-task.weight * task.flops, task.label)))


def _callee(call: Any) -> str:
    """Name the function that a ``call_tir`` calls."""
    if getattr(call.op, "name", "") not in ("relax.call_tir", "relax.call_tir_inplace"):
        return ""
    return str(call.args[0].name_hint)


def _key(function: Any) -> str:
    """Digest what a function computes: its text in TVM's script, which names variables by their place."""
    plain = function.with_attr("global_symbol", "main")
    return hashlib.sha256(plain.script(show_meta=True).encode()).hexdigest()[:16]


def _flops(function: Any) -> float:
    import tvm
    from tvm.s_tir.analysis import estimate_tir_flops

    try:
        return float(estimate_tir_flops(tvm.IRModule({"main": function.with_attr("global_symbol", "main")})))
    except RuntimeError:
        return 0.0  # a function of integers or indices only


def _label(name: str, function: Any, space: Space | None) -> str:
    """Say what a function is: its operators, and the sizes that tell it from others.

    Channels are those of whole blocks, so that a classifier of 1000 classes is one of 1008.
    """
    first, *rest = [part for each in name.removeprefix("fused_").split("_") if (part := re.sub(r"\d+$", "", each))]
    fused = "".join(f" +{part}" for part in rest if part != "tir")
    # A dimension that depends on the data has a name in place of a number.
    shape = [str(getattr(extent, "value", extent)) for extent in function.params[-1].shape]
    sizes = "x".join(shape)
    if space is None:
        return f"{first}{fused} {sizes}"
    loops = space.loops
    kernel = f"{loops['kh']}x{loops['kw']} " if "kh" in loops else ""
    if space.kind == "conv2d":
        channels = f"{loops['ic'] * loops['ib'] if 'ic' in loops else loops['ib']}->{loops['oc'] * loops['ob']}"
        return f"conv2d {kernel}{channels}, {loops['oh']}x{loops['ow']}{fused}"
    if space.kind == "depthwise":
        return f"depthwise {kernel}{loops['oc'] * loops['ob']}, {loops['oh']}x{loops['ow']}{fused}"
    if space.kind == "matmul":
        return f"matmul {loops['k']}->{shape[-1]}, {loops['m']} rows{fused}"
    return f"{'_'.join([first, *rest])} {sizes}"
