"""Times of the compiled functions of a model, by watching the virtual machine that calls them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from deploy_magics.running.operators import OperatorTime, summed

_AFTER = r"_(?=(?:add|subtract|multiply|divide|relu|clip|sigmoid|tanh|exp|maximum|minimum)(?:_|$))"
# The machine's own: memory for results, checks of inputs.
_ITS_OWN = ("vm.", "runtime.", "call_tir_dyn")


def watched(machine: Any, run: Callable[[], None], repeats: int, labels: Mapping[str, str]) -> tuple[OperatorTime, ...]:
    """Run a model and time what it calls.

    Parameters
    ----------
    machine : tvm.runtime.vm.VirtualMachine
        The model.
    run : callable
        Runs it once.
    repeats : int
        How often.
    labels : mapping
        What functions are, for people, by name.
    """
    clock = time.perf_counter
    runs: list[dict[tuple[str, str], list[float]]] = []
    current: dict[str, list[float]] = {}
    sizes: dict[str, str] = {}
    began = 0.0

    def watch(function: Any, name: str, before: bool, result: Any, *arguments: Any) -> int:
        nonlocal began
        if before:
            if name not in sizes:
                sizes[name] = _size(arguments)
            began = clock()
        else:
            current.setdefault(name, []).append(clock() - began)
        return 0

    machine.set_instrument(watch)
    try:
        for _ in range(repeats):
            current.clear()
            run()
            runs.append(_named(current, sizes, labels))
    finally:
        machine.set_instrument(None)
    return summed(runs)


def _named(
    current: Mapping[str, list[float]], sizes: Mapping[str, str], labels: Mapping[str, str]
) -> dict[tuple[str, str], list[float]]:
    """Name what was called for people; what the machine calls for itself is left out."""
    found: dict[tuple[str, str], list[float]] = {}
    for name, times in current.items():
        if name.startswith(_ITS_OWN):
            continue
        if name in labels:
            # Functions that share a label are the same code.
            found.setdefault((labels[name], labels[name].split()[0]), []).extend(times)
            continue
        label, kind = f"{words(name)} {sizes[name]}".strip(), kind_of(name)
        key = (label, kind) if (label, kind) not in found else (f"{label} ({name})", kind)
        found[key] = times
    return found


def words(function: str) -> str:
    """Say what a function computes, from the name that TVM made for it.

    Examples
    --------
    >>> words("fused_conv2d12_add5_relu3"), words("max_pool2d1"), words("reshape")
    ('conv2d_add_relu', 'max_pool2d', 'reshape')
    """
    # Numbers tell equal names apart; one inside a word, as in conv2d, has a letter after it.
    return re.sub(r"(?<=[a-z])\d+(?=_|$)", "", function.removeprefix("fused_"))


def kind_of(function: str) -> str:
    """Give the operator that a function begins with, without what follows it elementwise.

    Examples
    --------
    >>> kind_of("fused_conv2d12_add5_relu3"), kind_of("adaptive_avg_pool2d"), kind_of("fused_add_relu")
    ('conv2d', 'adaptive_avg_pool2d', 'add')
    """
    return re.split(_AFTER, words(function))[0]


def _size(arguments: tuple[Any, ...]) -> str:
    """Give the shape of the last tensor, which is where a function writes its result."""
    for argument in reversed(arguments):
        shape = getattr(argument, "shape", None)
        if shape is not None:
            return "x".join(str(int(size)) for size in shape)
    return ""
