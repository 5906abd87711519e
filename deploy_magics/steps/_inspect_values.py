"""What looks odd in the numbers of a model's weights."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from deploy_magics.counting.weights import Role
from deploy_magics.errors import ModelError
from deploy_magics.steps._inspect_findings import Finding

if TYPE_CHECKING:
    import numpy as np

    from deploy_magics.counting.program import Value
    from deploy_magics.counting.weights import Weight
    from deploy_magics.model import Model

BUDGET_BYTES = 256 * 2**20
"""Bytes of weights that are read and looked at, in all and of a single one."""

_CHUNK = 2**22
_SMALL_BYTES = 256


def value_findings(model: Model, weights: dict[Value, Weight]) -> tuple[list[Finding], str]:
    """Look at the values of the weights, within a budget.

    Returns
    -------
    findings : list of Finding
        NaN, infinite and denormal weights, duplicates, and weights that hold one value throughout.
    note : str
        What was left out; empty where all was looked at.
    """
    import numpy as np

    matrices = {value.name for value, weight in weights.items() if _is_matrix(value, weight)}
    seen: dict[bytes, str] = {}
    lists: dict[str, list[str]] = {key: [] for key in ("nan", "inf", "denormal", "twice", "flat")}
    # Some files make their weights at run time, of one number.
    lists["flat"] += [v.name for v in weights if v.name in matrices and v.producer is not None and v.tensor is None]
    duplicated = looked = 0
    note = ""
    reader = _reader(model)
    while True:
        try:
            name, array = next(reader)
        except StopIteration:
            break
        except ModelError as error:
            note = f"values of further weights were not looked at: {error.message}"
            break
        if looked + array.nbytes > BUDGET_BYTES:
            note = (
                f"values of weights were looked at up to {BUDGET_BYTES // 2**20} MiB, those from {name!r} on were not"
            )
            break
        looked += array.nbytes
        if array.dtype.kind == "f" or array.dtype.name == "bfloat16":
            for key in _odd(array, np):
                lists[key].append(name)
        if name in matrices and array.size > 1 and bool((array == array.flat[0]).all()):
            lists["flat"].append(name)
        elif array.nbytes >= _SMALL_BYTES and array.dtype.kind != "O":
            print_ = hashlib.blake2b(np.ascontiguousarray(array).view(np.uint8).data, digest_size=16)
            print_.update(repr((array.dtype.name, array.shape)).encode())
            if seen.setdefault(print_.digest(), name) != name:
                lists["twice"].append(f"{name} = {seen[print_.digest()]}")
                duplicated += array.nbytes
    return list(_as_findings(lists, duplicated)), note


def _reader(model: Model) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    return model.weights(max_bytes=BUDGET_BYTES)


def _is_matrix(value: Value, weight: Weight) -> bool:
    return weight.role is Role.WEIGHT and len(value.shape or ()) >= 2


def _odd(array: np.ndarray[Any, Any], np: Any) -> set[str]:
    """Tell which odd kinds of numbers a float array has."""
    found: set[str] = set()
    flat = array.reshape(-1)
    # Denormals are slow where they are computed with; half precision has them all the time.
    tiny = float(np.finfo(array.dtype).tiny) if array.dtype.kind == "f" and array.dtype.itemsize >= 4 else 0.0
    for start in range(0, flat.size, _CHUNK):
        part = flat[start : start + _CHUNK]
        if part.dtype.kind != "f":
            part = part.astype(np.float32)
        if not bool(np.isfinite(part).all()):
            if bool(np.isnan(part).any()):
                found.add("nan")
            if bool(np.isinf(part).any()):
                found.add("inf")
        if tiny and bool(((part != 0) & (np.abs(part) < tiny)).any()):
            found.add("denormal")
    return found


def _as_findings(lists: dict[str, list[str]], duplicated: int) -> Iterator[Finding]:
    for key, text, advice in (
        ("nan", "weights with NaN", "one of them makes every output NaN that depends on it"),
        ("inf", "weights with infinities", "a legal value, and yet mostly a mistake"),
        ("denormal", "weights with denormal numbers", "arithmetic on them is slow on some processors: set them to 0"),
        ("flat", "weights with one value throughout", "not trained: comparing outputs of such a model proves nothing"),
        (
            "twice",
            "weights stored twice",
            f"equal to the byte, {duplicated / 2**20:.3g} MiB in all: they could be shared",
        ),
    ):
        names = lists[key]
        if names:
            yield Finding(text, len(names), tuple(names[:3]), advice, "warning")
