"""On what two models are aligned: samples, and the same for a model that names or lays out its inputs otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from deploy_magics.errors import ModelError

if TYPE_CHECKING:
    from deploy_magics.arguments import FeedSource
    from deploy_magics.model import Model, TensorSpec

Arrays: TypeAlias = "Mapping[str, Any]"
SAMPLES = 3
"""Random samples: the fewest of which a constant output and one odd sample can both be told."""
_LAYOUTS = {"NHWC": (0, 2, 3, 1), "NCHW": (0, 3, 1, 2)}


def samples(model: Model, data: FeedSource | None, most: int) -> list[dict[str, Any]]:
    """Make the samples.

    Parameters
    ----------
    model : Model
        The reference, whose inputs they are.
    data : int, path, mapping or callable, optional
        As :meth:`Model.feeds` takes them; random ones of several seeds if not given. Arrays with more entries along
        the first axis than the model takes at once are parted into samples.
    most : int
        Samples at most.

    Raises
    ------
    ModelError
        Where data do not fit the model.
    """
    if not model.inputs:
        return [{}]
    if data is None or isinstance(data, int):
        first = 0 if data is None else data
        return [model.feeds(first + index) for index in range(most)]
    arrays = _arrays(model, data)
    if arrays is None:
        return [model.feeds(data)]
    return [model.feeds(part) for part in _parted(model.inputs, arrays, most)]


def _arrays(model: Model, data: Any) -> Arrays | None:
    """Read what was given, with any number of entries; None where the model's own reader has to say what is wrong."""
    if callable(data):
        data = data()
    if isinstance(data, Mapping):
        import numpy as np

        return {name: np.asarray(value) for name, value in data.items()} if _named(model, data) else None
    path = Path(data).expanduser()
    if not path.is_file():
        return None
    # Opened with its first dimension free, the model's reader takes any number of entries and still checks the rest.
    from deploy_magics.model._given import from_file

    return from_file(path, [_open_batch(spec) for spec in model.inputs], model.limits.max_bytes)


def _named(model: Model, data: Arrays) -> bool:
    return set(data) == {spec.name for spec in model.inputs}


def _open_batch(spec: TensorSpec) -> TensorSpec:
    return type(spec)(spec.name, spec.dtype, (None, *spec.shape[1:]) if spec.shape else spec.shape)


def _parted(inputs: Sequence[TensorSpec], arrays: Arrays, most: int) -> list[dict[str, Any]]:
    """Part arrays along the first axis into what the model takes at once."""
    steps = {}
    for spec in inputs:
        if spec.shape:
            size = spec.shape[0]
            steps[spec.name] = size if isinstance(size, int) and size > 0 else 1
    counts = {name: arrays[name].shape[0] // step for name, step in steps.items() if arrays[name].ndim}
    ragged = [name for name in counts if arrays[name].shape[0] % steps[name]]
    # An input of one entry goes with every sample.
    several = {count for count in counts.values() if count > 1}
    if ragged or len(several) > 1 or 0 in counts.values():
        said = ", ".join(f"{name!r} {arrays[name].shape[0]}" for name in counts)
        raise ModelError(
            f"the data do not part into samples: entries along the first axis are {said}",
            hint="give every input as many, a multiple of the model's batch",
        )
    number = min(most, max(several, default=1))
    return [
        {
            name: array[index * steps[name] : (index + 1) * steps[name]] if counts.get(name, 1) > 1 else array
            for name, array in arrays.items()
        }
        for index in range(number)
    ]


def feeds_of_other(reference: Model, other: Model, feeds: Sequence[Arrays]) -> tuple[list[dict[str, Any]], list[str]]:
    """Give the samples as the other model takes them: by name, else in order; its type, and its layout.

    Returns
    -------
    tuple
        Samples, and what was done to them, one line each.

    Raises
    ------
    ModelError
        Where the inputs of the two do not correspond.
    """
    mine = [spec.name for spec in reference.inputs]
    theirs = [spec.name for spec in other.inputs]
    notes = []
    if set(theirs) <= set(mine):
        source = {name: name for name in theirs}
    elif len(mine) == len(theirs):
        # Those of the same name first: beside (a, b), a model of (b, c) has b and another name for a.
        rest = iter(name for name in mine if name not in theirs)
        source = {name: name if name in mine else next(rest) for name in theirs}
        changed = ", ".join(f"{name!r} takes {source[name]!r}" for name in theirs if name != source[name])
        notes.append(f"inputs have other names and were given in order: {changed}")
    else:
        raise ModelError(
            f"{other.name!r} has the inputs {', '.join(theirs)}, {reference.name!r} has {', '.join(mine)}",
            hint="give two forms of one network",
        )
    found: list[dict[str, Any]] = [{} for _ in feeds]
    for spec in other.inputs:
        for place, each in enumerate(feeds):
            array, how = _laid_out(each[source[spec.name]], spec)
            _check_kept(each[source[spec.name]], array, spec, other.name)
            found[place][spec.name] = array
            text = f"input {spec.name!r} of {other.name!r} takes {how}, and was given so" if how else ""
            if text and text not in notes:
                notes.append(text)
    return found, notes


def _laid_out(array: Any, spec: TensorSpec) -> tuple[Any, str]:
    from deploy_magics.model._spec import numpy_dtype

    if spec.dtype != "string" and array.dtype.kind in "fiubV":  # NumPy knows bfloat16 as V only.
        array = array.astype(numpy_dtype(spec.dtype), copy=False)
    if spec.shape is None or array.ndim != 4 or len(spec.shape) != 4 or _suits(array.shape, spec.shape):
        return array, ""
    for name, axes in _LAYOUTS.items():
        turned = array.transpose(axes)
        if _suits(turned.shape, spec.shape):
            return turned.copy(), name
    return array, ""


def _check_kept(given: Any, array: Any, spec: TensorSpec, name: str) -> None:
    """Refuse to give integers that are other numbers than the reference's."""
    import numpy as np

    if array.dtype.kind in "iub" and not np.array_equal(np.sort(given, None), np.sort(array, None)):
        raise ModelError(
            f"input {spec.name!r} of {name!r} takes {spec.dtype}, which does not hold the samples of the reference",
            hint="give ones that both take with --data",
        )


def _suits(shape: Sequence[int], wanted: Sequence[Any]) -> bool:
    return all(not isinstance(size, int) or size == own for own, size in zip(shape, wanted, strict=True))
