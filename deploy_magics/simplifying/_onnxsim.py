"""onnxsim, as it runs in a worker."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy_magics.simplifying._refusal import Refused, one_line

if TYPE_CHECKING:
    import onnx

# onnxsim imports torch where it is installed, 180 MB and a second for parts that are not used here. An entry of None
# makes Python say that there is no such module.
_NOT_NEEDED = ("torch",)


def load() -> Any:
    """Import onnxsim without what it would bring along."""
    for name in _NOT_NEEDED:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]
    import onnxsim

    return onnxsim


def run(source: Path, *, largest: int, fold: bool, fuse: bool) -> onnx.ModelProto:
    """Simplify a prepared file.

    Parameters
    ----------
    source : Path
        An ONNX file, its weights inside.
    largest : int
        Bytes above which what Tile, Expand or ConstantOfShape makes stays unfolded.
    fold : bool
        Whether to fold constants at all.
    fuse : bool
        Whether to fold batch normalisation into convolutions, which copies weights that several share.

    Raises
    ------
    Refused
        Where onnxsim does not take the model.
    """
    onnxsim = load()
    wanted = {
        "tensor_size_threshold": f"{max(largest, 0)}B",
        "skip_constant_folding": not fold,
        "skip_fuse_bn": not fuse,
        # Its proof of equality is made by the verification here, on the runtime that is used; and where it is made
        # there, it writes into the model.
        "certify": False,
    }
    known = inspect.signature(onnxsim.simplify).parameters
    try:
        model, valid = onnxsim.simplify(str(source), **{key: value for key, value in wanted.items() if key in known})
    except Exception as error:  # noqa: BLE001 - C++ exceptions and the checker's have no common base
        raise Refused(one_line(error)) from None
    if not valid:
        raise Refused("its own check of the result failed")
    return model  # type: ignore[no-any-return]
