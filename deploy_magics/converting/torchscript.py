"""To TorchScript, and how a torch module travels to a worker and runs there."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy_magics.converting._made import Made, Options, Port, Source
from deploy_magics.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Packed:
    """A module and what it is called with.

    Attributes
    ----------
    module : torch.nn.Module
        In evaluation mode.
    inputs : tuple
        It is called with these.
    names : tuple of str
        What they are called.
    """

    module: Any
    inputs: tuple[Any, ...]
    names: tuple[str, ...]


def pack(module: Any, inputs: tuple[Any, ...], names: tuple[str, ...], path: Path) -> None:
    """Write a module so that a worker can load it, its class among it where that is defined in a notebook.

    Raises
    ------
    ModelError
        Where it cannot be pickled.
    """
    import copy

    import cloudpickle

    name = type(module).__name__
    try:
        data = cloudpickle.dumps(Packed(copy.deepcopy(module).eval(), inputs, names))
    except Exception as error:  # noqa: BLE001 - whatever a user's module raises
        reason = " ".join(str(error).split())[:120]
        raise ModelError(f"{name} cannot be sent to another process: {type(error).__name__}: {reason}") from None
    path.write_bytes(data)


def unpack(path: str | Path) -> Packed:
    """Load what :func:`pack` wrote."""
    with Path(path).open("rb") as file:
        packed: Packed = pickle.load(file)
    return packed


def trace(packed: Packed) -> tuple[Any, tuple[str, ...]]:
    """Trace a module; gives it and what the tracer warned of.

    Raises
    ------
    ModelError
        Where it cannot be traced.
    """
    import torch

    with warnings.catch_warnings(record=True) as caught, torch.no_grad():
        warnings.simplefilter("always")
        try:
            jit: Any = torch.jit
            traced = jit.trace(packed.module, packed.inputs, strict=False, check_trace=False)
        except Exception as error:  # noqa: BLE001 - a user's module may raise anything
            # It quotes whole tensors.
            reason = " ".join(str(error).split())[:90]
            name = type(packed.module).__name__
            raise ModelError(f"torch cannot trace {name}: {type(error).__name__}: {reason}") from None
    said = (" ".join(str(each.message).split())[:200] for each in caught if _of_interest(each.category))
    return traced, tuple(dict.fromkeys(said))


def convert(source: Source, folder: Path, stem: str, options: Options) -> Made:
    """Trace a module and write it as an archive that libtorch loads."""
    import torch

    traced, said = trace(unpack(source.path))
    target = folder / f"{stem}.pt"
    jit: Any = torch.jit
    jit.save(traced, str(target))
    written = jit.load(str(target))
    names = [value.debugName() for value in written.graph.inputs()][1:]
    notes = tuple(f"tracing warned: {line}" for line in said)
    inputs = tuple(Port(name.split(".")[0]) for name in names)
    # A traced module tells neither types nor shapes, and its outputs have no names.
    return Made(target.name, f"torch {torch.__version__}, traced", inputs, (Port(""),) * len(source.outputs), notes)


def load(path: Path, *, threads: int, options: Mapping[str, Any]) -> Session:
    """Load an archive, in a worker; ``options["packed"]`` is the file of the module that it was made of."""
    import torch

    torch.set_num_threads(threads)
    jit: Any = torch.jit
    packed = unpack(options["packed"])
    usual = dict(zip(packed.names, packed.inputs, strict=True))
    return Session(jit.load(str(path)), packed.names, options["outputs"], usual)


def load_packed(path: Path, *, threads: int, options: Mapping[str, Any]) -> Session:
    """Load the module itself, in a worker: what it computes is what a conversion is held against.

    The file is ``options["packed"]``, whatever ``path`` is: that is the model as others see it.
    """
    import torch

    torch.set_num_threads(threads)
    packed = unpack(options["packed"])
    return Session(packed.module, packed.names, options["outputs"], dict(zip(packed.names, packed.inputs, strict=True)))


class Session:
    """A module that runs in this process; see :class:`deploy_magics.running.Session`.

    Parameters
    ----------
    module : callable
        The module.
    inputs, outputs : tuple of str
        Names, in the order of its arguments and of the tensors that it gives.
    usual : mapping, optional
        Values for arguments that are not given, since nothing depends on them.
    """

    def __init__(
        self, module: Any, inputs: tuple[str, ...], outputs: tuple[str, ...], usual: Mapping[str, Any] | None = None
    ) -> None:
        self._module = module
        self._names = inputs
        self._outputs = outputs
        self._usual = dict(usual or {})
        self._given: tuple[Any, ...] = ()
        self._found: list[Any] = []

    def set_inputs(self, feeds: Mapping[str, NDArray[Any]]) -> None:
        """Place the inputs."""
        self._given = tuple(_tensor(feeds[name]) if name in feeds else self._usual[name] for name in self._names)

    def run(self) -> None:
        """Run the module once."""
        import torch

        try:
            with torch.inference_mode():
                self._found = list(tensors(self._module(*self._given)))
        except Exception as error:  # noqa: BLE001 - a user's module may raise anything
            reason = " ".join(str(error).split())[-240:]
            raise ModelError(f"torch cannot run it: {type(error).__name__}: {reason}") from None

    def outputs(self) -> dict[str, NDArray[Any]]:
        """Copy out the outputs, by the names given.

        Raises
        ------
        ModelError
            Where there are more or fewer.
        """
        if len(self._found) != len(self._outputs):
            raise ModelError(f"it gives {len(self._found)} tensors where {len(self._outputs)} are expected")
        return {name: _array(value.cpu()) for name, value in zip(self._outputs, self._found, strict=True)}


def _tensor(value: Any) -> Any:
    import torch

    dtype = getattr(value, "dtype", None)
    if dtype is None or isinstance(value, torch.Tensor):
        # What is no array is an option, such as a number.
        return value
    if str(dtype) == "bfloat16":
        # NumPy has that type from another package, which torch does not read.
        return torch.from_numpy(value.view("int16").copy()).view(torch.bfloat16)
    return torch.from_numpy(value.copy())


def tensors(value: Any) -> Iterator[Any]:
    """Give the tensors in what a module gives, in the order in which torch's exporters write them."""
    import torch

    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from tensors(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from tensors(each)


def _array(tensor: Any) -> NDArray[Any]:
    """Give a tensor's values; neither torch nor NumPy hands bfloat16 to the other, so its bits go over."""
    import torch

    found: NDArray[Any]
    if tensor.dtype == torch.bfloat16:
        import ml_dtypes

        found = tensor.contiguous().view(torch.int16).numpy().view(ml_dtypes.bfloat16).copy()
    else:
        found = tensor.resolve_conj().numpy().copy()
    return found


def _of_interest(category: type[Warning]) -> bool:
    return not issubclass(category, DeprecationWarning | FutureWarning | PendingDeprecationWarning)


__all__ = ["Packed", "Session", "convert", "load", "load_packed", "pack", "tensors", "trace", "unpack"]
